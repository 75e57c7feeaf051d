/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames, and what a transport that pins memory knows of them: registered by chunks, and
 * registered no longer before their memory goes back. The transport here only notes what is
 * registered, and looks whether the memory is there when it comes and when it goes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm/memory/chunks.h"
#include "dsm/memory/frames.h"
#include "transport/transport.h"
#include "tests/suite.h"

#define EXTENT REGION_EXTENT_PAGES
#define PAGES (3 * EXTENT + 16) /* homes: ours, the other's, ours, the other's */
#define OTHERS EXTENT           /* the first page of another home */
#define LAST (3 * EXTENT)       /* a chunk of 16 pages, of the other's too */

/* --- a transport that pins --- */

struct tr_mem {
	uint8_t *base;
	size_t len;
	int used;
};

static struct tr_mem registered[8];
static int pins, refuse;
static unsigned releases;
static struct region region;
static struct frames frames;
static struct chunks chunks;

static uint64_t allocated(void)
{
	struct stat st;

	return fstat(region.zone[REGION_PTE].memfd, &st) ? 0 : (uint64_t)st.st_blocks / 8;
}

static int fake_pins(const struct tr *tr)
{
	return pins;
}

static int fake_register(struct tr *tr, void *base, size_t len, struct tr_mem **out)
{
	if (refuse)
		return refuse;
	for (unsigned i = 0; i < 8; i++) {
		if (registered[i].used)
			continue;
		registered[i] = (struct tr_mem){ base, len, 1 };
		*out = &registered[i];
		return 0;
	}
	return -ENOMEM;
}

/* What is registered has all of its memory until then. */
static void fake_release(struct tr_mem *mem)
{
	CU_ASSERT_FATAL(mem && mem->used);
	CU_ASSERT(allocated() * REGION_PTE_BYTES >= mem->len);
	mem->used = 0;
	releases++;
}

static const struct tr_ops fake_ops = { .name = "fake",
	                                .pins_memory = fake_pins,
	                                .mem_register = fake_register,
	                                .mem_release = fake_release };
static struct tr fake = { &fake_ops };

static unsigned n_registered(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 8; i++)
		n += registered[i].used;
	return n;
}

/* --- a node of two --- */

static struct coh_config homes = { .nodes = 2,
	                           .n_zones = 1,
	                           .zone = { { .count = PAGES, .block_pages = EXTENT } },
	                           .per_home = 1,
	                           .slots = 1 };

static void start(int pinned, uint64_t budget_pages)
{
	struct region_config c = { .pte_bytes = PAGES * REGION_PTE_BYTES };
	size_t len = region_window_bytes(&c);
	void *at = NULL;
	unsigned n = 0;

	while ((at = region_candidate(n++, len)) && region_reserve(at, len))
		;
	pins = pinned;
	refuse = releases = 0;
	CU_ASSERT_FATAL(at && !region_create(&c, at, &region));
	chunks_init(&chunks, &region, &fake, 0);
	CU_ASSERT_FATAL(!frames_open(&frames, &region, &chunks, &homes,
	                             budget_pages * REGION_PTE_BYTES, 0, 0));
	CU_ASSERT_FATAL(!chunks_open(&chunks));
}

static void stop(void)
{
	chunks_close(&chunks);
	frames_close(&frames);
	region_destroy(&region);
	memset(registered, 0, sizeof registered);
}

/* The page is a landing: it has a frame, and that is registered. */
static struct tr_mem *land(uint64_t page)
{
	struct tr_mem *mem = NULL;

	CU_ASSERT(!frames_want(&frames, page, 1, 1));
	CU_ASSERT(!chunks_mem(&chunks, page, 1, &mem));
	frames_hold(&frames, page, 1);
	return mem;
}

static void give_up(uint64_t page)
{
	frames_lost(&frames, page, 1);
	frames_drop(&frames, page, 1);
}

static uint64_t used_pages(void)
{
	return frames.pool[0].used / REGION_PTE_BYTES;
}

/* --- tests --- */

