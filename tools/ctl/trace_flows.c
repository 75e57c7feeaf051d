/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arrows: from what a thread waits for to its request, on to the home, to who is asked in its name,
 * and to the grant; and from each other message and page write to its arrival. A request is known
 * by its node and slot, which are used again once it is answered; a message by its number.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/ctl/trace.h"

#define POINTS_MAX 32 /* of an arrow */
#define LOOK_BACK 512 /* slices of a node among which the one that asks is looked for */

enum class { PAGE, SYNC, BARRIER, SERVICE, TO_HOME, SINGLE };
enum role { BEGIN, STEP, STEP_OR_BEGIN, END };

struct point {
	uint64_t key;
	struct record *record;
	uint16_t node;
	uint8_t class, role;
};

struct points {
	struct point *list;
	size_t count, room;
};

/* What a message is to a request. */
static const struct kind {
	const char *name;
	uint8_t class, role; /* BEGIN: a request, END: an answer */
} kinds[] = {
	{ "GetS", PAGE, BEGIN },
	{ "GetM", PAGE, BEGIN },
	{ "PutS", PAGE, BEGIN },
	{ "PutM", PAGE, BEGIN },
	{ "Atomic", PAGE, BEGIN },
	{ "Discard", PAGE, BEGIN },
	{ "Fwd-GetS", PAGE, STEP },
	{ "Fwd-GetM", PAGE, STEP },
	{ "Fwd-Atomic", PAGE, STEP },
	{ "Grant", PAGE, END },
	{ "Put-Ack", PAGE, END },
	{ "Atomic-Resp", PAGE, END },
	{ "Discarded", PAGE, END },
	{ "Lock", SYNC, BEGIN },
	{ "Cond-Wait", SYNC, BEGIN },
	{ "Cond-Create", SYNC, BEGIN },
	{ "Sync-Destroy", SYNC, BEGIN },
	{ "Sync-Resp", SYNC, END },
	{ "Barrier-Arrive", BARRIER, BEGIN },
	{ "Barrier-Release", BARRIER, END },
	{ "Svc-Req", SERVICE, BEGIN },
	{ "Svc-Resp", SERVICE, END },
};

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static void point_add(struct points *p, struct point point, struct events *events)
{
	if (p->count == p->room) {
		const size_t room = p->room ? 2 * p->room : 4096;
		struct point *list = realloc(p->list, room * sizeof *list);

		if (!list) {
			events->failed = 1;
			return;
		}
		p->list = list;
		p->room = room;
	}
	p->list[p->count++] = point;
}

static uint64_t request_key(unsigned rank, unsigned slot)
{
	return (uint64_t)rank << 16 | slot;
}

/* What a record is to a request. 0: nothing. */
static int as_request(const struct trace_node *node, struct record *r, struct point *out)
{
	const int sent = r->kind == REC_SENT;
	const struct kind *kind;
	unsigned who;

	if (r->kind == REC_WRITE || r->kind == REC_LANDED) {
		out->class = r->type ? TO_HOME : PAGE;
		who = r->kind == REC_WRITE ? r->peer : (unsigned)node->rank;
		out->key = r->type ? (uint64_t)who << 32 | r->more : request_key(who, r->slot);
		out->role = r->kind == REC_LANDED ? END : r->type ? BEGIN : STEP;
		return 1;
	}
	kind = kind_of(node_message(node, r->type));
	if (!kind)
		return 0;
	out->class = kind->class;
	out->role = STEP;
	if (kind->role == STEP) {
		who = r->thread; /* it goes on in that node's name */
		out->role = sent && (int)who == node->rank ? STEP_OR_BEGIN : STEP;
	} else if (kind->role == BEGIN) {
		who = sent ? (unsigned)node->rank : r->peer;
		out->role = sent ? BEGIN : STEP;
	} else {
		who = sent ? r->peer : (unsigned)node->rank;
		out->role = sent ? STEP : END;
	}
	out->key = request_key(who, kind->class == BARRIER ? 0 : r->slot);
	return 1;
}

static int as_single(const struct trace_node *node, struct record *r, struct point *out)
{
	const uint64_t from = r->kind == REC_SENT ? (uint64_t)node->rank : r->peer;
	const uint64_t to = r->kind == REC_SENT ? r->peer : (uint64_t)node->rank;

	if (r->is_drawn || (r->kind != REC_SENT && r->kind != REC_RECEIVED))
		return 0;
	out->class = SINGLE;
	out->role = r->kind == REC_SENT ? BEGIN : END;
	out->key = from << 48 | to << 32 | r->more;
	return 1;
}

static int by_key(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->record->at_ns != y->record->at_ns)
		return x->record->at_ns < y->record->at_ns ? -1 : 1;
	return (x->role > y->role) - (x->role < y->role);
}

/* ------------------------------------------------------------------------ who asks -- */

/* Slices of threads by node and beginning. */
struct slices {
	const struct event **list;
	size_t count;
};

