/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rounds: every node gives a few words, and all get what they come to. Rank 0 keeps what has come,
 * and answers all when the last one is there: as many messages as a barrier takes. What they come
 * to is worked out in the order of nodes, so that it does not depend on who was first. Where nodes may die it
 * is living.c.
 */
#include "dsm/heap/services.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct heap_rounds {
	unsigned arrived[2];
	struct part {
		uint64_t word[HEAP_WORDS];
		struct heap_round what;
		uint16_t slot;
		uint8_t is_here;
	} part[]; /* of each node; and again, for HEAP_BESIDE */
};

int heap_rounds_open(struct dsm *d)
{
	struct heap_rounds *r = calloc(1, sizeof *r + 2 * d->engine.cfg.nodes * sizeof *r->part);

	d->heap->rounds = r;
	return r ? 0 : -ENOMEM;
}

/* What all have given, or -EINVAL where they are not in the same call. */
static int come_to(const struct part *part, unsigned nodes, uint64_t out[HEAP_WORDS])
{
	const struct heap_round what = part[0].what;

	for (unsigned i = 1; i < nodes; i++)
		if (memcmp(&part[i].what, &what, sizeof what))
			return -EINVAL;
	if (what.op == HEAP_BROADCAST) {
		if (what.root >= nodes)
			return -EINVAL;
		memcpy(out, part[what.root].word, sizeof part[0].word);
		return 0;
	}
	memcpy(out, part[0].word, sizeof part[0].word);
	for (unsigned i = 1; i < nodes; i++)
		heap_fold(what, out, part[i].word);
	return 0;
}

void heap_round_arrive(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	struct heap_rounds *r = d->heap->rounds;
	const unsigned nodes = d->engine.cfg.nodes;
	const struct heap_round what = round_unpack(m->svc.status);
	const unsigned beside = what.count == HEAP_BESIDE;
	struct part *all = &r->part[beside * nodes], *part = &all[from];
	uint64_t out[HEAP_WORDS] = {0};
	int rc;

	if (part->is_here) { /* by another thread */
		heap_answer(d, from, m->slot, -EBUSY, 0, 0, 0);
		return;
	}
	*part = (struct part){.what = what, .slot = m->slot, .is_here = 1};
	memcpy(part->word, m->svc.arg, sizeof part->word);
	if (++r->arrived[beside] < nodes)
		return;
	rc = come_to(all, nodes, out);
	r->arrived[beside] = 0;
	for (unsigned i = 0; i < nodes; i++)
		all[i].is_here = 0;
	/* Remote nodes first: they have the longer way. */
	for (unsigned i = nodes; i-- > 0;)
		heap_answer(d, i, all[i].slot, rc, out[0], out[1], out[2]);
}