static void test_whole(void)
{
	struct tr_mem *mem;

	start(0, PAGES);
	CU_ASSERT_EQUAL(n_registered(), 1);
	CU_ASSERT_EQUAL(chunks.registered_bytes, PAGES * REGION_PTE_BYTES);
	mem = land(OTHERS);
	CU_ASSERT_PTR_EQUAL(mem, land(LAST));
	CU_ASSERT_EQUAL(used_pages(), 2);
	give_up(OTHERS);
	CU_ASSERT_EQUAL(frames.returned, 1);
	CU_ASSERT_EQUAL(used_pages(), 1);
	CU_ASSERT_EQUAL(allocated(), 1);
	CU_ASSERT_EQUAL(releases, 0); /* what pins nothing stays registered */
	stop();
}

static void test_chunk_comes_and_goes(void)
{
	uint8_t *at;

	start(1, PAGES);
	CU_ASSERT_EQUAL(n_registered(), 0);
	CU_ASSERT_PTR_EQUAL(land(OTHERS), land(OTHERS + 63));
	CU_ASSERT_EQUAL(n_registered(), 1);
	CU_ASSERT_EQUAL(registered[0].len, EXTENT * REGION_PTE_BYTES);
	CU_ASSERT_EQUAL(allocated(), EXTENT);
	CU_ASSERT_EQUAL(used_pages(), EXTENT); /* all of it is pinned: all of it counts */
	CU_ASSERT_EQUAL(frames_cached(&frames, 0), EXTENT * REGION_PTE_BYTES);
	at = region_frame_at(&region, OTHERS);
	memset(at, 7, REGION_PTE_BYTES);
	give_up(OTHERS);
	CU_ASSERT_EQUAL(at[0], 0); /* as if its memory had gone */
	CU_ASSERT_EQUAL(n_registered(), 1);
	CU_ASSERT_EQUAL(frames.returned, 0);
	give_up(OTHERS + 63);
	CU_ASSERT_EQUAL(n_registered(), 0);
	CU_ASSERT_EQUAL(releases, 1);
	CU_ASSERT_EQUAL(chunks.registered_bytes, 0);
	CU_ASSERT_EQUAL(allocated(), 0);
	CU_ASSERT_EQUAL(used_pages(), 0);
	CU_ASSERT_EQUAL(frames.returned, EXTENT);
	CU_ASSERT_EQUAL(frames_cached(&frames, 0), 0);
	land(OTHERS + 5); /* and again */
	CU_ASSERT_EQUAL(n_registered(), 1);
	give_up(OTHERS + 5);
	CU_ASSERT_EQUAL(frames.returned, 2 * EXTENT);
	stop();
}

/* The zone's end cuts it short. */
static void test_last_chunk(void)
{
	start(1, PAGES);
	land(LAST);
	CU_ASSERT_EQUAL(registered[0].len, 16 * REGION_PTE_BYTES);
	CU_ASSERT_EQUAL(allocated(), 16);
	give_up(LAST);
	CU_ASSERT_EQUAL(allocated(), 0);
	CU_ASSERT_EQUAL(frames.returned, 16);
	stop();
}

/* A page that is being written to a peer keeps its chunk until that is over. */
static void test_in_flight(void)
{
	start(1, PAGES);
	land(OTHERS);
	land(OTHERS + 1);
	frames_pin(&frames, OTHERS, 1);
	frames_pin(&frames, OTHERS, 1);
	give_up(OTHERS);
	give_up(OTHERS + 1);
	CU_ASSERT_EQUAL(n_registered(), 1);
	CU_ASSERT_EQUAL(allocated(), EXTENT);
	frames_unpin(&frames, OTHERS, 1);
	CU_ASSERT_EQUAL(n_registered(), 1);
	frames_unpin(&frames, OTHERS, 1);
	CU_ASSERT_EQUAL(n_registered(), 0);
	CU_ASSERT_EQUAL(allocated(), 0);
	/* A landing that was asked for meanwhile keeps it too. */
	land(OTHERS);
	frames_pin(&frames, OTHERS, 1);
	give_up(OTHERS);
	land(OTHERS + 2);
	frames_unpin(&frames, OTHERS, 1);
	CU_ASSERT_EQUAL(n_registered(), 1);
	CU_ASSERT_EQUAL(allocated(), EXTENT);
	/* And one of the very page, which was to go. */
	frames_pin(&frames, OTHERS + 2, 1);
	give_up(OTHERS + 2);
	land(OTHERS + 2);
	frames_unpin(&frames, OTHERS + 2, 1);
	CU_ASSERT_EQUAL(n_registered(), 1);
	CU_ASSERT_EQUAL(releases, 1);
	stop();
}

