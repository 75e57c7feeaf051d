/* SPDX-License-Identifier: BSD-2-Clause */
/* Breadth first, so that the first violation found has a shortest trace; then backwards, from where
 * all is well: every state must have a way there. */
#include <stdlib.h>
#include <string.h>

#include "tests/views/explore.h"

struct search {
	struct v_explorer *x;
	struct x_intern worlds;
	uint32_t *parent, *first; /* of the edges of a state */
	struct v_action *action;  /* that led to it */
	uint8_t *good;            /* it is, or was not followed to its end */
	uint32_t *to;             /* edges */
	uint64_t edges, edges_cap;
	uint64_t cap;
};

static void grow(struct search *s)
{
	uint64_t cap = s->cap ? 2 * s->cap : 1 << 16;

	if (s->worlds.len + 1 < s->cap)
		return;
	s->parent = realloc(s->parent, cap * sizeof *s->parent);
	s->first = realloc(s->first, cap * sizeof *s->first);
	s->action = realloc(s->action, cap * sizeof *s->action);
	s->good = realloc(s->good, cap);
	if (!s->parent || !s->first || !s->action || !s->good) {
		perror("explore: states");
		exit(2);
	}
	s->cap = cap;
}

static void add_edge(struct search *s, uint32_t to)
{
	if (s->edges == s->edges_cap) {
		s->edges_cap = s->edges_cap ? 2 * s->edges_cap : 1 << 20;
		s->to = realloc(s->to, s->edges_cap * sizeof *s->to);
		if (!s->to) {
			perror("explore: edges");
			exit(2);
		}
	}
	s->to[s->edges++] = to;
}

/* -1 when it breaks a rule. */
static int enter(struct search *s, const struct v_world *w, uint32_t parent, struct v_action action)
{
	uint8_t bytes[V_BYTES];
	uint32_t before = s->worlds.len, number;

	grow(s);
	number = x_intern(&s->worlds, bytes, v_world_pack(s->x, w, bytes));
	if (parent != number && before)
		add_edge(s, number);
	if (number < before)
		return 0;
	s->parent[number] = parent;
	s->action[number] = action;
	s->good[number] = (uint8_t)v_is_good(s->x, w);
	return v_check(s->x, w);
}

/* --- the way to a state --- */

static void print_way(struct search *s, uint32_t number, const struct v_action *last)
{
	struct v_explorer *x = s->x;
	struct v_action *path;
	struct v_world w;
	char why[sizeof x->why];
	unsigned len = 0, i;

	memcpy(why, x->why, sizeof why);
	for (uint32_t n = number; n; n = s->parent[n])
		len++;
	path = calloc(len + 1, sizeof *path);
	i = len;
	for (uint32_t n = number; n; n = s->parent[n])
		path[--i] = s->action[n];
	if (last)
		path[len++] = *last;
	v_world_init(x, &w);
	if (x->out)
		fprintf(x->out, "  a shortest way there, %u events:\n", len);
	for (i = 0; i < len && x->out; i++) {
		fprintf(x->out, "  %3u. ", i + 1);
		v_print_action(x, &w, &path[i]);
		v_apply(x, &w, &path[i]);
		v_print_world(x, &w);
	}
	free(path);
	memcpy(x->why, why, sizeof why);
	x->trace_len = len;
	if (x->out)
		fprintf(x->out, "  VIOLATED: %s\n", why);
}

/* --- the search --- */

static int expand(struct search *s, uint32_t number)
{
	static struct v_action list[V_ACTIONS];
	struct v_world w, after;
	unsigned n;
	int rc;

	v_world_unpack(s->x, s->worlds.item[number].bytes, &w);
	n = v_actions(s->x, &w, list);
	for (unsigned i = 0; i < n; i++) {
		after = w;
		rc = v_apply(s->x, &after, &list[i]);
		if (rc == 2) {
			s->good[number] = 1;
			continue;
		}
		if (rc < 0) {
			print_way(s, number, &list[i]);
			return -1;
		}
		if (enter(s, &after, number, list[i])) {
			print_way(s, s->worlds.len - 1, NULL);
			return -1;
		}
	}
	return 0;
}

/* Makes good what has a way to what is; states found later are looked at first. */
static int all_good(struct search *s)
{
	uint32_t n = s->worlds.len, bad;
	int changed = 1;

	while (changed) {
		changed = 0;
		for (uint32_t i = n; i-- > 0;)
			for (uint64_t e = s->first[i]; e < s->first[i + 1] && !s->good[i]; e++)
				if (s->good[s->to[e]])
					s->good[i] = 1, changed = 1;
	}
	for (bad = 0; bad < n && s->good[bad]; bad++)
		;
	if (bad == n)
		return 0;
	v_bad(s->x, "from here nobody arrives in a view where all is well");
	print_way(s, bad, NULL);
	return -1;
}

int v_search(struct v_explorer *x)
{
	struct search s = { .x = x };
	struct v_world w;
	uint32_t i = 0;
	int rc;

	v_locals_open(&x->l, x->o.nodes);
	x->truncated = 0;
	x->trace_len = 0;
	v_world_init(x, &w);
	rc = enter(&s, &w, 0, (struct v_action){ 0 });
	for (i = 0; i < s.worlds.len && rc == 0; i++) {
		s.first[i] = (uint32_t)s.edges;
		if (x->o.max_states && s.worlds.len > x->o.max_states) {
			x->truncated = 1;
			break;
		}
		rc = expand(&s, i);
	}
	s.first[i] = (uint32_t)s.edges;
	if (rc == 0 && !x->truncated)
		rc = all_good(&s);
	x->states = s.worlds.len;
	x->edges = s.edges;
	x->steps = x->l.steps;
	x_intern_free(&s.worlds);
	free(s.parent);
	free(s.first);
	free(s.action);
	free(s.good);
	free(s.to);
	v_locals_close(&x->l);
	return rc;
}
