/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pthread_key_*: a key that the program makes is one on all nodes. libc's are of one process. Ours
 * have numbers that libc's never get.
 */
#include <errno.h>
#include <limits.h>

#include "dsm/threads/threads.h"

#define FIRST 0x10000u

static bool is_ours(pthread_key_t key)
{
	return key - FIRST < KEYS_MAX;
}

EXPORT int pthread_key_create(pthread_key_t *out, void (*destructor)(void *))
{
	if (!is_program())
		return NEXT(pthread_key_create)(out, destructor);
	for (unsigned i = 0; i < KEYS_MAX; i++) {
		struct key *key = &here.world->key[i];
		uint32_t used = __atomic_load_n(&key->used, __ATOMIC_RELAXED);

		if (used % 2 || !__atomic_compare_exchange_n(&key->used, &used, used + 1, 0,
		                                             __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		key->destructor = destructor;
		*out = FIRST + i;
		return 0;
	}
	return EAGAIN;
}

EXPORT int pthread_key_delete(pthread_key_t key)
{
	if (!is_ours(key))
		return NEXT(pthread_key_delete)(key);
	__atomic_fetch_add(&here.world->key[key - FIRST].used, 1, __ATOMIC_RELEASE);
	return 0;
}

EXPORT int pthread_setspecific(pthread_key_t key, const void *value)
{
	if (!is_ours(key))
		return NEXT(pthread_setspecific)(key, value);
	if (!mine)
		return EINVAL;
	mine->value[key - FIRST] = (void *)value;
	mine->used[key - FIRST] =
		__atomic_load_n(&here.world->key[key - FIRST].used, __ATOMIC_ACQUIRE);
	return 0;
}

EXPORT void *pthread_getspecific(pthread_key_t key)
{
	if (!is_ours(key))
		return NEXT(pthread_getspecific)(key);
	if (!mine || mine->used[key - FIRST] !=
	                     __atomic_load_n(&here.world->key[key - FIRST].used, __ATOMIC_ACQUIRE))
		return NULL;
	return mine->value[key - FIRST];
}

void keys_end(struct thread *t)
{
	bool again = true;

	for (int round = 0; again && round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
		again = false;
		for (unsigned i = 0; i < KEYS_MAX; i++) {
			void *value = t->value[i];

			t->value[i] = NULL;
			if (!value || t->used[i] != here.world->key[i].used ||
			    !here.world->key[i].destructor)
				continue;
			again = true;
			here.world->key[i].destructor(value);
		}
	}
}
