/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of the heap's spans: whose a block is, and how marks of blocks go from node to node. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dsm/threads/arena.h"
#include "tests/seed.h"
#include "tests/suite.h"

#define CHUNKS 3
#define NODE 5

static struct spans there, home; /* two nodes' */

static struct chunk *chunk(unsigned nth)
{
	return (struct chunk *)(spans.start + nth * CHUNK);
}

static char *span_start(unsigned nth, unsigned span)
{
	return (char *)chunk(nth) + span * SPAN;
}

/* Chunks with spans of many classes, but for the last, which is one large block. */
static int setup(void)
{
	char *at = mmap(NULL, (CHUNKS + 1) * CHUNK, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return 1;
	here.region = ((uintptr_t)at + CHUNK - 1) & ~(CHUNK - 1);
	here.region_bytes = CHUNKS * CHUNK;
	spans_open();
	home = spans;
	spans_open();
	there = spans;
	for (unsigned c = 0; c < CHUNKS; c++) {
		chunk(c)->node = c == CHUNKS - 1 ? -1 : NODE;
		for (unsigned span = 1; span < SPANS; span++)
			chunk(c)->class[span] = (span - 1 + c * SPANS) % (FINE_CLASSES + COARSE_CLASSES);
	}
	return 0;
}

static void test_kinds(void)
{
	char *const large = (char *)chunk(CHUNKS - 1) + PAGE;

	for (unsigned span = 1; span < SPANS; span++) {
		const unsigned kind = span_kind(span_start(0, span) + size_of(span - 1));

		CU_ASSERT_EQUAL(kind_node(kind), NODE);
		CU_ASSERT_EQUAL(kind_class(kind), span - 1);
	}
	CU_ASSERT_EQUAL(span_kind(large), 0);
	chunk(0)->node = 9; /* nobody looks there again, */
	CU_ASSERT_EQUAL(kind_node(span_kind(span_start(0, 1))), NODE);
	chunk(0)->node = NODE;
	chunk(CHUNKS - 1)->node = 7; /* but where a large block was */
	CU_ASSERT_EQUAL(kind_node(span_kind(large)), 7);
	spans.kind[span_of(large)] = 0;
	chunk(CHUNKS - 1)->node = -1;
}

/* --- marks that go home --- */

#define BLOCKS_MAX 40000

struct set {
	unsigned n;
	void *at[BLOCKS_MAX];
};

static int by_address(const void *a, const void *b)
{
	const uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

/* One of so many of all small blocks. */
static void choose(struct set *set, unsigned of)
{
	set->n = 0;
	for (unsigned c = 0; c < CHUNKS - 1; c++)
		for (unsigned span = 1; span < SPANS; span++) {
			const size_t bytes = size_of(chunk(c)->class[span]);

			for (size_t at = 0; at + bytes <= SPAN && set->n < BLOCKS_MAX; at += bytes)
				if (rng() % of == 0)
					set->at[set->n++] = span_start(c, span) + at;
		}
}

/* In an order that says nothing. */
static void shuffle(struct set *set)
{
	for (unsigned i = set->n; i > 1; i--) {
		const unsigned k = (unsigned)rng() % i;
		void *was = set->at[k];

		set->at[k] = set->at[i - 1];
		set->at[i - 1] = was;
	}
}

/* By parcels of so many words. */
static unsigned send_home(const struct set *set, unsigned room, uint32_t *lists)
{
	uint64_t *const word = malloc(room * sizeof *word);
	uint32_t list = 0;
	size_t left = 0, bytes;
	unsigned parcels = 0;

	spans = there;
	for (unsigned i = 0; i < set->n; i++) {
		const unsigned kind = span_kind(set->at[i]);

		span_mark(set->at[i], kind, &list);
		left += size_of(kind_class(kind));
	}
	for (; list; parcels++) {
		spans = there;
		const unsigned n = spans_pack(&list, word, room, &bytes);

		CU_ASSERT_FATAL(n >= 2 && n <= room);
		left -= bytes;
		spans = home;
		spans_unpack(lists, word, n);
	}
	CU_ASSERT_EQUAL(left, 0);
	free(word);
	return parcels;
}

/* All that came, some at a time. */
static void take_all(uint32_t *lists, struct set *out)
{
	out->n = 0;
	for (unsigned class = 0; class < CLASSES; class++)
		while (lists[class]) {
			struct block *first = NULL, **tail = &first, *b;
			const unsigned n = spans_take(&lists[class], 1 + (unsigned)rng() % 50, &tail);

			CU_ASSERT_FATAL(n > 0 && out->n + n <= BLOCKS_MAX);
			b = first;
			for (unsigned i = 0; i < n; i++, b = b->next) {
				CU_ASSERT_EQUAL(chunk_of(b)->class[(uintptr_t)b % CHUNK / SPAN], class);
				out->at[out->n++] = b;
			}
		}
}

static void all_come_home(unsigned of, unsigned room)
{
	static struct set sent, come;
	uint32_t lists[CLASSES] = { 0 };

	choose(&sent, of);
	shuffle(&sent);
	send_home(&sent, room, lists);
	take_all(lists, &come);
	CU_ASSERT_EQUAL_FATAL(come.n, sent.n);
	qsort(sent.at, sent.n, sizeof *sent.at, by_address);
	qsort(come.at, come.n, sizeof *come.at, by_address);
	CU_ASSERT_EQUAL(memcmp(sent.at, come.at, sent.n * sizeof *sent.at), 0);
}

static void test_home(void)
{
	static const unsigned rooms[] = { 2, 3, 17, 509 };

	for (unsigned i = 0; i < sizeof rooms / sizeof *rooms; i++)
		for (unsigned of = 1; of < 1000; of = of * 3 + 1)
			all_come_home(of, rooms[i]);
}

/* All of the small blocks of 7 MiB are in a few parcels. */
static void test_dense(void)
{
	static struct set sent, come;
	uint32_t lists[CLASSES] = { 0 };

	choose(&sent, 1);
	CU_ASSERT(sent.n > 30000 && sent.n < BLOCKS_MAX);
	CU_ASSERT(send_home(&sent, 509, lists) <= 3);
	take_all(lists, &come);
	CU_ASSERT_EQUAL(come.n, sent.n);
}

/* What is taken is in ascending order, so that its pages are. */
static void test_order(void)
{
	static struct set sent;
	uint32_t lists[CLASSES] = { 0 };
	struct block *first, **tail = &first;

	sent.n = SPAN / size_of(0);
	for (unsigned i = 0; i < sent.n; i++)
		sent.at[i] = span_start(0, 1) + i * size_of(0);
	shuffle(&sent);
	send_home(&sent, 509, lists);
	CU_ASSERT_EQUAL(spans_take(&lists[0], sent.n + 1, &tail), sent.n);
	*tail = NULL;
	for (struct block *b = first; b->next; b = b->next)
		CU_ASSERT((uintptr_t)b < (uintptr_t)b->next);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "a block's node and size", test_kinds },
		{ "marks come home, each once", test_home },
		{ "thousands in a parcel", test_dense },
		{ "taken by address", test_order },
		CU_TEST_INFO_NULL,
	};

	seed_start(1);
	return suite_run("spans", setup, NULL, tests, 20);
}
