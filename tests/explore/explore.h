/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The explorer: every reachable state of a few nodes running the coherence code that
 * ships, by breadth-first search over every possible next event.
 *
 * A global state (struct world) is the state of every core, what each window allows,
 * which frames are current, and what is under way: messages, page writes, effects not
 * carried out yet, timers. The states of one core are numbered (local.c), so a world
 * is a few numbers; and since coh_step() is a pure function, each pair of core state
 * and event is stepped once and its outcome remembered.
 *
 * What the environment may do at any time is in events.c, what is checked in check.c.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

#include "coherence/coh.h"

#define X_NODES 6
#define X_PAGES 4
#define X_MSGS 60
#define X_MOVES 20
#define X_ACTIONS 256
#define X_PERMS 120
#define X_ASKED 0x80 /* beside a permutation's number */
#define X_CRASHED 0x40 /* beside a permutation's number, where nodes crash: these are few then */

struct x_options {
	unsigned nodes, pages, block; /* homes in turn, block pages at a time */
	unsigned slots, per_home, refreshes, holds, migratory;
	unsigned pointers, maps, group; /* forms of the sharer sets; 0: one bit a node */
	unsigned evict;                 /* pages may be evicted at any time */
	unsigned atomics;               /* so many outstanding in all, and one per node and page */
	unsigned discards;              /* so many outstanding in all, and one per node; of runs */
	unsigned renews;                /* as discards, of what is lost of these pages */
	unsigned sync;     /* threads of each node that use one mutex, one condition and the
	                    * barrier; then nobody uses pages */
	unsigned only;     /* sync: 1 the mutex alone, 2 with the condition, 3 the barrier alone, 4 the
	                    * mutex, and nobody only tries to lock it, 5 that and the barrier */
	unsigned faults;   /* 0: nobody reads or writes pages */
	unsigned runs;     /* prefetches of up to so many pages */
	unsigned writes;   /* faults writing that ask for up to so many pages */
	unsigned futex;    /* threads that wait for a word of page 0 at once, one of a node at
	                    * most; and one wake of such outstanding in all */
	unsigned own;      /* they are those of the library's objects, who compare nothing */
	unsigned overtakes; /* sync: woken threads that go before one that waits for the mutex */
	unsigned crashes;  /* nodes that die, at any time; up to 2 pages then */
	unsigned secure;   /* of the pages, the first so many: two nodes hold what anybody may have seen */
	unsigned exact;    /* requests keep their numbers, and claims to what is over stay: see
	                    * outcome.c; needs asks */
	unsigned asks;     /* threads ask for so much in all, and then no more; 0: without end */
	unsigned outcomes; /* count what is reached, but for numbers */
	unsigned purge;    /* what is sent from an older view to a node in a newer one, which would
	                    * drop it, is never seen */
	unsigned pins;     /* pinner ends no tenure while it waits for another page, as a call
	                    * that pins several pages; 2: nor while another node waits for a page
	                    * that it does not hold */
	unsigned pinner;   /* a node that has homes, unless symmetry is 0 */
	unsigned threads;  /* pages a node's threads may be blocked on at once; 0: faults of
	                    * both kinds at any time, older than the grant or not */
	unsigned one;      /* every effect is an event of its own */
	unsigned renumber; /* states that differ in the numbers of transactions are one */
	unsigned symmetry; /* states that differ in the names of nodes are one */
	unsigned mutated;  /* the core has planted bugs: what it knows itself does not count */
	unsigned lenient;  /* honest events that are refused are lost, and that is no violation */
	unsigned live;     /* keep the graph and check that everything stays possible */
	uint64_t max_states;
	unsigned max_seconds;
};

/* --- interning (intern.c): equal byte strings have one number, from 0 --- */
struct x_intern {
	uint8_t **chunk;
	size_t chunks, used; /* of the last chunk */
	uint32_t *table;     /* number plus one */
	uint64_t mask;
	struct x_interned {
		uint64_t hash;
		const uint8_t *bytes;
		uint32_t len;
	} * item;
	uint32_t len, cap;
};
uint32_t x_intern(struct x_intern *in, const void *bytes, uint32_t len);
void x_intern_free(struct x_intern *in);
uint64_t x_hash(const void *bytes, size_t len); /* 64 bits, all of them good */
uint64_t x_mix(uint64_t x);
/* Large, zero, lazily populated; the program ends when there is none. */
void *x_map(size_t bytes);
void *x_remap(void *at, size_t bytes, size_t more);
void x_unmap(void *at, size_t bytes);