static void test_home_chunks(void)
{
	start(1, PAGES);
	frames_reserve(&frames, 3, 2);
	CU_ASSERT_EQUAL(used_pages(), EXTENT);
	CU_ASSERT_EQUAL(frames.pool[0].home, EXTENT * REGION_PTE_BYTES);
	CU_ASSERT_EQUAL(allocated(), 0);
	frames_reserve(&frames, 40, 1);
	land(3);
	land(41);
	CU_ASSERT_EQUAL(used_pages(), EXTENT);
	CU_ASSERT_EQUAL(frames_cached(&frames, 0), 0);
	stop();
}

/* Room is asked for by chunks: what lies in one that is here needs none. */
static void test_room(void)
{
	start(1, EXTENT);
	CU_ASSERT(frames_have_room(&frames, OTHERS, EXTENT, 0));
	CU_ASSERT(!frames_have_room(&frames, OTHERS, EXTENT, 1));
	land(OTHERS + 7);
	CU_ASSERT(frames_have_room(&frames, OTHERS, EXTENT, 0));
	CU_ASSERT(!frames_have_room(&frames, LAST, 1, 0));
	stop();
}

/* A chunk is idle when all that it holds has been taken by others. */
static void test_idle(void)
{
	uint64_t unit = 0;

	start(1, PAGES);
	land(OTHERS + 1);
	land(OTHERS + 2);
	frames_lost(&frames, OTHERS + 1, 1);
	CU_ASSERT_EQUAL(evict_list_of(&frames.evict[0], OTHERS), EVICT_NEW);
	frames_lost(&frames, OTHERS + 1, 1);
	CU_ASSERT_EQUAL(evict_list_of(&frames.evict[0], OTHERS), EVICT_NEW);
	frames_lost(&frames, OTHERS + 2, 1);
	CU_ASSERT_EQUAL(evict_list_of(&frames.evict[0], OTHERS), EVICT_IDLE);
	CU_ASSERT_EQUAL(evict_next(&frames.evict[0], &unit), 0);
	CU_ASSERT_EQUAL(unit, OTHERS);
	CU_ASSERT_EQUAL(frames_leaving(&frames, 0), EXTENT * REGION_PTE_BYTES);
	stop();
}

/* What the application has pinned: its chunk stays, and takes the others' room. */
static void test_kept(void)
{
	uint64_t unit;

	start(1, 2 * EXTENT);
	CU_ASSERT(frames_may_keep(&frames, 0, 2 * EXTENT * REGION_PTE_BYTES));
	CU_ASSERT(!frames_may_keep(&frames, 0, 2 * EXTENT * REGION_PTE_BYTES + 1));
	land(OTHERS);
	land(OTHERS + 1);
	frames_keep(&frames, OTHERS);
	frames_keep(&frames, OTHERS + 1);
	frames_keep(&frames, 0); /* of this home: never goes */
	CU_ASSERT_EQUAL(frames.pool[0].kept, EXTENT * REGION_PTE_BYTES);
	CU_ASSERT(frames_is_kept(&frames, OTHERS + 9) && !frames_is_kept(&frames, LAST));
	CU_ASSERT(!frames_may_keep(&frames, 0, EXTENT * REGION_PTE_BYTES + 1));
	CU_ASSERT_EQUAL(evict_next(&frames.evict[0], &unit), -ENOENT);
	frames_unkeep(&frames, 0);
	frames_unkeep(&frames, OTHERS);
	CU_ASSERT_EQUAL(evict_next(&frames.evict[0], &unit), -ENOENT);
	frames_unkeep(&frames, OTHERS + 1);
	CU_ASSERT_EQUAL(frames.pool[0].kept, 0);
	CU_ASSERT_EQUAL(evict_next(&frames.evict[0], &unit), 0);
	stop();
}

