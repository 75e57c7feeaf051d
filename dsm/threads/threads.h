/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libdsm-threads.so: programs written with pthreads, on many nodes. It is preloaded, and stands on the
 * public calls of libdsm alone.
 *
 * The program's writable data, heap and stacks are in the region; this library's own are not. What is
 * on a stack in the region is the program: its allocations are shared, and the objects that it hands
 * to calls of pthreads may be. What runs on any other stack, as libdsm's threads do and libdsm's calls
 * on the program's threads, has libc's heap and libc's objects.
 *
 * struct here is private to the process and set before the program begins; struct world is one for all
 * nodes, each of its members' guards stands beside it.
 */
#ifndef THREADS_H
#define THREADS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsm/dsm.h"
#include "dsm/dsm_sync.h"

#define PAGE 4096
#define NODES_MAX 64
#define EXTENT ((size_t)64 * PAGE) /* what is protected alike, see docs/trap.md */
#define KEYS_MAX 256
#define MAPPINGS_MAX 8192 /* a power of 2 */
#define RANGES_MAX 250 /* less than what dsm_place() permits */
#define TLS __thread __attribute__((tls_model("initial-exec")))
#define EXPORT __attribute__((visibility("default")))

struct thread;
struct queue;
struct errand;
struct arena;

/* Threads to be started at a node: a list, pushed by anybody, taken by its postman. */
struct mailbox {
	_Alignas(PAGE) struct thread *first; /* atomic */
	struct dsm_sync_sem filled;
};

/* This node's blocks that others have freed. */
struct inbox {
	_Alignas(PAGE) struct queue *from[NODES_MAX]; /* atomic: made by that node; NULL: not yet */
};

/* System calls to be made by a node, for others: as above. */
struct desk {
	_Alignas(PAGE) struct errand *first; /* atomic */
	struct dsm_sync_sem filled;
};

/* Of a node's own, so that its page stays there. */
struct tally {
	_Alignas(PAGE) uint32_t made; /* atomic: threads that the node has created, */
	uint32_t ended;               /* atomic: and those that have ended there */
};

/* Memory of mmap's. */
struct mapping {
	uintptr_t start; /* 0: none */
	size_t bytes, left; /* less what has been unmapped */
};

struct key {
	uint32_t used; /* atomic: how often made and deleted; odd: there */
	void (*destructor)(void *);
};

struct world {
	void *globals[RANGES_MAX]; /* where rank 0 has put variables; before the second barrier */
	struct thread *main;
	int pid; /* of node 0's process: the program's */
	char **environment; /* atomic enough: as of one process's threads; NULL: as it was */
	_Alignas(PAGE) uint32_t ending; /* atomic: enum world_end */
	int status; /* with WORLD_TO_END */
	uint32_t main_left; /* atomic: main waits for the others' ends: who ends says so by: */
	uint32_t gone;      /* atomic, waited for: counts up */
	_Alignas(PAGE) struct key key[KEYS_MAX];
	struct mailbox mailbox[NODES_MAX];
	struct inbox inbox[NODES_MAX];
	struct desk desk[NODES_MAX];
	struct tally tally[NODES_MAX];
	struct dsm_sync_mutex mappings_lock; /* guards: */
	struct mapping mapping[MAPPINGS_MAX];
};

/* Upwards only. */
enum world_end {
	WORLD_CLAIMED = 1, /* a thread of another node than 0 is about to say with which status */
	WORLD_TO_END,      /* node 0 is to call exit */
	WORLD_ENDS,        /* all leave */
};

struct range {
	uintptr_t start, bytes;
};

struct here {
	dsm_t *dsm;
	int rank, size, pid;
	uintptr_t region, region_bytes;   /* the window */
	struct range range[RANGES_MAX];   /* shared variables: the executable's, and libraries' */
	unsigned ranges;
	struct world *world;
	bool ready; /* the program may run */
	void (*end_now)(int status); /* the job, without what exit calls */
};
extern struct here here;