/* --- packed forms (pack.c): one word for a message, a page write, an event --- */
struct x_bits {
	uint8_t at, len;
};
/* A message under way: what the exploration varies of struct coh_msg, and its pair. */
#define M_TYPE 0, 6
#define M_VIEW 6, 2
#define M_SERIAL 8, 2 /* the view of its request plus one: see forget() in views.c */
#define M_SERIAL_MORE 62, 2 /* its upper bits, where requests keep their numbers (exact) */
#define M_FLAGS 51, 6
#define M_ACCESS 10, 2
#define M_REQUESTOR 12, 4 /* 15: none */
#define M_N 16, 7
#define M_SLOT 23, 8
#define M_RESULT 31, 8 /* pages, of a Drop-Ack and a Discarded; values of a word's messages */
#define M_PAGE 39, 4
#define S_THREAD 10, 2 /* in the place of others, for messages of locks */
#define S_OBJECT 16, 2
#define S_MUTEX 18, 2
#define S_VALUE 31, 8
#define M_FROM 43, 4
#define M_TO 47, 4
/* A page write: its tag in the low 32 bits. */
#define V_PAGE 32, 4
#define V_N 36, 7
#define V_FROM 43, 4
#define V_TO 47, 4
#define V_FLYING 51, 1 /* has not landed */
#define V_TOLD 52, 1   /* landed, and the target does not know */
/* An event for a core; a message's word is its low part. */
#define E_PAGE 0, 4
#define E_N 4, 7
#define E_SLOT 0, 8
#define E_THREAD 0, 2
#define E_TRY 2, 1
#define E_ALL 3, 1
#define E_VALUE 4, 2
#define E_OWN 6, 1 /* a word's other queue */
#define E_VIEW 7, 2
#define E_MEMBERS 9, 6
#define E_SERIAL 11, 2
#define E_ATOMIC 13, 1
#define E_KIND 57, 5
#define X_EV_FORGET 31 /* of E_N: its request for E_PAGE is over, see views.c */

static inline uint64_t x_get(uint64_t word, unsigned at, unsigned len)
{
	return word >> at & ((UINT64_C(1) << len) - 1);
}
static inline uint64_t x_put(uint64_t word, unsigned at, unsigned len, uint64_t value)
{
	uint64_t mask = ((UINT64_C(1) << len) - 1) << at;

	return (word & ~mask) | (value << at & mask);
}

#define X_DISCARD_COOKIE 64
#define X_WAIT_COOKIE 65
#define X_WAKE_COOKIE 66
#define X_SECURE_COOKIE 67
#define X_WAKE_ALL 3 /* in place of more than there are */

/* An effect. word: the message of a SEND, the page write of a MOVE, else the cookie. */
struct x_fx {
	uint8_t kind, page, n, access, node, fill;
	uint16_t slot;
	uint64_t word;
};

struct coh_event x_event_unpack(uint64_t ev);
/* NULL, or what is wrong with the effect. */
const char *x_fx_pack(const struct coh_effect *e, coh_node self, struct x_fx *out);
/* The message of an owner that has compared the word. */
uint64_t x_compared(coh_node from, coh_node to, unsigned page, unsigned equal);
uint64_t x_atomic_resp(coh_node from, coh_node to, unsigned page, unsigned slot);
uint64_t x_msg_permute(uint64_t msg, const coh_node *perm);
uint64_t x_move_permute(uint64_t move, const coh_node *perm);
struct x_fx x_fx_permute(struct x_fx fx, const coh_node *perm);

