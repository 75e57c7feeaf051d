/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stacks in the region. What is below one nobody may touch: an extent, so that nothing else in it can
 * change how that is protected.
 *
 * Those that are free again a node keeps for its next threads, for a new one is asked for on another
 * node, and cleared on all.
 */
#include <sys/mman.h>
#include <sys/resource.h>

#include "dsm/threads/threads.h"

#define USUAL ((size_t)8 << 20)
#define KEPT_MAX 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of this process: guards what is below */
static struct stack kept[KEPT_MAX];
static int n_kept;

size_t stack_usual(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur < PAGE)
		return USUAL;
	return limit.rlim_cur;
}

/* The one of that size that was used last. */
static bool take_kept(size_t bytes, struct stack *out)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	for (int i = n_kept - 1; i >= 0 && !found; i--)
		if ((size_t)(kept[i].hi - kept[i].lo) == bytes) {
			*out = kept[i];
			n_kept--;
			for (int j = i; j < n_kept; j++)
				kept[j] = kept[j + 1];
			found = true;
		}
	pthread_mutex_unlock(&lock);
	return found;
}

int stack_make(size_t bytes, struct stack *out)
{
	void *block;

	bytes = (bytes + EXTENT - 1) & ~(EXTENT - 1);
	if (take_kept(bytes, out))
		return 0;
	if (dsm_alloc(here.dsm, EXTENT + bytes, EXTENT, 0, &block))
		return DSM_ERR_NOMEM;
	*out = (struct stack){ block, (char *)block + EXTENT, (char *)block + EXTENT + bytes };
	return 0;
}

/* Threads of other nodes have no reason to. */
void stack_guard(const struct stack *stack, bool on)
{
	NEXT(mprotect)(stack->block, EXTENT, on ? PROT_NONE : PROT_READ | PROT_WRITE);
}

void stack_free(const struct stack *stack)
{
	struct stack gone = *stack; /* which is on it, perhaps */

	pthread_mutex_lock(&lock);
	if (n_kept == KEPT_MAX) { /* the oldest */
		const struct stack oldest = kept[0];

		for (int i = 1; i < KEPT_MAX; i++)
			kept[i - 1] = kept[i];
		kept[KEPT_MAX - 1] = gone;
		gone = oldest;
	} else {
		kept[n_kept++] = gone;
		gone.block = NULL;
	}
	pthread_mutex_unlock(&lock);
	if (gone.block)
		dsm_free(here.dsm, gone.block);
}
