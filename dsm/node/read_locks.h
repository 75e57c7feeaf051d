/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader-writer locks that threads of this node have for reading, where nodes may die: how many of them
 * each. Of a node the lock itself knows only whether there are any. Under the node's lock.
 */
#ifndef READ_LOCKS_H
#define READ_LOCKS_H

#include <stddef.h>
#include <stdint.h>

struct read_lock {
	const void *lock; /* NULL: free */
	uint32_t count;
	uint8_t busy;     /* the lock is just being told of the first, or the last one: wait */
};
struct read_locks {
	struct read_lock *at; /* open addressing; NULL: none yet */
	size_t cap, n;
};

void read_locks_close(struct read_locks *r); /* zeroed is allowed */
/* NULL: there is none. It is good until the next call of these. */
struct read_lock *read_locks_find(struct read_locks *r, const void *lock);
/* A new one, of no thread; NULL: no memory. */
struct read_lock *read_locks_add(struct read_locks *r, const void *lock);
void read_locks_remove(struct read_locks *r, struct read_lock *lock);

#endif
