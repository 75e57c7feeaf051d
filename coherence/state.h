/* SPDX-License-Identifier: BSD-2-Clause */
/* The core's state, private to coherence/: one block of memory, reached by offsets. */
#ifndef COH_STATE_H
#define COH_STATE_H

#include "coherence/coh.h"
#include "coherence/mutant.h"
#include "coherence/securing.h"

/* Indices into pools are stored plus one, so that zero means none and untouched
 * memory is a valid empty table. */
typedef uint16_t coh_ref;

/* Directory entry: 16 bytes a page. All zero: I, never written. */
struct dir {
	uint8_t state; /* COH_D_I, _S or _M: as of the last finished transaction */
	uint8_t touched : 1;
	uint8_t wrote : 1;     /* in S: owner was the last one */
	uint8_t migratory : 6; /* reads to come that are granted as writes */
	coh_node owner;   /* in M; in S when wrote is set */
	coh_ref txn;      /* the transaction that makes the page busy */
	coh_ref queue;    /* requests that wait, oldest first */
	uint64_t sharers; /* in S: a set (sharers.h); while a narrow one is invalidated: those who
	                   * have not acked, and the requestor */
};

/* Cache entry: 8 bytes a page. All zero: I. */
struct line {
	uint8_t state;    /* enum coh_cache_state */
	uint8_t faulted;  /* a thread waits for the outstanding request */
	uint8_t pad[2];
	coh_ref request;
	coh_ref hold;
};

/* A request of the cache under way. The slot is not used again before its answer. */
struct request {
	uint8_t type; /* message type; 0: free */
	uint8_t flags; /* Discard */
	uint16_t n;
	coh_node home;
	uint16_t pad2;
	uint32_t serial, pad3;
	uint64_t page;
	uint64_t cookie; /* Atomic, Discard, Futex-Wake; Futex-Wait: the thread's slot */
};

/* A page in tenure. Taken until its timer fires, although the tenure may end before. */
struct hold {
	uint8_t taken;
	uint8_t deferred; /* type of the Inv or Fwd that waits; 0: none */
	uint8_t flags;
	uint8_t over; /* ended early; only the timer is still to come */
	coh_node requestor;
	uint16_t slot;
	uint16_t n;
	uint16_t pad;
	uint32_t serial;
	uint64_t page;
	struct coh_landing landing, refresh;
};

/* A request at its home: waiting, or in progress. */
struct txn {
	uint8_t type; /* message type; 0: free */
	uint8_t flags;
	uint8_t phase; /* enum coh_dir_state from COH_D_INV on; 0: it waits */
	uint8_t waits; /* TXN_WAIT_* */
	coh_node requestor;
	uint16_t slot;
	uint16_t n; /* pages asked for, then granted */
	coh_ref next;
	uint8_t done; /* its requestor counts it as over */
	uint8_t ran;  /* an atomic that was done in an older view: result */
	uint8_t pad[2];
	uint32_t serial, pad2;
	uint64_t page;
	union {
		struct coh_landing landing;
		struct coh_atomic atomic;
		uint64_t result;
		struct coh_futex futex;
		struct {
			uint64_t pending; /* nodes that have not acked, when sets are narrow */
			uint64_t kept;    /* pages that somebody keeps */
		} drop; /* Discard */
	};
};
enum { TXN_WAIT_DONE = 1, TXN_WAIT_REFRESH = 2 };

/* A mutex or condition at its home. */
enum { OBJ_FREE = 0, OBJ_MUTEX, OBJ_COND };
enum { HELD_NOT = 0, HELD, HELD_PERHAPS /* in an older view, and by who lives */ };
struct object {
	uint8_t kind;
	uint8_t held; /* HELD_* */
	coh_node holder;
	uint32_t thread; /* of the holder; of a condition, the serial of holder's request to make it */
	uint32_t mutex;  /* of a condition */
	uint16_t conds;  /* of a mutex */
	uint8_t orphan;  /* its last holder has died, or may have, and nobody has unlocked it since */
	uint8_t pad;
	uint32_t queue;  /* waiters, oldest first: numbers plus one */
};
struct waiter {
	uint8_t taken : 1;
	uint8_t old : 1;   /* it came in an older view, and has not asked again */
	uint8_t tries : 1; /* it came before all had reported, and is not to wait for a holder */
	uint8_t destroys;  /* the mutex, once it is unlocked: it has no other waiters */
	coh_node node;
	uint16_t slot;
	uint8_t woken;     /* from a condition */
	uint8_t overtaken; /* by so many of these */
	uint32_t next; /* in the queue: its number plus one */
	uint32_t thread;
};

