/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The coherence core: directory MSI, home and cache side of one node, and the
 * job's locks, conditions and barrier, as one pure state machine.
 *
 * coh_step() takes one event and appends effects, which the caller carries out
 * in order. The core does no I/O, reads no clock, starts no thread, allocates
 * nothing, and its state is one flat block of memory without pointers or times:
 * it can be copied with memcpy, compared with memcmp, stored and replayed.
 * Terms are those of Nagarajan, Sorin, Hill & Wood, "A Primer on Memory
 * Consistency and Cache Coherence", 2nd edition.
 *
 * Threads: none of this is safe to call concurrently on one struct coh.
 */
#ifndef COH_H
#define COH_H

#include <stddef.h>
#include <stdint.h>

#include "coherence/msg.h"

#define COH_MAX_NODES 1024
#define COH_MAX_HOME_PAGES (UINT64_C(1) << 31) /* of one node: they travel in tags of 32 bits */
#define COH_MAX_QUEUE 0x7fff /* per_home * nodes */
#define COH_RESTORES 16 /* secure pages that a home brings to two nodes at a time, after a death */
#define COH_MAX_SYNC_SLOTS 0x7fff
#define COH_MAX_WAITERS (1u << 21) /* sync_slots * nodes; futex_slots * nodes */
#define COH_MAX_WOKEN 64 /* threads that one step wakes from words */
#define COH_MAX_RUN 64   /* pages in one request */
#define COH_MAX_ZONES 2
#define COH_PAGE_MAX (2u << 20) /* bytes of the largest page */
#define COH_SHARES_MAX 16 /* of one node, in the dealing of homes */
#define COH_MIGRATORY_MAX 63
#define COH_LOCKS_BLOCK 4096 /* a condition's number is in the same block of so many as its mutex's */

/* What the window allows for a page. I, S and M map onto these. */
enum coh_access { COH_NONE = 0, COH_READ = 1, COH_WRITE = 2 };

/* A zone is a run of pages of one size; its blocks of block_pages go to the
 * nodes in turn, or as share_end says. block_pages is a power of two. */
struct coh_zone {
	uint64_t first, count;
	uint32_t block_pages;
};

struct coh_config {
	coh_node nodes, self;
	uint16_t n_zones;
	struct coh_zone zone[COH_MAX_ZONES];
	uint16_t per_home;   /* K: requests a node may have outstanding at one home */
	uint16_t slots;      /* requests a node may have outstanding in all */
	/* Writes back of forwarded reads that a home has under way at once; 0: as many as
	 * requests. More reads than that take the longer path. */
	uint16_t refreshes;
	/* Reads of a migratory page that are granted as writes before one is not; 0: none ever,
	 * at most COH_MIGRATORY_MAX. The same at all nodes. */
	uint8_t migratory;
	/* Above 64 nodes: pages whose many sharers a home can know exactly. */
	uint32_t sharer_maps;
	/* 0, or for tests: sharers by number as above 64 nodes, so many before a map is taken, and
	 * nodes for which one bit of an inexact map stands. */
	uint8_t sharer_pointers;
	uint16_t sharer_group;
	uint16_t holds;      /* pages that can be in tenure at once; 0 turns tenure off */
	uint32_t locks;      /* mutexes plus conditions homed at one node */
	uint16_t sync_slots; /* threads of one node that wait in lock or condition at once */
	uint16_t futex_slots; /* threads of one node that wait for words at once; the same at all */
	/* A node may die, and the others go on (view.h): at most 64 nodes, 2^31 pages in all and as many
	 * locks; no page is taken for migratory, whatever that says, and a home has room for slots
	 * requests of a node. */
	uint8_t survive;
	uint64_t secure_first, secure_pages; /* where nodes may die: blocks that two hold (secure.h) */
	uint8_t overtakes; /* threads woken from a condition that go before one that waits for its
	                    * mutex; 0: none, they go to the end */
	/* Of every so many blocks of a zone as the last node's entry says, node i is home to those
	 * from the entry before on up to its own. All 0: one block for each in turn. The same on all
	 * nodes; see coh_config_weigh(). */
	uint16_t share_end[COH_MAX_NODES];
};

/* ------------------------------------------------------------------ events -- */

