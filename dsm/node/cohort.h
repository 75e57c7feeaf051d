/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of this node that want the same mutex of dsm_sync.h. One of them, the leader, waits where
 * all nodes do; the others wait here, and get the mutex from each other, a bounded number of times
 * before another node has its turn, or become the leader after it.
 *
 * A plain table under the node's lock, which never steps: who is to go on is told by waits_done(),
 * with what he has now. cohort_may_be() alone is without the lock.
 */
#ifndef COHORT_H
#define COHORT_H

#include <stdint.h>

#include "dsm/node/waits.h"

#define COHORT_MUTEXES 1024 /* of which a node's threads wait, or have waited, at a time */
#define COHORT_HEADS 256
#define COHORT_FIGHTS 4096
#define COHORT_PASSES 16 /* from thread to thread, before others have their turn */

/* What a member is told, beside errors. */
enum cohort_role {
	COHORT_OWNS = 0,  /* the mutex */
	COHORT_LEADS = 1, /* he is to wait for it among the nodes */
};

struct cohort_member {
	struct waiter waiter; /* answered with a role */
	struct waits_answer answer;
	struct cohort_member *next;
};

struct cohort {
	const void *mutex;
	struct cohort *next; /* of its list, or of those that are free */
	struct cohort_member *first, **last;
	uint8_t owns;   /* a thread of it has the mutex */
	uint8_t passes; /* since another node could have had it */
};

struct cohorts {
	struct cohort *head[COHORT_HEADS]; /* each changed atomically, for cohort_may_be() */
	struct cohort *idle;
	struct cohort pool[COHORT_MUTEXES];
	uint8_t fight
		[COHORT_FIGHTS]; /* by address: threads have waited there lately; without the lock */
};

void cohorts_open(struct cohorts *cohorts);
/* Whether there may be one. A thread that owns the mutex by it sees it for certain. */
int cohort_may_be(const struct cohorts *cohorts, const void *mutex);
struct cohort *cohort_of(const struct cohorts *cohorts, const void *mutex);
/* A new one, whose leader is the caller; NULL: there are too many. */
struct cohort *cohort_found(struct cohorts *cohorts, const void *mutex);
/* Without members; nobody owns or leads. */
void cohort_end(struct cohorts *cohorts, struct cohort *cohort);

/* At the end of the line. */
void cohort_join(struct cohort *cohort, struct cohort_member *member);
/* Takes one out who may be in it: who was told a role is not. */
void cohort_leave(struct cohort *cohort, const struct cohort_member *member);
/* Takes out who has waited longest, and has no answer; NULL: nobody waits. */
struct cohort_member *cohort_next(struct cohort *cohort);

#endif
