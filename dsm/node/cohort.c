/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of this node that want the same mutex. */
#include "dsm/node/cohort.h"

#include <stddef.h>

static unsigned head_of(const void *mutex)
{
	return (unsigned)((uintptr_t)mutex * UINT64_C(0x9e3779b97f4a7c15) >> 40) % COHORT_HEADS;
}

/* Relaxed: who needs to see what another thread has done here has had the node's lock after it, or
 * was woken by it. */
static void set_head(struct cohorts *cohorts, unsigned head, struct cohort *to)
{
	__atomic_store_n(&cohorts->head[head], to, __ATOMIC_RELAXED);
}

void cohorts_open(struct cohorts *cohorts)
{
	for (unsigned i = 0; i < COHORT_MUTEXES; i++) {
		cohorts->pool[i].next = cohorts->idle;
		cohorts->idle = &cohorts->pool[i];
	}
}

int cohort_may_be(const struct cohorts *cohorts, const void *mutex)
{
	return __atomic_load_n(&cohorts->head[head_of(mutex)], __ATOMIC_RELAXED) != NULL;
}

struct cohort *cohort_of(const struct cohorts *cohorts, const void *mutex)
{
	struct cohort *c = cohorts->head[head_of(mutex)];

	while (c && c->mutex != mutex)
		c = c->next;
	return c;
}

struct cohort *cohort_found(struct cohorts *cohorts, const void *mutex)
{
	unsigned head = head_of(mutex);
	struct cohort *c = cohorts->idle;

	if (!c)
		return NULL;
	cohorts->idle = c->next;
	*c = (struct cohort){ .mutex = mutex, .next = cohorts->head[head], .last = &c->first };
	set_head(cohorts, head, c);
	return c;
}

void cohort_end(struct cohorts *cohorts, struct cohort *cohort)
{
	unsigned head = head_of(cohort->mutex);
	struct cohort *before = cohorts->head[head];

	if (before == cohort) {
		set_head(cohorts, head, cohort->next);
	} else {
		while (before->next != cohort)
			before = before->next;
		before->next = cohort->next;
	}
	cohort->next = cohorts->idle;
	cohorts->idle = cohort;
}

void cohort_join(struct cohort *cohort, struct cohort_member *member)
{
	member->next = NULL;
	*cohort->last = member;
	cohort->last = &member->next;
}

void cohort_leave(struct cohort *cohort, const struct cohort_member *member)
{
	struct cohort_member **link = &cohort->first;

	while (*link && *link != member)
		link = &(*link)->next;
	if (!*link)
		return;
	*link = member->next;
	if (cohort->last == &member->next)
		cohort->last = link;
}

struct cohort_member *cohort_next(struct cohort *cohort)
{
	struct cohort_member *member = cohort->first;

	/* Those whose wait has ended with the job are about to leave by themselves. */
	while (member && waits_is_over(&member->answer))
		member = member->next;
	if (member)
		cohort_leave(cohort, member);
	return member;
}
