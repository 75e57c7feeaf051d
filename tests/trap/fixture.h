/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small node for the conformance suite: a region of one zone, a trap on it, a lock,
 * and a service thread that answers faults. Which engine and zone it has is the_case,
 * set by the program for each row of its table.
 */
#ifndef TRAP_TEST_FIXTURE_H
#define TRAP_TEST_FIXTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dsm/memory/region.h"
#include "dsm/trap/trap.h"

struct conf_case {
	const char *name;
	const struct trap_ops *ops;
	enum region_zone_kind kind;
	enum trap_delivery delivery;
};
extern const struct conf_case *the_case;

#define FX_FAULTS_MAX 1024

/* lock guards all that can change; changed is signalled when a fault was recorded. */
struct fx {
	struct region region;
	struct trap *trap;
	const struct trap_ops *ops;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t service;
	int stop_fd;
	bool serving;
	bool hold; /* record faults, answer none */
	/* Answers a fault, under lock. Default: grants what the access wants, and wakes. */
	void (*answer)(struct fx *fx, const struct trap_fault *fault);
	void *ctx;
	int error; /* the first negative code that the service thread met */
	unsigned n_faults;
	struct trap_fault fault[FX_FAULTS_MAX]; /* the first of them */
};

/* Region of so many pages, trap, service thread. 0 or a negative code. */
int fx_open(struct fx *fx, uint64_t pages);
/* Checks that trap and page tables agree, then ends all. Returns 0, or what was wrong:
 * pages that differ (from 1), or the negative code of the service thread. */
int fx_close(struct fx *fx);
void fx_stop_service(struct fx *fx); /* no fault is read from here on */

/* Answers to a fault, for use as or in `answer`. */
void fx_answer_grant(struct fx *fx, const struct trap_fault *fault);

/* set_access under the lock, frames allocated first. */
int fx_set(struct fx *fx, uint64_t first, uint32_t n, enum trap_access access);
enum trap_access fx_get(struct fx *fx, uint64_t page);

void fx_hold(struct fx *fx);       /* from here on faults are recorded only; forgets old ones */
void fx_release(struct fx *fx);    /* answers what was held, and what comes */
unsigned fx_forget(struct fx *fx); /* forgets recorded faults; how many there were */
unsigned fx_faults(struct fx *fx);
struct trap_fault fx_fault(struct fx *fx, unsigned i);
/* Waits until n faults are recorded since the last fx_forget or fx_hold. */
bool fx_wait_faults(struct fx *fx, unsigned n);

uint64_t *fx_window(struct fx *fx, uint64_t page); /* as words */
uint64_t *fx_frame(struct fx *fx, uint64_t page);
size_t fx_page_bytes(const struct fx *fx);

/* One access by a thread of its own. */
enum actor_op { ACTOR_READ, ACTOR_WRITE, ACTOR_READ_UNALIGNED, ACTOR_WRITE_UNALIGNED };
struct actor {
	enum actor_op op;
	void *addr;
	uint64_t value; /* written, or read */
	/* from here on its own */
	pthread_t thread;
	pid_t tid;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
};
int actor_start(struct actor *actor);
bool actor_done(struct actor *actor); /* has it its value by now? */
/* Waits for it and ends the thread. False, and the thread is left, when it is stuck. */
bool actor_finish(struct actor *actor);

/* Runs fn in a child process; returns its exit status, or -signal. fn returns the
 * status; it must not use CUnit. */
int in_child(int (*fn)(void *ctx), void *ctx);

#define CHILD_CHECK(cond)                                                                         \
	do {                                                                                      \
		if (!(cond)) {                                                                    \
			fprintf(stderr, "     %s:%d: in child: %s\n", __FILE__, __LINE__, #cond); \
			_exit(1);                                                                 \
		}                                                                                 \
	} while (0)

#endif
