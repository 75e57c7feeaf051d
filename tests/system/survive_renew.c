/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Survivors make anew what is lost, again and again, while they use it and others die. A page that
 * nobody can have lost is never touched by that: survive_pages.c looks at these as ever. The others,
 * written by somebody who is dead, hold what he has written last; or, once they have been made anew,
 * zeros, and then what the lowest rank that lives stores there: never again what was before. In the
 * view in which somebody has made a page anew, it is lost on no node.
 */
#include <signal.h>
#include <string.h>
#include <time.h>

#include "dsm/dsm_survive.h"
#include "tests/system/node.h"
#include "tests/system/survive.h"

#define MORE_MS 200
#define ANEW (UINT64_C(1) << 40) /* what is stored in a page that was made anew is not below */
#define IN_VIEW(view, value) ((uint64_t)(view) << 48 | (value))
#define VIEW_OF(word) ((uint32_t)((word) >> 48))
#define VALUE_OF(word) ((word) & ((UINT64_C(1) << 48) - 1))

static struct dsm_view view_now(void)
{
	struct dsm_view view;

	OK(dsm_view(node.dsm, &view));
	return view;
}

/* Whether the page may be lost one day: it is written again and again by somebody who dies. */
static int may_be_lost(int p)
{
	const int after = (survive_writer_of(p) - run.victim + node.size) % node.size;

	return p % 2 && after < run.deaths;
}

static void renew(int p, int n)
{
	const uint32_t view = view_now().number;

	OK(dsm_renew(node.dsm, survive_page(p), (size_t)n * run.page_bytes));
	if (view_now().number != view)
		return; /* what it has made anew may be lost again */
	for (int i = p; i < p + n; i++)
		atomic_store(&run.tally->renewed_in[i], view);
}

static void refused(int p, uint32_t renewed_in)
{
	if (view_now().number == renewed_in)
		node_fail("page %d is lost in view %u, in which it was made anew", p, renewed_in);
}

/* What was read of the page, after these were noted. */
static void check_value(int p, uint64_t value, int was_anew, uint64_t done, uint64_t stored)
{
	if (value && value < ANEW) {
		if (was_anew)
			node_fail("page %d holds %llu again, after it was made anew", p,
			          (unsigned long long)value);
		if (value < done || value > atomic_load(&run.tally->begun[p]))
			node_fail("page %d holds %llu, and %llu was written", p,
			          (unsigned long long)value, (unsigned long long)done);
		return;
	}
	atomic_store(&run.tally->anew[p], 1);
	if (value > atomic_load(&run.tally->anew_begun[p]))
		node_fail("page %d holds %llu, which nobody has stored", p, (unsigned long long)value);
	if (value < VALUE_OF(stored) && VIEW_OF(stored) == view_now().number)
		node_fail("page %d holds %llu, after %llu was stored in the same view", p,
		          (unsigned long long)value, (unsigned long long)VALUE_OF(stored));
}

static void look(int p, uint64_t *random)
{
	const uint32_t renewed_in = atomic_load(&run.tally->renewed_in[p]);
	const int was_anew = atomic_load(&run.tally->anew[p]);
	const uint64_t stored = atomic_load(&run.tally->anew_done[p]);
	const uint64_t done = atomic_load(&run.tally->done[p]);
	const int a = (int)(node_random(random) % WORDS), b = (int)(node_random(random) % WORDS);
	uint64_t v[2];

	if (survive_load(p, a, b, v)) {
		refused(p, renewed_in);
		return;
	}
	check_value(p, v[0], was_anew, done, stored);
	check_value(p, v[1], was_anew || v[0] == 0 || v[0] >= ANEW, done, 0);
}

/* By one node; a page that holds what was there before is left. */
static void store(int p)
{
	static uint64_t count;
	const uint32_t renewed_in = atomic_load(&run.tally->renewed_in[p]), view = view_now().number;
	const uint64_t next = ANEW + ((uint64_t)view << 32) + ++count;
	uint64_t v[2];

	if (survive_load(p, 0, WORDS - 1, v)) {
		refused(p, renewed_in);
		return;
	}
	if (v[0] && v[0] < ANEW)
		return;
	atomic_store(&run.tally->anew_begun[p], next);
	if (survive_fill(p, next))
		refused(p, renewed_in);
	else if (view_now().number == view)
		atomic_store(&run.tally->anew_done[p], IN_VIEW(view, next));
}

static void work(uint64_t *random)
{
	const int p = (int)(node_random(random) % (unsigned)run.pages);
	const unsigned what = (unsigned)(node_random(random) % 8);
	const struct dsm_view view = view_now();
	const int writer = survive_writer_of(p);

	if (what == 0 && p % 8 == 0) {
		renew(0, run.pages);
	} else if (what == 1) {
		renew(p, 1);
	} else if (what == 2 && p % 2 && writer == node.rank) {
		survive_store(p);
	} else if (what == 3 && may_be_lost(p) && !(view.members >> writer & 1) &&
	           node.rank == __builtin_ctzll(view.members)) {
		store(p);
	} else if (may_be_lost(p)) {
		look(p, random);
	} else {
		survive_look(p, random);
	}
}

static int is_lost(void *ctx, void *ptr, size_t bytes)
{
	(void)ctx;
	node_fail("%zu bytes at %p are lost, and have been made anew", bytes, ptr);
}

/* Nobody stores any more. All find the same. */
static void compare(void)
{
	unsigned anew = 0;

	for (int p = 0; p < run.pages; p++) {
		uint64_t v[2], sum = 0;

		for (int i = 0; i < WORDS; i += 2) {
			if (survive_load(p, i, i + 1, v))
				node_fail("page %d is lost, and was made anew", p);
			sum = sum * 3 + v[0] + 7 * v[1];
		}
		anew += may_be_lost(p) && (v[0] == 0 || v[0] >= ANEW);
		if (node.rank == survive_first_living())
			atomic_store(&run.tally->sum[p], sum);
		run.sum[p] = sum;
	}
	survive_meet(4);
	for (int p = 0; p < run.pages; p++)
		if (atomic_load(&run.tally->sum[p]) != run.sum[p])
			node_fail("page %d holds something else on another node", p);
	if (node.rank == survive_first_living())
		node_say("%u of %d pages were made anew", anew, run.pages);
}

void survive_renew(uint64_t *random)
{
	struct dsm_view view;
	uint64_t end = 0;
	int said = 0;

	EXPECT(DSM_ERR_INVAL, dsm_renew(node.dsm, &view, sizeof view));
	OK(dsm_renew(node.dsm, run.at, 0));
	while (!end || node_now_ns() < end) {
		view = view_now();
		work(random);
		if (view.number > 1 && !said && node.rank == __builtin_ctzll(view.members)) {
			node_say("goes on");
			said = 1;
		}
		if ((int)view.number == 1 + run.deaths && !end)
			end = node_now_ns() + MORE_MS * UINT64_C(1000000);
	}
	for (int rank = 0; rank < node.size; rank++)
		survive_is_dead(rank); /* so that nobody waits for them */
	survive_meet(2);
	renew(0, run.pages);
	survive_meet(3);
	OK(dsm_lost(node.dsm, run.at, run.page_bytes * (size_t)run.pages, is_lost, NULL));
	compare();
}