static uint8_t *frame(uint64_t page)
{
	return region_frame_at(&region, page);
}

/* Home pages that are untouched again, here, elsewhere, or read by a page write still: zero, and
 * not counted. */
static void test_discarded(void)
{
	for (int pinned = 0; pinned < 2; pinned++) {
		start(pinned, PAGES);
		frames_reserve(&frames, 1, 2);
		land(0);
		land(2);
		land(3);
		memset(frame(2), 7, 2 * REGION_PTE_BYTES);
		frames_lost(&frames, 0, 4);
		frames_pin(&frames, 3, 1);
		frames_discard(&frames, 0, 64);
		CU_ASSERT_EQUAL(frame(3)[0], 0);
		CU_ASSERT_EQUAL(used_pages(), pinned ? EXTENT : 1);
		CU_ASSERT_EQUAL(n_registered(), 1);
		frames_unpin(&frames, 3, 1);
		CU_ASSERT_EQUAL(used_pages(), 0);
		CU_ASSERT_EQUAL(frames.pool[0].home, 0);
		CU_ASSERT_EQUAL(allocated(), 0);
		CU_ASSERT_EQUAL(frame(2)[0], 0);
		stop();
	}
}

/* What may be written elsewhere keeps its chunk counted. */
static void test_discarded_in_part(void)
{
	start(1, PAGES);
	frames_reserve(&frames, 1, 1);
	land(2);
	frames_lost(&frames, 2, 1);
	frames_discard(&frames, 2, 1);
	CU_ASSERT_EQUAL(allocated(), 0);
	CU_ASSERT_EQUAL(used_pages(), EXTENT);
	frames_discard(&frames, 1, 1);
	CU_ASSERT_EQUAL(used_pages(), 0);
	stop();
}

/* A page that is zero comes to a frame that is not. */
static void test_zeroed(void)
{
	start(0, PAGES);
	land(OTHERS);
	frames_soil(&frames, OTHERS, 1);
	memset(frame(OTHERS), 7, REGION_PTE_BYTES);
	frames_zero(&frames, OTHERS, 2);
	CU_ASSERT_EQUAL(frame(OTHERS)[0], 0);
	CU_ASSERT_EQUAL(allocated(), 1);
	stop();
}

/* Frames of pages that, as it seems, nobody has touched: they have memory, count and are zero as
 * others do, and go back as others do. */
static void test_fresh(void)
{
	start(0, PAGES);
	CU_ASSERT_EQUAL(frames_want_fresh(&frames, OTHERS, 8), 0);
	CU_ASSERT_EQUAL(allocated(), 8);
	CU_ASSERT_EQUAL(frames.pool[0].used, 8 * REGION_PTE_BYTES);
	CU_ASSERT_EQUAL(frames_cached(&frames, 0), 8 * REGION_PTE_BYTES);
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_TRUE(frames_ready(&frames, OTHERS + i) && !frame(OTHERS + i)[4095]);
	CU_ASSERT_EQUAL(frames_want_fresh(&frames, OTHERS + 4, 8), 0);
	CU_ASSERT_EQUAL(allocated(), 12);
	frames_drop(&frames, OTHERS, 12);
	CU_ASSERT_EQUAL(allocated(), 0);
	CU_ASSERT_EQUAL(frames.pool[0].used, 0);
	CU_ASSERT_EQUAL(frames_want_fresh(&frames, 0, 8), 0); /* of this home */
	CU_ASSERT_EQUAL(frames.pool[0].home, 8 * REGION_PTE_BYTES);
	frames_discard(&frames, 0, 8);
	CU_ASSERT_EQUAL(allocated(), 0);
	CU_ASSERT_EQUAL(frames.pool[0].used, 0);
	stop();
}