enum coh_event_kind {
	COH_EV_READ = 1, /* page: a thread was trapped reading it; n: ask for so many from there on,
	                  * as if the others had been prefetched; 0: for one */
	COH_EV_WRITE,    /* page, n: ... writing it; n likewise, of pages that nobody has */
	COH_EV_PREFETCH, /* page, n: ask for a run in S; effects->consumed says how far it went */
	COH_EV_EVICT,    /* page: give it up; -EBUSY while a request for it is under way */
	COH_EV_ATOMIC,   /* page, atomic, cookie. Completes with what was there, or -EIO: the page is
	                  * lost, and perhaps it was done. -EINVAL: of a secure page: write it */
	COH_EV_MSG,      /* from, msg */
	COH_EV_LANDED,   /* tag: a page write into a frame of ours is complete */
	COH_EV_TIMER,    /* slot: a tenure timer armed by an effect has fired */
	/* Of mutexes and conditions, home is the node that made them, be it dead by now. */
	COH_EV_LOCK,     /* object, home, thread, cookie; flags COH_F_TRY. Completes with 0; -EOWNERDEAD:
	                  * the thread holds it, and its last holder has died, or may have; or -EBUSY, of
	                  * a try; or -EINVAL */
	COH_EV_UNLOCK,   /* object, home, thread: 0, or -EPERM when it is not the holder */
	COH_EV_COND_WAIT,   /* object, home, mutex, thread, cookie; completes as a lock of the mutex */
	COH_EV_COND_SIGNAL, /* object, home; value as in the message */
	COH_EV_MUTEX_CREATE, /* effects->object is the new mutex's index at this home; -ENOSPC */
	COH_EV_COND_CREATE,  /* home, mutex, cookie: a condition at the mutex's home; completes with
	                      * its index as result */
	COH_EV_SYNC_DESTROY, /* object, home, cookie; value: 1 a mutex, 2 a condition. -ESTALE: a view
	                      * has begun, and perhaps it was done */
	COH_EV_BARRIER,      /* cookie; -EBUSY while one is under way here */
	COH_EV_DISCARD, /* page, n, cookie: nobody needs what these pages hold, they are to be zero
	                 * and untouched; effects->consumed says how many are asked for. Completes
	                 * with how many of these it was for (n), and which of them, one bit a page,
	                 * stay because a node holds them (result) */
	COH_EV_FUTEX_WAIT, /* page, futex (offset, value), cookie: a thread sleeps if the word holds
	                    * value. Completes with 0: woken; -EAGAIN: it holds another; -ETIMEDOUT:
	                    * cancelled; -ESTALE: a view has begun, and nobody may have woken it.
	                    * -ENOSPC: as many wait as may */
	COH_EV_FUTEX_WAKE, /* page, futex (offset, value: how many at most), cookie. Completes with
	                    * how many it has woken (result) and, where that is all one step may,
	                    * how many slept on (result, upper half). -ESTALE: nobody knows how many */
	COH_EV_FUTEX_CANCEL, /* cookie, of a FUTEX_WAIT: it is to end; of none: nothing */
	COH_EV_COMPARED, /* page, futex (value), view: the outcome of an effect COMPARE for this node, and,
	                  * where nodes may die, coh_view() when that was carried out */
	COH_EV_VIEW,   /* view, members: a node is dead. Asks for the effect FENCE; until FENCED all else
	                * but TIMER, LANDED and a later VIEW is refused with -EAGAIN. Nobody who is
	                * not among members can use his window any more */
	COH_EV_FENCED, /* no page write of an older view can land here any more, and COH_EV_LANDED has
	                * told of all that has: the view begins */
	COH_EV_RECOVER, /* go on, as coh_has_more() says */
	COH_EV_RENEW, /* as DISCARD, of those of the pages that are lost; result: which of them are not,
	               * and stay as they are. -ESTALE: a view has begun, and perhaps it was done */
	COH_EV_SECURE, /* cookie: what is written here to secure pages is to be on two nodes; -EBUSY:
	                * one is under way */
};

struct coh_event {
	uint8_t kind;
	uint8_t flags;
	coh_node from, home;
	uint16_t n, slot;
	uint64_t page;
	uint64_t cookie; /* the caller's, returned by COH_FX_COMPLETE */
	uint32_t tag;
	struct coh_sync_args sync;
	struct coh_atomic atomic;
	struct coh_futex futex;
	struct coh_msg msg;
	uint32_t view;
	uint64_t members; /* one bit a node */
};

/* ----------------------------------------------------------------- effects -- */

