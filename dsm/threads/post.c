/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that one node has another start. */
#include "dsm/threads/threads.h"

/* All that are there, the first that came first. Acquire pairs with list_push(). */
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

	if (t->node == here.rank)
		return thread_begin(t);
	list_push(&box->first, t, &t->next);
	threads_check(dsm_sync_sem_post(here.dsm, &box->filled), "pthread_create");
	return 0;
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
			if (thread_begin(t))
				threads_die("node %d has no room for another thread", here.rank);
		}
	}
}

void post_end(void)
{
	for (int node = 0; node < here.size; node++)
		dsm_sync_sem_post(here.dsm, &here.world->mailbox[node].filled);
}
