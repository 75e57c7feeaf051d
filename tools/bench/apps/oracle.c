/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page by page. Accesses of several members that nothing orders are a group; they may come in the
 * order that costs least. An access leaves the group, and is settled, when one comes that has to be
 * after it. Where the best choice depends on what comes later (who of several writers is the last)
 * it is left open, and made when it matters.
 */
#include "tools/bench/apps/oracle.h"

#include <stdlib.h>

/* Sets of members, a bit for each: these have the current data, and one of those, whose write was the
 * last. */
struct holders {
	uint64_t copies, last;
};

/* What saves moves may cost faults, so there are two ways through the trace. */
struct page {
	struct holders moves, faults;
	uint64_t exclusive; /* one of these may have been given it for writing, and not lost that */
	uint64_t readers, writers; /* the group; one access of each */
	bool has_data;             /* has ever been written */
};

struct oracle {
	struct page *page;
	uint32_t *when;  /* by page and member: the interval of its access in the group */
	uint32_t *count; /* by member: intervals so far */
	unsigned members;
	struct least least;
};

static unsigned count_of(uint64_t set)
{
	return (unsigned)__builtin_popcountll(set);
}

static uint64_t one_of(uint64_t set)
{
	return set & -set;
}

/* Which of these have no copy, and how many those are: if several may be the last writer, one is. */
static unsigned missing(const struct holders *h, uint64_t members, uint64_t *which)
{
	const uint64_t none = members & ~h->copies & ~h->last,
		       maybe = members & ~h->copies & h->last;

	*which = none | (maybe & (maybe - 1) ? maybe : 0);
	return count_of(none) + (maybe ? count_of(maybe) - 1 : 0);
}

/* Nobody writes: who has no copy fetches one. */
static unsigned read_all(struct holders *h, uint64_t readers, uint64_t *miss)
{
	const unsigned n = missing(h, readers, miss);

	if (h->last & readers & ~h->copies)
		h->last = 0; /* it was one of them */
	h->copies |= readers;
	return n;
}

/* The best order: those that have a copy read; then the writers write, one that has the data first;
 * then the others read, and so keep what they have read. */
static void write_moves(struct oracle *o, struct page *p, uint64_t writers, uint64_t readers)
{
	struct holders *h = &p->moves;
	const uint64_t first = (h->copies | h->last) & writers;
	/* The last writer is one that writes now, or one that reads: either saves a move. */
	const bool is_open = h->last & readers & ~h->copies;
	uint64_t miss;

	if (first && !(first & h->copies))
		h->last &= writers;
	o->least.moved += count_of(writers) - (first != 0) + missing(h, readers, &miss);
	h->last = writers;
	if (count_of(first) == 1 && count_of(writers) > 1 && !(is_open && !(first & h->copies)))
		h->last &= ~first; /* one cannot be the first and the last */
	h->copies = miss;
}

static void settle_moves(struct oracle *o, struct page *p, uint64_t writers, uint64_t readers)
{
	uint64_t miss;

	if (p->has_data && writers) {
		write_moves(o, p, writers, readers);
	} else if (p->has_data) {
		o->least.moved += read_all(&p->moves, readers, &miss);
	} else if (writers) {
		/* Who reads before that needs nobody for zeros. */
		o->least.moved += count_of(writers) - 1;
		p->moves.last = writers;
		p->has_data = true;
	}
}

/* Readers that have a copy read before the writers, or, where a writer then needs no fault, after
 * them, which is no worse: and they have it then. */
static void write_faults(struct oracle *o, struct page *p, uint64_t writers, uint64_t readers)
{
	struct holders *h = &p->faults;
	const uint64_t silent = p->exclusive & writers;
	const bool saves = silent && !((h->copies | h->last) & readers);
	uint64_t miss;

	o->least.faults += count_of(writers) + missing(h, readers, &miss) - saves;
	h->last = writers;
	if (saves && count_of(silent) == 1 && count_of(writers) > 1)
		h->last &= ~silent; /* one cannot be the first and the last */
	h->copies = silent ? readers : miss;
	p->exclusive = h->copies | (saves && readers && count_of(writers) == 1 ? 0 : h->last);
}

static void settle_faults(struct oracle *o, struct page *p, uint64_t writers, uint64_t readers)
{
	uint64_t miss;

	if (writers) {
		write_faults(o, p, writers, readers);
		return;
	}
	o->least.faults += read_all(&p->faults, readers, &miss);
	/* Whoever comes last may be given it for writing: one that misses, or the only one. */
	if (miss)
		p->exclusive = miss;
	else
		p->exclusive &= count_of(readers) == 1 ? readers : 0;
}

/* These members' accesses are over. */
static void settle(struct oracle *o, struct page *p, uint64_t members)
{
	const uint64_t writers = p->writers & members, readers = p->readers & members;

	if (!(writers | readers))
		return;
	settle_moves(o, p, writers, readers);
	settle_faults(o, p, writers, readers);
	p->readers &= ~members;
	p->writers &= ~members;
}

/* Of those in the group, whose access comes before this interval? */
static uint64_t before(const struct oracle *o, uint32_t page, const struct trace_interval *i)
{
	const struct page *p = &o->page[page];
	uint64_t set = 0;

	for (uint64_t rest = p->readers | p->writers; rest; rest &= rest - 1) {
		const unsigned member = (unsigned)__builtin_ctzll(rest);

		if (member == i->member ||
		    i->seen[member] > o->when[(size_t)page * o->members + member])
			set |= one_of(rest);
	}
	return set;
}

static void take(struct oracle *o, const struct trace_interval *i)
{
	const uint64_t me = 1ull << i->member;

	for (size_t k = 0; k < i->n_accesses; k++) {
		const struct trace_access *a = &i->access[k];
		struct page *p = &o->page[a->page];

		settle(o, p, before(o, a->page, i));
		if (a->writes)
			p->writers |= me;
		else
			p->readers |= me;
		o->when[(size_t)a->page * o->members + i->member] = o->count[i->member];
	}
	o->count[i->member]++;
}

int oracle_least(const struct trace *trace, struct least *out)
{
	struct oracle o = { .members = trace->members };
	bool there;

	o.page = calloc(trace->pages, sizeof *o.page);
	o.when = calloc((size_t)trace->pages * trace->members, sizeof *o.when);
	o.count = calloc(trace->members, sizeof *o.count);
	there = o.page && o.when && o.count;
	if (there) {
		for (size_t i = 0; i < trace->n_intervals; i++)
			take(&o, &trace->interval[i]);
		for (uint32_t i = 0; i < trace->pages; i++)
			settle(&o, &o.page[i], UINT64_MAX);
		*out = o.least;
	}
	free(o.page);
	free(o.when);
	free(o.count);
	return there ? 0 : -1;
}
