/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of threads (table.h). */
#include "dsm/workers/table.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void table_open(struct table *t, uint16_t node, unsigned most)
{
	*t = (struct table){.node = node, .most = most};
}

void table_close(struct table *t)
{
	if (t->place)
		syscall(SYS_munmap, t->place, t->most * sizeof *t->place);
	t->place = NULL;
}

/* --- places --- */

/* Memory only as far as it is used. By the kernel's call: who asks may be in a signal handler. */
static int make_places(struct table *t)
{
	void *at = (void *)syscall(SYS_mmap, NULL, t->most * sizeof *t->place, PROT_READ | PROT_WRITE,
	                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return -ENOMEM;
	t->place = at;
	return 0;
}

struct worker *table_take(struct table *t)
{
	struct worker *w = t->free;
	uint32_t turn;

	if (!t->place && make_places(t))
		return NULL;
	if (w)
		t->free = w->next;
	else if (t->used < t->most)
		w = &t->place[t->used++];
	else
		return NULL;
	turn = w->turn + 1;
	*w = (struct worker){.turn = turn ? turn : 1, .state = WORKER_ASKED};
	t->living++;
	t->taken++;
	return w;
}

static void forget(struct table *t, struct worker *w)
{
	w->state = WORKER_FREE;
	w->next = t->free;
	t->free = w;
}

void table_drop(struct table *t, struct worker *w)
{
	t->living--;
	forget(t, w);
}

uint64_t table_id(const struct table *t, const struct worker *w)
{
	return (uint64_t)w->turn << 32 | (uint64_t)t->node << 16 | (uint64_t)(w - t->place);
}

struct worker *table_find(const struct table *t, uint64_t id)
{
	const unsigned place = id & 0xffff;
	struct worker *w = place < t->used ? &t->place[place] : NULL;

	return w && w->state != WORKER_FREE && table_id(t, w) == id ? w : NULL;
}

/* --- from one state to the next --- */

static void forget_if_done(struct table *t, struct worker *w)
{
	if (w->state == WORKER_OVER && w->gone && (w->joined || w->detached))
		forget(t, w);
}

int table_join(struct table *t, struct worker *w, struct asker who, uint64_t *value)
{
	if (w->detached || w->joined)
		return -ENOENT;
	if (w->has_joiner)
		return -EBUSY;
	if (w->state != WORKER_OVER) {
		w->has_joiner = 1;
		w->joiner = who;
		return 1;
	}
	*value = w->value;
	w->joined = 1;
	forget_if_done(t, w);
	return 0;
}

int table_unjoin(struct worker *w, struct asker who)
{
	if (!w->has_joiner || w->joiner.node != who.node || w->joiner.slot != who.slot)
		return -ENOENT;
	w->has_joiner = 0;
	return 0;
}

int table_detach(struct table *t, struct worker *w)
{
	if (w->detached || w->joined)
		return -ENOENT;
	if (w->has_joiner)
		return -EBUSY;
	w->detached = 1;
	forget_if_done(t, w);
	return 0;
}

int table_over(struct table *t, struct worker *w, uint64_t value, struct asker *joiner)
{
	w->state = WORKER_OVER;
	w->value = value;
	if (!w->has_joiner)
		return 0;
	*joiner = w->joiner;
	w->has_joiner = 0;
	w->joined = 1;
	forget_if_done(t, w);
	return 1;
}

void table_gone(struct table *t, struct worker *w)
{
	t->living--;
	w->gone = 1;
	forget_if_done(t, w);
}

/* --- queues --- */

void worker_queue_open(struct worker_queue *q)
{
	*q = (struct worker_queue){.last = &q->first};
}

void worker_queue_put(struct worker_queue *q, struct worker *w)
{
	w->next = NULL;
	*q->last = w;
	q->last = &w->next;
	q->n++;
}

struct worker *worker_queue_get(struct worker_queue *q)
{
	struct worker *w = q->first;

	if (!w)
		return NULL;
	q->first = w->next;
	if (!q->first)
		q->last = &q->first;
	q->n--;
	return w;
}
