/* SPDX-License-Identifier: BSD-2-Clause */
/* Where pages land in a job whose nodes may die: each where it was asked for, and never where an older
 * view's may still be written. */
#include <string.h>

#include "dsm/memory/memory.h"
#include "tests/suite.h"
#include "transport/transport.h"

#define PAGES 4096
#define SLOTS 8
#define HOMES 200

struct tr_mem {
	uint8_t *base;
	size_t len;
};

static struct tr_mem registered[64];
static unsigned n_registered, n_released;

static int fake_register(struct tr *tr, void *base, size_t len, struct tr_mem **out)
{
	if (n_registered == 64)
		return -12;
	*out = &registered[n_registered++];
	**out = (struct tr_mem){ base, len };
	return 0;
}

static void fake_release(struct tr_mem *mem)
{
	n_released++;
}

static const struct tr_ops fake_ops = { .name = "fake", .mem_register = fake_register,
	                                .mem_release = fake_release };
static struct tr fake = { &fake_ops };
static struct region region = { .zone = { [REGION_PTE] = { .count = PAGES, .page_bytes = 4096 },
	                                  [REGION_PMD] = { .first = PAGES } },
	                        .pages = PAGES };
static struct landings l;

static void begin(void)
{
	n_registered = n_released = 0;
	CU_ASSERT_EQUAL_FATAL(landings_open(&l, &region, &fake, SLOTS, HOMES), 0);
}

static uint8_t *give(uint32_t slot, uint64_t page)
{
	struct tr_mem *mem = NULL;
	void *at = NULL;

	CU_ASSERT_EQUAL_FATAL(landings_give(&l, slot, page, &mem, &at), 0);
	CU_ASSERT((uint8_t *)at >= mem->base && (uint8_t *)at + 4096 <= mem->base + mem->len);
	memset(at, (int)page, 4096);
	return at;
}

static void test_of_requests(void)
{
	uint8_t *at, *other;

	begin();
	at = give(3, 5);
	other = give(4, 6);
	CU_ASSERT(other + 4096 <= at || at + 4096 <= other);
	CU_ASSERT_PTR_NULL(landings_take(&l, 3, 6)); /* not what was asked for by it */
	CU_ASSERT_PTR_NULL(landings_take(&l, 2, 5));
	CU_ASSERT_PTR_EQUAL(landings_take(&l, 3, 5), at);
	CU_ASSERT_PTR_NULL(landings_take(&l, 3, 5)); /* once */
	CU_ASSERT_PTR_EQUAL(give(3, 9), at); /* nothing is on its way there */
	landings_close(&l);
}

static void test_of_homes(void)
{
	uint8_t *at[HOMES];
	struct tr_mem *mem;
	void *more;

	begin();
	for (uint64_t p = 0; p < HOMES; p++)
		at[p] = give(LANDINGS_NONE, p * 16); /* some of the same bucket */
	for (uint64_t p = 0; p < HOMES; p++)
		for (uint64_t q = 0; q < p; q++)
			CU_ASSERT(at[p] + 4096 <= at[q] || at[q] + 4096 <= at[p]);
	CU_ASSERT(landings_give(&l, LANDINGS_NONE, 1, &mem, &more) < 0);
	CU_ASSERT_PTR_EQUAL(landings_take(&l, LANDINGS_NONE, 64), at[4]);
	CU_ASSERT_PTR_NULL(landings_take(&l, LANDINGS_NONE, 64));
	CU_ASSERT_PTR_EQUAL(give(LANDINGS_NONE, 1), at[4]);
	for (uint64_t p = 0; p < HOMES; p++)
		if (p != 4)
			CU_ASSERT_PTR_EQUAL(landings_take(&l, LANDINGS_NONE, p * 16), at[p]);
	landings_close(&l);
}

/* A page that is kept for another node may come while the same page comes home. */
static void test_of_logs(void)
{
	uint8_t *home, *log;

	begin();
	home = give(LANDINGS_NONE, 7);
	log = give(LANDINGS_LOG, 7);
	CU_ASSERT(home + 4096 <= log || log + 4096 <= home);
	CU_ASSERT_PTR_NULL(landings_take(&l, LANDINGS_LOG, 8));
	CU_ASSERT_PTR_EQUAL(landings_take(&l, LANDINGS_LOG, 7), log);
	CU_ASSERT_PTR_NULL(landings_take(&l, LANDINGS_LOG, 7));
	CU_ASSERT_PTR_EQUAL(landings_take(&l, LANDINGS_NONE, 7), home);
	landings_close(&l);
}

/* A thread that may not allocate finds memory there, as long as another one sees to it in time. */
static void test_stock(void)
{
	enum { PIECE = 64 };

	begin();
	CU_ASSERT_EQUAL(n_registered, 1);
	CU_ASSERT_EQUAL(l.low, 0);
	for (uint64_t p = 0; p < 2 * PIECE; p++) {
		const unsigned before = n_registered;

		give(LANDINGS_NONE, p);
		CU_ASSERT_EQUAL(n_registered, before);
		CU_ASSERT_EQUAL(l.low, p % PIECE == 0 ? LANDINGS_LOW : 0);
		if (l.low)
			landings_stock(&l);
		CU_ASSERT_EQUAL(n_registered, before + (p % PIECE == 0));
	}
	landings_renew(&l);
	CU_ASSERT_EQUAL(n_registered, 3); /* the next one goes on */
	give(LANDINGS_NONE, 0);
	CU_ASSERT_EQUAL(n_registered, 3);
	landings_close(&l);
}

/* What was given in an older view is not looked at, and nobody is given it again; but it is there. */
static void test_views(void)
{
	uint8_t *at, *home, *now;
	unsigned before;

	begin();
	at = give(0, 5);
	home = give(LANDINGS_NONE, 7);
	before = n_registered;
	landings_renew(&l);
	CU_ASSERT_PTR_NULL(landings_take(&l, 0, 5));
	CU_ASSERT_PTR_NULL(landings_take(&l, LANDINGS_NONE, 7));
	for (unsigned i = 0; i < 150; i++) {
		now = give(LANDINGS_NONE, 100 + i);
		CU_ASSERT(now + 4096 <= at || at + 4096 <= now);
		CU_ASSERT(now + 4096 <= home || home + 4096 <= now);
	}
	memset(at, 1, 4096); /* of a node that has stood still */
	memset(home, 1, 4096);
	CU_ASSERT(n_registered > before);
	CU_ASSERT_EQUAL(n_released, 0);
	CU_ASSERT_EQUAL(((const uint8_t *)landings_take(&l, LANDINGS_NONE, 149 + 100))[9], 249);
	landings_close(&l);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "of requests", test_of_requests },
		{ "of pages that come home", test_of_homes },
		{ "of what is kept for another node", test_of_logs },
		{ "in stock", test_stock },
		{ "of views", test_views },
		CU_TEST_INFO_NULL,
	};

	return suite_run("landings", NULL, NULL, tests, 60);
}
