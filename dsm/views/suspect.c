/* SPDX-License-Identifier: BSD-2-Clause */
/* Who suspects whom, and who has to go for it. */
#include "dsm/views/state.h"

struct vset views_accused(const struct views *v)
{
	struct vset a = vset_or(&v->silent, &v->cut), b = vset_or(&v->gone, &v->dead);

	a = vset_or(&a, &b);
	return vset_and(&a, &v->members);
}

int views_is_suspected(const struct views *v, unsigned rank)
{
	return vset_has(&v->silent, rank) || vset_has(&v->cut, rank) ||
	       vset_has(&v->gone, rank) || vset_has(&v->dead, rank);
}

int views_is_uneasy(const struct views *v)
{
	VSET_EACH(rank, &v->members) {
		struct vset whom = vset_and(&v->peer[rank].accuses, &v->members);

		if (!vset_is_empty(&whom))
			return 1;
	}
	return 0;
}

/* With how many of these it is at odds, whoever has said so; and how many of them say so of it. */
static unsigned quarrels(const struct views *v, const struct vset *among, unsigned rank,
                         unsigned *accusers)
{
	unsigned n = 0;

	*accusers = 0;
	VSET_EACH(other, among) {
		int is_accused = vset_has(&v->peer[other].accuses, rank);

		n += is_accused || vset_has(&v->peer[rank].accuses, other);
		*accusers += (unsigned)is_accused;
	}
	return n;
}

/* How sure it is that this one is the culprit: the dead, then those who did not answer the leader. */
static unsigned lame(const struct views *v, unsigned rank)
{
	return vset_has(&v->dead, rank) ? 2 : !vset_has(&v->told, rank);
}

static int can_do_without(const struct views *v, const struct vset *left, unsigned rank)
{
	struct vset rest = *left;

	vset_del(&rest, rank);
	return v->rule == VIEWS_STARTER || views_is_majority(&rest, &v->members);
}

/* The more, the rather it goes; 0: it is at odds with nobody. */
static uint64_t blame(const struct views *v, const struct vset *left, unsigned rank)
{
	unsigned accusers, n = quarrels(v, left, rank, &accusers);

	if (n == 0)
		return 0;
	return (uint64_t)lame(v, rank) << 40 | (uint64_t)can_do_without(v, left, rank) << 36 |
	       (uint64_t)n << 24 | (uint64_t)accusers << 12 | rank;
}

/*
 * One after the other, until those left are at peace. Where all answer, it is one without whom enough
 * are left, and who is at odds with most: a node whose network is broken accuses everybody, and
 * everybody it. Then who is accused, rather than who accuses: it may have died since it answered. Of two
 * who accuse each other the higher rank goes.
 */
struct vset views_choose(const struct views *v)
{
	struct vset left = v->members;

	for (;;) {
		unsigned worst = VIEWS_NODES_MAX;
		uint64_t most = 0;

		VSET_EACH(rank, &left) {
			uint64_t b = blame(v, &left, rank);

			if (b <= most)
				continue;
			worst = rank;
			most = b;
		}
		if (worst == VIEWS_NODES_MAX)
			return left;
		vset_del(&left, worst);
	}
}