/* --- one node (local.c) --- */
struct x_step {
	uint32_t local; /* the state that follows */
	uint32_t list;  /* effects, numbered */
	int16_t rc;
	const char *bad; /* what the core did wrong, or NULL */
};
struct x_local_info {
	uint8_t quiet;
	uint8_t view, more, rebuilding;
	uint8_t asleep; /* nodes whose thread is in a queue here, 1 bit each */
	struct coh_page_info page[X_PAGES];
};
struct x_locals {
	struct coh_config cfg;
	size_t size;
	void *base, *work, *copy; /* a virgin state; scratch */
	struct coh_effects fx;
	struct x_intern states, lists;
	struct x_local_info **info; /* by number, made when asked for */
	uint32_t *perm_state;       /* [number][perm], plus one */
	uint32_t *perm_list;
	uint64_t *role; /* [number][node] */
	struct x_memo {
		uint64_t ev;
		uint32_t from, used;
		struct x_step step;
	} * memo;
	uint64_t memo_mask, memo_len, steps;
	uint8_t row_taken[COH_ROWS_MAX];
	unsigned renumber, mutated, n_perms;
	coh_node (*perm)[X_NODES];
};
void x_locals_open(struct x_locals *l, const struct x_options *o);
void x_locals_close(struct x_locals *l);
uint32_t x_local_virgin(struct x_locals *l, coh_node self);
struct x_step x_local_step(struct x_locals *l, uint32_t local, uint64_t ev);
const struct x_local_info *x_local_info(struct x_locals *l, uint32_t local);
const struct x_fx *x_list(const struct x_locals *l, uint32_t list, unsigned *n);
uint32_t x_list_intern(struct x_locals *l, const struct x_fx *fx, unsigned n);
uint32_t x_local_permute(struct x_locals *l, uint32_t local, unsigned perm);
uint32_t x_list_permute(struct x_locals *l, uint32_t list, unsigned perm);
/* What node is to the core in this state, whatever their names: equal for states and
 * nodes that a permutation makes the same. */
uint64_t x_local_role(struct x_locals *l, uint32_t local, coh_node node);

/* --- the world (world.c, events.c) --- */
struct x_node {
	uint32_t local;
	uint32_t todo;   /* effects still to be carried out, numbered */
	uint8_t access;  /* of the window, 2 bits a page */
	uint8_t current; /* frames with the last value, 1 bit a page */
	uint8_t blocked; /* a thread waits for a wake, 1 bit a page */
	uint8_t drop;    /* frames to be given back, 1 bit a page */
	uint8_t timers;  /* armed, 1 bit a slot */
	uint8_t atomic;  /* X_ATOMIC_*, 2 bits a page */
	uint8_t thread;  /* sync: X_THREAD_*, 3 bits a thread; else X_DISCARDS: a discard is asked for */
	uint8_t arrived; /* sync: times in the barrier, modulo 4 */
	/* futex: */
	uint8_t wait;     /* X_WAIT_* of the thread, and whether its wait is cancelled, or ended */
	uint8_t place;    /* in X_WAIT_SLEEPS: how many sleep that came before */
	uint8_t due;      /* ... whether a wake has begun since */
	uint8_t wake;     /* how many at most, of a wake that has begun; 0: none */
	uint8_t compared; /* the outcome that the core has yet to hear, plus one; 0: none; and, in
	                   * the upper half, the view that it is of */
	/* crashes: */
	uint8_t dead;
	uint8_t view;    /* that it is in */
	uint8_t entered; /* so many views */
	uint8_t gave[2]; /* by page: X_GAVE_* */
	uint8_t late;    /* what compared was when the view began */
	uint8_t refused; /* pages that its threads are told are lost, 1 bit a page */
	uint8_t stage;   /* secure: what landed of these pages, and is not in their frames, is the last value */
	uint8_t floor;   /* secure: frames with the value that the owner was granted, 1 bit a page */
	uint8_t secures; /* ... and a thread waits until all is on two nodes */
	uint8_t pad[1];
};
enum { X_DISCARDS = 1, X_RENEWS, X_RENEWAL_ENDS /* with the view that its node has entered */ };
/* Why a node that has the last value of a page, or is its home, may not use it. */
enum {
	X_GAVE_NOTHING,
	X_GAVE,              /* plus the node that it was given up for: up to 7 */
	X_GAVE_ASKED = 8,    /* beside that: a view has ended that node's request */
	X_GAVE_UP = 15,      /* of its own, or nobody can tell */
};
enum {
	X_WAIT_NONE,
	X_WAIT_ASKED,
	X_WAIT_DIFFERS, /* from the comparison on */
	X_WAIT_SLEEPS,
	X_WAIT_WOKEN, /* from the home's step on */
	X_WAIT_CANCELLED,
	X_WAIT_CANCELS = 8, /* beside these: its end was asked for */
	X_WAIT_ENDS = 16,   /* ... or its node has entered a view, which ends it */
};
enum {
	X_THREAD_IDLE,
	X_THREAD_LOCKS,
	X_THREAD_TRIES,
	X_THREAD_HOLDS,
	X_THREAD_WAITS,
	X_THREAD_BARRIER
};
/* Why the mutex's next holder is to be told of a death, or may be (crashes). */
enum { X_ORPHAN_NOT, X_ORPHAN_MAY, X_ORPHAN_IS };
enum { X_ATOMIC_NONE, X_ATOMIC_ASKED, X_ATOMIC_CARRIED_OUT };
struct world {
	uint8_t n_msgs, n_moves;
	uint8_t written; /* pages that are not zero any more, 1 bit a page */
	uint8_t woken;   /* futex: threads woken that no wake has told of yet */
	uint8_t view;    /* crashes: the newest one, and who is in it */
	uint8_t members;
	uint8_t orphan; /* sync: X_ORPHAN_* */
	uint8_t asked;  /* with asks: how much has been */
	/* secure: pages whose floor is not zero; and by page, secure ones written before it that are
	 * not on two nodes yet, and by whom, plus one; and who wrote each secure one last. */
	uint8_t floor_written, unsafe[2], writer[2], last[2];
	uint8_t doomed; /* ... and which somebody has asked to be discarded */
	uint8_t broken; /* pages with what was written after something that is gone */
	uint8_t pad[3];
	struct x_node node[X_NODES];
	uint64_t msg[X_MSGS];   /* sorted by pair, oldest first within a pair */
	uint64_t move[X_MOVES]; /* sorted */
};

