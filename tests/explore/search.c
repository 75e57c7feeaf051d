/* SPDX-License-Identifier: BSD-2-Clause */
/* Breadth first, so that the first violation found has a shortest trace. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/explore/explore.h"

/* Worlds waiting for their turn, packed: 2 bytes of length each. One being read, one
 * being filled: the levels of the search. */
struct queue {
	uint8_t *bytes;
	size_t len, at, cap;
};

struct search {
	struct explorer x;
	struct x_store store;
	struct x_graph graph;
	struct queue now, next;
	struct x_result *r;
	struct x_intern outcomes;
	double began;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t memory_in_use(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long long all, resident = 0;

	if (f && fscanf(f, "%llu %llu", &all, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void queue_put(struct queue *q, const uint8_t *bytes, unsigned len)
{
	uint16_t n = (uint16_t)len;

	if (q->len + len + 2 > q->cap) {
		q->cap = q->cap ? 2 * q->cap : 1 << 16;
		q->bytes = realloc(q->bytes, q->cap);
		if (!q->bytes) {
			perror("explore: queue");
			exit(2);
		}
	}
	memcpy(q->bytes + q->len, &n, 2);
	memcpy(q->bytes + q->len + 2, bytes, len);
	q->len += len + 2u;
}

static int queue_get(struct search *s, struct queue *q, struct world *w)
{
	uint16_t n;

	if (q->at == q->len)
		return 0;
	memcpy(&n, q->bytes + q->at, 2);
	x_world_unpack(&s->x, q->bytes + q->at + 2, n, w);
	q->at += n + 2u;
	return 1;
}

/* --- the graph, if live --- */

static void graph_open(struct search *s)
{
	uint64_t states = s->store.cap;

	s->graph.first = x_map((states + 1) * sizeof *s->graph.first);
	s->graph.goals = x_map(states * sizeof *s->graph.goals);
	s->graph.cap = UINT64_C(1) << 20;
	s->graph.to = x_map(s->graph.cap * sizeof *s->graph.to);
	s->graph.perm = x_map(s->graph.cap * sizeof *s->graph.perm);
}

static void graph_add(struct x_graph *g, uint32_t to, unsigned perm)
{
	if (g->edges == g->cap) {
		g->to = x_remap(g->to, g->cap * sizeof *g->to, 2 * g->cap * sizeof *g->to);
		g->perm = x_remap(g->perm, g->cap * sizeof *g->perm, 2 * g->cap * sizeof *g->perm);
		g->cap *= 2;
	}
	g->to[g->edges] = to;
	g->perm[g->edges++] = (uint8_t)perm;
}

static void graph_close(struct search *s)
{
	x_unmap(s->graph.first, (s->store.cap + 1u) * sizeof *s->graph.first);
	x_unmap(s->graph.goals, s->store.cap * sizeof *s->graph.goals);
	x_unmap(s->graph.to, s->graph.cap * sizeof *s->graph.to);
	x_unmap(s->graph.perm, s->graph.cap * sizeof *s->graph.perm);
}

/* --- states --- */

static void found(struct search *s, uint32_t number, const struct x_action *last)
{
	s->r->violated = 1;
	memcpy(s->r->why, s->x.why, sizeof s->r->why);
	s->r->trace_len = x_trace_print(&s->x, &s->store, number, last);
}

/* Enters w, reached from parent by action. Returns -1 when it breaks a rule. */
static int enter(struct search *s, const struct world *w, uint32_t parent, struct x_action action)
{
	struct world c;
	uint8_t bytes[X_BYTES_MAX];
	unsigned perm = x_canonical(&s->x, w, &c), len = x_world_pack(&s->x, &c, bytes);
	uint32_t number = 0;
	int is_new = x_store_add(&s->store, x_hash(bytes, len), &number);

	s->r->transitions++;
	if (s->x.o.live && s->store.len > 1)
		graph_add(&s->graph, number, perm | (action.kind == X_LOCAL ? X_ASKED : 0) |
		                                         (action.kind == X_CRASH ? X_CRASHED : 0));
	if (!is_new)
		return 0;
	s->store.parent[number] = parent;
	s->store.action[number] = action;
	queue_put(&s->next, bytes, len);
	if (w->n_msgs > s->r->most_msgs)
		s->r->most_msgs = w->n_msgs;
	if (w->n_moves > s->r->most_moves)
		s->r->most_moves = w->n_moves;
	if (s->x.o.live)
		s->graph.goals[number] = x_goals(&s->x, &c);
	if (s->x.o.outcomes)
		x_outcome_add(&s->x, &c, &s->outcomes, &s->r->outcomes_sum);
	if (x_check(&s->x, &c) == X_BAD) {
		found(s, number, NULL);
		return -1;
	}
	return 0;
}

static int expand(struct search *s, const struct world *w, uint32_t number)
{
	struct x_action action[X_ACTIONS];
	unsigned n = x_actions(&s->x, w, action);
	struct world after;

	if (s->x.o.live)
		s->graph.first[number] = s->graph.edges;
	for (unsigned i = 0; i < n; i++) {
		memcpy(&after, w, sizeof after);
		switch (x_apply(&s->x, &after, action[i])) {
		case X_NOTHING: break;
		case X_BAD: found(s, number, &action[i]); return -1;
		case X_DONE:
			if (enter(s, &after, number, action[i]))
				return -1;
		}
	}
	return 0;
}

static void tell_progress(const struct search *s)
{
	if (!s->x.out || s->store.len < 100000)
		return;
	fprintf(s->x.out, "  depth %u: %llu states, %llu transitions, %.1f s\n", s->r->depth,
	        (unsigned long long)s->store.len, (unsigned long long)s->r->transitions,
	        seconds() - s->began);
	fflush(s->x.out);
}

/* One level. Returns 0, -1 at a violation, 1 at a limit. */
static int level(struct search *s, uint32_t *number)
{
	struct queue done = s->now;
	struct world w;

	memset(&w, 0, sizeof w);
	s->now = s->next;
	s->next = done;
	s->next.len = s->next.at = 0;
	while (queue_get(s, &s->now, &w)) {
		if (expand(s, &w, (*number)++))
			return -1;
		if (s->store.len + X_ACTIONS >= s->store.cap)
			return 1;
		if (s->x.o.max_seconds && *number % 1024 == 0 &&
		    seconds() - s->began > s->x.o.max_seconds)
			return 1;
	}
	return 0;
}

static void search(struct search *s)
{
	struct world w;
	uint32_t number = 0;
	int rc;

	x_world_init(&s->x, &w);
	if (enter(s, &w, 0, (struct x_action){ 0 }))
		return;
	do {
		rc = level(s, &number);
		s->r->depth += rc == 0 && s->next.len;
		tell_progress(s);
	} while (rc == 0 && s->next.len);
	s->r->complete = rc == 0;
}

static void check_live(struct search *s)
{
	char goal[80];
	uint32_t missing;
	int64_t state;

	s->graph.first[s->store.len] = s->graph.edges;
	state = x_live_check(&s->x, &s->graph, s->store.len, &missing);
	if (state < 0)
		return;
	x_goal_name(&s->x.o, (unsigned)__builtin_ctz(missing), goal, sizeof goal);
	x_bad(&s->x, "livelock: from here nothing can ever %s", goal);
	found(s, (uint32_t)state, NULL);
}

int x_explore(const struct x_options *o, FILE *out, struct x_result *r)
{
	struct search s = { .x = { .o = *o, .out = out }, .r = r };

	memset(r, 0, sizeof *r);
	s.began = seconds();
	x_locals_open(&s.x.l, o);
	x_perms_make(&s.x);
	x_store_open(&s.store, o->live > 0, o->max_states);
	if (o->live)
		graph_open(&s);
	search(&s);
	if (o->live && r->complete)
		check_live(&s);
	r->states = s.store.len;
	r->outcomes = s.outcomes.len;
	x_intern_free(&s.outcomes);
	r->seconds = seconds() - s.began;
	r->memory_bytes = memory_in_use();
	r->locals = s.x.l.states.len;
	r->steps = s.x.l.memo_len;
	memcpy(r->row_taken, s.x.l.row_taken, sizeof r->row_taken);
	if (o->live)
		graph_close(&s);
	x_store_close(&s.store);
	x_locals_close(&s.x.l);
	free(s.now.bytes);
	free(s.next.bytes);
	return r->violated ? -1 : 0;
}
