/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs of the system tests share: joining the job, checks that end the
 * node with a sentence, memory shared under a name, and a limit on their time.
 * Exit status: 0 passed, 1 failed, 3 out of time, 77 cannot run here (rights, kernel,
 * huge pages).
 */
#ifndef NODE_H
#define NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsm/dsm.h"

#define HUGE_PAGE ((size_t)2 << 20)

struct node {
	dsm_t *dsm;
	int rank, size;
	const char *program;
	uint64_t huge_bytes; /* of 2 MiB pages; set before node_join(), or 0 */
	dsm_log_fn log; /* gets all there is; set before node_join(), or NULL */
};

/* The one node of this process. */
extern struct node node;

/* Joins the job; ends the process with the library's own sentence when it cannot. The whole run
 * takes so many seconds at most where nothing else runs; one HANG_TIMES as long hangs. */
void node_join(const char *program, unsigned seconds);
void node_leave(void); /* after an audit */
/* Ends the process when core, trap and page tables of this node do not agree on every page.
 * Called by all; does nothing where the node has no admin socket. */
void node_audit(void);

/* Whether a thread of this node is in that call ("dsm_mutex_lock"), and waits for another node or
 * thread: what it has asked is on its way. Needs the admin socket. */
bool node_waits(const char *what, int thread);

/* A barrier of all nodes. */
void node_barrier(void);
/* Zeroed shared memory, allocated by rank 0, the same on all nodes. Called by all. */
void *node_shared(const char *name, size_t bytes, size_t align);
void *node_shared_in(const char *name, size_t bytes, size_t align, unsigned flags);
/* Frees it again. Called by all. */
void node_unshare(const char *name, void *ptr);

/* Says "program: node R: TEXT" and ends the process with status 1. */
_Noreturn void node_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void node_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition)       \
	((condition) ? (void)0 \
	             : node_fail("%s:%d: %s does not hold", __FILE__, __LINE__, #condition))
/* A call of the library that has to answer 0, or a certain code. */
#define OK(call) node_expect((call), 0, #call, __FILE__, __LINE__)
#define EXPECT(code, call) node_expect((call), (code), #call, __FILE__, __LINE__)
void node_expect(int got, int want, const char *call, const char *file, int line);

/* xorshift64*: state must not be 0. */
uint64_t node_random(uint64_t *state);
uint64_t node_now_ns(void);

/* Writes to standard error what this node's admin socket says: which accesses and calls
 * wait, and the counts. For those who found that they are stuck. */
void node_tell_state(void);

#endif
