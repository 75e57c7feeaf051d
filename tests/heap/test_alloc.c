/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator: its promises one by one, and long random runs against a model that
 * keeps one flag per 16 bytes. SEED=n repeats a run.
 */
#include "dsm/heap/alloc.h"
#include "dsm/heap/room.h"
#include "tests/seed.h"
#include "tests/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096u
#define GIB (1ull << 30)

/* -Wl,--wrap=malloc: the nth call from now on fails; -1: none does. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
static long malloc_fails_in = -1;

void *__wrap_malloc(size_t size)
{
	if (malloc_fails_in >= 0 && malloc_fails_in-- == 0)
		return NULL;
	return __real_malloc(size);
}

static struct alloc *a;
static uint64_t base; /* where the range lies; 0 but where a test moves it */

static void open_range(uint64_t bytes, uint64_t page_bytes)
{
	CU_ASSERT_EQUAL_FATAL(alloc_open(base, bytes, page_bytes, &a), 0);
	CU_ASSERT_EQUAL_FATAL(alloc_check(a), 0);
}

/* Takes a block that must be there, and checks the structure. */
static uint64_t take(uint64_t bytes, uint64_t align, uint64_t *dirty)
{
	uint64_t offset = UINT64_MAX, ignored;

	CU_ASSERT_EQUAL_FATAL(alloc_take(a, bytes, align, &offset, dirty ? dirty : &ignored), 0);
	CU_ASSERT_EQUAL_FATAL(alloc_check(a), 0);
	return offset;
}

static void give(uint64_t offset)
{
	CU_ASSERT_EQUAL_FATAL(alloc_give(a, offset), 0);
	CU_ASSERT_EQUAL_FATAL(alloc_check(a), 0);
}

static struct alloc_stats stats(void)
{
	struct alloc_stats s;

	alloc_stats(a, &s);
	return s;
}

static void test_arguments(void)
{
	uint64_t offset = 77, dirty = 77;

	CU_ASSERT_EQUAL(alloc_open(0, 0, PAGE, &a), -EINVAL);
	CU_ASSERT_EQUAL(alloc_open(0, PAGE + 16, PAGE, &a), -EINVAL);
	CU_ASSERT_EQUAL(alloc_open(0, 3 * PAGE, 3 * PAGE, &a), -EINVAL);
	CU_ASSERT_EQUAL(alloc_open(0, PAGE, 8, &a), -EINVAL);
	CU_ASSERT_EQUAL(alloc_open(16, PAGE, PAGE, &a), -EINVAL);
	alloc_close(NULL);
	open_range(16 * PAGE, PAGE);
	CU_ASSERT_EQUAL(alloc_take(a, 0, 0, &offset, &dirty), -EINVAL);
	CU_ASSERT_EQUAL(alloc_take(a, 16, 24, &offset, &dirty), -EINVAL);
	CU_ASSERT_EQUAL(alloc_take(a, 16, 32 * PAGE, &offset, &dirty), -EINVAL);
	CU_ASSERT_EQUAL(alloc_take(a, 16 * PAGE + 1, 0, &offset, &dirty), -ENOMEM);
	CU_ASSERT_EQUAL(alloc_take(a, UINT64_MAX, 0, &offset, &dirty), -ENOMEM);
	CU_ASSERT_EQUAL(alloc_give(a, 0), -EINVAL);
	CU_ASSERT(offset == 77 && dirty == 77);
	CU_ASSERT_EQUAL(alloc_check(a), 0);
	alloc_close(a);
}

static void test_small_blocks_are_packed(void)
{
	uint64_t first, second, aligned;

	open_range(16 * PAGE, PAGE);
	first = take(1, 0, NULL);
	second = take(17, 0, NULL);
	CU_ASSERT_EQUAL(second, first + 16);
	CU_ASSERT_EQUAL(take(16, 1, NULL), second + 32);
	aligned = take(8, 256, NULL);
	CU_ASSERT_EQUAL(aligned % 256, 0);
	CU_ASSERT_EQUAL(stats().taken_bytes, 16 + 32 + 16 + 16);
	CU_ASSERT_EQUAL(stats().taken_blocks, 4);
	alloc_close(a);
}

