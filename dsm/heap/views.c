/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The services where nodes may die: who serves, and what may be asked for. And what every node answers:
 * which pages of its homes are lost, and that another has come to dsm_fini.
 */
#include <errno.h>

#include "dsm/heap/services.h"

coh_node heap_server(const struct dsm *d)
{
	return d->view.on ? (coh_node)__builtin_ctzll(d->view.members) : 0;
}

int heap_is_for_all(unsigned op)
{
	return op == SVC_LOST || op == SVC_LEAVE;
}

/* Whether such a request may be made in this job. */
int heap_permits(const struct dsm *d, unsigned op)
{
	switch (op) {
	case SVC_ALLOC:
	case SVC_FREE:
	case SVC_FREED:
	case SVC_PUBLISH:
	case SVC_UNPUBLISH:
	case SVC_LOOKUP:
	case SVC_SHARE:
	case SVC_UNSHARE:
	case SVC_LOST: return 1;
	default: return !d->view.on;
	}
}

/* Of so many pages from one on, a bit each; -EAGAIN: the home does not know yet. */
static int lost_of(struct dsm *d, uint64_t first, uint64_t n, uint64_t word[3])
{
	struct coh_page_info info;

	if (n > HEAP_LOST_PAGES || first >= d->memory.region.pages || n > d->memory.region.pages - first)
		return -EINVAL;
	if (coh_is_rebuilding(d->engine.coh))
		return -EAGAIN;
	for (uint64_t i = 0; i < n; i++) {
		coh_page_info(d->engine.coh, first + i, &info);
		if (!info.is_home)
			return -EAGAIN; /* the asker is in another view */
		word[i / 64] |= (uint64_t)(info.dir_stable == COH_D_LOST) << i % 64;
	}
	return 0;
}

void heap_serve_all(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	uint64_t word[3] = {0};
	int rc;

	if (!d->view.on)
		return;
	if (m->svc.op == SVC_LEAVE) {
		d->view.left |= UINT64_C(1) << from;
		pthread_cond_broadcast(&d->view.changed);
		return;
	}
	rc = lost_of(d, m->svc.arg[0], m->svc.arg[1], word);
	heap_answer(d, from, m->slot, rc, word[0], word[1], word[2]);
}
