/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many are enough. Two sets that are both enough have a member in common: both have more than
 * half, or one has exactly half and the lowest rank, which the other then has too, or more than
 * half (dynamic-linear voting: Jajodia and Mutchler, 1990).
 */
#include "dsm/views/state.h"

int views_is_majority(const struct vset *some, const struct vset *members)
{
	struct vset both = vset_and(some, members);
	unsigned have = vset_count(&both), all = vset_count(members);

	if (2 * have == all)
		return VIEWS_MUTANT(ANY_HALF) || vset_has(&both, vset_next(members, 0));
	return 2 * have > all;
}
