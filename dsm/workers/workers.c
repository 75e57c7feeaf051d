/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads for others: requests, the helper's life, and what start and calls ask (workers.h). */
#include "dsm/workers/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "dsm/dsm_thread.h"
#include "dsm/workers/room.h"

#define REST_TELL_S 5  /* so long without a word */
#define REST_LOST_S 10 /* so long once the job is lost */

/* --- requests --- */

/* Without libc, in a signal handler perhaps. */
static uint64_t hexadecimal(const char *text)
{
	uint64_t value = 0;

	for (; *text; text++)
		value = value << 4 | (unsigned)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
	return value;
}

static void ask_helper(struct workers *ws)
{
	if (ws->started) {
		workers_rouse(ws);
	} else if (!ws->wanted) {
		ws->wanted = 1;
		ws->d->progress.kept++; /* the service thread has to come by */
	}
}

static void serve_start(struct workers *ws, struct asker who, const struct coh_svc *svc)
{
	struct worker *w = table_take(&ws->table);

	if (!w) {
		workers_answer(ws->d, who, DSM_ERR_NOMEM, 0);
		return;
	}
	w->room = ws;
	w->creator = who;
	w->object = svc->arg[0];
	w->offset = svc->arg[1] & ((UINT64_C(1) << WORKERS_FLAG_SHIFT) - 1);
	w->detached = (svc->arg[1] >> WORKERS_FLAG_SHIFT & DSM_THREAD_DETACHED) != 0;
	w->base = hexadecimal(svc->name);
	w->arg = (void *)(uintptr_t)svc->arg[2];
	w->stack_bytes = (uint64_t)(uint32_t)svc->status * WORKERS_STACK_UNIT;
	worker_queue_put(&ws->asked, w);
	ask_helper(ws);
}

static void serve_join(struct workers *ws, struct asker who, uint64_t id)
{
	struct worker *w = table_find(&ws->table, id);
	uint64_t value = 0;
	int rc = w ? table_join(&ws->table, w, who, &value) : -ENOENT;

	if (rc != 1)
		workers_answer(ws->d, who, rc, value);
}

/* Of one whose answer has left already, that is the answer. */
static void serve_unjoin(struct workers *ws, struct asker who, uint64_t id)
{
	struct worker *w = table_find(&ws->table, id);

	if (w && table_unjoin(w, who) == 0)
		workers_answer(ws->d, who, DSM_ERR_TIMEDOUT, 0);
}

static void serve_detach(struct workers *ws, struct asker who, uint64_t id)
{
	struct worker *w = table_find(&ws->table, id);

	workers_answer(ws->d, who, w ? table_detach(&ws->table, w) : -ENOENT, 0);
}

void workers_request(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	struct workers *ws = d->workers;
	const struct asker who = {from, m->slot};

	switch (m->svc.op) {
	case SVC_THREAD_START: serve_start(ws, who, &m->svc); break;
	case SVC_THREAD_JOIN: serve_join(ws, who, m->svc.arg[0]); break;
	case SVC_THREAD_UNJOIN: serve_unjoin(ws, who, m->svc.arg[0]); break;
	case SVC_THREAD_DETACH: serve_detach(ws, who, m->svc.arg[0]); break;
	default: break;
	}
}

/* --- the helper's life --- */

static void refuse_all(struct workers *ws, int status)
{
	struct worker *w;

	while ((w = worker_queue_get(&ws->asked))) {
		const struct asker creator = w->creator;
		table_drop(&ws->table, w);
		workers_answer(ws->d, creator, status, 0);
	}
}

static int start_helper(struct workers *ws)
{
	int rc = -pthread_key_create(&ws->key, worker_end);

	if (rc)
		return rc;
	rc = thread_start(&ws->helper, 0, workers_helper, ws, NULL);
	if (rc)
		pthread_key_delete(ws->key);
	return rc;
}

void workers_serve(struct dsm *d)
{
	struct workers *ws = d->workers;
	int rc;

	if (!ws->wanted)
		return;
	ws->wanted = 0;
	d->progress.kept--;
	d->engine.handled++;
	rc = start_helper(ws);
	ws->started = rc == 0;
	if (rc)
		refuse_all(ws, error_limit_or(rc, DSM_ERR_LIMIT));
}

int workers_open(struct dsm *d)
{
	struct workers *ws = calloc(1, sizeof *ws);

	if (!ws)
		return -ENOMEM;
	ws->d = d;
	pthread_sigmask(SIG_SETMASK, NULL, &ws->manner.mask);
	if (d->signal)
		sigdelset(&ws->manner.mask, SIGBUS);
	pthread_getschedparam(pthread_self(), &ws->manner.policy, &ws->manner.param);
	table_open(&ws->table, (uint16_t)d->boot->rank, TABLE_MOST);
	worker_queue_open(&ws->asked);
	worker_queue_open(&ws->ended);
	pthread_cond_init(&ws->rest, NULL);
	ws->next_node = (unsigned)d->boot->rank;
	d->workers = ws;
	return 0;
}

void workers_close(struct dsm *d)
{
	struct workers *ws = d->workers;

	if (!ws)
		return;
	if (ws->started) {
		pthread_mutex_lock(&d->lock);
		ws->stop = 1;
		workers_rouse(ws);
		pthread_mutex_unlock(&d->lock);
		pthread_join(ws->helper, NULL);
		pthread_key_delete(ws->key);
	}
	table_close(&ws->table);
	pthread_cond_destroy(&ws->rest);
	d->workers = NULL;
	free(ws);
}

/* --- what others ask --- */

int workers_next_node(struct dsm *d)
{
	sigset_t mask;
	int node;

	node_lock(d, &mask);
	d->workers->next_node = (d->workers->next_node + 1) % (unsigned)d->boot->size;
	node = (int)d->workers->next_node;
	node_unlock(d, &mask);
	return node;
}

unsigned workers_living(const struct dsm *d, uint64_t *taken)
{
	*taken = d->workers->table.taken;
	return d->workers->table.living;
}

/* Lock held, but while it waits. */
static void await_end(struct workers *ws, unsigned seconds)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += seconds;
	pthread_cond_timedwait(&ws->rest, &ws->d->lock, &end);
}

unsigned workers_rest(struct dsm *d)
{
	struct workers *ws = d->workers;
	unsigned living;
	int told = 0, lost_s = 0;
	sigset_t mask;

	node_lock(d, &mask);
	for (unsigned s = 0; ws->table.living && lost_s < REST_LOST_S; s++) {
		await_end(ws, 1);
		lost_s += d->members.lost != 0;
		if (s < REST_TELL_S || told || !ws->table.living)
			continue;
		told = 1;
		log_line(&d->log, DSM_LOG_WARN, "dsm_fini waits for %u threads here that were "
		         "started by dsm_thread_create", ws->table.living);
	}
	living = ws->table.living;
	node_unlock(d, &mask);
	return living;
}