static int by_begin(const void *a, const void *b)
{
	const struct event *x = *(const struct event *const *)a,
			   *y = *(const struct event *const *)b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

static struct slices slices_of(struct events *events)
{
	struct slices s = { .list = calloc(events->count + 1, sizeof *s.list) };

	if (!s.list) {
		events->failed = 1;
		return s;
	}
	for (size_t i = 0; i < events->count; i++)
		if (events->list[i].phase == PH_SLICE && events->list[i].tid < TID_MESSAGES &&
		    events->list[i].record)
			s.list[s.count++] = &events->list[i];
	qsort(s.list, s.count, sizeof *s.list, by_begin);
	return s;
}

/* The slice that a request is for: it has begun last. NULL: nobody waits for it. */
static const struct event *who_asks(const struct slices *s, const struct point *p)
{
	const struct record *r = p->record;
	size_t low = 0, high = s->count;

	while (low < high) {
		const size_t mid = (low + high) / 2;
		const struct event *e = s->list[mid];
		if (e->node < p->node || (e->node == p->node && e->at_ns <= r->at_ns))
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = low, n = 0; i-- > 0 && n < LOOK_BACK && s->list[i]->node == p->node; n++) {
		const struct event *e = s->list[i];
		const int64_t page = e->record->page;
		if (e->at_ns + e->ns < r->at_ns)
			continue;
		if (p->class == PAGE ? page >= r->page && page < r->page + r->n
		                     : e->record->kind == REC_WAITED)
			return e;
	}
	return NULL;
}

/* ------------------------------------------------------------------------- drawing -- */

static struct event event_at(const struct point *p, int phase, uint32_t flow, const char *name)
{
	return (struct event){ .at_ns = p->record->at_ns,
		               .tid = TID_MESSAGES,
		               .node = p->node,
		               .phase = (uint8_t)phase,
		               .flow = flow,
		               .name = name,
		               .category = "arrow" };
}

static const char *arrow_name(const struct trace_job *job, const struct point *p)
{
	if (p->record->kind == REC_SENT)
		return node_message(&job->node[p->node], p->record->type);
	return "page";
}

static void draw(const struct trace_job *job, struct events *events, const struct slices *slices,
                 struct point *const *points, unsigned n)
{
	const char *name = arrow_name(job, points[0]);
	const uint32_t flow = (uint32_t)++events->flows;
	const struct event *asks = slices ? who_asks(slices, points[0]) : NULL;
	struct event first;

	if (asks) {
		first = event_at(points[0], PH_FLOW_START, flow, name);
		first.at_ns = asks->at_ns;
		first.tid = asks->tid;
		events_add(events, first);
	}
	for (unsigned i = 0; i < n; i++) {
		points[i]->record->is_drawn = 1;
		events_add(events, event_at(points[i],
		                            i == 0 && !asks ? PH_FLOW_START
		                            : i == n - 1    ? PH_FLOW_END
		                                            : PH_FLOW_STEP,
		                            flow, name));
	}
}

/* Points of one key, in their order. */
static void draw_key(const struct trace_job *job, struct events *events,
                     const struct slices *slices, struct point *list, size_t count)
{
	struct point *open[POINTS_MAX];
	unsigned n = 0;

	for (size_t i = 0; i < count; i++) {
		struct point *p = &list[i];

		if (p->role == BEGIN || (p->role == STEP_OR_BEGIN && n == 0))
			n = 0;
		else if (n == 0)
			continue; /* what it belongs to has begun before the trace */
		if (n < POINTS_MAX - 1 || p->role == END)
			open[n++] = p;
		if (p->role == END) {
			draw(job, events, slices, open, n);
			n = 0;
		}
	}
}

static void draw_all(struct trace_job *job, struct events *events, const struct slices *slices,
                     int (*as)(const struct trace_node *, struct record *, struct point *))
{
	struct points p = { 0 };

	for (int n = 0; n < job->count; n++)
		for (size_t i = 0; i < job->node[n].count; i++) {
			struct record *r = &job->node[n].list[i];
			struct point point = { .record = r, .node = (uint16_t)n };
			if (r->kind >= REC_SENT && r->kind <= REC_LANDED &&
			    as(&job->node[n], r, &point))
				point_add(&p, point, events);
		}
	if (p.count)
		qsort(p.list, p.count, sizeof *p.list, by_key);
	for (size_t i = 0, end; i < p.count; i = end) {
		for (end = i; end < p.count && p.list[end].class == p.list[i].class &&
		              p.list[end].key == p.list[i].key;)
			end++;
		draw_key(job, events, slices, &p.list[i], end - i);
	}
	free(p.list);
}

void trace_flows(struct trace_job *job, struct events *events)
{
	/* Their own list: the events' moves as arrows are added to it. */
	struct events arrows = { .flows = events->flows };
	struct slices slices = slices_of(events);

	draw_all(job, &arrows, &slices, as_request);
	draw_all(job, &arrows, NULL, as_single);
	for (size_t i = 0; i < arrows.count; i++)
		events_add(events, arrows.list[i]);
	events->flows = arrows.flows;
	events->failed |= arrows.failed;
	free(arrows.list);
	free(slices.list);
}
