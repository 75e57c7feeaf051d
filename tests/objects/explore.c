/* SPDX-License-Identifier: BSD-2-Clause */
/* All states that a program comes to: depth first, each once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/objects/model.h"

#define STATES (1u << 19)
#define DEPTH 400

static struct world *table;
static uint8_t *used;
static unsigned long n_states;
static struct {
	unsigned thread, choice;
} path[DEPTH];

/* --- who sleeps --- */

void model_sleep(struct world *w, unsigned n)
{
	unsigned i = 0;

	while (w->line[i])
		i++;
	w->line[i] = (uint8_t)(n + 1);
	w->thread[n].woken = 0;
}

bool model_is_asleep(const struct world *w, unsigned n)
{
	for (unsigned i = 0; i < MODEL_THREADS; i++)
		if (w->line[i] == n + 1)
			return true;
	return false;
}

static void take_out(struct world *w, unsigned i)
{
	memmove(w->line + i, w->line + i + 1, MODEL_THREADS - 1 - i);
	w->line[MODEL_THREADS - 1] = 0;
}

unsigned model_wake(struct world *w, unsigned count)
{
	unsigned woken = 0;

	for (; woken < count && w->line[0]; woken++) {
		w->thread[w->line[0] - 1].woken = 1;
		take_out(w, 0);
	}
	return woken;
}

void model_cancel(struct world *w, unsigned n)
{
	for (unsigned i = 0; i < MODEL_THREADS; i++)
		if (w->line[i] == n + 1) {
			take_out(w, i);
			return;
		}
}

/* --- states --- */

static bool is_new(const struct world *w)
{
	uint64_t hash = 14695981039346656037u;
	const uint8_t *byte = (const uint8_t *)w;

	for (size_t i = 0; i < sizeof *w; i++)
		hash = (hash ^ byte[i]) * 1099511628211u;
	for (uint32_t i = (uint32_t)(hash >> 20);; i++) {
		i %= STATES;
		if (!used[i]) {
			used[i] = 1;
			table[i] = *w;
			if (++n_states > STATES - STATES / 8)
				fputs("model: too many states\n", stderr), exit(1);
			return true;
		}
		if (!memcmp(&table[i], w, sizeof *w))
			return false;
	}
}

static void fail(const struct program *p, const char *why, unsigned depth)
{
	fprintf(stderr, "model: %s: %s, after", p->name, why);
	for (unsigned i = 0; i < depth; i++)
		fprintf(stderr, " %u%s", path[i].thread, path[i].choice ? "'" : "");
	fputc('\n', stderr);
	exit(1);
}

static bool all_have_ended(const struct program *p, const struct world *w)
{
	for (unsigned n = 0; n < p->threads; n++)
		if (w->thread[n].at != MODEL_END)
			return false;
	return true;
}

static void visit(const struct program *p, const struct world *w, unsigned depth)
{
	bool goes_on = false;
	const char *why;

	if (!is_new(w))
		return;
	why = p->wrong(w);
	if (why)
		fail(p, why, depth);
	if (depth == DEPTH)
		fail(p, "no end", depth);
	for (unsigned n = 0; n < p->threads; n++)
		for (unsigned choice = 0; choice < MODEL_CHOICES; choice++) {
			struct world next = *w;

			if (w->thread[n].at == MODEL_END || !p->step(&next, n, choice))
				continue;
			path[depth].thread = n;
			path[depth].choice = choice;
			/* What ends by time alone is a thread that nobody wakes. */
			goes_on |= choice == 0;
			visit(p, &next, depth + 1);
		}
	if (!goes_on && !all_have_ended(p, w))
		fail(p, "threads sleep, and nobody wakes them", depth);
}

unsigned long model_explore(const struct program *p)
{
	table = calloc(STATES, sizeof *table);
	used = calloc(STATES, 1);
	if (!table || !used)
		fputs("model: no memory\n", stderr), exit(1);
	n_states = 0;
	visit(p, &p->start, 0);
	free(table);
	free(used);
	return n_states;
}
