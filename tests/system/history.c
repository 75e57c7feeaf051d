/* SPDX-License-Identifier: BSD-2-Clause */
/* Decides whether each word of a history was coherent; see history.h. */
#include "tests/system/history_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int history_fault(struct checker *c, const char *format, ...)
{
	va_list args;
	int len = snprintf(c->why, HISTORY_WHY_MAX, "word %u: ", c->word);

	va_start(args, format);
	vsnprintf(c->why + len, HISTORY_WHY_MAX - (size_t)len, format, args);
	va_end(args);
	return 1;
}

/* ------------------------------------------------------- values to stores -- */

uint32_t *history_store_of(struct checker *c, uint64_t value)
{
	uint32_t i = (uint32_t)((value * 0x9e3779b97f4a7c15u) >> 32);

	for (i &= c->table_mask; c->table[i] != NONE; i = (i + 1) & c->table_mask)
		if (c->store[c->table[i]].value == value)
			break;
	return &c->table[i];
}

static int store_add(struct checker *c, uint64_t value, uint32_t thread, uint32_t index)
{
	uint32_t *slot = history_store_of(c, value);
	struct store *store = &c->store[c->n_store];

	if (*slot != NONE)
		return history_fault(
			c, "%#llx was stored twice: thread %d (access %u), thread %u (access %u)",
			(unsigned long long)value, (int)c->store[*slot].thread,
			c->store[*slot].index, thread, index);
	*slot = c->n_store++;
	*store = (struct store){ .value = value,
		                 .thread = thread,
		                 .index = index,
		                 .next_in_chain = NONE,
		                 .chain = NONE,
		                 .edges = NONE };
	return 0;
}

static int stores_collect(struct checker *c)
{
	uint32_t size = 4;
	int rc;

	while (size < 2 * (c->n_access + 1))
		size *= 2;
	c->table_mask = size - 1;
	memset(c->table, 0xff, size * sizeof *c->table);
	c->n_store = 0;
	rc = store_add(c, c->history->initial[c->word], NONE, 0);
	for (size_t i = 0; i < c->n_access && !rc; i++)
		if (c->access[i].op->kind != HISTORY_READ)
			rc = store_add(c, c->access[i].op->value, c->access[i].thread,
			               c->access[i].index);
	return rc;
}

/* ------------------------------------------------------------------ order -- */

static void edge_add(struct checker *c, uint32_t from, uint32_t to, uint32_t thread, uint32_t index)
{
	c->edge[c->n_edge++] = (struct edge){
		.from = from, .to = to, .next = NONE, .thread = thread, .index = index
	};
}

/* The store whose value an access loaded. */
static int store_seen(struct checker *c, uint64_t value, const struct access *a, uint32_t *out)
{
	uint32_t found = *history_store_of(c, value);

	if (found == NONE)
		return history_fault(c, "thread %u (access %u) read %#llx, which nobody stored",
		                     a->thread, a->index, (unsigned long long)value);
	if (c->store[found].thread == a->thread && c->store[found].index > a->index)
		return history_fault(
			c, "thread %u (access %u) read %#llx before it stored it (access %u)",
			a->thread, a->index, (unsigned long long)value, c->store[found].index);
	*out = found;
	return 0;
}

static int chain_link(struct checker *c, uint32_t old, uint32_t new, const struct access *a)
{
	uint32_t other = c->store[old].next_in_chain;

	if (other != NONE)
		return history_fault(
			c,
			"lost update: thread %u (access %u) and thread %u (access %u) both "
			"replaced %#llx",
			c->store[other].thread, c->store[other].index, a->thread, a->index,
			(unsigned long long)a->op->old);
	c->store[old].next_in_chain = new;
	c->store[new].has_pred = 1;
	return 0;
}

/* What each thread did says which store comes before which. */
static int edges_collect(struct checker *c)
{
	uint32_t at = NONE, seen = NONE, thread = NONE;
	int rc;

	c->n_edge = 0;
	for (size_t i = 0; i < c->n_access; i++) {
		const struct access *a = &c->access[i];
		const struct history_op *op = a->op;

		if (a->thread != thread) {
			thread = a->thread;
			at = NONE;
		}
		if (op->kind != HISTORY_WRITE) {
			rc = store_seen(c, op->kind == HISTORY_READ ? op->value : op->old, a,
			                &seen);
			if (rc)
				return rc;
			if (at != NONE && at != seen)
				edge_add(c, at, seen, thread, a->index);
			at = seen;
		}
		if (op->kind != HISTORY_READ) {
			seen = *history_store_of(c, op->value);
			if (at != NONE)
				edge_add(c, at, seen, thread, a->index);
			if (op->kind == HISTORY_RMW && (rc = chain_link(c, at, seen, a)))
				return rc;
			at = seen;
		}
	}
	return 0;
}

