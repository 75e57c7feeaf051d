/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What C++ compilers call where a static local object is made: once, by whoever comes first, on
 * whatever node. The first byte of a guard, which they look at themselves, says that it is there; the
 * second word is ours.
 */
#include <stdint.h>

#include "dsm/threads/sync.h"

struct guard {
	uint8_t there; /* atomic */
	uint8_t unused[3];
	uint32_t word; /* atomic, waited for: FREE, BUSY, or BUSY and somebody waits */
};
enum { FREE, BUSY, WAITED };

int __cxa_guard_acquire(struct guard *g);
void __cxa_guard_release(struct guard *g);
void __cxa_guard_abort(struct guard *g);

EXPORT int __cxa_guard_acquire(struct guard *g)
{
	uint32_t was = FREE;

	if (!sync_is_shared(g))
		return NEXT(__cxa_guard_acquire)(g);
	/* Acquire pairs with the releases below: who finds it there finds all of it. */
	while (!__atomic_load_n(&g->there, __ATOMIC_ACQUIRE)) {
		if (__atomic_compare_exchange_n(&g->word, &was, BUSY, 0, __ATOMIC_ACQUIRE,
		                                __ATOMIC_RELAXED)) {
			if (!__atomic_load_n(&g->there, __ATOMIC_ACQUIRE))
				return 1;
			__cxa_guard_abort(g);
			return 0;
		}
		if (was == BUSY && !__atomic_compare_exchange_n(&g->word, &was, WAITED, 0,
		                                                __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			was = FREE;
			continue;
		}
		const int rc = dsm_futex_wait(here.dsm, &g->word, WAITED, -1);

		if (rc != DSM_ERR_CHANGED)
			threads_check(rc, "a static object");
		was = FREE;
	}
	return 0;
}

static void end(struct guard *g)
{
	if (__atomic_exchange_n(&g->word, FREE, __ATOMIC_RELEASE) == WAITED)
		dsm_futex_wake(here.dsm, &g->word, UINT32_MAX, NULL);
}

EXPORT void __cxa_guard_release(struct guard *g)
{
	if (!sync_is_shared(g)) {
		NEXT(__cxa_guard_release)(g);
		return;
	}
	__atomic_store_n(&g->there, 1, __ATOMIC_RELEASE);
	end(g);
}

EXPORT void __cxa_guard_abort(struct guard *g)
{
	if (!sync_is_shared(g)) {
		NEXT(__cxa_guard_abort)(g);
		return;
	}
	end(g);
}