struct explorer {
	struct x_options o;
	struct x_locals l;
	char why[200]; /* of a violation */
	FILE *out;
};

static inline unsigned x_access(const struct world *w, unsigned node, unsigned page)
{
	return w->node[node].access >> (2 * page) & 3;
}
static inline unsigned x_atomic(const struct world *w, unsigned node, unsigned page)
{
	return w->node[node].atomic >> (2 * page) & 3;
}

void x_world_init(struct explorer *x, struct world *w);
#define X_WORLD_HEAD 20
#define X_BYTES_MAX (X_WORLD_HEAD + sizeof(struct x_node) * X_NODES + 8 * X_MSGS + 8 * X_MOVES)
unsigned x_world_pack(const struct explorer *x, const struct world *w, uint8_t *bytes);
void x_world_unpack(const struct explorer *x, const uint8_t *bytes, unsigned len, struct world *w);
void x_world_send(struct world *w, uint64_t msg); /* behind the others of its pair */
void x_world_move(struct world *w, uint64_t move);
/* The world after a permutation of the nodes. */
void x_world_permute(struct explorer *x, const struct world *w, unsigned perm, struct world *out);

/* An action is one event of the whole system. */
enum x_action_kind {
	X_DELIVER = 1, /* the message at index */
	X_LAND,        /* the page write at index: bytes arrive */
	X_TELL,        /* ... the target's completion queue */
	X_PUNCH,       /* node, page: the last local completion of what left this frame */
	X_TIMER,       /* node, slot */
	X_CARRY_OUT,   /* node: effects of its last step */
	X_COMPARED,    /* node: the core hears of a comparison; n: of an older view */
	X_LOCAL,       /* node, kind of event, page, n */
	X_CRASH,       /* node */
	X_ANNOUNCE,    /* a view of those who live */
	X_ENTER,       /* node enters it; n: what lands there is torn, not just cut off */
	X_RECOVER,     /* node goes on with that */
};
struct x_action {
	uint8_t kind, node, index, ev, page, n;
};
unsigned x_actions(const struct explorer *x, const struct world *w, struct x_action *list);
enum x_outcome { X_NOTHING, X_DONE, X_BAD };
/* Carries out an action on w, whose content is of no use after X_NOTHING (the node has
 * no room for it now); X_BAD sets x->why. */
enum x_outcome x_apply(struct explorer *x, struct world *w, struct x_action action);
/* X_BAD with x->why, when effects went wrong. */
void x_add_action(struct x_action *list, unsigned *n, struct x_action a);
enum x_outcome x_carry_out(struct explorer *x, struct world *w, unsigned node,
                           const struct x_fx *fx, unsigned n);
enum x_outcome x_land(struct explorer *x, struct world *w, uint64_t move);
/* The frame is the source of a page write that has not landed. */
int x_is_leaving(const struct world *w, unsigned node, unsigned page);
void x_punch(struct world *w, unsigned node, unsigned page);