static int chains_number(struct checker *c)
{
	uint32_t left = c->n_store;

	for (uint32_t head = 0; head < c->n_store; head++) {
		if (c->store[head].has_pred)
			continue;
		for (uint32_t s = head, n = 0; s != NONE; s = c->store[s].next_in_chain, n++) {
			c->store[s].chain = head;
			c->store[s].position = n;
			left--;
		}
	}
	for (uint32_t s = 0; left && s < c->n_store; s++)
		if (c->store[s].chain == NONE)
			return history_fault(
				c, "atomic operations replaced each other in a circle: %#llx",
				(unsigned long long)c->store[s].value);
	return 0;
}

static int fault_edge(struct checker *c, const struct edge *e, const char *but)
{
	return history_fault(c, "thread %d (access %u) saw %#llx before %#llx, but %s",
	                     (int)e->thread, e->index, (unsigned long long)c->store[e->from].value,
	                     (unsigned long long)c->store[e->to].value, but);
}

/* The initial value comes before everything, the final value after everything. */
static int ends_check(struct checker *c)
{
	uint32_t last;

	for (uint32_t e = 0; e < c->n_edge; e++)
		if (c->edge[e].to == 0)
			return fault_edge(c, &c->edge[e], "the latter is the initial value");
	for (uint32_t s = 1; s < c->n_store; s++)
		if (!c->store[s].has_pred)
			edge_add(c, 0, s, NONE, 0);
	if (!c->history->final)
		return 0;
	last = *history_store_of(c, c->history->final[c->word]);
	if (last == NONE)
		return history_fault(c, "its final value is %#llx, which nobody stored",
		                     (unsigned long long)c->history->final[c->word]);
	if (c->store[last].next_in_chain != NONE)
		return history_fault(
			c, "its final value is %#llx, though an atomic operation replaced it",
			(unsigned long long)c->store[last].value);
	for (uint32_t e = 0; e < c->n_edge; e++)
		if (c->edge[e].from == last && c->edge[e].thread != NONE)
			return fault_edge(c, &c->edge[e], "the former is the final value");
	for (uint32_t s = 0; s < c->n_store; s++)
		if (c->store[s].next_in_chain == NONE && s != last)
			edge_add(c, s, last, NONE, 0);
	return 0;
}

/* Names the edges of a circle among the chains that could not be ordered. */
static int fault_cycle(struct checker *c)
{
	uint32_t chain = 0, start;
	size_t len;

	while (c->store[chain].chain != chain || !c->store[chain].waits_for)
		chain++;
	/* Walk backwards over unordered predecessors until one repeats, ... */
	memset(c->todo, 0xff, c->n_store * sizeof *c->todo);
	while (c->todo[chain] == NONE) {
		uint32_t e = 0;

		while (c->store[c->edge[e].to].chain != chain ||
		       c->store[c->edge[e].from].chain == chain ||
		       !c->store[c->store[c->edge[e].from].chain].waits_for)
			e++;
		c->todo[chain] = e;
		chain = c->store[c->edge[e].from].chain;
	}
	/* ... then tell the circle. */
	start = chain;
	history_fault(c, "no order of its stores agrees with what the threads saw:");
	do {
		const struct edge *e = &c->edge[c->todo[chain]];

		len = strlen(c->why);
		if (e->thread == NONE)
			snprintf(c->why + len, HISTORY_WHY_MAX - len,
			         " %#llx is the first or %#llx the last;",
			         (unsigned long long)c->store[e->from].value,
			         (unsigned long long)c->store[e->to].value);
		else
			snprintf(c->why + len, HISTORY_WHY_MAX - len,
			         " thread %u (access %u) saw %#llx before %#llx;", e->thread,
			         e->index, (unsigned long long)c->store[e->from].value,
			         (unsigned long long)c->store[e->to].value);
		chain = c->store[e->from].chain;
	} while (chain != start);
	return 1;
}

