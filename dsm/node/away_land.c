/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that have come from a checkpoint: who has waited for them goes on. */
#include <stdlib.h>
#include <utlist.h>

#include "dsm/node/node.h"

/* Requests that have waited for these pages go to the core, in the order in which they came. */
static void give_kept(struct dsm *d, const struct away_piece *piece)
{
	struct away_kept *k, *next;

	DL_FOREACH_SAFE(d->away.kept, k, next) {
		struct coh_event ev = {.kind = COH_EV_MSG, .from = k->from, .msg = k->msg};

		if (!away_piece_has(piece, k->msg.page))
			continue;
		DL_DELETE(d->away.kept, k);
		d->away.n_kept--;
		free(k);
		node_take_message(d, &ev);
	}
}

/* Those from page on that have come now: how many. */
static uint32_t take_row(struct dsm *d, const struct away_piece *piece, uint64_t page)
{
	uint32_t n = 0;

	while (away_piece_has(piece, page + n) && away_take(&d->away, page + n))
		coh_keep_page(d->engine.coh, page + n++);
	return n;
}

void away_landed(struct dsm *d, const struct away_piece *piece)
{
	struct away *a = &d->away;

	for (uint64_t k = piece->page; k < piece->page + AWAY_PIECE; k++) {
		const uint32_t n = take_row(d, piece, k);

		if (!n)
			continue;
		a->pages += n;
		d->trap->ops->wake(d->trap, k, n);
		faults_woken(&d->faults, &d->tenure, &d->waits, k, n);
		k += n;
	}
	a->reads++;
	give_kept(d, piece);
	waits_room(&d->waits);
}

int away_fetch_all(struct dsm *d)
{
	sigset_t mask;
	int rc;

	node_lock(d, &mask);
	d->away.all = 1;
	d->away.at = 0;
	if (d->away.left)
		pthread_cond_broadcast(&d->away.work);
	while (d->away.left && !d->members.lost)
		node_wait_room(d);
	d->away.all = 0;
	rc = d->members.lost ? DSM_ERR_LOST : 0;
	node_unlock(d, &mask);
	return rc;
}
