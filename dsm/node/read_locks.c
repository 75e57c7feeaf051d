/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks that threads of this node have for reading (read_locks.h). */
#include "dsm/node/read_locks.h"

#include <errno.h>

#include "dsm/memory/memory.h"

#define FIRST 256 /* locks that there is room for at first */

static int map(size_t cap, struct read_lock **out)
{
	return mm_map(NULL, cap * sizeof **out, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, (void **)out);
}

void read_locks_close(struct read_locks *r)
{
	if (r->at)
		mm_unmap(r->at, r->cap * sizeof *r->at);
	*r = (struct read_locks){0};
}

static size_t first_place(const struct read_locks *r, const void *lock)
{
	return (size_t)((uintptr_t)lock / 8 * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (r->cap - 1);
}

/* Its place, or the free one where it would be. */
static struct read_lock *place_of(const struct read_locks *r, const void *lock)
{
	size_t i = first_place(r, lock);

	while (r->at[i].lock && r->at[i].lock != lock)
		i = (i + 1) & (r->cap - 1);
	return &r->at[i];
}

struct read_lock *read_locks_find(struct read_locks *r, const void *lock)
{
	struct read_lock *at = r->n ? place_of(r, lock) : NULL;

	return at && at->lock ? at : NULL;
}

/* Twice as large. By the kernel's call: the program's allocator may be in shared memory. */
static int grow(struct read_locks *r)
{
	struct read_locks bigger = {.cap = r->cap ? 2 * r->cap : FIRST, .n = r->n};
	int rc = map(bigger.cap, &bigger.at);

	if (rc)
		return rc;
	for (size_t i = 0; i < r->cap; i++)
		if (r->at[i].lock)
			*place_of(&bigger, r->at[i].lock) = r->at[i];
	read_locks_close(r);
	*r = bigger;
	return 0;
}

struct read_lock *read_locks_add(struct read_locks *r, const void *lock)
{
	struct read_lock *at;

	if (2 * r->n >= r->cap && grow(r))
		return NULL;
	at = place_of(r, lock);
	*at = (struct read_lock){.lock = lock};
	r->n++;
	return at;
}

/* Those behind it that would not be found any more move up. */
void read_locks_remove(struct read_locks *r, struct read_lock *lock)
{
	size_t hole = (size_t)(lock - r->at), i = hole;

	r->n--;
	for (;;) {
		size_t from;

		i = (i + 1) & (r->cap - 1);
		if (!r->at[i].lock)
			break;
		from = first_place(r, r->at[i].lock);
		if (((i - from) & (r->cap - 1)) < ((i - hole) & (r->cap - 1)))
			continue;
		r->at[hole] = r->at[i];
		hole = i;
	}
	r->at[hole] = (struct read_lock){0};
}
