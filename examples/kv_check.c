/* SPDX-License-Identifier: BSD-2-Clause */
/* The answers of a store, compared with each other. */
#include "kv_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv_store.h"

#define FOR_EVER UINT64_MAX
/* Who was stopped, and goes on, may read what is old, for a moment, before it learns that it is out, and take the
 * mutex of what it has here alone: what it has found in so much of time before is not looked at. */
#define DOUBT_NS 1000000000

/* One thing that was done to a key. */
struct done {
	uint64_t key, seq, id, begin, end;
	int kind, answer, writes, known; /* known: where in the order, and that it took effect */
};

struct check {
	struct done *done;
	size_t n, room;
	uint64_t ranks; /* whose logs there are, one bit each */
	int kept;       /* nothing may be lost */
	unsigned nodes, deaths;
	struct kv_verdict *verdict;
};

static void wrong(struct check *c, const struct done *d, const char *what, const struct done *other)
{
	struct kv_verdict *v = c->verdict;

	if (v->wrong++)
		return;
	snprintf(v->why, sizeof v->why, "key %" PRIu64 ": %s: %s of %#" PRIx64 ", number %" PRIu64,
	         d->key, what, d->writes ? "the write" : "an answer", d->id, d->seq);
	if (other)
		snprintf(v->why + strlen(v->why), sizeof v->why - strlen(v->why),
		         "; %s of %#" PRIx64 ", number %" PRIu64, other->writes ? "the write" : "an answer",
		         other->id, other->seq);
}

/* --- what was done --- */

static struct done done_of(const struct kv_record *r)
{
	struct done d = { .key = r->key, .seq = r->seq, .id = r->id, .begin = r->begin_ns,
		          .end = __atomic_load_n(&r->end_ns, __ATOMIC_ACQUIRE), .kind = (int)r->kind,
		          .answer = (int)r->answer };

	if (!d.end) {
		d.answer = KV_NONE;
		d.seq = 0;
	}
	d.writes = d.kind != KV_GET && d.answer != KV_ABSENT && d.answer != KV_FULL;
	d.known = d.answer == KV_DONE || (d.answer == KV_ABSENT && d.seq);
	if (d.writes && !d.known)
		d.end = FOR_EVER; /* it may take effect yet */
	return d;
}

static void take(struct check *c, const struct kv_log *log)
{
	struct kv_verdict *v = c->verdict;
	const uint64_t used = log->head->used < log->head->room ? log->head->used : log->head->room;

	c->ranks |= UINT64_C(1) << log->head->rank % 64;
	c->nodes = log->head->nodes;
	v->dead += !log->head->ended;
	if (log->head->deaths > c->deaths)
		c->deaths = log->head->deaths;
	for (uint64_t i = 0; i < used; i++) {
		const struct done d = done_of(&log->record[i]);

		if (!d.begin)
			continue; /* the node died as it wrote this */
		if (log->head->out_ns && !d.writes && d.end + DOUBT_NS > log->head->out_ns)
			continue;
		v->operations += d.answer != KV_NONE;
		v->acknowledged += d.writes && d.known;
		v->lost += d.answer == KV_LOST;
		c->done[c->n++] = d;
	}
}

/* By key; then those that are known, by their order, and of one number the write first. */
static int compare(const void *a, const void *b)
{
	const struct done *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->known != y->known)
		return y->known - x->known;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	if (x->writes != y->writes)
		return y->writes - x->writes;
	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* --- writes that are known by what others have seen of them --- */

static struct done *find_unknown(struct done *d, size_t known, size_t n, uint64_t id)
{
	for (size_t i = known; i < n; i++)
		if (d[i].writes && d[i].id == id)
			return &d[i];
	return NULL;
}

/* Each answer is of a write that there was; one of which no answer came has then taken effect. Returns how
 * many of the n are known then, at the front, in their order. */
