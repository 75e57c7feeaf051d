/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The deterministic simulator: N nodes, each the shipping core (coherence/), on a
 * virtual clock. The simulator is what dsm/ and transport/ are to the core: it feeds
 * faults, messages, landings and timers in, carries the effects out, and checks after
 * each that the promises of the protocol hold. One thread, one random generator.
 *
 *   core.c    the run                 heap.c   events to come
 *   net.c     messages and page writes under way
 *   node.c    one node's effects      thread.c application threads and their operations
 *   futex.c   threads that wait for words
 *   memory.c  a node's budget of frames
 *   work.c    what threads do         check.c  what must hold when the job is quiet
 *   report.c  figures                 main.c   options
 *   scatter.c what one workload has to reach
 */
#ifndef SIM_H
#define SIM_H

#include <stddef.h>
#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/memory/evict.h"
#include "dsm/node/tenure.h"
#include "tests/sim/heap.h"
#include "tests/sim/rng.h"

/* --- configuration --- */

enum sim_latency { LAT_CONSTANT, LAT_UNIFORM, LAT_EXPONENTIAL, LAT_HEAVY_TAIL, LAT_KINDS };

struct sim_config {
	const struct workload *work;
	uint64_t seed, events;   /* events: when to stop starting operations */
	uint32_t nodes, threads; /* threads of one node */
	uint32_t pages, huge_pages, block_pages;
	uint32_t epoch;   /* events between two moments of quiet */
	uint32_t mean_ns; /* latency of a message */
	enum sim_latency latency;
	uint32_t think_ns;  /* mean time between two operations of a thread */
	uint32_t wake_ns;   /* longest time from a wake to the thread's next try */
	uint32_t tenure_ns; /* its base, see dsm/node/tenure.h */
	uint32_t budget;    /* frames of other nodes' pages that a node keeps; 0: no limit */
	uint32_t slow;      /* nodes whose messages take ten times as long */
	uint32_t pause_us;  /* every node sleeps this long now and then; 0: never */
	/* One operation in so many; 0: never. */
	uint32_t atomic_in, prefetch_in, evict_in, pair_in, discard_in, futex_in;
	uint16_t per_home, slots, refreshes, holds, locks;
	uint8_t migratory;
	uint32_t maps;            /* exact maps of sharers in a home's pool */
	uint32_t pointers, group; /* form of the sets of sharers; 0: as it comes */
	uint64_t bound_ns;        /* longest wait for one page; 0: derived from the above */
	int wire;                 /* messages travel encoded */
};

/* --- events to come: kind in the upper bits of heap_item.ref, index below --- */

enum sim_event { EV_THREAD, EV_MSG, EV_LAND, EV_CQ, EV_LOCAL, EV_TIMER, EV_TIMEOUT };
#define REF(kind, index) ((uint32_t)(kind) << 29 | (uint32_t)(index))
#define REF_KIND(ref) ((enum sim_event)((ref) >> 29))
#define REF_INDEX(ref) ((ref) & ((1u << 29) - 1))

/* --- state --- */

/* What one node has of one page: its frame, the window's access, and what its
 * request under way has cost so far. */
struct frame {
	uint32_t version; /* what the bytes are; 0: zeros */
	uint32_t landing; /* number of the landing given out last; 0: none */
	uint16_t pins;    /* page writes out of it without local completion */
	uint8_t reading;  /* page writes out of it that may still read */
	uint8_t incoming; /* page writes into it under way */
	uint8_t access;
	uint8_t resident;
	uint8_t drop; /* to be punched when nothing pins it */
	uint8_t hops, forwarded, upgrade;
	uint16_t messages, invs;
	uint32_t bytes;
};

