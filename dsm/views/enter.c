/* SPDX-License-Identifier: BSD-2-Clause */
/* Entering a view, and the end. */
#include <string.h>

#include "dsm/views/state.h"

void views_end(struct views *v, enum views_end end, struct views_effects *fx)
{
	v->end = (uint8_t)end;
	v->phase = VIEWS_IDLE;
	views_check_lease(v, fx);
	views_fx_add(fx, VIEWS_FX_END, v->self);
}

static void keep(struct vset *s, const struct vset *members)
{
	*s = vset_and(s, members);
}

void views_enter(struct views *v, uint32_t number, const struct vset *members,
                 struct views_effects *fx)
{
	if (!vset_has(members, v->self) && !VIEWS_MUTANT(ENTER_ANYWAY)) {
		views_end(v, VIEWS_OUT, fx);
		return;
	}
	v->number = number;
	v->members = *members;
	keep(&v->silent, members);
	keep(&v->cut, members);
	keep(&v->gone, members);
	keep(&v->dead, members);
	/* A promise is not to be left out, of whatever view. */
	keep(&v->believed, members);
	v->promised = v->members;
	if (v->rule == VIEWS_STARTER || VIEWS_MUTANT(NO_PROMISE_ON_ENTRY))
		v->promised = (struct vset){ { 0 } };
	vset_del(&v->promised, v->self);
	v->highest = v->answered = v->seen = v->accepted = 0;
	v->ballot = v->best = v->unfinished = 0;
	v->phase = VIEWS_IDLE;
	v->wanted = 0;
	/* Nothing of an old ballot is left: equal states are equal bytes. */
	memset(&v->seen_set, 0, sizeof v->seen_set);
	v->accepted_set = v->best_set = v->told = v->proposal = v->accepts = v->stopping = v->seen_set;
	for (unsigned rank = 0; rank < v->nodes; rank++)
		v->peer[rank].accuses = v->seen_set;
	views_fx_add(fx, VIEWS_FX_VIEW, v->self);
}
