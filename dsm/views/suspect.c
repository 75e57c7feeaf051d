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

/* With how many of these it is at odds, whoever has said so. */
static unsigned quarrels(const struct views *v, const struct vset *among, unsigned rank)
{
	unsigned n = 0;

	VSET_EACH(other, among)
		n += vset_has(&v->peer[rank].accuses, other) ||
		     vset_has(&v->peer[other].accuses, rank);
	return n;
}

/* How sure it is that this one is the culprit: the dead, then those who did not answer the leader. */
static unsigned lame(const struct views *v, unsigned rank)
{
	return vset_has(&v->dead, rank) ? 2 : !vset_has(&v->told, rank);
}

/*
 * One after the other, until those left are at peace. Where all answer, it is who is at odds with
 * most: a node whose network is broken accuses everybody, and everybody it. Of two who cannot reach
 * each other the higher rank goes.
 */
struct vset views_choose(const struct views *v)
{
	struct vset left = v->members;

	for (;;) {
		unsigned worst = VIEWS_NODES_MAX, worst_lame = 0, most = 0;

		VSET_EACH(rank, &left) {
			unsigned n = quarrels(v, &left, rank), l = lame(v, rank);

			if (n == 0 || l < worst_lame || (l == worst_lame && n < most))
				continue;
			worst = rank;
			worst_lame = l;
			most = n;
		}
		if (worst == VIEWS_NODES_MAX)
			return left;
		vset_del(&left, worst);
	}
}
