/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens in this node, as it happens, for dsmctl trace: a ring of records in private memory,
 * which is there while somebody traces. Off, a note costs a look at a flag that never changes. On,
 * the newest records stay; what they have taken the place of is counted.
 *
 * A plain table, which never steps. Under the node's lock, but for what is said to be without it.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stddef.h>
#include <stdint.h>

#define TRACE_PEERS 1024 /* nodes of a job, at most */
#define TRACE_NAMES 64   /* of calls that wait */
#define TRACE_NO_PAGE UINT64_MAX

enum trace_kind {
	/* page, thread; type: 1 a write; more: byte of the page */
	TRACE_FAULT = 1,
	/* page, thread, since: the thread goes on */
	TRACE_SERVED,
	/* thread, since; type: what in, see trace_name(); page: about what */
	TRACE_WAITED,
	/* thread; type: the name of a call that does not wait; page: about what */
	TRACE_CALL,
	/* peer, page, n, slot; type: of the message; thread: the node whose request it carries on; more:
	 * its number among those from here to there, in all of the job */
	TRACE_SENT,
	/* the same, from there to here */
	TRACE_RECEIVED,
	/* peer, page, n: a page write leaves; more: its tag */
	TRACE_WRITE,
	/* peer; more: the tag. A page write has arrived */
	TRACE_LANDED,
	/* page, n: so many; type: enum coh_count of what the protocol has counted */
	TRACE_COUNT,
};

struct trace_record {
	uint64_t at_ns; /* clock_now_ns() */
	uint64_t page;  /* or TRACE_NO_PAGE; of calls, what they are about */
	uint64_t since_ns;
	uint32_t thread;
	uint32_t more;
	uint16_t peer, n, slot;
	uint8_t kind, type;
};

struct trace {
	int on;
	struct trace_record *ring;
	size_t records;              /* in the ring: a power of two */
	uint64_t written;            /* since it was switched on */
	uint64_t began_ns, until_ns; /* it ends by itself then, whatever became of who wanted it */
	uint64_t token;              /* of who did */
	uint64_t last_ns;            /* of the newest record */
	unsigned names;
	const char *name[TRACE_NAMES];
	uint32_t sent[TRACE_PEERS], received[TRACE_PEERS]; /* messages, on or off */
};

/* Memory for a ring of so many records, zero already; without the lock. NULL: there is none. */
struct trace_record *trace_ring_new(size_t records);
void trace_ring_free(struct trace_record *ring, size_t records);

/* Begins, with a ring that is the trace's from now on. */
void trace_begin(struct trace *t, struct trace_record *ring, size_t records, uint64_t token,
                 uint64_t until_ns);
void trace_end(struct trace *t);
/* Records that the ring has lost. */
uint64_t trace_overwritten(const struct trace *t);
/* The record of this number from the oldest on that is left; NULL behind the newest. */
const struct trace_record *trace_at(const struct trace *t, uint64_t index);
/* The number of a name, which has to stay where it is. */
uint8_t trace_name(struct trace *t, const char *name);

/* --- notes: what a record has; the time, where there is none in it, is now --- */
void trace_put(struct trace *t, struct trace_record r);
#define TRACE_NOTE(t, ...)                                                  \
	do {                                                                \
		if (__builtin_expect((t)->on, 0))                           \
			trace_put(t, (struct trace_record){ __VA_ARGS__ }); \
	} while (0)

#endif