/* A thread of ours that waits in a lock, condition or create or destroy call. */
struct sync_slot {
	uint8_t type; /* message type; 0: free */
	uint8_t flags;
	coh_node home;
	uint32_t object; /* the mutex that is held on success, else the object */
	uint32_t thread;
	uint32_t serial; /* of a request to make a condition */
	uint64_t cookie;
};

/* A thread of ours that waits for a word. */
struct dozer {
	uint8_t state; /* enum doze */
	uint8_t cancelled;
	uint8_t pad[6];
	uint64_t page;
	uint64_t cookie;
};
enum doze { DOZE_FREE = 0, DOZE_ASKED, DOZE_ASLEEP };

/* The same thread at the word's home, once it sleeps: at its node's number times futex_slots plus
 * its slot there. */
struct sleeper {
	uint8_t asleep;
	uint8_t pad[3];
	uint32_t offset;
	uint64_t page;
	uint32_t next, prev; /* in its queue: numbers plus one */
};

/* Sleepers of some words, oldest first: numbers plus one. */
struct doze_queue {
	uint32_t first, last;
};
#define DOZE_QUEUES_MAX 4096

/* Who lives, and how far this node is in finding out what they have (view.h). */
struct view {
	uint32_t number, next;         /* next: a view that begins when all is fenced off; 0: none */
	uint64_t members, next_members;
	uint64_t before;               /* who lived when this home last knew all its pages */
	uint64_t unreported;           /* of them: who has still to report to this home */
	/* What is next to be reported: pages, then mutexes that may be held, then threads that wait;
	 * and what is next to be started: pages' requests, then mutexes' waiters. */
	uint64_t report_at, start_at;
	uint64_t passed[2]; /* by node, its lower and its upper bit, see struct coh */
	uint32_t serial;               /* of the last request */
	uint8_t reporting, rebuilding, starting;
	uint64_t off_kept, off_record, off_said, off_asked, off_used;
};

struct coh {
	struct coh_config cfg;
	uint64_t n_dirs;
	uint64_t off_dir, off_line, off_request, off_hold, off_txn, off_object, off_waiter;
	uint64_t off_sync, off_held, off_out, off_in, off_waiting, off_arrived;
	uint64_t off_dozer, off_sleeper, off_queue;
	uint64_t off_pending, off_map, off_map_taken; /* when sets of sharers are wide */
	uint64_t size;
	uint32_t n_txns, n_waiters;
	uint32_t n_sleepers, n_queues, asleep;
	uint32_t max_refreshing, refreshing; /* refreshes of forwarded reads under way to us */
	uint32_t map_word; /* of off_map_taken: the lowest in which a map is free */
	uint8_t wide;      /* form of the sets of sharers */
	struct view view;  /* where nodes may die */
	struct securing securing;
	uint64_t barrier_cookie;
	uint8_t barrier_here; /* a thread of ours waits */
	uint8_t barrier_passed; /* where nodes may die: so many, modulo 4; two nodes differ by one */
#ifdef COH_MUTANTS
	/* Access that is lowered too late: with the effects of a later step. */
	uint8_t late, late_access;
	uint16_t late_n;
	uint64_t late_page;
#endif
};

static inline uint64_t coh_pages(const struct coh_config *config)
{
	uint64_t n = 0;

	for (unsigned z = 0; z < config->n_zones; z++)
		n += config->zone[z].count;
	return n;
}

#define COH_TABLE(coh, type, off) ((type *)((char *)(coh) + (coh)->off))
static inline struct line *line_at(struct coh *c, uint64_t page)
{
	return &COH_TABLE(c, struct line, off_line)[page];
}
static inline struct request *request_at(struct coh *c, unsigned i)
{
	return &COH_TABLE(c, struct request, off_request)[i];
}
static inline struct hold *hold_at(struct coh *c, unsigned i)
{
	return &COH_TABLE(c, struct hold, off_hold)[i];
}
static inline struct txn *txn_at(struct coh *c, unsigned i)
{
	return &COH_TABLE(c, struct txn, off_txn)[i];
}
static inline struct object *object_at(struct coh *c, unsigned i)
{
	return &COH_TABLE(c, struct object, off_object)[i];
}
static inline struct waiter *waiter_at(struct coh *c, unsigned i)
{
	return &COH_TABLE(c, struct waiter, off_waiter)[i];
}
static inline struct sync_slot *sync_at(struct coh *c, unsigned i)
{
	return &COH_TABLE(c, struct sync_slot, off_sync)[i];
}
static inline struct dozer *dozer_at(struct coh *c, unsigned i)
{
	return &COH_TABLE(c, struct dozer, off_dozer)[i];
}
static inline struct sleeper *sleeper_at(struct coh *c, unsigned i)
{
	return &COH_TABLE(c, struct sleeper, off_sleeper)[i];
}
static inline struct doze_queue *queue_at(struct coh *c, unsigned i)
{
	return &COH_TABLE(c, struct doze_queue, off_queue)[i];
}
/*
 * Objects that this node may be home to. Where nodes may die these are those of all: object i of
 * node n has the number n * locks + i, whoever is home to it now.
 */