/* --- locks, condition and barrier (sync.c) --- */
void x_sync_init(struct explorer *x, struct world *w);
void x_sync_actions(const struct explorer *x, const struct world *w, unsigned node,
                    struct x_action *list, unsigned *n);
/* The event of such an action; the thread is taken for waiting from now on. */
uint64_t x_sync_event(const struct explorer *x, struct world *w, struct x_action a);
enum x_outcome x_sync_done(struct explorer *x, struct world *w, unsigned node,
                           const struct x_fx *fx);
enum x_outcome x_sync_check(struct explorer *x, const struct world *w);
/* A node dies; it has entered a view. */
void x_sync_crash(const struct explorer *x, struct world *w, unsigned node);
void x_sync_enter(const struct explorer *x, struct world *w, unsigned node);
/* Nobody waits but for what somebody else has to do. */
enum x_outcome x_sync_check_rest(struct explorer *x, const struct world *w);
static inline unsigned x_thread(const struct world *w, unsigned node, unsigned thread)
{
	return w->node[node].thread >> (3 * thread) & 7;
}

/* --- threads that wait for a word (futex.c) --- */
void x_futex_actions(const struct explorer *x, const struct world *w, unsigned node,
                     struct x_action *list, unsigned *n);
/* The event of such an action; whoever waits, or wakes, does so from now on. */
uint64_t x_futex_event(const struct explorer *x, struct world *w, struct x_action a);
enum x_outcome x_futex_compare(struct explorer *x, struct world *w, unsigned node,
                               const struct x_fx *fx);
/* A message leaves. */
/* The home of the word has taken a step: whoever compares nothing may sleep now. */
void x_futex_slept(struct explorer *x, struct world *w, unsigned node);
enum x_outcome x_futex_send(struct explorer *x, struct world *w, uint64_t msg);
enum x_outcome x_futex_done(struct explorer *x, struct world *w, unsigned node,
                            const struct x_fx *fx);
static inline uint64_t x_compared_event(uint8_t compared)
{
	uint64_t ev = x_put(x_put(0, E_VALUE, (compared & 15u) - 1), E_VIEW, compared >> 4);

	return x_put(ev, E_KIND, COH_EV_COMPARED);
}
void x_futex_crash(struct world *w, unsigned node);
void x_futex_enter(const struct explorer *x, struct world *w, unsigned node);
enum x_outcome x_futex_check_rest(struct explorer *x, const struct world *w, unsigned node);
static inline unsigned x_wait(const struct world *w, unsigned node)
{
	return w->node[node].wait & 7u;
}

/* --- nodes that crash (views.c) --- */
void x_view_actions(const struct explorer *x, const struct world *w, struct x_action *list,
                    unsigned *n);
enum x_outcome x_view_apply(struct explorer *x, struct world *w, struct x_action a);
/* Node has taken a step, other than into a view, from before to after. */
enum x_outcome x_view_stepped(struct explorer *x, struct world *w, unsigned node,
                              uint32_t before, uint32_t after);
/* What a node sends or writes to this one comes to nothing. */
int x_is_cut_off(const struct world *w, unsigned from, unsigned to);
/* A page leaves node for another, a message is sent, access is taken away or given. */
void x_gave_move(struct world *w, unsigned node, uint64_t move);
void x_gave_msg(struct explorer *x, struct world *w, uint64_t msg);
void x_gave_access(struct world *w, unsigned node, unsigned page, unsigned access);
void x_gave_landed(struct world *w, uint64_t move);
void x_gave_told(struct world *w, uint64_t move); /* the target knows */
uint8_t x_gave_permute(uint8_t gave, const coh_node *perm);
void x_tidy_dead(const struct explorer *x, struct world *w);
/* Somebody's death is not known to all yet. */
int x_is_in_between(const struct world *w, unsigned nodes);
/* The page is lost, as far as node can know. */
int x_is_lost(struct explorer *x, const struct world *w, unsigned node, unsigned page);
unsigned x_home(const struct explorer *x, const struct world *w, unsigned page);

/* --- secure pages (secure.c) --- */
enum x_outcome x_secure_access(struct explorer *x, struct world *w, unsigned node, unsigned page,
                               unsigned access);