static void test_big_blocks_own_their_pages(void)
{
	uint64_t small, big, counter;

	open_range(16 * PAGE, PAGE);
	small = take(40, 0, NULL);
	big = take(PAGE + 1, 16, NULL);
	CU_ASSERT_EQUAL(big % PAGE, 0);
	CU_ASSERT(big >= PAGE);
	counter = take(8, PAGE, NULL); /* asked for by alignment */
	CU_ASSERT_EQUAL(counter % PAGE, 0);
	CU_ASSERT_EQUAL(take(24, 0, NULL), small + 48); /* not next to them */
	CU_ASSERT_EQUAL(take(PAGE - 8, 0, NULL) % PAGE, 0); /* no room left for another one */
	CU_ASSERT_EQUAL(stats().taken_bytes, 48 + 2 * PAGE + PAGE + 32 + PAGE);
	alloc_close(a);
}

static void test_whole_range_can_be_taken(void)
{
	uint64_t offset, dirty;

	open_range(64 * GIB, PAGE);
	CU_ASSERT_EQUAL(take(64 * GIB, 0, &dirty), 0);
	CU_ASSERT_EQUAL(dirty, 0);
	CU_ASSERT_EQUAL(alloc_take(a, 1, 0, &offset, &dirty), -ENOMEM);
	CU_ASSERT_EQUAL(stats().largest_free, 0);
	give(0);
	CU_ASSERT_EQUAL(stats().largest_free, 64 * GIB);
	CU_ASSERT_EQUAL(take(64 * GIB - 5, 0, &dirty), 0);
	CU_ASSERT_EQUAL(dirty, 64 * GIB - 5);
	alloc_close(a);
}

static void test_give_takes_starts_only(void)
{
	uint64_t offset;

	open_range(16 * PAGE, PAGE);
	offset = take(3 * PAGE, 0, NULL);
	CU_ASSERT_EQUAL(alloc_give(a, offset + 16), -EINVAL);
	CU_ASSERT_EQUAL(alloc_give(a, offset + PAGE), -EINVAL);
	CU_ASSERT_EQUAL(alloc_give(a, UINT64_MAX), -EINVAL);
	give(offset);
	CU_ASSERT_EQUAL(alloc_give(a, offset), -EINVAL);
	CU_ASSERT_EQUAL(stats().free_bytes, 16 * PAGE);
	alloc_close(a);
}

/* Free neighbours join whatever the order in which they are given back. */
static void test_neighbours_join(void)
{
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
	                                  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	uint64_t block[3];

	for (unsigned i = 0; i < 6; i++) {
		open_range(3 * PAGE, PAGE);
		for (int k = 0; k < 3; k++)
			block[k] = take(PAGE, 0, NULL);
		for (int k = 0; k < 3; k++)
			give(block[orders[i][k]]);
		CU_ASSERT_EQUAL(stats().largest_free, 3 * PAGE);
		CU_ASSERT_EQUAL(stats().taken_blocks, 0);
		alloc_close(a);
	}
}

static void test_fresh_memory_is_not_dirty(void)
{
	uint64_t small, big, dirty;

	open_range(64 * GIB, PAGE);
	small = take(16, 0, &dirty);
	CU_ASSERT_EQUAL(dirty, 0);
	big = take(GIB, 32 * GIB, &dirty); /* leaves a fresh gap below */
	CU_ASSERT_EQUAL(dirty, 0);
	CU_ASSERT_EQUAL(take(32 * GIB - PAGE, 0, &dirty), PAGE);
	CU_ASSERT_EQUAL(dirty, 0);
	give(big);
	CU_ASSERT_EQUAL(take(2 * GIB, 32 * GIB, &dirty), 32 * GIB);
	CU_ASSERT_EQUAL(dirty, GIB); /* the rest is fresh */
	give(small);
	CU_ASSERT_EQUAL(take(48, 0, &dirty), small);
	CU_ASSERT_EQUAL(dirty, 16);
	CU_ASSERT_EQUAL(stats().high_water, 34 * GIB);
	alloc_close(a);
}

/* A range in which only a block of an exact size, or at one place, is left. */
static void test_last_fit_is_found(void)
{
	uint64_t offset, dirty, odd;

	open_range(1024 * PAGE, PAGE);
	odd = take(1001 * PAGE, 0, NULL); /* not the lower bound of a class */
	take(23 * PAGE, 0, NULL);
	give(odd);
	CU_ASSERT_EQUAL(alloc_take(a, 1002 * PAGE, 0, &offset, &dirty), -ENOMEM);
	CU_ASSERT_EQUAL(take(1001 * PAGE, 0, NULL), odd);
	give(odd);
	take(255 * PAGE, 0, NULL);
	CU_ASSERT_EQUAL(take(512 * PAGE, 256 * PAGE, NULL), 256 * PAGE);
	CU_ASSERT_EQUAL(alloc_take(a, 256 * PAGE, 256 * PAGE, &offset, &dirty), -ENOMEM);
	alloc_close(a);
}