static inline uint32_t coh_objects(const struct coh_config *config)
{
	return config->survive ? config->locks * config->nodes : config->locks;
}
/* Thread of ours that holds a mutex, plus one; 0: none. */
static inline uint32_t *held_at(struct coh *c, coh_node home, uint32_t object)
{
	uint64_t first = c->cfg.survive ? 0 : (uint64_t)home * c->cfg.locks;

	return &COH_TABLE(c, uint32_t, off_held)[first + object];
}
/* Requests of ours outstanding at a home. */
static inline uint16_t *out_at(struct coh *c, coh_node home)
{
	return &COH_TABLE(c, uint16_t, off_out)[home];
}
/* Requests of a node that this home has, from their arrival to the Done. */
static inline uint16_t *in_at(struct coh *c, coh_node node)
{
	return &COH_TABLE(c, uint16_t, off_in)[node];
}
/* Threads of a node that wait at this home in a lock or condition. */
static inline uint16_t *waiting_at(struct coh *c, coh_node node)
{
	return &COH_TABLE(c, uint16_t, off_waiting)[node];
}
/* The barrier's home: who waits in it. A map of one bit a node. */
static inline uint64_t *arrived_at(struct coh *c)
{
	return COH_TABLE(c, uint64_t, off_arrived);
}
static inline struct dir *dir_by_index(struct coh *c, uint64_t i)
{
	return &COH_TABLE(c, struct dir, off_dir)[i];
}

/* --- directory entries (dir.c) --- */
struct dir *coh_dir_at(struct coh *c, uint64_t page);
/* Whether Done for a request of this node's own, of n pages from page on granted with this
 * access, is due now. */
int coh_dir_awaits_done(struct coh *c, uint64_t page, uint16_t n, enum coh_access access);
/* Whether this node's own request in slot waits at this home, or is worked on. */
int coh_dir_has_own(struct coh *c, uint64_t page, uint16_t slot);

/* --- homes (homes.c) --- */
int coh_homes_check(const struct coh_config *config); /* 0, -EINVAL, -EFBIG */
/* As far as from page on all homes come up, of which there are in [page, end): end at most. */
uint64_t coh_homes_round_end(const struct coh_config *config, uint64_t page, uint64_t end);
/* Directory entries that this node has. */
uint64_t coh_homes_entries(const struct coh_config *config);

/* --- where nodes may die (views.c; the rest of it in view.h) --- */
/* Who is home to the page now, and where its directory entry is there. */
coh_node coh_home(const struct coh *c, uint64_t page);
uint64_t coh_dir_number(const struct coh *c, uint64_t page);
/* Who is home now to what was node's: itself, as long as it lives. */
coh_node coh_heir(const struct coh *c, coh_node node);
/* The number of a new request. */
uint32_t coh_view_serial(struct coh *c);
/* The frame of a page is given up for the request that m is about; it need be kept no more; it is. */
void coh_view_keep(struct coh *c, const struct coh_msg *m);
void coh_view_keep_no_more(struct coh *c, uint64_t page);
int coh_view_keeps(struct coh *c, uint64_t page);
/* This node does an atomic of another's; it asks for one itself. */
void coh_view_ran(struct coh *c, uint64_t page, coh_node requestor, uint32_t serial);
void coh_view_asks(struct coh *c, unsigned slot, const struct coh_atomic *atomic);
/* Requests that a home has of one node at most. */
static inline uint32_t coh_requests_of_node(const struct coh_config *config)
{
	/* When homes die, those who take over have what was asked of them; and as many Pushes (secure.h). */
	return !config->survive ? config->per_home
	                        : config->slots * (config->secure_pages ? 2u : 1u);
}

/* --- effects (effects.c) --- */
struct coh_effect *coh_fx_add(struct coh_effects *fx, enum coh_effect_kind kind, uint64_t page);
void coh_fx_access(struct coh_effects *fx, uint64_t page, uint16_t n, enum coh_access access);
void coh_fx_wake(struct coh_effects *fx, uint64_t page, uint16_t n);
void coh_fx_complete(struct coh_effects *fx, uint64_t cookie, int status, uint64_t result);
/* The effect for those of n pages that are in map, one bit a page: an effect a run of them. */
void coh_fx_runs(struct coh_effects *fx, enum coh_effect_kind kind, uint64_t page, uint16_t n,
                 uint64_t map);
