/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far is each of n points of a random graph from the first one? All points of one distance are
 * looked at before those of the next; whoever comes to a new point first, by an atomic exchange of
 * its distance, has it in its list for the next round.
 */
#include <stdbool.h>

#include "tools/bench/apps/kernels.h"

#define EDGES 8 /* from each point */

/* Those of one distance that a member has found. */
struct list {
	uint32_t *point;
	uint32_t *count; /* on a page of its own */
};

struct search {
	const uint32_t *edges;
	uint32_t *distance; /* 0: not known; otherwise one more than it is */
	struct list list[2][TEAM_SIZE_MAX];
};

static void fill(const struct team *t, uint32_t *edges)
{
	for (size_t i = team_from(t, t->n) * EDGES; i < team_to(t, t->n) * EDGES; i++)
		edges[i] = (uint32_t)(team_hash(i) % t->n);
}

static void visit(const struct search *s, uint32_t point, uint32_t distance, struct list *found)
{
	for (size_t i = 0; i < EDGES; i++) {
		const uint32_t next = s->edges[point * EDGES + i];
		uint32_t unknown = 0;

		if (__atomic_load_n(&s->distance[next], __ATOMIC_RELAXED))
			continue;
		if (__atomic_compare_exchange_n(&s->distance[next], &unknown, distance, false,
		                                __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			found->point[(*found->count)++] = next;
	}
}

/* This member's share of what all have found in the round before. */
static size_t advance(const struct team *t, struct search *s, uint32_t round)
{
	struct list *found = &s->list[round % 2][t->rank];
	size_t all = 0;

	*found->count = 0;
	for (unsigned member = 0; member < t->size; member++) {
		const struct list *last = &s->list[1 - round % 2][member];
		const size_t n = *last->count;

		for (size_t i = n * t->rank / t->size; i < n * (t->rank + 1) / t->size; i++)
			visit(s, last->point[i], round + 1, found);
		all += n;
	}
	return all;
}

static void run(struct team *t)
{
	uint32_t *edges = team_take(t, t->n * EDGES * sizeof *edges);
	struct search s = { .edges = edges };

	s.distance = team_take(t, t->n * sizeof *s.distance);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned member = 0; member < t->size; member++) {
			s.list[i][member].point = team_take(t, t->n * sizeof(uint32_t));
			s.list[i][member].count = team_take(t, sizeof(uint32_t));
		}
	fill(t, edges);
	if (t->rank == 0) { /* the first point, of distance 0 */
		s.distance[0] = 1;
		*s.list[0][0].count = 1;
	}
	team_barrier(t);
	for (uint32_t round = 1; advance(t, &s, round); round++)
		team_barrier(t);
	t->result = s.distance;
	t->result_bytes = t->n * sizeof *s.distance;
	team_barrier(t);
}

const struct kernel kernel_search = { .name = "search",
	                              .run = run,
	                              .bytes = (2 << 20) + (256 << 10) +
	                                       2 * TEAM_SIZE_MAX * ((256 << 10) + TEAM_PAGE),
	                              .full = { .n = 1 << 16 },
	                              .few = { .n = 1 << 10 } };