enum coh_effect_kind {
	COH_FX_SET_ACCESS = 1, /* page, n, access: on return no thread has more than that */
	COH_FX_WAKE,           /* page, n: blocked threads try again */
	COH_FX_SEND,           /* node, msg; fill tells which landings of ours to put in */
	COH_FX_MOVE,           /* page, n, node, landing, tag: write our frames there */
	COH_FX_TIMER,          /* slot, page: COH_EV_TIMER with this slot later */
	COH_FX_ATOMIC,         /* page, atomic: do it on our frame. node == self: complete cookie
	                        * with the old value; else send Atomic-Resp with slot and it; and
	                        * where nodes may die, with coh_view(), and tell coh_keep_result() */
	COH_FX_COMPARE,        /* page, futex: does the word in our frame, zero if it has no memory,
	                        * hold value? node == self: COH_EV_COMPARED, next or later; else
	                        * send Compared; with coh_view() */
	COH_FX_DROP_FRAME,     /* page, n: their frames may be given back */
	COH_FX_ZERO_FRAME,     /* page, n: on return their frames are zero, for use */
	COH_FX_DISCARD_FRAME,  /* page, n, of our own homes: on return their frames are zero, and may
	                        * be given back */
	COH_FX_COMPLETE,       /* cookie, status, result, n: a call of ours has its answer */
	COH_FX_FENCE,          /* cut off all page writes into frames of ours; give COH_EV_LANDED for
	                        * those that have landed, then COH_EV_FENCED */
	COH_FX_TAKE,           /* page: what landed for who has died is the frame now */
	COH_FX_LOST,           /* page, n: no copy of it lives; whoever wants it is told so */
	COH_FX_RENEWED,        /* page, n: those of them that were lost are so no more */
};

enum coh_fill {
	COH_FILL_LANDING = 1, /* msg.landing := landing of our frame(s) from msg.page on */
	COH_FILL_REFRESH = 2, /* msg.refresh := the same */
};

struct coh_effect {
	uint8_t kind;
	uint8_t access;
	uint8_t fill;
	coh_node node;
	uint16_t n, slot;
	int32_t status;
	uint32_t tag;
	uint64_t page;
	uint64_t cookie, result;
	union {
		struct coh_msg msg;
		struct coh_landing landing;
		struct coh_atomic atomic;
		struct coh_futex futex;
	};
};

/* What a step counts; the caller adds it up, the state stays free of counters. */
enum coh_count {
	COH_N_READ_MISS,
	COH_N_WRITE_MISS,
	COH_N_UPGRADE,
	COH_N_FETCH,        /* pages that arrived with data */
	COH_N_GRANT_EMPTY,  /* pages granted without data */
	COH_N_INV,          /* copies of ours taken away */
	COH_N_DOWNGRADE,    /* M of ours made S */
	COH_N_SUPPLY,       /* pages we wrote to a requestor */
	COH_N_REFRESH,      /* pages we wrote back to a home on Fwd-GetS */
	COH_N_WRITE_BACK,   /* pages we wrote to a home for a PutM */
	COH_N_DEFERRED,     /* Inv or Fwd that waited for a tenure */
	COH_N_NO_HOLD,      /* grants without tenure because all holds were taken */
	COH_N_ATOMIC,       /* atomics carried out on frames of ours */
	COH_N_QUEUED,       /* requests that found their page busy at this home */
	COH_N_PREFETCH,     /* pages asked for by prefetch */
	COH_N_EVICT,        /* Put requests sent */
	COH_N_COARSE,       /* sharer sets of this home that became inexact: no map was free */
	COH_N_LOCK,         /* locks granted by this home */
	COH_N_BARRIER,      /* barriers passed */
	COH_N_MIGRATORY,    /* reads that this home granted as writes */
	COH_N_DISCARD,      /* pages of this home that are untouched again */
	COH_N_SLEEP, COH_N_WOKEN, /* threads that this home has put to sleep for words; and woken */
	COH_N_PUSH, COH_N_COPY, /* secure pages of ours put on two nodes; second copies for this home */
	COH_COUNTS
};

/* The caller owns list (cap entries, at least coh_effects_max()) and self_queue
 * (COH_SELF_MAX entries); a step starts by emptying both. */
#define COH_SELF_MAX 512
#define COH_ROWS_MAX 256
struct coh_effects {
	struct coh_effect *list;
	uint32_t len, cap;
	struct coh_msg *self_queue; /* scratch: messages of this node to itself */
	uint32_t self_head, self_len;
	uint32_t consumed; /* READ, WRITE, PREFETCH: pages dealt with, from 1 */
	uint32_t object;   /* MUTEX_CREATE */
	uint32_t deferred;     /* with COH_N_DEFERRED: the slot of the tenure that a message waits for */
	uint8_t deferred_type; /* the message's (enum coh_msg_type) */
	uint32_t count[COH_COUNTS];
	uint8_t row_taken[COH_ROWS_MAX]; /* rows of coh_rows() taken by this step */
};