/* Of the calling thread: > 0: what it allocates is not the program's, wherever its stack is. */
extern TLS int private_depth;
/* Where the loader is to put the next object; 0: where it likes. */
extern TLS uintptr_t load_at;
/* What the loader allocates now is this process's. */
extern TLS bool loading;
/* The program's thread that is running here, or NULL. */
extern TLS struct thread *mine;

bool is_variable(const void *at); /* in one of the ranges; globals.c */

static inline bool is_shared(const void *at)
{
	return (uintptr_t)at - here.region < here.region_bytes || is_variable(at);
}

/* Whether the caller is the program. */
static inline bool is_program(void)
{
	return here.ready && private_depth == 0 && is_shared(__builtin_frame_address(0));
}

/* --- next.c --- */

/* libc's function of that name, which ours stands before. */
void *next_symbol(const char *name);
#define NEXT(name)                                                                    \
	({                                                                            \
		static __typeof__(&(name)) next_;                                     \
		if (!__atomic_load_n(&next_, __ATOMIC_RELAXED))                       \
			__atomic_store_n(&next_, next_symbol(#name), __ATOMIC_RELAXED); \
		next_;                                                                \
	})
/* Ends the process with a sentence. */
_Noreturn void threads_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An unexpected code of libdsm's: the job is over. */
int threads_check(int rc, const char *what);

/* --- switch.c --- */

/* Calls fn(arg) on the stack that ends at top. Unwinders find the caller. */
long call_on(void *top, long (*fn)(void *), void *arg);

/* --- identity.c --- */

/* Notes what is loaded. Called before the node joins: what libdsm loads for itself later is nothing
 * to the program, and lies where its threads have left room. */
void identity_take(void);
/* All nodes have the same objects at the same addresses, or the process ends. Called by all. */
void identity_check(void);

/* --- own.c --- */

struct dl_phdr_info;
void own_find(void);
bool own_is(const struct dl_phdr_info *info); /* its variables are each process's own */
bool own_has(const void *code);

/* --- early.c --- */

/* Before the program begins: memory that is shared later, or NULL: the caller's is not. */
void *early_take(size_t bytes, size_t align, const void *caller);
bool early_is(const void *at);
size_t early_size_of(const void *at);
void early_end(void); /* what is used is one more range */

/* --- globals.c --- */

/* Finds them; and puts those of all nodes into the region, with what rank 0 has. Called by all. */
void globals_find(void);
/* What is wrong with an object, or NULL and its range, which may be empty. */
const char *globals_of(const struct dl_phdr_info *info, struct range *out);
void globals_share(void);

/* --- stubs.c --- */

/* Those of the executable that libraries go by do without its variables. Before these are shared. */
void stubs_change(void);

/* --- stacks.c --- */

struct stack {
	char *block; /* what was allocated */
	char *lo, *hi;
};
/* 0, or DSM_ERR_NOMEM. */
int stack_make(size_t bytes, struct stack *out);
void stack_free(const struct stack *stack);
/* A thread is to run on it here, or has: whether anybody may touch what is below. */
void stack_guard(const struct stack *stack, bool on);
size_t stack_usual(void);

/* --- heap.c --- */

void heap_open(void);
void *heap_take(size_t bytes, size_t align, bool zeroed); /* NULL: no memory */
void heap_give(void *at); /* leaves errno */
size_t heap_size_of(const void *at);
void heap_leave(void); /* the calling thread, which is one of the program's, ends */

/* --- life.c --- */

struct thread {
	struct thread *next; /* in a mailbox */
	void *(*fn)(void *);
	void *arg, *result;
	uint32_t done;    /* atomic, waited for: enum thread_flag: it has ended */
	uint32_t left;   /* atomic: who has let go of it: THREAD_ENDED, THREAD_LEFT */
	uint32_t started; /* atomic, waited for: enum thread_flag: it runs */
	int node;
	pthread_t libc; /* at its node */
	sigset_t mask;  /* of signals, which it has from its maker */
	struct stack stack;
	void *value[KEYS_MAX];
	uint32_t used[KEYS_MAX]; /* of the key, when the value was set */
};
enum { THREAD_ENDED = 1, THREAD_LEFT = 2 };
enum thread_flag { FLAG_IS = 1, FLAG_WAITED = 2 }; /* 0: not yet; WAITED: nor then, and somebody waits */

/* Takes the descriptor that stands at the end of a new stack. */
struct thread *thread_make(const struct stack *stack);
void thread_let_go(struct thread *t, uint32_t who);
void thread_is_made(void); /* one more, by this node */
void thread_is_gone(void); /* one is not alive any more */
int thread_begin(struct thread *t);  /* a libc thread for it, here: 0 or EAGAIN */
/* Until it is so, or the time has come: false. */
bool flag_wait(uint32_t *flag, uint64_t until_ns);
void flag_set(uint32_t *flag);
bool flag_is(const uint32_t *flag);
int thread_open(void);               /* what threads of this node need */
/* Of a thread of this node: calls fn, while it does not end: what that returns, or ESRCH. */
int thread_call(struct thread *t, int (*fn)(pthread_t thread, void *arg), void *arg);

/* --- carrier.c --- */

/* A thread of libc's that calls fn(arg), which says carrier_ends() as its last act: 0 or EAGAIN. */
int carrier_start(void *(*fn)(void *), void *arg);
void carrier_ends(void);

/* --- locals.c --- */

void locals_end(void); /* destructors of the thread's thread-local objects */

/* --- list.c --- */

/* first: of the list; next_of_item: where the one behind it goes. Ordered as an atomic of dsm.h. */
void list_push(void *first, void *item, void *next_of_item);

/* --- post.c --- */

/* Has the node start it: 0 or an error of pthread_create. */
int post_thread(struct thread *t);
/* Starts threads that are posted to this node, until the end of the job. */
void post_serve(void); /* or until it is nearer than it was */
void post_end(void); /* tells all nodes of world->ending */

/* --- errand.c --- */

/* Have another node make a system call, or call a function of this library: the result, of system calls
 * a negative error. By the program, on its stack. Of its own node errand_call() calls it at once. */
long errand_make(int node, long number, const long arg[6]);
long errand_send(int node, long number, long a, long b, long c, long d);
long errand_call(int node, long (*fn)(const long arg[6]), long a, long b, long c);
/* As part of the program: on a stack of its own in the region. */
long errand_on_stack(int node, long (*fn)(void *), void *arg);
void errand_serve(void);           /* one more thread here that makes them */
void signals_away(sigset_t *was);  /* from the calling thread, and those that it makes */

/* --- catch.c --- */

/* With more than one node: the program's system calls are seen. */
struct call;
void catch_open(void (*make)(struct call *));
bool catch_is_libc(const void *code); /* of libc's, or the loader's */
void catch_thread(void); /* of the calling thread, from catch_on() to catch_off() */
void catch_on(void);
void catch_off(void);

/* --- fault.c --- */

#define FAULT_BYTES ((size_t)32 << 10)
void fault_open(void);
void fault_thread(void *room, size_t bytes); /* of the calling one, for as long as it runs */

/* --- futex.c --- */

long futex_make(const long arg[6]); /* of a word in shared memory; negative: an error */

/* --- say.c --- */

#define THREADS_NO_FORK                                                                     \
	"it is not there for programs with threads on many nodes; posix_spawn, vfork, system " \
	"and popen are"
/* A line on standard error; but not more than some. */
void threads_say(const char *text);

/* --- keys.c --- */

void keys_end(struct thread *t); /* the destructors */

/* --- place.c --- */

void place_read(const char *value); /* what the environment says; NULL: nothing */
void place_open(void);
int place_next(void); /* the node for a new thread */

#endif