/* A page as the job sees it. */
struct page {
	uint32_t version;          /* newest written; 0: zeros */
	uint32_t last;             /* number of the last write ever: no two are the same */
	uint16_t readers, writers; /* nodes whose window allows it */
	uint32_t woken[2]; /* threads that waited for it, of which no wake has told yet; [1]: own */
};
enum { SIM_WAIT_NONE, SIM_WAIT_ASKED, SIM_WAIT_DIFFERS, SIM_WAIT_SLEEPS, SIM_WAIT_OVER };

#define SIM_MAX_THREADS 64 /* of one node */
enum thread_state { TH_READY, TH_RUNNING, TH_FAULT, TH_RETRY, TH_WAIT, TH_PARKED };

#define OP_TOUCHES 4
enum op_kind {
	OP_NONE,
	OP_ACCESS, /* all touches in one instruction */
	OP_ATOMIC,
	OP_PREFETCH,
	OP_EVICT,
	OP_DISCARD,
	OP_LOCK,
	OP_UNLOCK,
	OP_COND_WAIT,
	OP_COND_SIGNAL,
	OP_FUTEX_WAIT, /* until the page has another version than value, or is waked for */
	OP_FUTEX_WAKE, /* value: how many at most */
	OP_BARRIER,
	OP_PARK, /* nothing until the next epoch */
};
struct touch {
	uint32_t page;
	uint16_t at; /* byte of it */
	uint8_t write;
};
struct op {
	uint8_t kind, touches;
	uint8_t own; /* of a futex: the queue in which nothing is compared */
	uint16_t home, n;
	uint32_t object, mutex, value;
	struct touch touch[OP_TOUCHES];
};

struct thread {
	uint16_t node, index;
	uint8_t state;
	uint8_t faulted; /* this operation has waited */
	uint8_t trapped; /* a fault that the service has yet to hear of */
	uint8_t atomic;  /* an atomic of ours: 1 asked for, 2 carried out */
	uint8_t write;   /* of the fault */
	uint32_t page;   /* of the fault */
	uint16_t at;
	uint8_t upgrade; /* the page was here for reading */
	uint32_t old;    /* value before the atomic */
	struct op op;
	uint64_t since; /* the operation's first try */
	uint64_t ops;
	/* a wait for a word: */
	uint8_t waits;     /* SIM_WAIT_* */
	uint8_t cancelled;
	uint16_t slot;     /* its number at the home */
	uint32_t timeouts; /* still to come */
	uint64_t order;    /* of those who sleep, or of a wake: who slept when it began */
	/* the workload's */
	uint32_t step, round, pick;
	int32_t status;
};

struct node {
	struct coh *coh;
	struct frame *frames;
	struct evict evict;       /* with a budget: pages of others that are resident */
	uint32_t cached;          /* how many these are */
	uint32_t wanted;          /* page of the fault that is being served, plus one */
	uint16_t *retry, retries; /* threads whose event found no slot, oldest first */
	uint32_t at_barrier;      /* threads of ours */
	uint64_t releases;
	struct tenure tenure;
	uint64_t armed_ns; /* the next look at it; UINT64_MAX: none is due */
	uint32_t woken;    /* thread that was woken last, plus one; 0: none by the last wake */
	uint32_t pause_phase_ns;
	uint8_t slow;
	uint8_t stepped; /* since those in retry last tried: there may be a slot, or a frame */
};

/* A message under way. */
struct flight {
	uint16_t from, to;
	uint8_t len; /* when encoded */
	uint32_t next_free;
	union {
		struct coh_msg msg;
		uint8_t bytes[128];
	};
};

/* A page write under way: read from the source until landed or locally complete. */
struct xfer {
	uint16_t from, to, n;
	uint8_t open; /* of the three events to come */
	uint8_t read; /* the source is done with */
	uint32_t page, tag, next_free;
	uint32_t version[COH_MAX_RUN];
};

enum cost_kind {
	COST_READ,      /* supplied or granted by the home */
	COST_READ_FWD,  /* by the owner */
	COST_WRITE,     /* no copies elsewhere */
	COST_WRITE_INV, /* sharers invalidated */
	COST_WRITE_FWD, /* by the owner */
	COST_UPGRADE,
	COST_UPGRADE_INV,
	COST_KINDS
};
struct cost {
	uint64_t n, messages, hops, bytes, invs;
};