static void test_out_of_memory_changes_nothing(void)
{
	uint64_t offset, dirty;
	int failed = 0;

	for (long nth = 0; nth < 6; nth++) {
		malloc_fails_in = nth;
		if (alloc_open(0, 1024 * PAGE, PAGE, &a)) {
			failed++;
			continue;
		}
		for (int i = 0; i < 1000; i++) {
			struct alloc_stats before = stats(), after;
			int err = alloc_take(a, 1 + rng() % (2 * PAGE), 64, &offset, &dirty);

			if (err) {
				failed++;
				after = stats();
				CU_ASSERT_EQUAL_FATAL(err, -ENOMEM);
				CU_ASSERT_EQUAL_FATAL(memcmp(&before, &after, sizeof before), 0);
			}
			CU_ASSERT_EQUAL_FATAL(alloc_check(a), 0);
			if (!err && i % 50 == 0)
				malloc_fails_in = (long)(rng() % 4);
			if (stats().free_bytes < 100 * PAGE)
				break;
		}
		alloc_close(a);
	}
	malloc_fails_in = -1;
	CU_ASSERT(failed > 20);
}

/* ------------------------------------------------------------- the model -- */

#define MODEL_PAGE 256u
#define MODEL_PAGES 48u
#define UNITS (MODEL_PAGE * MODEL_PAGES / 16)
#define UNITS_A_PAGE (MODEL_PAGE / 16)

static struct {
	uint16_t owner[UNITS]; /* 0: free */
	uint8_t was_taken[UNITS];
	struct {
		uint64_t offset, units;
		int big;
	} block[UNITS + 1];
	uint64_t taken_units, taken_blocks;
} model;

static int model_is_free(uint64_t from, uint64_t n)
{
	if (from + n > UNITS)
		return 0;
	for (uint64_t u = from; u < from + n; u++)
		if (model.owner[u])
			return 0;
	return 1;
}

static int model_has_room(uint64_t units, uint64_t align_units)
{
	for (uint64_t u = 0; u < UNITS; u++)
		if ((base / 16 + u) % align_units == 0 && model_is_free(u, units))
			return 1;
	return 0;
}

static uint64_t model_largest_free(void)
{
	uint64_t run = 0, largest = 0;

	for (uint64_t u = 0; u < UNITS; u++) {
		run = model.owner[u] ? 0 : run + 1;
		largest = run > largest ? run : largest;
	}
	return largest * 16;
}

/* No page holds parts of a big block and of another one. */
static int model_pages_are_unshared(uint64_t first_unit, uint64_t units, unsigned id)
{
	uint64_t u = first_unit - first_unit % UNITS_A_PAGE;
	uint64_t end = (first_unit + units + UNITS_A_PAGE - 1) / UNITS_A_PAGE * UNITS_A_PAGE;

	for (; u < end; u++)
		if (model.owner[u] && model.owner[u] != id &&
		    (model.block[id].big || model.block[model.owner[u]].big))
			return 0;
	return 1;
}

static void model_take(uint64_t bytes, uint64_t align)
{
	uint64_t units = (bytes + 15) / 16, align_units = align > 16 ? align / 16 : 1;
	int big = units >= UNITS_A_PAGE || align >= MODEL_PAGE, err;
	uint64_t offset, dirty, first;
	unsigned id = 1;

	if (big) {
		units = (bytes + MODEL_PAGE - 1) / MODEL_PAGE * UNITS_A_PAGE;
		align_units = align_units > UNITS_A_PAGE ? align_units : UNITS_A_PAGE;
	}
	err = alloc_take(a, bytes, align, &offset, &dirty);
	CU_ASSERT_EQUAL_FATAL(err, model_has_room(units, align_units) ? 0 : -ENOMEM);
	if (err)
		return;
	first = offset / 16;
	CU_ASSERT_EQUAL_FATAL((base + offset) % (align_units * 16), 0);
	CU_ASSERT_FATAL(model_is_free(first, units));
	CU_ASSERT_FATAL(dirty <= bytes);
	while (model.block[id].units)
		id++;
	model.block[id].offset = offset;
	model.block[id].units = units;
	model.block[id].big = big;
	for (uint64_t u = first; u < first + units; u++) {
		/* what was taken before must be below dirty, up to the bytes asked for */
		if (model.was_taken[u] && u * 16 < offset + bytes)
			CU_ASSERT_FATAL(u * 16 + 16 <= offset + dirty || dirty == bytes);
		model.owner[u] = (uint16_t)id;
	}
	CU_ASSERT_FATAL(model_pages_are_unshared(first, units, id));
	model.taken_units += units;
	model.taken_blocks++;
}

