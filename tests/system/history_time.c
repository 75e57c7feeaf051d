/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Was a word one memory in time, too? All accesses of one value lie between the first
 * time when it was surely there (the first end of an access of it) and the last time when
 * it still was (the last begin). A value must come before another when an access of it
 * ended before one of the other began; so no two may each come before the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/system/history_impl.h"

#define FOR_EVER UINT64_MAX

static void zone_grow(struct zone *z, const struct access *a)
{
	if (a->op->end < z->first_end) {
		z->first_end = a->op->end;
		z->first = a;
	}
	if (a->op->begin > z->last_begin) {
		z->last_begin = a->op->begin;
		z->last = a;
	}
}

static void zones_collect(struct checker *c)
{
	for (uint32_t s = 0; s < c->n_store; s++)
		c->zone[s] =
			(struct zone){ .first_end = s ? FOR_EVER : 0, .value = c->store[s].value };
	for (size_t i = 0; i < c->n_access; i++) {
		const struct history_op *op = c->access[i].op;
		struct zone *z = &c->zone[*history_store_of(c, op->value)];

		zone_grow(z, &c->access[i]);
		if (op->kind != HISTORY_READ)
			z->stored = op->begin;
		if (op->kind == HISTORY_RMW)
			zone_grow(&c->zone[*history_store_of(c, op->old)], &c->access[i]);
	}
	if (c->history->final) {
		struct zone *z = &c->zone[*history_store_of(c, c->history->final[c->word])];

		z->last_begin = FOR_EVER;
		z->last = NULL;
	}
}

/* a before b, and b before a. */
static int fault_pair(struct checker *c, const struct zone *a, const struct zone *b)
{
	const struct access *end[2] = { a->first, b->first }, *begin[2] = { b->last, a->last };
	unsigned long long value[2] = { a->value, b->value };
	const char *join = "";
	size_t len;

	history_fault(c, "in time,");
	for (int i = 0; i < 2; i++, join = ", yet") {
		len = strlen(c->why);
		if (end[i] && begin[i])
			snprintf(
				c->why + len, HISTORY_WHY_MAX - len,
				"%s thread %u (access %u) was done with %#llx %llu ns before thread %u "
				"(access %u) began with %#llx",
				join, end[i]->thread, end[i]->index, value[i],
				(unsigned long long)(begin[i]->op->begin - end[i]->op->end),
				begin[i]->thread, begin[i]->index, value[1 - i]);
		else
			snprintf(c->why + len, HISTORY_WHY_MAX - len,
			         "%s %#llx was the first or %#llx the last value", join, value[i],
			         value[1 - i]);
	}
	return 1;
}

static int by_first_end(const void *a, const void *b)
{
	const struct zone *x = a, *y = b;

	return (x->first_end > y->first_end) - (x->first_end < y->first_end);
}

static int is_forward(const struct zone *z)
{
	return z->first_end < z->last_begin;
}

/* Among zones sorted by their first end: the last forward one that began before a time. */
static const struct zone *forward_before(const struct zone *zone, uint32_t n, uint64_t time)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (zone[middle].first_end < time)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &zone[low - 1] : NULL;
}

int history_check_times(struct checker *c)
{
	struct zone *zone = c->zone;
	uint32_t forward = 0;

	zones_collect(c);
	for (uint32_t s = 0; s < c->n_store; s++)
		if (zone[s].first && zone[s].first_end < zone[s].stored)
			return history_fault(
				c, "thread %u (access %u) saw %#llx before its store began",
				zone[s].first->thread, zone[s].first->index,
				(unsigned long long)zone[s].value);
	/* Those that were surely there for some time come first, ... */
	for (uint32_t s = 0; s < c->n_store; s++) {
		if (is_forward(&zone[s])) {
			struct zone z = zone[s];

			zone[s] = zone[forward];
			zone[forward++] = z;
		}
	}
	qsort(zone, forward, sizeof *zone, by_first_end);
	/* ... and must not overlap, ... */
	for (uint32_t i = 1; i < forward; i++)
		if (zone[i].first_end < zone[i - 1].last_begin)
			return fault_pair(c, &zone[i - 1], &zone[i]);
	/* ... nor have another value come and go in their time. */
	for (uint32_t i = forward; i < c->n_store; i++) {
		const struct zone *around = forward_before(zone, forward, zone[i].last_begin);

		if (around && zone[i].first_end < around->last_begin)
			return fault_pair(c, around, &zone[i]);
	}
	return 0;
}