/* After every action. */
enum x_outcome x_secure_settle(struct explorer *x, struct world *w);
/* A page that was to be discarded when a node died may be anything, to who comes first. */
void x_secure_takes(const struct explorer *x, struct world *w, unsigned node, unsigned page, int zero);
enum x_outcome x_secure_lost(struct explorer *x, const struct world *w, unsigned page);
/* A page lands for a node that may take its owner's place; it does; it enters a view. */
int x_secure_stages(const struct explorer *x, uint64_t move);
enum x_outcome x_secure_take(const struct explorer *x, struct world *w, unsigned node, unsigned page);
void x_secure_enter(struct explorer *x, struct world *w, unsigned node);
void x_secure_asks(struct world *w, unsigned node);
enum x_outcome x_secure_done(struct explorer *x, struct world *w, unsigned node);
enum x_outcome x_secure_looks(struct explorer *x, const struct world *w, unsigned node, unsigned page);

/* --- checks (check.c) --- */
enum x_outcome x_check(struct explorer *x, const struct world *w);
/* Nothing is under way anywhere. */
int x_is_still(const struct world *w, unsigned nodes);
/* What is true here of what must stay possible for ever; see live.c. */
uint32_t x_goals(struct explorer *x, const struct world *w);
unsigned x_goal_count(const struct x_options *o);
void x_goal_name(const struct x_options *o, unsigned goal, char *out, size_t len);
uint32_t x_goals_permute(const struct x_options *o, uint32_t goals, const coh_node *perm);
enum x_outcome x_bad(struct explorer *x, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --- symmetry (symmetry.c) --- */
void x_perms_make(struct explorer *x); /* those that move no page's home; 0 is the identity */
/* The representative of w among the worlds that permutations make of it, into out;
 * returns the permutation. */
unsigned x_canonical(struct explorer *x, const struct world *w, struct world *out);

/* --- what is reached, but for numbers (outcome.c) --- */
void x_outcome_add(struct explorer *x, const struct world *w, struct x_intern *seen, uint64_t *sum);

/* --- search (search.c, store.c) --- */
struct x_store {
	uint64_t *fp;     /* open addressing; 0: free */
	uint32_t *number; /* of the state there, if live */
	uint64_t mask, len;
	uint32_t *parent; /* by number */
	struct x_action *action;
	uint32_t cap;
};
void x_store_open(struct x_store *s, int live, uint64_t max_states);
void x_store_close(struct x_store *s);
/* 1 when it is new. number: of the state, only if live or new. */
int x_store_add(struct x_store *s, uint64_t fp, uint32_t *number);

struct x_graph { /* for live.c */
	uint32_t *to;
	uint8_t *perm; /* that made the successor canonical; X_ASKED: somebody asked for more */
	uint64_t edges, cap;
	uint64_t *first; /* by state; one more at the end */
	uint32_t *goals; /* by state */
};

struct x_result {
	uint64_t states, transitions;
	unsigned depth, most_msgs, most_moves;
	double seconds;
	uint64_t memory_bytes; /* at the end, when it is most */
	uint32_t outcomes;     /* and the sum of their hashes */
	uint64_t outcomes_sum;
	int complete;          /* no limit was reached */
	int violated;          /* by, as in the trace */
	char why[200];
	unsigned trace_len;
	uint32_t locals;
	uint64_t steps;
	uint8_t row_taken[COH_ROWS_MAX];
};
/* Explores; prints to out (NULL: nothing) a line a level at most, and a violation's
 * shortest trace. Returns 0, or -1 when something was violated. */
int x_explore(const struct x_options *o, FILE *out, struct x_result *result);
struct x_options x_defaults(void);
/* Parses "--nodes=3" and the like; 0 or -1. */
int x_option(struct x_options *o, const char *arg);
/* The same for "nodes=3 evict=0"; aborts when there is no such option. */
void x_options_parse(struct x_options *o, const char *run);
void x_options_help(FILE *out);
void x_options_print(const struct x_options *o, FILE *out);
void x_result_print(const struct x_options *o, const struct x_result *r, FILE *out);

/* standard.c: 0, or -1 when a run found something, did not finish, or left rows out. */
int x_standard(int is_long, FILE *out);
/* live.c: the first state from which some goal cannot be reached any more, or -1. */
int64_t x_live_check(struct explorer *x, struct x_graph *g, uint64_t states, uint32_t *missing);
/* trace.c */
unsigned x_trace_print(struct explorer *x, const struct x_store *s, uint32_t number,
                       const struct x_action *last);

#endif
