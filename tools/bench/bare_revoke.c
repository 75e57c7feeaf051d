/* SPDX-License-Identifier: BSD-2-Clause */
/* Floors: what it costs to take access to one page away. */
#include <pthread.h>

#include "tools/bench/bare.h"
#include "tools/bench/bench.h"

#define APART_NS 10000 /* about as long as a miss takes */

static int mapped;

static void *map_all(void *arg)
{
	struct bare_window *w = arg;

	bare_window_zap(w, 0, w->pages);
	for (size_t page = 0; page < w->pages; page++) {
		bare_window_map(w, page, true);
		*bare_window_word(w, page) = page;
	}
	/* Release: pairs with the acquire in map_elsewhere(). */
	__atomic_store_n(&mapped, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* By another thread, and on another processor if there is one: as at the owner of a page, where
 * the thread that uses it is not the one that takes it away. */
static void map_elsewhere(struct bare_window *w)
{
	pthread_t thread;

	mapped = 0;
	if (pthread_create(&thread, NULL, map_all, w))
		bench_fail("cannot start a thread");
	while (!__atomic_load_n(&mapped, __ATOMIC_ACQUIRE))
		bench_relax();
	pthread_join(thread, NULL);
}

/* An owner takes a page away now and then, not one after the other. */
static void pause_as_owner(void)
{
	uint64_t end = bench_now_ns() + APART_NS;

	while (bench_now_ns() < end)
		bench_relax();
}

static void revoke_all(struct bare_window *w, const uint32_t *order, struct series *s, bool zap)
{
	map_elsewhere(w);
	for (size_t i = 0; i < w->pages; i++) {
		uint64_t start;

		pause_as_owner();
		start = bench_now_ns();
		if (zap)
			bare_window_zap(w, order[i], 1);
		else
			bare_window_protect(w, order[i]);
		series_add(s, bench_us_since(start));
	}
	series_rep(s);
}

static void rep_protect(struct bare_window *w, const uint32_t *order, struct series *s)
{
	revoke_all(w, order, s, false);
}

static void rep_zap(struct bare_window *w, const uint32_t *order, struct series *s)
{
	revoke_all(w, order, s, true);
}

/* Nothing traps here, so no thread waits for faults. One that looked for them on another
 * processor would have to be interrupted each time, which an owner's service thread, itself the
 * one that looks, is spared. */
void revoke_protect(struct result *out)
{
	static const struct bare_alone floor = { .by_signal = true, .rep = rep_protect };

	bare_floor_alone(out, &floor);
}

void revoke_zap(struct result *out)
{
	static const struct bare_alone floor = { .by_signal = true, .rep = rep_zap };

	bare_floor_alone(out, &floor);
}