static size_t find_writes(struct check *c, struct done *d, size_t known, size_t n)
{
	const struct done *write = NULL;
	size_t found = 0;

	for (size_t i = 0; i < known; i++) {
		struct done *other;

		if (write && write->seq == d[i].seq) {
			if (d[i].writes)
				wrong(c, &d[i], "two writes have one number", write);
			else if (write->id != d[i].id)
				wrong(c, &d[i], "another value than was written", write);
			continue;
		}
		write = &d[i];
		if (d[i].writes)
			continue;
		if (!(c->ranks >> kv_id_rank(d[i].id) % 64 & 1))
			continue; /* whose log is not there */
		other = find_unknown(d, known, n, d[i].id);
		if (other) {
			other->seq = d[i].seq;
			other->known = 1;
			found++;
			write = other;
		} else {
			wrong(c, &d[i], "nobody has written that", NULL);
		}
	}
	if (found)
		qsort(d, n, sizeof *d, compare);
	return known + found;
}

/* --- the order and the time --- */

/* What comes later in the order must not have ended before something earlier has begun. */
static void check_order(struct check *c, const struct done *d, size_t n)
{
	const struct done *last = NULL; /* of those before this number, and its write, who began last */

	for (size_t i = 0; i < n;) {
		const struct done *next = last;
		size_t k = i;

		for (; k < n && d[k].seq == d[i].seq; k++) {
			if (last && d[k].end < last->begin)
				wrong(c, &d[k], "over before what is older began", last);
			if (!next || d[k].begin > next->begin)
				next = &d[k];
			if (d[k].writes && (!last || d[k].begin > last->begin))
				last = &d[k];
		}
		last = next;
		i = k;
	}
}

/* There is no key: was there no time at which it was not there? */
static void check_absent(struct check *c, const struct done *d, size_t known, size_t n,
                         const struct done *absent)
{
	const struct done *put = NULL;

	for (size_t i = 0; i < known; i++)
		if (d[i].kind == KV_PUT && d[i].writes && d[i].end < absent->begin)
			put = &d[i];
	if (!put)
		return;
	for (size_t i = 0; i < n; i++)
		if (d[i].kind == KV_DELETE && d[i].writes && d[i].begin <= absent->end &&
		    (!d[i].known || d[i].seq > put->seq))
			return;
	wrong(c, absent, "not there, and nobody has deleted it", put);
}

/* What was lost is so for good, and only by a death. */
static void check_lost(struct check *c, const struct done *d, size_t n)
{
	const struct done *first = NULL;

	for (size_t i = 0; i < n; i++) {
		if (d[i].answer == KV_LOST && (!c->deaths || c->kept))
			wrong(c, &d[i], c->kept ? "lost, and two nodes held it" : "lost, and nobody has died", NULL);
		if (d[i].answer == KV_LOST && d[i].kind == KV_GET && (!first || d[i].end < first->end))
			first = &d[i];
	}
	for (size_t i = 0; first && i < n; i++)
		if (d[i].begin > first->end && (d[i].answer == KV_DONE || d[i].answer == KV_ABSENT))
			wrong(c, &d[i], "lost, and there again", NULL);
}

static void check_key(struct check *c, struct done *d, size_t n)
{
	const int all = c->ranks == (c->nodes < 64 ? (UINT64_C(1) << c->nodes) - 1 : UINT64_MAX);
	size_t known = 0;

	while (known < n && d[known].known)
		known++;
	known = find_writes(c, d, known, n);
	check_order(c, d, known);
	for (size_t i = known; all && i < n; i++)
		if (d[i].answer == KV_ABSENT)
			check_absent(c, d, known, n, &d[i]);
	check_lost(c, d, n);
}

int kv_check(const struct kv_log *log, unsigned logs, int kept, struct kv_verdict *out)
{
	struct check c = { .verdict = out, .kept = kept };

	*out = (struct kv_verdict){ .logs = logs };
	for (unsigned i = 0; i < logs; i++)
		c.room += log[i].head->used;
	c.done = malloc((c.room + 1) * sizeof *c.done);
	if (!c.done)
		return -ENOMEM;
	for (unsigned i = 0; i < logs; i++)
		take(&c, &log[i]);
	qsort(c.done, c.n, sizeof *c.done, compare);
	for (size_t i = 0, k; i < c.n; i = k) {
		for (k = i; k < c.n && c.done[k].key == c.done[i].key; k++)
			;
		check_key(&c, &c.done[i], k - i);
	}
	free(c.done);
	return 0;
}