/* ---------------------------------------------------------------- the core -- */

struct coh;

/* Returns 0; -EFBIG: a node would be home to more than COH_MAX_HOME_PAGES; or -EINVAL:
 * a member of config is out of its range. */
int coh_config_check(const struct coh_config *config);
/* Deals homes out by these weights, one for each node, below 2^58, not all 0: in steps of a
 * COH_SHARES_MAXth of the largest, so that small differences make none. A node of less than
 * half a step is home to no page. */
void coh_config_weigh(struct coh_config *config, const uint64_t *weight);
/* Bytes of state. Most of it is never touched before its page is: memory that
 * is zero on first touch (mmap) costs only what is used. */
size_t coh_size(const struct coh_config *config);
/* state: coh_size() zero bytes, 16-byte aligned. */
struct coh *coh_init(void *state, const struct coh_config *config);
uint32_t coh_effects_max(const struct coh_config *config);

/*
 * One event. Returns 0, or without any change to the state:
 * -EAGAIN  no slot is free: give the event again after another one has completed; or the message
 *          is of a view to come: give it again, before later ones of its sender, after FENCED
 * -EBUSY   see the event
 * -EPERM   UNLOCK or COND_WAIT by a thread that does not hold the mutex
 * -EINVAL  the event names no page, node or object that exists
 * -ENOSPC  MUTEX_CREATE: no object is free; FUTEX_WAIT: as many threads wait as may
 * -EPROTO  a message or landing that no peer following the protocol sends now
 */
int coh_step(struct coh *coh, const struct coh_event *event, struct coh_effects *effects);

/* -------------------------------------------------------------- inspection -- */

coh_node coh_home_of(const struct coh_config *config, uint64_t page);
/* The page's number among those of its home. */
uint64_t coh_home_index(const struct coh_config *config, uint64_t page);
/* How many of the first count pages of a zone are node's. */
uint64_t coh_home_pages(const struct coh_config *config, unsigned zone, uint64_t count,
                        coh_node node);
/* The first page behind the block that page lies in: runs end there. */
uint64_t coh_block_end(const struct coh_config *config, uint64_t page);

enum coh_cache_state {
	COH_C_I = 0,
	COH_C_S,
	COH_C_M,
	COH_C_IS_D, /* GetS sent */
	COH_C_IM_D, /* GetM sent, no copy */
	COH_C_SM_A, /* GetM sent, S held until the grant or an Inv */
	COH_C_MI_A, /* PutM sent, M kept until a Fwd */
	COH_C_II_A, /* PutS sent, or PutM and a Fwd since: no access any more */
	COH_C_MS_A, /* secure, written, to be read: until all such pages are on two nodes */
	COH_CACHE_STATES
};
enum coh_dir_state {
	COH_D_I = 0,
	COH_D_S,
	COH_D_M,
	COH_D_LOST, /* no current copy lives */
	COH_D_AWAY, /* as S, but the home's frame is stale: the page comes from the owner, who has it */
	COH_D_HELD, /* as S, and nobody but the owner sees it before he says so (secure.h) */
	/* busy: what the transaction waits for */
	COH_D_INV,    /* Inv-Acks of the sharers */
	COH_D_RECALL, /* the home's own cache lowers its access */
	COH_D_DONE,   /* the requestor's Done, and the refresh of a Fwd-GetS */
	COH_D_PULL,   /* the page of a PutM */
	COH_D_COMPARE, /* whether a word holds what a thread expects that is to wait for it */
	COH_D_COPY, /* the second copy of a secure page */
	COH_DIR_STATES
};

