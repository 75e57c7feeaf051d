/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A team: members that run the same kernel on the same memory. Members are threads in plain
 * memory (threads.c), threads that are watched (record.c), or nodes of a job (nodes.c); a kernel
 * cannot tell which. What a kernel knows of others it knows from the memory and by this header.
 *
 * The memory begins as zeros. It may lie at another address for each member, so no pointers are
 * kept in it.
 */
#ifndef TEAM_H
#define TEAM_H

#include <stddef.h>
#include <stdint.h>

#define TEAM_PAGE 4096u
#define TEAM_LOCKS_MAX 16
#define TEAM_SIZE_MAX 64

struct team; /* one member of it, its own */

struct team_ops {
	/* Returns when all members have called it. */
	void (*barrier)(struct team *t);
	/* Numbers below the kernel's locks. A member holds one at a time. */
	void (*lock)(struct team *t, unsigned lock);
	void (*unlock)(struct team *t, unsigned lock);
};

struct team {
	const struct team_ops *ops;
	void *own; /* of whoever made the team */
	unsigned rank, size;
	size_t n;      /* how large the problem is; what it means is the kernel's */
	unsigned work; /* how much is done with it; likewise */
	uint8_t *memory;
	size_t bytes, taken;
	const void *result; /* what is compared: the same bytes for every team of this size */
	size_t result_bytes;
};

/* What there is to run. */
struct kernel {
	const char *name;
	void (*run)(struct team *t); /* by every member; ends with a barrier */
	size_t bytes;                /* of memory, at most */
	unsigned locks;
	struct {
		size_t n;
		unsigned work;
	} full, few;
};

/* The next bytes of the memory, on page boundaries. All members take the same. */
void *team_take(struct team *t, size_t bytes);
/* Private memory, zeroed; to be freed. */
void *team_private(size_t bytes);

static inline void team_barrier(struct team *t)
{
	t->ops->barrier(t);
}

static inline void team_lock(struct team *t, unsigned lock)
{
	t->ops->lock(t, lock);
}

static inline void team_unlock(struct team *t, unsigned lock)
{
	t->ops->unlock(t, lock);
}

/* Of n things in order, those of this member: from the first to before the other. */
static inline size_t team_from(const struct team *t, size_t n)
{
	return n * t->rank / t->size;
}

static inline size_t team_to(const struct team *t, size_t n)
{
	return n * (t->rank + 1) / t->size;
}

/* A number that looks random, the same for each x every time. */
static inline uint64_t team_hash(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* One between 0 and 1. */
static inline double team_random(uint64_t x)
{
	return (double)(team_hash(x) >> 11) / (double)(1ull << 53);
}

#endif
