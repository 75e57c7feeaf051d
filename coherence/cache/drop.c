/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a Drop makes of each page of its run: it only tells, and cache_drop() does it for the
 * run. What a node holds (in tenure, or pinned) it keeps, rather than let anybody wait.
 */
#include "coherence/cache/cache.h"

void coh_cache_act_stay(struct take *t)
{
	(void)t;
}

void coh_cache_act_forget(struct take *t)
{
	t->dropped->given_up |= t->dropped->bit;
}

void coh_cache_act_discard(struct take *t)
{
	t->dropped->lowered |= t->dropped->bit;
	t->dropped->given_up |= t->dropped->bit;
}

void coh_cache_act_part_with(struct take *t)
{
	t->dropped->lowered |= t->dropped->bit;
}

void coh_cache_act_keep(struct take *t)
{
	t->dropped->kept |= t->dropped->bit;
}
