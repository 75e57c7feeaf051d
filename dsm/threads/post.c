/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that one node has another start. */
#include <errno.h>

#include "dsm/threads/threads.h"

static void push(struct mailbox *box, struct thread *t)
{
	struct thread *first = __atomic_load_n(&box->first, __ATOMIC_RELAXED);

	do
		t->next = first;
	while (!__atomic_compare_exchange_n(&box->first, &first, t, 0, __ATOMIC_RELEASE,
	                                    __ATOMIC_RELAXED));
}

/* All that are there, the first that came first. Acquire pairs with the release in push(). */
static struct thread *take(struct mailbox *box)
{
	struct thread *t = __atomic_exchange_n(&box->first, NULL, __ATOMIC_ACQUIRE), *turned = NULL;

	while (t) {
		struct thread *next = t->next;

		t->next = turned;
		turned = t;
		t = next;
	}
	return turned;
}

int post_thread(struct thread *t)
{
	struct mailbox *box = &here.world->mailbox[t->node];
	uint32_t started;

	if (t->node == here.rank) {
		thread_begin(t);
	} else {
		push(box, t);
		threads_check(dsm_sync_sem_post(here.dsm, &box->filled), "pthread_create");
	}
	while (!(started = __atomic_load_n(&t->started, __ATOMIC_ACQUIRE))) {
		const int rc = dsm_futex_wait(here.dsm, &t->started, 0, -1);

		if (rc != DSM_ERR_CHANGED)
			threads_check(rc, "pthread_create");
	}
	return started == 1 ? 0 : (int)-started;
}

void post_serve(void)
{
	struct mailbox *box = &here.world->mailbox[here.rank];

	const uint32_t from = __atomic_load_n(&here.world->ending, __ATOMIC_ACQUIRE);

	while (__atomic_load_n(&here.world->ending, __ATOMIC_ACQUIRE) <= WORLD_CLAIMED ||
	       __atomic_load_n(&here.world->ending, __ATOMIC_ACQUIRE) == from) {
		struct thread *t, *next;

		threads_check(dsm_sync_sem_wait(here.dsm, &box->filled), "waiting for threads");
		for (t = take(box); t; t = next) {
			next = t->next; /* it may be gone once it runs */
			thread_begin(t);
		}
	}
}

void post_end(void)
{
	for (int node = 0; node < here.size; node++)
		dsm_sync_sem_post(here.dsm, &here.world->mailbox[node].filled);
}