static void model_give(void)
{
	unsigned id = 1 + (unsigned)(rng() % UNITS);
	uint64_t wrong = rng() % (UNITS * 16);

	if (!model.owner[wrong / 16] || model.block[model.owner[wrong / 16]].offset != wrong)
		CU_ASSERT_EQUAL_FATAL(alloc_give(a, wrong), -EINVAL);
	if (!model.taken_blocks)
		return;
	while (!model.block[id].units)
		id = id % UNITS + 1;
	CU_ASSERT_EQUAL_FATAL(alloc_give(a, model.block[id].offset), 0);
	for (uint64_t u = 0; u < model.block[id].units; u++) {
		model.owner[model.block[id].offset / 16 + u] = 0;
		model.was_taken[model.block[id].offset / 16 + u] = 1;
	}
	model.taken_units -= model.block[id].units;
	model.taken_blocks--;
	model.block[id].units = 0;
}

static void model_step(unsigned percent_take)
{
	static const unsigned limits[] = { 16, 64, MODEL_PAGE, 3 * MODEL_PAGE, 12 * MODEL_PAGE };
	uint64_t align = rng() % 3 ? 0 : 1ull << rng() % 12;
	struct alloc_stats s;

	if (rng() % 100 < percent_take)
		model_take(1 + rng() % limits[rng() % 5], align);
	else
		model_give();
	CU_ASSERT_EQUAL_FATAL(alloc_check(a), 0);
	s = stats();
	CU_ASSERT_EQUAL_FATAL(s.taken_bytes, model.taken_units * 16);
	CU_ASSERT_EQUAL_FATAL(s.taken_blocks, model.taken_blocks);
	CU_ASSERT_EQUAL_FATAL(s.free_bytes, (UNITS - model.taken_units) * 16);
	CU_ASSERT_EQUAL_FATAL(s.largest_free, model_largest_free());
}

