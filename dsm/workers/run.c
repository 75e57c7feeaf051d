/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread for others, from its first to its last step.
 *
 * Its end is told by the destructor of a key, in the last of the rounds in which such are called:
 * after those of thread-local objects and of the program's keys, and however the thread ends.
 */
#include <limits.h>
#include <pthread.h>
#include <sched.h>

#include "dsm/workers/room.h"

#ifdef __SANITIZE_THREAD__ /* which ends what it knows of the thread in the last one */
#define ROUNDS (PTHREAD_DESTRUCTOR_ITERATIONS - 1)
#else
#define ROUNDS PTHREAD_DESTRUCTOR_ITERATIONS
#endif

static __thread uint64_t self_id;

uint64_t workers_self(void)
{
	return self_id;
}

/* The helper has all signals blocked, and a priority of the library's. */
static void take_manner(const struct manner *manner)
{
	if (manner->policy == SCHED_FIFO || manner->policy == SCHED_RR)
		pthread_setschedparam(pthread_self(), manner->policy, &manner->param);
	pthread_sigmask(SIG_SETMASK, &manner->mask, NULL);
}

static void tell_end(struct worker *w)
{
	struct workers *ws = w->room;
	struct dsm *d = ws->d;
	sigset_t mask;

	self_id = 0;
	node_lock(d, &mask);
	if (w->returned)
		workers_over(ws, w, (uintptr_t)w->result);
	worker_queue_put(&ws->ended, w);
	workers_rouse(ws);
	node_hand_over(d);
	node_unlock(d, &mask);
}

void worker_end(void *worker)
{
	struct worker *w = worker;
	const struct workers *ws = w->room;

	if (++w->rounds < ROUNDS && !pthread_setspecific(ws->key, w))
		return;
	tell_end(w);
}

/* Without memory for the key's value the end is told before destructors are called. */
static void end_early(void *worker)
{
	struct worker *w = worker;
	const struct workers *ws = w->room;

	if (!pthread_getspecific(ws->key))
		tell_end(w);
}

void *worker_run(void *worker)
{
	struct worker *w = worker;
	const struct workers *ws = w->room;
	void *result;

	self_id = table_id(&ws->table, w);
	pthread_setspecific(ws->key, w);
	take_manner(&ws->manner);
	pthread_cleanup_push(end_early, w);
	result = w->fn(w->arg);
	w->result = result;
	w->returned = 1;
	pthread_cleanup_pop(1);
	return result;
}