/* Is there a total order? Takes chains away that wait for no other, while there are. */
static int order_exists(struct checker *c)
{
	uint32_t n_todo = 0, chains = 0, done = 0;

	for (uint32_t e = 0; e < c->n_edge; e++) {
		struct edge *edge = &c->edge[e];
		struct store *from = &c->store[edge->from], *to = &c->store[edge->to];

		if (from->chain != to->chain) {
			edge->next = c->store[from->chain].edges;
			c->store[from->chain].edges = e;
			c->store[to->chain].waits_for++;
		} else if (from->position >= to->position) {
			return fault_edge(c, edge, "atomic operations say the opposite");
		}
	}
	for (uint32_t s = 0; s < c->n_store; s++) {
		if (c->store[s].chain != s)
			continue;
		chains++;
		if (!c->store[s].waits_for)
			c->todo[n_todo++] = s;
	}
	while (n_todo) {
		done++;
		for (uint32_t e = c->store[c->todo[--n_todo]].edges; e != NONE;
		     e = c->edge[e].next) {
			uint32_t chain = c->store[c->edge[e].to].chain;

			if (!--c->store[chain].waits_for)
				c->todo[n_todo++] = chain;
		}
	}
	return done == chains ? 0 : fault_cycle(c);
}

static int word_check(struct checker *c)
{
	int rc = stores_collect(c);

	if (!rc)
		rc = edges_collect(c);
	if (!rc)
		rc = chains_number(c);
	if (!rc)
		rc = ends_check(c);
	if (!rc)
		rc = order_exists(c);
	return rc || !c->history->timed ? rc : history_check_times(c);
}

/* ------------------------------------------------------------- whole history -- */

static int mine(const struct history *h, uint32_t word)
{
	return h->share_of < 2 || word % h->share_of == h->share;
}

/* Sorts the accesses by word, each word's by thread and program order. starts: where
 * each word's begin, words + 1 of them. */
static int accesses_sort(const struct history *h, struct access **out, size_t *starts)
{
	struct access *sorted;
	size_t total = 0;

	memset(starts, 0, (h->words + 1) * sizeof *starts);
	for (unsigned t = 0; t < h->n_threads; t++) {
		for (size_t i = 0; i < h->threads[t].len; i++) {
			const struct history_op *op = &h->threads[t].ops[i];

			if (op->word >= h->words || op->kind < HISTORY_READ ||
			    op->kind > HISTORY_RMW)
				return -EINVAL;
			starts[op->word] += (size_t)mine(h, op->word);
		}
	}
	for (uint32_t w = 0; w <= h->words; w++) {
		size_t n = starts[w];

		starts[w] = total;
		total += n;
	}
	sorted = malloc((total + 1) * sizeof *sorted);
	if (!sorted)
		return -ENOMEM;
	for (unsigned t = 0; t < h->n_threads; t++)
		for (size_t i = 0; i < h->threads[t].len; i++)
			if (mine(h, h->threads[t].ops[i].word))
				sorted[starts[h->threads[t].ops[i].word]++] =
					(struct access){ .op = &h->threads[t].ops[i],
					                 .thread = t,
					                 .index = (uint32_t)i };
	memmove(starts + 1, starts, h->words * sizeof *starts);
	starts[0] = 0;
	*out = sorted;
	return 0;
}

static int checker_open(struct checker *c, size_t most)
{
	/* Each access gives up to two edges; each end gives one per store. */
	c->store = malloc((most + 1) * sizeof *c->store);
	c->edge = malloc((4 * most + 4) * sizeof *c->edge);
	c->table = malloc((4 * most + 8) * sizeof *c->table);
	c->todo = malloc((most + 1) * sizeof *c->todo);
	c->zone = malloc((most + 1) * sizeof *c->zone);
	return c->store && c->edge && c->table && c->todo && c->zone ? 0 : -ENOMEM;
}

static void checker_close(struct checker *c)
{
	free(c->store);
	free(c->edge);
	free(c->table);
	free(c->todo);
	free(c->zone);
}

int history_check(const struct history *h, char *why)
{
	struct checker c = { .history = h, .why = why };
	struct access *sorted = NULL;
	size_t *starts, most = 0;
	int rc = -ENOMEM;

	why[0] = '\0';
	starts = calloc(h->words + 1, sizeof *starts);
	if (!starts)
		return rc;
	rc = accesses_sort(h, &sorted, starts);
	if (rc)
		goto out_free;
	for (uint32_t w = 0; w < h->words; w++)
		if (starts[w + 1] - starts[w] > most)
			most = starts[w + 1] - starts[w];
	rc = checker_open(&c, most);
	for (uint32_t w = 0; w < h->words && !rc; w++) {
		if (!mine(h, w))
			continue;
		c.word = w;
		c.access = sorted + starts[w];
		c.n_access = starts[w + 1] - starts[w];
		rc = word_check(&c);
	}
	checker_close(&c);
out_free:
	free(sorted);
	free(starts);
	return rc;
}