/* Between its two parts a block is nobody's; what is not dirty comes again as fresh. */
static void test_given_in_two_parts(void)
{
	uint64_t one, dirty, bytes = 0;

	open_range(16 * PAGE, PAGE);
	one = take(4 * PAGE, 0, NULL);
	CU_ASSERT_EQUAL(alloc_give_end(a, one, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(alloc_give_begin(a, one, 0, &bytes), 0);
	CU_ASSERT_EQUAL(bytes, 4 * PAGE);
	CU_ASSERT_EQUAL(alloc_give_begin(a, one, 0, &bytes), -EINVAL);
	CU_ASSERT_EQUAL(alloc_give(a, one), -EINVAL);
	CU_ASSERT_EQUAL(alloc_check(a), 0);
	CU_ASSERT_NOT_EQUAL(take(4 * PAGE, 0, NULL), one);
	CU_ASSERT_EQUAL(alloc_give_end(a, one, one + PAGE, one + 2 * PAGE), 0);
	CU_ASSERT_EQUAL(alloc_check(a), 0);
	CU_ASSERT_EQUAL(alloc_give_end(a, one, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(take(4 * PAGE, 0, &dirty), one);
	CU_ASSERT_EQUAL(dirty, 2 * PAGE);
	CU_ASSERT_EQUAL(alloc_give_begin(a, one, 0, &bytes), 0);
	CU_ASSERT_EQUAL(alloc_give_end(a, one, 0, 0), 0);
	CU_ASSERT_EQUAL(take(4 * PAGE, 0, &dirty), one);
	CU_ASSERT_EQUAL(dirty, 0);
	alloc_close(a);
}

static int only_beyond(void *ctx, uint64_t offset, uint64_t bytes)
{
	return offset >= *(const uint64_t *)ctx;
}

/* A place that does not fit is passed over. */
static void test_bound(void)
{
	uint64_t least = 0, offset, dirty, low, high;

	open_range(16 * PAGE, PAGE);
	low = take(4 * PAGE, 0, NULL);
	take(PAGE, 0, NULL);
	high = take(4 * PAGE, 0, NULL);
	take(7 * PAGE, 0, NULL);
	give(low);
	give(high);
	alloc_bound(a, only_beyond, &least);
	least = high;
	CU_ASSERT_EQUAL(take(4 * PAGE, 0, NULL), high);
	CU_ASSERT_EQUAL(alloc_take(a, 4 * PAGE, 0, &offset, &dirty), -ENOMEM);
	least = 0;
	CU_ASSERT_EQUAL(take(4 * PAGE, 0, NULL), low);
	alloc_close(a);
}

static uint64_t most;

static uint64_t most_of(void *ctx, coh_node node)
{
	return node ? 1000 : most;
}

/* Homes in turn, 4 pages at a time: what each has in use counts, wherever it lies. */
static void test_room(void)
{
	struct coh_config homes = { .nodes = 2,
		                    .n_zones = 1,
		                    .zone = { { .count = 1000, .block_pages = 4 } } };
	struct room r;

	CU_ASSERT_EQUAL_FATAL(room_open(&r, &homes, 0, PAGE), 0);
	most = 8;
	CU_ASSERT(room_fits(&r, 0, 16 * PAGE, most_of, NULL));
	CU_ASSERT(!room_fits(&r, 0, 17 * PAGE, most_of, NULL));
	CU_ASSERT(room_fits(&r, 0, 16 * PAGE, most_of, NULL)); /* nothing is left of the try */
	room_take(&r, 0, 16 * PAGE);
	CU_ASSERT_EQUAL(r.used[0], 8);
	CU_ASSERT_EQUAL(r.used[1], 8);
	CU_ASSERT(room_fits(&r, 3 * PAGE, 5 * PAGE, most_of, NULL)); /* in use already */
	CU_ASSERT(!room_fits(&r, 800 * PAGE, PAGE, most_of, NULL));
	CU_ASSERT(room_fits(&r, 804 * PAGE, PAGE, most_of, NULL)); /* the other's */
	room_give(&r, 0, 16 * PAGE, 2 * PAGE, 5 * PAGE);
	CU_ASSERT_EQUAL(r.used[0], 2);
	CU_ASSERT_EQUAL(r.used[1], 1);
	room_take(&r, 3 * PAGE - 16, 32); /* small blocks share pages */
	CU_ASSERT_EQUAL(r.used[0], 2);
	room_give(&r, 2 * PAGE, 3 * PAGE, 0, 0);
	CU_ASSERT_EQUAL(r.used[0] + r.used[1], 0);
	CU_ASSERT(room_fits(&r, 800 * PAGE, 12 * PAGE, most_of, NULL));
	room_close(&r);
}

/* The end of a zone, whose pages two nodes hold: each counts at its home and at the next node. */
static void test_room_twice(void)
{
	struct coh_config homes = { .nodes = 3,
		                    .n_zones = 1,
		                    .zone = { { .count = 1200, .block_pages = 4 } } };
	struct room r;

	CU_ASSERT_EQUAL_FATAL(room_open_part(&r, &homes, 0, PAGE, 404, 796, 1), 0);
	most = 1000;
	room_take(&r, 0, 4 * PAGE); /* pages 404 to 407: of node 2, and with it node 0 */
	CU_ASSERT_EQUAL(r.used[0], 4);
	CU_ASSERT_EQUAL(r.used[1], 0);
	CU_ASSERT_EQUAL(r.used[2], 4);
	room_take(&r, 4 * PAGE, 4 * PAGE); /* of node 0, and node 1 */
	CU_ASSERT_EQUAL(r.used[0], 8);
	CU_ASSERT_EQUAL(r.used[1], 4);
	most = 8;
	CU_ASSERT(room_fits(&r, 2 * PAGE, 5 * PAGE, most_of, NULL)); /* in use already */
	CU_ASSERT(!room_fits(&r, 12 * PAGE, PAGE, most_of, NULL));   /* node 0 holds it second */
	CU_ASSERT(room_fits(&r, 8 * PAGE, 4 * PAGE, most_of, NULL)); /* others do */
	most = 9;
	CU_ASSERT(room_fits(&r, 12 * PAGE, PAGE, most_of, NULL)); /* nothing is left of the try */
	room_give(&r, 0, 4 * PAGE, PAGE, 2 * PAGE);
	CU_ASSERT_EQUAL(r.used[0], 5);
	CU_ASSERT_EQUAL(r.used[2], 1);
	room_close(&r);
}

static void test_random_against_model(void)
{
	for (int run = 0; run < 60; run++) {
		memset(&model, 0, sizeof model);
		base = rng() % 16 * MODEL_PAGE;
		open_range(UNITS * 16, MODEL_PAGE);
		for (int i = 0; i < 1500; i++)
			model_step(i / 300 % 2 ? 35 : 65); /* fill up, then drain */
		while (model.taken_blocks)
			model_give();
		CU_ASSERT_EQUAL_FATAL(stats().largest_free, UNITS * 16);
		alloc_close(a);
	}
	base = 0;
}

/* Ranges far larger than any memory: only offsets matter. */
static void random_in_large_range(uint64_t page_bytes)
{
	struct {
		uint64_t offset, end; /* end 0: none */
	} block[200] = { { 0, 0 } };

	open_range(1024 * GIB, page_bytes);
	for (int step = 0; step < 6000; step++) {
		unsigned k = (unsigned)(rng() % 200);
		uint64_t bytes, dirty;

		if (block[k].end) {
			give(block[k].offset);
			block[k].end = 0;
			continue;
		}
		bytes = 1 + rng() % (1ull << rng() % 33);
		block[k].offset = take(bytes, rng() % 4 ? 0 : 1ull << rng() % 31, &dirty);
		block[k].end = block[k].offset + bytes;
		CU_ASSERT_FATAL(dirty <= bytes);
		for (unsigned i = 0; i < 200; i++)
			if (i != k && block[i].end)
				CU_ASSERT_FATAL(block[i].offset >= block[k].end ||
				                block[k].offset >= block[i].end);
	}
	for (unsigned k = 0; k < 200; k++)
		if (block[k].end)
			give(block[k].offset);
	CU_ASSERT_EQUAL(stats().largest_free, 1024 * GIB);
	alloc_close(a);
}

static void test_random_in_large_range(void)
{
	random_in_large_range(PAGE);
	random_in_large_range(2u << 20);
}

/* A small block's pages are its alone as long as nobody else has anything in them. */
static void test_alone(void)
{
	uint64_t first, second, third, across;

	open_range(8 * PAGE, PAGE);
	CU_ASSERT_EQUAL(alloc_is_alone(a, 0), 0);
	first = take(64, 0, NULL);
	CU_ASSERT(alloc_is_alone(a, first));
	second = take(64, 0, NULL);
	CU_ASSERT(!alloc_is_alone(a, first));
	CU_ASSERT(!alloc_is_alone(a, second));
	give(first);
	CU_ASSERT(alloc_is_alone(a, second));
	third = take(2 * PAGE, 0, NULL); /* it shares no page */
	CU_ASSERT(alloc_is_alone(a, second));
	CU_ASSERT(alloc_is_alone(a, third));
	give(second);
	give(third);
	first = take(PAGE - 64, 0, NULL);
	across = take(PAGE - 32, 0, NULL); /* of two pages, the one behind the first */
	CU_ASSERT_EQUAL(across, PAGE - 64);
	CU_ASSERT(!alloc_is_alone(a, first));
	CU_ASSERT(!alloc_is_alone(a, across));
	give(first);
	CU_ASSERT(alloc_is_alone(a, across));
	second = take(64, 0, NULL);
	CU_ASSERT_EQUAL(second, 0);
	CU_ASSERT(!alloc_is_alone(a, across));
	third = take(PAGE - 256, 0, NULL);
	CU_ASSERT_EQUAL(third, 64);
	give(second);
	give(third);
	CU_ASSERT(alloc_is_alone(a, across));
	alloc_close(a);
}

static void test_nearest(void)
{
	uint64_t first, second, at = 0, bytes = 0;

	open_range(16 * PAGE, PAGE);
	CU_ASSERT_EQUAL(alloc_nearest(a, 5, &at, &bytes), -ENOENT);
	first = take(2 * PAGE, 0, NULL);
	second = take(3 * PAGE, 0, NULL);
	CU_ASSERT_EQUAL(first, 0);
	CU_ASSERT_EQUAL(second, 2 * PAGE);
	CU_ASSERT_EQUAL(alloc_nearest(a, 9 * PAGE, &at, &bytes), 0);
	CU_ASSERT(at == second && bytes == 3 * PAGE);
	give(first);
	CU_ASSERT_EQUAL(alloc_nearest(a, 0, &at, &bytes), 0);
	CU_ASSERT(at == second && bytes == 3 * PAGE);
	first = take(PAGE, 0, NULL);
	CU_ASSERT_EQUAL(alloc_nearest(a, PAGE + 100, &at, &bytes), 0);
	CU_ASSERT(at == first && bytes == PAGE);
	CU_ASSERT_EQUAL(alloc_nearest(a, 2 * PAGE - 100, &at, &bytes), 0);
	CU_ASSERT_EQUAL(at, second);
	CU_ASSERT_EQUAL(alloc_give_begin(a, second, 0, &bytes), 0); /* nobody's */
	CU_ASSERT_EQUAL(alloc_nearest(a, 3 * PAGE, &at, &bytes), 0);
	CU_ASSERT_EQUAL(at, first);
	alloc_close(a);
}

struct kept {
	struct alloc_saved block[4096];
	unsigned n;
};

static void keep_one(void *ctx, const struct alloc_saved *block)
{
	struct kept *k = ctx;

	if (k->n < 4096)
		k->block[k->n++] = *block;
}

/* Another allocator, of a larger range, goes on with the same blocks. */
static void test_kept_blocks_come_back(void)
{
	static struct kept kept, again;
	uint64_t at[300], dirty, offset;
	struct alloc *old, *b;
	struct alloc_stats was, is;

	CU_ASSERT_EQUAL_FATAL(alloc_open(0, 4096 * 512, 4096, &old), 0);
	for (unsigned i = 0; i < 300; i++)
		CU_ASSERT_EQUAL_FATAL(alloc_take(old, 1 + i * 37 % 9000, 0, &at[i], &dirty), 0);
	for (unsigned i = 0; i < 300; i += 3)
		CU_ASSERT_EQUAL(alloc_give(old, at[i]), 0);
	CU_ASSERT_EQUAL(alloc_take(old, 8192, 0, &offset, &dirty), 0);
	CU_ASSERT_EQUAL(alloc_give_begin(old, offset, 0, &dirty), 0); /* will be free */
	kept.n = again.n = 0;
	alloc_each(old, keep_one, &kept);
	alloc_stats(old, &was);
	CU_ASSERT_EQUAL_FATAL(alloc_open(0, 4096 * 1024, 4096, &b), 0);
	CU_ASSERT_EQUAL_FATAL(alloc_restore(b, kept.block, kept.n), 0);
	CU_ASSERT_EQUAL(alloc_check(b), 0);
	alloc_stats(b, &is);
	CU_ASSERT_EQUAL(is.taken_blocks, was.taken_blocks - 1);
	CU_ASSERT_EQUAL(is.taken_bytes, was.taken_bytes - 8192);
	CU_ASSERT_EQUAL(is.taken_bytes + is.free_bytes, 4096 * 1024);
	for (unsigned i = 0; i < 300; i++)
		CU_ASSERT_EQUAL(alloc_give(b, at[i]), i % 3 ? 0 : -EINVAL);
	CU_ASSERT_EQUAL(alloc_check(b), 0);
	alloc_close(b);

	/* Where pages are smaller than they were, those of a page or more may share some with others. */
	CU_ASSERT_EQUAL_FATAL(alloc_open(0, 4096 * 1024, 512, &b), 0);
	CU_ASSERT_EQUAL_FATAL(alloc_restore(b, kept.block, kept.n), 0);
	CU_ASSERT_EQUAL(alloc_check(b), 0);
	for (uint64_t i = 0; i < kept.n; i++)
		if (kept.block[i].taken)
			CU_ASSERT_EQUAL(alloc_owns_pages(b, kept.block[i].offset),
			                !((kept.block[i].offset | kept.block[i].bytes) % 512));
	for (unsigned i = 0; i < 300; i++)
		CU_ASSERT_EQUAL(alloc_give(b, at[i]), i % 3 ? 0 : -EINVAL);
	CU_ASSERT_EQUAL(alloc_check(b), 0);
	CU_ASSERT_EQUAL(alloc_take(b, 4096 * 300, 0, &offset, &dirty), 0);
	CU_ASSERT_EQUAL(alloc_owns_pages(b, offset), 1);
	alloc_close(b);

	/* What does not fit together. */
	CU_ASSERT_EQUAL_FATAL(alloc_open(0, 4096 * 1024, 4096, &b), 0);
	kept.block[1].offset += 16;
	CU_ASSERT_EQUAL(alloc_restore(b, kept.block, kept.n), -EINVAL);
	alloc_close(b);
	alloc_close(old);
}

/* The same blocks in two allocators. */
static void compare_with(const struct alloc *other)
{
	const void *x = NULL, *y = NULL;
	struct alloc_saved one, two;

	CU_ASSERT_EQUAL_FATAL(alloc_check(other), 0);
	while (alloc_next(a, &x, &one)) {
		CU_ASSERT_EQUAL_FATAL(alloc_next(other, &y, &two), 1);
		CU_ASSERT_FATAL(one.offset == two.offset && one.bytes == two.bytes &&
		                one.taken == two.taken && one.leaving == two.leaving &&
		                one.dirty_lo == two.dirty_lo && one.dirty_hi == two.dirty_hi);
	}
	CU_ASSERT_EQUAL_FATAL(alloc_next(other, &y, &two), 0);
}

/* What one takes by size another takes by place. */
static void test_places(void)
{
	uint64_t block[40] = { 0 }, dirty, again, bytes;
	struct alloc *other;

	open_range(64 * PAGE, PAGE);
	CU_ASSERT_EQUAL_FATAL(alloc_open(base, 64 * PAGE, PAGE, &other), 0);
	for (int step = 0; step < 4000; step++) {
		uint64_t *b = &block[rng() % 40];

		if (*b) { /* offset and 1 */
			if (rng() % 2 && alloc_owns_pages(a, *b - 1)) {
				CU_ASSERT_EQUAL(alloc_give_begin(a, *b - 1, 7, &bytes), 0);
				CU_ASSERT_EQUAL(alloc_give_begin(other, *b - 1, 7, &bytes), 0);
				compare_with(other);
				CU_ASSERT_EQUAL(alloc_give_end(a, *b - 1, 0, 0), 0);
				CU_ASSERT_EQUAL(alloc_give_end(other, *b - 1, 0, 0), 0);
			} else {
				CU_ASSERT_EQUAL(alloc_give(a, *b - 1), 0);
				CU_ASSERT_EQUAL(alloc_give(other, *b - 1), 0);
			}
			*b = 0;
		} else if (alloc_take(a, 1 + rng() % (rng() % 2 ? 100 : 3 * PAGE), 0, b, &dirty) == 0) {
			bytes = alloc_size(a, *b);
			CU_ASSERT_EQUAL(alloc_take_at(other, *b, bytes, alloc_beneath(a, *b), &again), 0);
			CU_ASSERT(again >= dirty);
			CU_ASSERT_EQUAL(alloc_take_at(other, *b, bytes, alloc_beneath(a, *b), &again), -EINVAL);
			++*b;
		}
		compare_with(other);
	}
	alloc_close(other);
	alloc_close(a);
}

static void test_room_runs(void)
{
	static struct coh_config homes = { .nodes = 2, .n_zones = 1, .zone = { { 0, 1000, 4 } } };
	uint64_t lo = 0, hi = 1000 * PAGE;
	struct room r;

	CU_ASSERT_EQUAL_FATAL(room_open(&r, &homes, 0, PAGE), 0);
	CU_ASSERT_EQUAL(room_next(&r, &lo, &hi), 0);
	room_take(&r, 70 * PAGE + 16, 130 * PAGE);
	CU_ASSERT_EQUAL(room_next(&r, &lo, &hi), 1);
	CU_ASSERT_EQUAL(lo, 70 * PAGE);
	CU_ASSERT_EQUAL(hi, 201 * PAGE);
	lo = 80 * PAGE + 32;
	hi = 90 * PAGE + 48;
	CU_ASSERT_EQUAL(room_next(&r, &lo, &hi), 1);
	CU_ASSERT_EQUAL(lo, 80 * PAGE + 32);
	CU_ASSERT_EQUAL(hi, 90 * PAGE + 48);
	lo = 201 * PAGE;
	hi = 1000 * PAGE;
	CU_ASSERT_EQUAL(room_next(&r, &lo, &hi), 0);
	room_close(&r);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{ "arguments", test_arguments },
		{ "small blocks are packed", test_small_blocks_are_packed },
		{ "big blocks own their pages", test_big_blocks_own_their_pages },
		{ "whole range can be taken", test_whole_range_can_be_taken },
		{ "give takes starts only", test_give_takes_starts_only },
		{ "neighbours join", test_neighbours_join },
		{ "fresh memory is not dirty", test_fresh_memory_is_not_dirty },
		{ "last fit is found", test_last_fit_is_found },
		{ "out of memory changes nothing", test_out_of_memory_changes_nothing },
		{ "given in two parts", test_given_in_two_parts },
		{ "who shares no page", test_alone },
		{ "the nearest block", test_nearest },
		{ "a bound", test_bound },
		{ "room", test_room },
		{ "room of two nodes for each page", test_room_twice },
		{ "random against model", test_random_against_model },
		{ "random in large range", test_random_in_large_range },
		{ "kept blocks come back", test_kept_blocks_come_back },
		{ "by their places", test_places },
		{ "pages in use", test_room_runs },
		CU_TEST_INFO_NULL,
	};

	seed_start(20041);
	return suite_run("alloc", NULL, NULL, tests, 120);
}
