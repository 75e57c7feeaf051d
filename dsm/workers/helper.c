/* SPDX-License-Identifier: BSD-2-Clause */
/* The helper: starts threads, and waits for their end, without the lock. */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/dsm_thread.h"
#include "dsm/workers/room.h"

#define STACK_LEAST ((uint64_t)64 << 10)
#define ENDED_MANY 32 /* their stacks go back before more are started */

/* --- starting --- */

static int find_function(struct worker *w, uintptr_t *base)
{
	int rc = code_find(w->object, w->offset, base);

	if (rc)
		return rc == -ENOENT ? DSM_ERR_PROGRAM : DSM_ERR_NOMEM;
	w->fn = (void *(*)(void *))(*base + w->offset);
	return w->base && w->base != *base ? DSM_ERR_PROGRAM : 0;
}

static int create(struct worker *w)
{
	const uint64_t unit = WORKERS_STACK_UNIT;
	pthread_attr_t attr;
	int rc = pthread_attr_init(&attr);

	if (rc)
		return DSM_ERR_NOMEM;
	if (w->stack_bytes)
		rc = pthread_attr_setstacksize(
		        &attr, w->stack_bytes < STACK_LEAST ? STACK_LEAST
		                                            : (w->stack_bytes + unit - 1) / unit * unit);
	if (!rc)
		rc = pthread_create(&w->thread, &attr, worker_run, w);
	pthread_attr_destroy(&attr);
	return rc ? error_limit_or(-rc, DSM_ERR_NOMEM) : 0;
}

/* Lock held, but while it is started. */
static void start(struct workers *ws, struct worker *w)
{
	struct dsm *d = ws->d;
	const struct asker creator = w->creator;
	const uint64_t id = table_id(&ws->table, w);
	uintptr_t base = 0;
	int rc;

	w->state = WORKER_RUNS;
	pthread_mutex_unlock(&d->lock);
	rc = find_function(w, &base);
	if (rc == 0)
		rc = create(w);
	pthread_mutex_lock(&d->lock);
	if (rc)
		table_drop(&ws->table, w);
	workers_answer(d, creator, rc, rc ? base : id);
	node_hand_over(d);
}

/* --- ending --- */

/* It is in its last steps. Lock held, but while it is waited for. */
static void reap(struct workers *ws, struct worker *w)
{
	struct dsm *d = ws->d;
	void *value;

	pthread_mutex_unlock(&d->lock);
	pthread_join(w->thread, &value);
	pthread_mutex_lock(&d->lock);
	if (w->state != WORKER_OVER) {
		workers_over(ws, w, (uintptr_t)value);
		node_hand_over(d);
	}
	table_gone(&ws->table, w);
	if (!ws->table.living)
		pthread_cond_broadcast(&ws->rest);
}

/* --- the thread --- */

/* Lock held, but while it sleeps. */
static void nap(struct workers *ws)
{
	const uint32_t news = ws->news;

	pthread_mutex_unlock(&ws->d->lock);
	syscall(SYS_futex, &ws->news, FUTEX_WAIT_PRIVATE, news, NULL, NULL, 0);
	pthread_mutex_lock(&ws->d->lock);
}

void *workers_helper(void *workers)
{
	struct workers *ws = workers;
	struct worker *w;

	pthread_mutex_lock(&ws->d->lock);
	for (;;) {
		if (ws->ended.n < ENDED_MANY && (w = worker_queue_get(&ws->asked)))
			start(ws, w);
		else if ((w = worker_queue_get(&ws->ended)))
			reap(ws, w);
		else if (ws->stop)
			break;
		else
			nap(ws);
	}
	pthread_mutex_unlock(&ws->d->lock);
	return NULL;
}
