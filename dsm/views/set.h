/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of ranks, a bit for each. */
#ifndef VIEWS_SET_H
#define VIEWS_SET_H

#include <stdint.h>

#define VIEWS_NODES_MAX 1024
#define VSET_WORDS (VIEWS_NODES_MAX / 64)

struct vset {
	uint64_t w[VSET_WORDS];
};

static inline int vset_has(const struct vset *s, unsigned rank)
{
	return (int)(s->w[rank / 64] >> rank % 64 & 1);
}

static inline void vset_add(struct vset *s, unsigned rank)
{
	s->w[rank / 64] |= UINT64_C(1) << rank % 64;
}

static inline void vset_del(struct vset *s, unsigned rank)
{
	s->w[rank / 64] &= ~(UINT64_C(1) << rank % 64);
}

static inline struct vset vset_minus(const struct vset *a, const struct vset *b)
{
	struct vset out;

	for (unsigned i = 0; i < VSET_WORDS; i++)
		out.w[i] = a->w[i] & ~b->w[i];
	return out;
}

static inline struct vset vset_and(const struct vset *a, const struct vset *b)
{
	struct vset out;

	for (unsigned i = 0; i < VSET_WORDS; i++)
		out.w[i] = a->w[i] & b->w[i];
	return out;
}

static inline struct vset vset_or(const struct vset *a, const struct vset *b)
{
	struct vset out;

	for (unsigned i = 0; i < VSET_WORDS; i++)
		out.w[i] = a->w[i] | b->w[i];
	return out;
}

static inline int vset_is_empty(const struct vset *s)
{
	for (unsigned i = 0; i < VSET_WORDS; i++)
		if (s->w[i])
			return 0;
	return 1;
}

static inline int vset_equal(const struct vset *a, const struct vset *b)
{
	for (unsigned i = 0; i < VSET_WORDS; i++)
		if (a->w[i] != b->w[i])
			return 0;
	return 1;
}

/* a has nothing that is not in b. */
static inline int vset_within(const struct vset *a, const struct vset *b)
{
	for (unsigned i = 0; i < VSET_WORDS; i++)
		if (a->w[i] & ~b->w[i])
			return 0;
	return 1;
}

static inline unsigned vset_count(const struct vset *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < VSET_WORDS; i++)
		n += (unsigned)__builtin_popcountll(s->w[i]);
	return n;
}

/* The lowest rank of s that is not below from; VIEWS_NODES_MAX without one. */
static inline unsigned vset_next(const struct vset *s, unsigned from)
{
	for (unsigned i = from / 64; i < VSET_WORDS; i++) {
		uint64_t word = s->w[i];

		if (i == from / 64)
			word &= ~UINT64_C(0) << from % 64;
		if (word)
			return i * 64 + (unsigned)__builtin_ctzll(word);
	}
	return VIEWS_NODES_MAX;
}

/* Each rank of *s, in order. */
#define VSET_EACH(rank, s)                                                                         \
	for (unsigned rank = vset_next(s, 0); rank < VIEWS_NODES_MAX; rank = vset_next(s, rank + 1))

#endif
