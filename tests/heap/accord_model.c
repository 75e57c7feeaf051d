/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that can happen to nodes that meet in rounds (dsm/heap/accord.h), by its code: messages in any
 * order but of a pair, and views, one after the other, each of which leaves somebody out. He may have died
 * at any time, between any two messages that he was to send; or he goes on for as long as he likes, and may still be
 * heard of by who has not entered the view yet. Nodes enter views when they like, and may leave some out. And some
 * do not know for a while whether they are still in.
 *
 * Checked in every state, of those who are in the newest view:
 *	- of a round all hear the same: what all who are in some view have given, or that there is a new view
 *	- between results of different views each hears that there is one
 *	- a view is heard of once at most
 *	- no message of one who is in the view is refused
 *	- where nothing more can happen all have come through all rounds, whatever those do who are out
 *
 * and that each of the bugs of dsm/heap/accord_mutant.h violates that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/dsm_coll.h"
#include "dsm/dsm_survive.h"
#include "dsm/heap/accord.h"
#include "dsm/heap/accord_mutant.h"

#define NODES ACCORD_NODES
#define ROUNDS 3
#define VIEWS 4
#define QUEUE 4
#define DEPTH 400
#define TABLE_BITS 25

enum accord_mutant accord_mutant;

enum { NOTHING, HEARD_VIEW, HEARD_OTHERS, HEARD_LOST, HEARD_RESULT }; /* and from there on what */

struct world {
	struct accord node[NODES];
	struct accord_msg queue[NODES][NODES][QUEUE];
	uint8_t len[NODES][NODES];
	uint8_t heard[NODES][ROUNDS], rounds[NODES];
	uint8_t members[VIEWS], views; /* the newest is the last */
	uint8_t shuts;
};

struct run {
	const char *what;
	unsigned nodes, rounds, views, shuts; /* views: how many more; shuts: how often one does not know */
	struct heap_round round;
	int other; /* this node's first call is another one; -1 */
	int dies;  /* who is out does nothing any more */
};

static const struct run runs[] = {
	{ "three nodes, two views", 3, 3, 2, 0, { DSM_SUM, DSM_UINT64, 0, 3 }, -1, 0 },
	{ "three nodes, one view, who may not know", 3, 3, 1, 2, { DSM_SUM, DSM_UINT64, 0, 3 }, -1, 0 },
	{ "three nodes, a broadcast", 3, 2, 1, 0, { HEAP_BROADCAST, 0, 1, 8 }, -1, 0 },
	{ "three nodes, of which one calls something else", 3, 2, 1, 0, { DSM_SUM, DSM_UINT64, 0, 3 }, 1, 0 },
	{ "four nodes, of which two die", 4, 2, 2, 0, { DSM_SUM, DSM_UINT64, 0, 3 }, -1, 1 },
};

static const struct run *run;
static struct world *now; /* and who takes a step in it */
static unsigned stepping;
static const char *wrong;
static char steps[DEPTH][64];
static unsigned depth;
static uint64_t *table;
static unsigned long states;

static unsigned newest(const struct world *w)
{
	return w->members[w->views - 1];
}

static int is_in(const struct world *w, unsigned node)
{
	return newest(w) >> node & 1;
}

/* --- what a node says --- */

static void on_send(void *ctx, uint16_t to, const struct accord_msg *m)
{
	uint8_t *len = &now->len[stepping][to];

	(void)ctx;
	if (now->node[to].members >> stepping & 1 || now->node[to].view < m->view) {
		if (*len == QUEUE)
			wrong = "more messages are under way than there can be";
		else
			now->queue[stepping][to][(*len)++] = *m;
	}
}

static uint8_t heard_of(int status, const uint64_t word[HEAP_WORDS], unsigned round)
{
	const unsigned mask = (unsigned)word[0];

	switch (status) {
	case DSM_ERR_VIEW: return HEARD_VIEW;
	case -EINVAL: return HEARD_OTHERS;
	case DSM_ERR_LOST_DATA: return HEARD_LOST;
	case 0: break;
	default: wrong = "a code that nobody knows"; return NOTHING;
	}
	if (run->round.op == HEAP_BROADCAST) {
		if (mask != 1u << run->round.root || word[1] != round + 1)
			wrong = "what is heard is not what the root has given";
	} else if (word[1] != (uint64_t)__builtin_popcount(mask) * (round + 1)) {
		wrong = "a result of different rounds";
	}
	return (uint8_t)(HEARD_RESULT + mask);
}