#define HISTOGRAM 40
struct stats {
	uint64_t events, steps, ops, hits, quiet_checks;
	uint64_t sent[COH_MSG_TYPES], moves, move_bytes, message_bytes, most_in_flight;
	uint64_t count[COH_COUNTS];
	struct cost cost[COST_KINDS];
	uint64_t atomics, atomic_invs, evict_messages;
	uint64_t excess_invs; /* to nodes without a copy: inexact sets of sharers */
	uint64_t frame_waits; /* faults that found no frame, each time they tried */
	uint64_t retries, worst_wait_ns, worst_single_ns, wait_ns, waits;
	uint64_t wait_histogram[HISTOGRAM]; /* by power of two of ns */
	uint8_t row[COH_ROWS_MAX];          /* rows of the core's tables that were taken */
	double seconds;
};

struct lock_model {
	int32_t holder; /* global thread index, or -1 */
	uint32_t items; /* of the bounded buffer that it guards */
};

struct sim {
	struct sim_config cfg;
	struct rng rng;
	uint64_t now, next_quiet;
	int draining;
	uint64_t sleeps; /* numbers threads in the order in which they fell asleep */
	struct { /* words compared, of which the core has yet to hear */
		uint32_t page, equal;
	} compared[COH_MAX_RUN];
	uint32_t n_compared;
	uint32_t parked;
	struct heap heap;
	struct node *nodes;
	struct thread *threads;
	struct page *pages;
	uint32_t n_threads, n_pages;
	uint64_t *pair_last; /* arrival of the last message from a to b: [a * nodes + b] */
	struct flight *flights;
	uint32_t n_flights, free_flight;
	struct xfer *xfers;
	uint32_t n_xfers, free_xfer;
	uint32_t landings;
	struct coh_effects fx;
	uint32_t *latency; /* LAT_TABLE samples, evenly spaced in probability */
	uint32_t *zipf;    /* the same of page numbers */
	uint8_t msg_bytes[COH_MSG_TYPES];
	struct lock_model *locks;         /* [home * cfg.locks + object] */
	uint64_t arrivals;                /* nodes at the barrier, all rounds */
	uint32_t stop_round;              /* rounds of a barrier workload end here when draining */
	uint32_t created;                 /* index of the condition made last */
	uint64_t bound_ns, bound_many_ns; /* waits for one page, for several at once */
	struct stats stats;
	const char *expect; /* a violation is what the caller wants to see: do not print */
	void *escape;       /* jmp_buf: where a violation goes */
	char violation[256];
};
#define TABLE_SIZE 65536u

/* --- what threads do (work.c) --- */

struct workload {
	const char *name, *what;
	void (*setup)(struct sim *s);
	void (*next)(struct sim *s, struct thread *t, struct op *op);
	uint8_t anywhere; /* in its pages, else always at the same word */
	uint8_t mix; /* atomics, prefetches, evictions and pairs may be mixed in */
};
extern const struct workload sim_workloads[];
const struct workload *workload_find(const char *name);
/* The thread's next operation. */
void work_next(struct sim *s, struct thread *t, struct op *op);

/* --- between the files --- */

/* Ends the process when it has used so much of a processor, or taken ten times as long. */
void sim_watchdog(unsigned cpu_s);
void *sim_alloc(size_t bytes);
void *sim_realloc(void *p, size_t bytes);
/* A promise is broken: reports with seed and time and leaves the run. */
__attribute__((format(printf, 2, 3), noreturn)) void sim_fail(struct sim *s, const char *fmt, ...);
#define SIM_CHECK(s, cond, ...)                   \
	do {                                      \
		if (__builtin_expect(!(cond), 0)) \
			sim_fail(s, __VA_ARGS__); \
	} while (0)

