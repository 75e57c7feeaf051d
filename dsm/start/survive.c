/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that goes on when nodes die, from its start to its end. The last step of the start has the
 * nodes agree on views from then on; until it is done, the loss of a node is the end of the start.
 *
 * Parting: as many as live have come to dsm_fini, and each has said so to all others. Who has heard
 * of all, or cannot reach those of whom he has not, leaves: nobody needs him any more.
 */
#include <time.h>

#include "dsm/dsm_survive.h"
#include "dsm/heap/heap.h"
#include "dsm/start/steps.h"

#define SAY_MS 200 /* until it is said again, to those who have not said it */

int start_survive(struct dsm *d)
{
	const struct survive_config c = {.rule = d->boot->has_starter ? VIEWS_STARTER : VIEWS_MAJORITY,
	                                 .loss_ms = d->settings->loss_ms,
	                                 .timeout_ms = d->settings->start_ms,
	                                 .told = {.ctx = d,
	                                          .view = node_view_begins,
	                                          .usable = node_view_usable,
	                                          .end = node_view_ends}};
	struct survive *s = NULL;
	char why[256] = "";
	int rc;

	d->view.shut = 1; /* until it is said that it may be used */
	rc = survive_open(d->boot, &c, &s, why, sizeof why);
	progress_kick(&d->progress); /* as after any exchange */
	if (rc) {
		init_error_set("%s", why);
		return DSM_ERR_BOOT;
	}
	pthread_mutex_lock(&d->lock);
	d->view.survive = s;
	/* Whom the transport has lost meanwhile. */
	for (coh_node rank = 0; rank < d->engine.cfg.nodes; rank++)
		if (d->view.cut >> rank & 1)
			survive_suspect(s, rank, VIEWS_GONE);
	pthread_mutex_unlock(&d->lock);
	return 0;
}

void start_survive_end(struct dsm *d)
{
	struct survive *s;

	pthread_mutex_lock(&d->lock);
	s = d->view.survive;
	d->view.survive = NULL;
	d->view.telling_ends = 1;
	if (d->view.on && d->view.number)
		pthread_cond_broadcast(&d->view.changed);
	pthread_mutex_unlock(&d->lock);
	survive_close(s);
	if (d->view.n_late)
		log_line(&d->log, DSM_LOG_INFO, "%llu page writes came after their view, and were of no "
		         "effect", (unsigned long long)d->view.n_late);
	if (d->view.has_teller)
		pthread_join(d->view.teller, NULL);
	d->view.has_teller = 0;
}

/* Lock held. To those of whom it is not known that they leave, too. */
static void say(struct dsm *d, uint64_t whom)
{
	const struct coh_msg m = {.type = COH_MSG_SVC_REQ, .n = 1, .svc = {.op = SVC_LEAVE}};

	for (coh_node rank = 0; rank < d->engine.cfg.nodes; rank++)
		if (whom >> rank & 1)
			node_send(d, rank, &m);
	d->tr->ops->wake_peers(d->tr);
	progress_kick(&d->progress);
}

static void wait_some(struct dsm *d)
{
	const uint64_t end_ns = clock_now_ns() + SAY_MS * UINT64_C(1000000);
	const struct timespec end = {.tv_sec = (time_t)(end_ns / 1000000000),
	                             .tv_nsec = (long)(end_ns % 1000000000)};

	pthread_cond_timedwait(&d->view.changed, &d->lock, &end);
}

int start_part_survive(struct dsm *d)
{
	struct view *v = &d->view;
	uint64_t whom;
	sigset_t mask;
	int rc;

	node_lock(d, &mask);
	v->leaving = 1;
	v->left |= UINT64_C(1) << d->engine.cfg.self;
	whom = v->members & ~(UINT64_C(1) << d->engine.cfg.self);
	say(d, whom);
	while (!d->members.lost && (whom = v->members & ~v->cut & ~v->left)) {
		wait_some(d);
		say(d, whom);
	}
	rc = d->members.lost;
	node_unlock(d, &mask);
	return rc ? rc : start_drain(d);
}