static void on_done(void *ctx, int status, const uint64_t word[HEAP_WORDS])
{
	const unsigned round = now->rounds[stepping]++;

	(void)ctx;
	now->heard[stepping][round] = heard_of(status, word, round);
}

static const struct accord_out out = { .send = on_send, .done = on_done };

/* --- what must hold --- */

static int is_of_a_view(const struct world *w, unsigned mask)
{
	for (unsigned v = 0; v < w->views; v++)
		if (w->members[v] == mask)
			return 1;
	return 0;
}

static void check_node(const struct world *w, unsigned i)
{
	unsigned views = 0, last = 0;

	for (unsigned r = 0; r < w->rounds[i]; r++) {
		const unsigned h = w->heard[i][r];

		views += h == HEARD_VIEW;
		for (unsigned k = 0; k < run->nodes; k++)
			if (is_in(w, k) && r < w->rounds[k] && w->heard[k][r] != h)
				wrong = "of a round not all hear the same";
		if (h == HEARD_VIEW)
			last = 0;
		if (h < HEARD_RESULT || run->round.op == HEAP_BROADCAST)
			continue;
		if (!is_of_a_view(w, h - HEARD_RESULT))
			wrong = "a result is not of all who are in a view";
		if (last && last != h)
			wrong = "results of different views, and nobody has said so";
		last = h;
	}
	if (views >= w->views)
		wrong = "a view is heard of twice";
}

static void check(const struct world *w)
{
	for (unsigned i = 0; i < run->nodes; i++)
		if (is_in(w, i))
			check_node(w, i);
}

static void check_rest(const struct world *w)
{
	for (unsigned i = 0; i < run->nodes; i++)
		if (is_in(w, i) && w->rounds[i] < run->rounds)
			wrong = "nothing more can happen, and somebody has not come through";
}

/* --- what can happen --- */

static void call(struct world *w, unsigned i)
{
	const unsigned round = w->rounds[i];
	const uint64_t word[HEAP_WORDS] = { 1u << i, round + 1 };
	struct heap_round what = run->round;

	what.count += (int)i == run->other && round == 0;
	if (accord_call(&w->node[i], what, word))
		wrong = "a call is refused";
}

static void deliver(struct world *w, unsigned from, unsigned to)
{
	const struct accord_msg m = w->queue[from][to][0];

	memmove(&w->queue[from][to][0], &w->queue[from][to][1], (QUEUE - 1) * sizeof m);
	w->len[from][to]--;
	memset(&w->queue[from][to][w->len[from][to]], 0, sizeof m);
	if (accord_take(&w->node[to], (uint16_t)from, &m) && is_in(w, from) && is_in(w, to))
		wrong = "a message is refused";
}

static void lose(struct world *w, unsigned from, unsigned to)
{
	memset(w->queue[from][to], 0, sizeof w->queue[from][to]);
	w->len[from][to] = 0;
}

static void enter(struct world *w, unsigned i, unsigned view)
{
	for (unsigned k = 0; k < run->nodes; k++)
		if (!(w->members[view - 1] >> k & 1))
			lose(w, k, i);
	accord_view(&w->node[i], view, w->members[view - 1]);
}

/* --- all of it --- */

static void explore(const struct world *w);

static int is_new(const struct world *w)
{
	uint64_t hash = 0x9e3779b97f4a7c15u, word;
	const uint8_t *at = (const uint8_t *)w;
	size_t i = 0;

	for (; i + sizeof word <= sizeof *w; i += sizeof word) {
		memcpy(&word, at + i, sizeof word);
		hash = (hash ^ word) * 0xff51afd7ed558ccdu;
		hash ^= hash >> 32;
	}
	hash |= 1;
	for (uint64_t k = hash >> (64 - TABLE_BITS);; k = (k + 1) & ((UINT64_C(1) << TABLE_BITS) - 1)) {
		if (table[k] == hash)
			return 0;
		if (!table[k]) {
			table[k] = hash;
			return 1;
		}
	}
}

#define STEP(w, who, action, ...)                                                                    \
	do {                                                                                         \
		struct world next = *(w);                                                            \
		if (wrong)                                                                           \
			return;                                                                      \
		now = &next;                                                                         \
		stepping = (who);                                                                    \
		action;                                                                              \
		snprintf(steps[depth], sizeof steps[depth], __VA_ARGS__);                            \
		explore(&next);                                                                      \
	} while (0)