/* core.c */
void sim_init(struct sim *s, const struct sim_config *cfg);
/* Runs to the end. Returns 0, or -1 with s->violation set. */
int sim_run(struct sim *s);
void sim_free(struct sim *s);

/* net.c */
void net_init(struct sim *s);
void net_send(struct sim *s, uint16_t from, const struct coh_effect *e);
void net_move(struct sim *s, uint16_t from, const struct coh_effect *e);
void net_deliver(struct sim *s, uint32_t flight);
void net_landed(struct sim *s, uint32_t xfer);
void net_completed(struct sim *s, uint32_t xfer);
void net_local(struct sim *s, uint32_t xfer);
uint32_t page_bytes(const struct sim *s, uint32_t page);

/* node.c */
/* One step of the node's core, its effects carried out. */
int node_step(struct sim *s, uint16_t node, const struct coh_event *ev);
/* Sees to it that node_timer() is called when the next tenure ends. */
void node_arm(struct sim *s, uint16_t node);
void node_timer(struct sim *s, uint16_t node);
/* The thread makes a call. */
void node_call(struct sim *s, const struct thread *t);
void node_punch_if_free(struct sim *s, uint16_t node, uint32_t page);
void node_allocate(struct sim *s, uint16_t node, uint32_t page);
static inline struct frame *frame_at(struct sim *s, uint16_t node, uint32_t page)
{
	return &s->nodes[node].frames[page];
}

/* memory.c */
void memory_init(struct sim *s, uint16_t node);
/* The page has a frame; its frame is used by a thread; its frame was punched. */
void memory_got(struct sim *s, uint16_t node, uint32_t page);
void memory_used(struct sim *s, uint16_t node, uint32_t page);
void memory_gone(struct sim *s, uint16_t node, uint32_t page);
/* Gives pages up when frames are getting scarce; how many. */
unsigned memory_reclaim(struct sim *s, uint16_t node);
/* Whether a thread may have a frame for the page: 0, or -EAGAIN. */
int memory_room(struct sim *s, uint16_t node, uint32_t page);
/* How many of n pages there is room for. */
uint32_t memory_run(struct sim *s, uint16_t node, uint32_t n);

/* thread.c */
/* Fails the run when t has waited longer than is allowed. */
void thread_check_wait(struct sim *s, const struct thread *t);
void thread_run(struct sim *s, struct thread *t);
void thread_wake(struct sim *s, uint16_t node, uint32_t page, uint32_t n);
void thread_complete(struct sim *s, uint64_t cookie, int status, uint64_t result);
void thread_retry_all(struct sim *s, uint16_t node);
void thread_unpark_all(struct sim *s);
/* Carries out an atomic on a frame that node has; returns the old value. */
uint64_t thread_atomic(struct sim *s, uint16_t node, uint32_t page, const struct coh_atomic *a);
#define THREAD_COOKIE(s, t) ((uint64_t)((t) - (s)->threads) + 1)

void thread_finish(struct sim *s, struct thread *t);
/* Its event found no slot: it will be tried again. */
void thread_blocked(struct sim *s, struct thread *t, int rc);

/* futex.c */
void futex_try(struct sim *s, struct thread *t);
void futex_timeout(struct sim *s, struct thread *t);
void futex_compare(struct sim *s, uint16_t node, const struct coh_effect *e);
/* A node has made a step, whose effects are still to come. */
void futex_stepped(struct sim *s, uint16_t node);
/* A message leaves: it may say that a thread is woken. */
void futex_send(struct sim *s, const struct coh_effect *e);
void futex_complete(struct sim *s, struct thread *t, int status, uint64_t result);

/* check.c */
void check_quiet(struct sim *s);
/* What must hold of one node's core at any time. */
void check_core(struct sim *s, uint16_t node);

/* report.c */
void report_table_head(void);
void report_table(const struct sim *s);
void report_json(const struct sim *s, int first);
void report_coverage(const uint8_t *row);

#endif