#ifdef COH_MUTANTS
void coh_mutant_lower_late(struct coh *c, struct coh_effects *fx, uint64_t page, uint16_t n,
                           enum coh_access access);
void coh_mutant_lower_now(struct coh *c, struct coh_effects *fx);
#endif
/* Appends a send and returns its message, zeroed but for type and page; or, when node is
 * this one, appends it to the queue of messages to itself. */
struct coh_msg *coh_fx_send(struct coh *c, struct coh_effects *fx, coh_node node,
                            enum coh_msg_type type, uint64_t page);
/* The same, with landings of ours to be filled in (enum coh_fill). */
struct coh_msg *coh_fx_send_fill(struct coh *c, struct coh_effects *fx, coh_node node,
                                 enum coh_msg_type type, uint64_t page, uint8_t fill);

/* --- requests of the cache (request.c), atomics on this node's frame (answer.c) --- */
/* The lowest free slot, or -1: none, or the home has as many as it may. */
int coh_request_free(struct coh *c, coh_node home);
/* The highest: an atomic's slot does not tell what other requests were there before it,
 * so that fewer states differ. */
int coh_request_free_atomic(struct coh *c, coh_node home);
void coh_request_release(struct coh *c, unsigned slot);
/* The request in slot if it is of this type and page, else NULL. */
struct request *coh_request_check(struct coh *c, unsigned slot, unsigned type, uint64_t page);
/* Does an atomic on this node's frame and sees to its answer. */
void coh_answer_atomic(struct coh *c, struct coh_effects *fx, coh_node requestor, uint16_t slot,
                       uint64_t page, const struct coh_atomic *atomic, uint32_t serial);
/* Compares a word of this node's frame for the home of its page. */
void coh_answer_compare(struct coh *c, struct coh_effects *fx, uint64_t page,
                        const struct coh_futex *futex);

/* --- threads that wait for words, at their node (dozer.c) --- */
/* Asks the word's home to end the wait of one that sleeps. */
void coh_dozer_cancel(struct coh *c, struct coh_effects *fx, unsigned slot);
void coh_dozer_end(struct coh *c, struct coh_effects *fx, unsigned slot, int status);
/* The home's answer to the wait or wake in a request's slot. */
void coh_dozer_answer(struct coh *c, struct coh_effects *fx, unsigned slot, uint32_t value,
                      uint32_t left);

/* --- cache/, home/ and sync/, as step.c calls them --- */
int coh_cache_fault(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_cache_prefetch(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_cache_evict(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_cache_atomic(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_cache_discard(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_cache_futex_wait(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_cache_futex_wake(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_cache_futex_cancel(struct coh *c, uint64_t cookie, struct coh_effects *fx);
int coh_cache_timer(struct coh *c, unsigned slot, struct coh_effects *fx);
int coh_cache_msg(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx);
int coh_cache_landed(struct coh *c, struct coh_tag tag, struct coh_effects *fx);
int coh_home_msg(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx);
int coh_home_landed(struct coh *c, struct coh_tag tag, struct coh_effects *fx);
int coh_home_compared(struct coh *c, coh_node from, uint64_t page, int equal,
                      struct coh_effects *fx);
int coh_sync_event(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_sync_msg(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx);
/* A view begins: sync/again.c, and sync/revive.c for the objects that this node is home to. */
void coh_sync_enter(struct coh *c, struct coh_effects *fx);
void coh_sync_home_enter(struct coh *c);
/* What this node reports of its threads: in so many parts, each of them a message or none. */
uint64_t coh_sync_parts(const struct coh *c);
unsigned coh_sync_report(struct coh *c, struct coh_effects *fx, uint64_t part);
unsigned coh_barrier_report(struct coh *c, struct coh_effects *fx);
/* A home hears of a thread that holds a mutex; of a node's barriers. */
int coh_sync_take_held(struct coh *c, coh_node from, uint64_t result);
int coh_barrier_take_report(struct coh *c, coh_node from, uint64_t result);
/* All have reported. Whether there is more to do for the object in another step. */
void coh_barrier_revive(struct coh *c, struct coh_effects *fx);
int coh_sync_revive(struct coh *c, uint32_t number, struct coh_effects *fx);

static inline uint64_t node_bit(coh_node node)
{
	return UINT64_C(1) << node;
}

#endif