static void calls(const struct world *w, unsigned i)
{
	if (!w->node[i].waits && w->rounds[i] < run->rounds)
		STEP(w, i, call(&next, i), "node %u calls", i);
	if (w->node[i].shut)
		STEP(w, i, accord_usable(&next.node[i], 1), "node %u knows again", i);
	else if (w->shuts < run->shuts)
		STEP(w, i, (next.shuts++, accord_usable(&next.node[i], 0)), "node %u does not know", i);
}

static void messages(const struct world *w, unsigned from, unsigned to)
{
	if (!w->len[from][to])
		return;
	STEP(w, to, deliver(&next, from, to), "%u takes message %u of round %u, view %u, of %u", to,
	     w->queue[from][to][0].kind, w->queue[from][to][0].round, w->queue[from][to][0].view, from);
	if (!is_in(w, from))
		STEP(w, to, lose(&next, from, to), "%u does not hear of %u any more", to, from);
}

static void views(const struct world *w, unsigned i)
{
	for (unsigned v = w->node[i].view + 1; v <= w->views; v++)
		if (w->members[v - 1] >> i & 1)
			STEP(w, i, enter(&next, i, v), "%u enters view %u", i, v);
	if (is_in(w, i) && w->views <= run->views && __builtin_popcount(newest(w)) > 1)
		STEP(w, i, next.members[next.views++] = (uint8_t)(newest(w) & ~(1u << i)), "%u is out", i);
}

/* Whether something is left to happen without those who are out, or another view. */
static int goes_on(const struct world *w)
{
	for (unsigned i = 0; i < run->nodes; i++) {
		if (!is_in(w, i))
			continue;
		if (w->node[i].shut || w->node[i].view < w->views ||
		    (!w->node[i].waits && w->rounds[i] < run->rounds))
			return 1;
		for (unsigned k = 0; k < run->nodes; k++)
			if (is_in(w, k) && w->len[k][i])
				return 1;
	}
	return 0;
}

static void explore(const struct world *w)
{
	if (!wrong)
		check(w);
	if (!wrong && !goes_on(w))
		check_rest(w);
	if (wrong || !is_new(w))
		return;
	if (++states > (1ul << TABLE_BITS) / 2 || ++depth == DEPTH) {
		wrong = "it does not end";
		return;
	}
	for (unsigned i = 0; i < run->nodes && !wrong; i++) {
		if (run->dies && !is_in(w, i))
			continue;
		calls(w, i);
		views(w, i);
		for (unsigned k = 0; k < run->nodes && !wrong; k++)
			messages(w, i, k);
	}
	depth -= !wrong;
}

/* Returns what is wrong, or NULL. */
static const char *look(const struct run *r)
{
	static struct world first;

	run = r;
	wrong = NULL;
	states = depth = 0;
	memset(table, 0, sizeof *table << TABLE_BITS);
	memset(&first, 0, sizeof first);
	first.views = 1;
	first.members[0] = (uint8_t)((1u << r->nodes) - 1);
	for (unsigned i = 0; i < r->nodes; i++)
		accord_open(&first.node[i], &out, NULL, (uint16_t)i, r->nodes);
	explore(&first);
	return wrong;
}

static void show(void)
{
	for (unsigned i = 0; i <= depth && i < DEPTH; i++)
		printf("\t%s\n", steps[i]);
}

int main(int argc, char **argv)
{
#define NAME(name, what) #name ": " what,
	static const char *const names[] = { ACCORD_MUTANTS(NAME) };
#undef NAME
	const unsigned n_runs = sizeof runs / sizeof *runs;
	int failed = 0;

	table = malloc(sizeof *table << TABLE_BITS);
	if (!table)
		return 99;
	for (unsigned i = 0; i < n_runs; i++) {
		const char *why = look(&runs[i]);
		printf("%s: %lu states%s%s\n", runs[i].what, states, why ? ": " : "", why ? why : "");
		if (why)
			show();
		failed |= why != NULL;
	}
	for (accord_mutant = 1; accord_mutant < ACCORD_MUTANTS_END; accord_mutant++) {
		const char *why = NULL;
		unsigned i = 0;
		for (; i < n_runs && !why; i++)
			why = look(&runs[i]);
		printf("%s %s\n\t%s (%s)\n", why ? "ok    " : "FAILED", names[accord_mutant],
		       why ? why : "nothing is seen", why ? runs[i - 1].what : "");
		if (why && argc > 1 && !strncmp(names[accord_mutant], argv[1], strlen(argv[1])))
			show();
		failed |= !why;
	}
	free(table);
	return failed;
}