struct coh_page_info {
	uint8_t cache_state, held, deferred, faulted;
	uint8_t is_home, dir_state, dir_stable, touched, queued;
	uint8_t request; /* message type of the transaction that makes the page busy */
	uint8_t sharers_inexact; /* a superset is known */
	uint8_t migratory; /* so many reads to come are granted as writes */
	uint8_t kept;      /* this node keeps a frame of it that it has given up */
	uint8_t secure, copy, logged; /* two nodes hold it; this one is the second; has it for its owner */
	uint32_t asked;    /* the serial of this node's atomic on it that is under way; 0: none */
	coh_node kept_for; /* ... for a request of this node's that may not be over, or COH_NO_NODE */
	coh_node owner, requestor;
	uint16_t n_sharers;
	uint64_t sharers; /* their map, in a job of at most 64 nodes */
};
void coh_page_info(const struct coh *coh, uint64_t page, struct coh_page_info *out);
/* The state of the page in this node's cache (enum coh_cache_state). */
unsigned coh_cache_state_of(const struct coh *coh, uint64_t page);
/* Whether this home takes node for a sharer of page. */
int coh_is_sharer(const struct coh *coh, uint64_t page, coh_node node);
/* Whether that thread of the node's is in the queue of a word homed here. */
int coh_is_asleep(const struct coh *coh, coh_node node, uint16_t slot);
/* What the directory of this home takes. */
struct coh_dir_info {
	uint64_t pages, bytes;
	uint32_t maps; /* exact maps of sharers in use */
};
void coh_dir_info(const struct coh *coh, struct coh_dir_info *out);
/* Which node is home to a page when these live: the first choice as long as it does. */
coh_node coh_home_among(const struct coh_config *config, uint64_t members, uint64_t page);
uint32_t coh_view(const struct coh *coh);
/* Whether COH_EV_RECOVER has something to do. */
int coh_has_more(const struct coh *coh);
/* The page that a page write with this tag is of, which this node has asked for and nothing has come
 * of yet; or -1. Only where nodes may die. */
int64_t coh_page_awaited(const struct coh *coh, struct coh_tag tag);
/* What was there when this node did another's atomic on the page, after the effect. */
void coh_keep_result(struct coh *coh, uint64_t page, uint64_t result);
/* Whether this home waits for the reports of others, and grants nothing. */
int coh_is_rebuilding(const struct coh *coh);
/* For tests: the request of node's for page that has this serial is over, so claims to frames that
 * were kept for it come to nothing, and so does what is known of an atomic. A serial means nothing else: states that become equal by this
 * always were. */
void coh_forget_request(struct coh *coh, coh_node node, uint64_t page, uint32_t serial);
void coh_forget_atomic(struct coh *coh, coh_node node, uint64_t page, uint32_t serial);
enum coh_access coh_access_of(enum coh_cache_state state);
/* What this node's cache allowed a moment ago: all that may be asked while another thread steps. */
enum coh_access coh_access_glimpse(const struct coh *coh, uint64_t page);
/* NULL, or what is wrong with the state: for tests, and after every step in debug builds. */
const char *coh_invariant(const struct coh *coh);
/* No request, hold, transaction or lock waiter in this node; threads may sleep that wait for words. */
int coh_is_quiet(const struct coh *coh);
const struct coh_config *coh_config_of(const struct coh *coh);

/* --- what is kept of a job for a later one (keep.c) --- */
/* Requests of this node's cache under way; transactions of this home. A home that has none, when no
 * cache has one any more, gets none before a cache asks again. */
int coh_has_requests(const struct coh *coh);
int coh_has_transactions(const struct coh *coh);
/* A page of this home that nobody has asked for yet: its frame holds something. */
void coh_keep_page(struct coh *coh, uint64_t page);
/* The mutex or condition of that number at this home: 1 or 2, and of a condition its mutex; 0:
 * there is none. */
int coh_object_at(const struct coh *coh, uint32_t index, uint32_t *mutex);
/* Makes it, free, whose number is free; kind as above, a condition after its mutex. 0, -EINVAL. */
int coh_keep_object(struct coh *coh, uint32_t index, int kind, uint32_t mutex);

/* Renames every node id in the state: id becomes perm[id]. Only for pages whose
 * homes are mapped onto themselves (the caller chooses such permutations). */
void coh_permute(struct coh *coh, const coh_node *perm);
/* Gives the home's transactions the lowest numbers, in the order of their pages and queues; and the
 * next request the first serial again (see coh_forget_request()).
 * Nobody else knows the numbers, so states that become equal by this always were. */
void coh_renumber(struct coh *coh);
/* The transition table, for documents and coverage. */
struct coh_row {
	const char *side;  /* "cache" or "home" */
	const char *state, *event;
	const char *actions, *next;
	const char *note; /* why, or NULL */
};
const struct coh_row *coh_rows(unsigned *count);
const char *coh_msg_name(unsigned type);
const char *coh_cache_state_name(unsigned state);
const char *coh_dir_state_name(unsigned state);

#include "coherence/held.h" /* of secure pages */

#endif
