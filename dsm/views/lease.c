/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Promises given and taken, and the lease that those taken are.
 *
 * Why a member that lags behind does no harm either: let a view be made, to which it belongs but
 * which it has not entered. Those who accepted that view promise nothing of the old one any more,
 * and take no promise of it; and among the promises that its lease stands on, its own to itself
 * included, is one of theirs. So the lease ends within a lease's time of the last acceptance.
 * Everybody who enters the view after that owes each member a new promise, which lasts longer.
 */
#include "dsm/views/state.h"

/* A view without rank has been accepted here, or is about to be. */
static int is_taken(const struct views *v, unsigned rank)
{
	if (v->accepted)
		return !VIEWS_MUTANT(PROMISE_IN_SPITE);
	return v->seen && v->seen == v->answered && !vset_has(&v->seen_set, rank) &&
	       (v->wanted || vset_has(&v->seen_set, v->self));
}

void views_promise(struct views *v, unsigned rank, struct views_effects *fx)
{
	if (v->rule != VIEWS_MAJORITY || views_is_suspected(v, rank) || is_taken(v, rank))
		return;
	vset_add(&v->promised, rank);
	views_fx_add(fx, VIEWS_FX_PROMISE, rank);
}

void views_believe(struct views *v, unsigned rank, struct views_effects *fx)
{
	if (v->rule != VIEWS_MAJORITY || !vset_has(&v->members, rank))
		return;
	if (v->accepted && !VIEWS_MUTANT(BELIEVE_IN_SPITE))
		return;
	vset_add(&v->believed, rank);
	views_fx_add(fx, VIEWS_FX_BELIEVE, rank);
}

static int has_lease(const struct views *v)
{
	struct vset some = v->believed;

	if (v->rule == VIEWS_STARTER)
		return 1;
	/* Its own promise to itself is one that it may have broken. */
	if (v->accepted && !vset_has(&v->accepted_set, v->self) && !VIEWS_MUTANT(KEEPS_LEASE))
		return 0;
	vset_add(&some, v->self);
	if (VIEWS_MUTANT(LEASE_TOO_FEW)) {
		struct vset rest = vset_minus(&v->members, &some);

		if (!vset_is_empty(&rest))
			vset_add(&some, vset_next(&rest, 0));
	}
	return views_is_majority(&some, &v->members);
}

void views_check_lease(struct views *v, struct views_effects *fx)
{
	uint8_t usable = !v->end && has_lease(v);

	if (usable == v->usable)
		return;
	v->usable = usable;
	views_fx_add(fx, usable ? VIEWS_FX_USABLE : VIEWS_FX_UNUSABLE, v->self);
}