static void test_refused(void)
{
	struct tr_mem *mem;

	start(1, PAGES);
	refuse = -EAGAIN;
	CU_ASSERT_EQUAL(frames_want(&frames, OTHERS, 1, 1), 0);
	CU_ASSERT_EQUAL(chunks_mem(&chunks, OTHERS, 1, &mem), -EAGAIN);
	CU_ASSERT_EQUAL(chunks.registered_bytes, 0);
	give_up(OTHERS); /* nothing is registered: nothing to release */
	CU_ASSERT_EQUAL(releases, 0);
	CU_ASSERT_EQUAL(allocated(), 0);
	stop();
}

/* A node dies: its pages are this one's, whose frames stay, and count as a home's. */
static void test_rehome(void)
{
	uint64_t page;

	start(0, PAGES);
	land(OTHERS);
	land(LAST);
	CU_ASSERT_EQUAL(evict_next(&frames.evict[REGION_PTE], &page), 0);
	frames_rehome(&frames, 3); /* all live, but what was asked for is over */
	CU_ASSERT_EQUAL(evict_leaving(&frames.evict[REGION_PTE]), 0);
	CU_ASSERT_EQUAL(evict_resident(&frames.evict[REGION_PTE]), 2);
	CU_ASSERT_EQUAL(frames.pool[0].home, 0);
	CU_ASSERT_EQUAL(evict_next(&frames.evict[REGION_PTE], &page), 0);
	frames_rehome(&frames, 1);
	CU_ASSERT_EQUAL(evict_resident(&frames.evict[REGION_PTE]), 0);
	CU_ASSERT_EQUAL(frames.pool[0].home, 2 * REGION_PTE_BYTES);
	CU_ASSERT_EQUAL(used_pages(), 2);
	CU_ASSERT(frames_have_room(&frames, OTHERS + 1, 1, PAGES * REGION_PTE_BYTES));
	land(OTHERS + 1);
	CU_ASSERT_EQUAL(evict_resident(&frames.evict[REGION_PTE]), 0);
	CU_ASSERT_EQUAL(frames.pool[0].home, 3 * REGION_PTE_BYTES);
	stop();
}

/* Where two nodes hold a page this one, the second, keeps its frame as that of a home. */
static void test_second(void)
{
	homes.secure_first = LAST;
	homes.secure_pages = 1;
	start(0, PAGES);
	land(OTHERS);
	land(LAST);
	CU_ASSERT_EQUAL(evict_resident(&frames.evict[REGION_PTE]), 1);
	CU_ASSERT_EQUAL(frames.pool[0].home, REGION_PTE_BYTES);
	frames_rehome(&frames, 3);
	CU_ASSERT_EQUAL(frames.pool[0].home, REGION_PTE_BYTES);
	frames_rehome(&frames, 1); /* its home, too */
	CU_ASSERT_EQUAL(frames.pool[0].home, 2 * REGION_PTE_BYTES);
	frames_drop(&frames, LAST, 1);
	CU_ASSERT_EQUAL(frames.pool[0].home, REGION_PTE_BYTES);
	CU_ASSERT_EQUAL(used_pages(), 1);
	stop();
	homes.secure_pages = 0;
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "registered as a whole", test_whole },
		{ "a chunk comes and goes", test_chunk_comes_and_goes },
		{ "the last chunk", test_last_chunk },
		{ "in flight", test_in_flight },
		{ "home chunks", test_home_chunks },
		{ "room", test_room },
		{ "idle", test_idle },
		{ "kept", test_kept },
		{ "discarded", test_discarded },
		{ "discarded in part", test_discarded_in_part },
		{ "zeroed", test_zeroed },
		{ "fresh", test_fresh },
		{ "refused", test_refused },
		{ "a node dies", test_rehome },
		{ "two nodes hold a page", test_second },
		CU_TEST_INFO_NULL,
	};

	homes.self = 0;
	return suite_run("frames", NULL, NULL, tests, 60);
}
