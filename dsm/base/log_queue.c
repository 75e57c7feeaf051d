/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of lines and its thread (log_queue.h). */
#include "dsm/base/log_queue.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dsm/base/clock.h"
#include "dsm/base/log_limit.h"
#include "dsm/base/thread.h"

/* The words are futexes. They are written under the lock with release, and read without it with
 * acquire: who sees a count sees what was done before it. */
struct log_queue {
	dsm_log_fn fn;
	void *ctx;
	pid_t pid; /* a child by fork has no thread to take its lines */
	pthread_t thread;

	pthread_mutex_t lock;
	struct limit limit;
	unsigned slots, first, n; /* a ring */
	uint32_t put;    /* word: something is new for the thread */
	uint32_t queued; /* lines, in all */
	uint32_t said;   /* word: lines that fn has returned from, in all */
	uint32_t ended;  /* word: the thread takes nothing any more */
	uint64_t wake_ns; /* the thread sleeps until then; 0: it does not */
	int stop, orphan; /* orphan: nobody waits for the thread, which frees the queue */
	int stuck;        /* a flush was in vain, and nothing was said since */
	struct limit_line line[];
};

static __thread int in_fn;

/* The queue whose lines a process that exits waits for. */
static pthread_mutex_t exit_lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_queue *exit_queue;
static pid_t exit_pid;

/* --- words --- */

static void wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* While it has that value; no longer than until that time. */
static void sleep_on(uint32_t *word, uint32_t value, uint64_t until_ns)
{
	struct timespec at = {.tv_sec = (time_t)(until_ns / 1000000000),
	                      .tv_nsec = (long)(until_ns % 1000000000)};

	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, until_ns == LIMIT_NEVER ? NULL : &at,
	        NULL, FUTEX_BITSET_MATCH_ANY);
}

/* Until the word has come to that value, or beyond. 0, or -ETIMEDOUT. */
static int wait_for(uint32_t *word, uint32_t value, uint64_t ms)
{
	const uint64_t end_ns = clock_now_ns() + ms * 1000000;
	uint32_t now;

	while ((int32_t)((now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) - value) < 0) {
		if (clock_now_ns() >= end_ns)
			return -ETIMEDOUT;
		sleep_on(word, now, end_ns);
	}
	return 0;
}

/* --- the ring, lock held --- */

static void lock(struct log_queue *q, sigset_t *mask)
{
	signals_hold(mask);
	pthread_mutex_lock(&q->lock);
}

static void unlock(struct log_queue *q, const sigset_t *mask)
{
	pthread_mutex_unlock(&q->lock);
	signals_release(mask);
}

/* NULL: it is full. */
static struct limit_line *place(struct log_queue *q)
{
	return q->n < q->slots ? &q->line[(q->first + q->n) % q->slots] : NULL;
}

static void pushed(struct log_queue *q)
{
	q->n++;
	q->queued++;
}

/* What was counted, and is due. */
static void push_due(struct log_queue *q, uint64_t now_ns)
{
	struct limit_line *line;

	while ((line = place(q)) && limit_next(&q->limit, now_ns, line))
		pushed(q);
}

static void pop(struct log_queue *q, struct limit_line *out)
{
	*out = q->line[q->first];
	q->first = (q->first + 1) % q->slots;
	if (--q->n == 0)
		q->first = 0; /* a few lines are put into the same few pages again and again */
}

/* Lets the thread look, if it sleeps and would not in time. */
static void stir(struct log_queue *q)
{
	if (!q->stop && !q->n && limit_due(&q->limit) >= q->wake_ns)
		return;
	if (!q->wake_ns)
		return;
	__atomic_add_fetch(&q->put, 1, __ATOMIC_RELEASE);
	wake(&q->put);
}

/* --- the thread --- */

static void say(struct log_queue *q, const struct limit_line *line)
{
	sigset_t bus;

	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	in_fn = 1;
	pthread_sigmask(SIG_UNBLOCK, &bus, NULL);
	q->fn(q->ctx, (enum dsm_log_level)line->level, line->text);
	pthread_sigmask(SIG_BLOCK, &bus, NULL);
	in_fn = 0;
}

/* Lock held, but while it sleeps. */
static void nap(struct log_queue *q)
{
	const uint64_t until = limit_due(&q->limit);
	const uint32_t put = q->put;

	q->wake_ns = until;
	pthread_mutex_unlock(&q->lock);
	sleep_on(&q->put, put, until);
	pthread_mutex_lock(&q->lock);
	q->wake_ns = 0;
}

static void *run(void *arg)
{
	struct log_queue *q = arg;
	struct limit_line line;
	int orphan;

	pthread_mutex_lock(&q->lock);
	while (!q->orphan) {
		if (!q->n)
			push_due(q, q->stop ? LIMIT_NEVER : clock_now_ns());
		if (!q->n && q->stop)
			break;
		if (!q->n) {
			nap(q);
			continue;
		}
		pop(q, &line);
		pthread_mutex_unlock(&q->lock);
		say(q, &line);
		pthread_mutex_lock(&q->lock);
		q->stuck = 0;
		__atomic_add_fetch(&q->said, 1, __ATOMIC_RELEASE);
		wake(&q->said);
	}
	orphan = q->orphan;
	__atomic_store_n(&q->ended, 1, __ATOMIC_RELEASE);
	wake(&q->ended);
	pthread_mutex_unlock(&q->lock);
	if (orphan)
		free(q);
	return NULL;
}

/* --- who puts lines there --- */

void log_queue_put(struct log_queue *q, uint64_t key, unsigned different, enum dsm_log_level level,
                   const char *text)
{
	const uint64_t now = clock_now_ns();
	struct limit_line *line;
	sigset_t mask;

	if (q->pid != getpid())
		return;
	lock(q, &mask);
	push_due(q, now);
	line = place(q);
	if (level == DSM_LOG_TRACE || limit_take(&q->limit, now, key, different, level, text)) {
		if (line) {
			line->level = level;
			snprintf(line->text, sizeof line->text, "%s", text);
			pushed(q);
		} else {
			limit_lose(&q->limit, now, level);
		}
	}
	stir(q);
	unlock(q, &mask);
}

void log_queue_flush(struct log_queue *q)
{
	uint32_t queued;
	sigset_t mask;
	int stuck;

	if (in_fn || q->pid != getpid())
		return;
	lock(q, &mask);
	queued = q->queued;
	stuck = q->stuck;
	unlock(q, &mask);
	if (stuck || wait_for(&q->said, queued, QUEUE_FLUSH_MS) == 0)
		return;
	lock(q, &mask);
	q->stuck = (int32_t)(q->said - queued) < 0;
	unlock(q, &mask);
}

int log_queue_is_caller(void)
{
	return in_fn;
}

/* --- beginning and end --- */

/* A program that ends without dsm_fini, often because the job does. */
__attribute__((destructor)) static void flush_at_exit(void)
{
	sigset_t mask;

	/* Whoever has the lock is in dsm_init or dsm_fini, and does not wait for this. */
	if (exit_pid != getpid() || pthread_mutex_trylock(&exit_lock))
		return;
	if (exit_queue) {
		lock(exit_queue, &mask);
		push_due(exit_queue, LIMIT_NEVER);
		stir(exit_queue);
		unlock(exit_queue, &mask);
		log_queue_flush(exit_queue);
	}
	pthread_mutex_unlock(&exit_lock);
}

static void set_exit_queue(struct log_queue *q)
{
	pthread_mutex_lock(&exit_lock);
	exit_queue = q;
	exit_pid = getpid();
	pthread_mutex_unlock(&exit_lock);
}

int log_queue_open(dsm_log_fn fn, void *ctx, int level, struct log_queue **out)
{
	const unsigned slots = level >= DSM_LOG_TRACE ? QUEUE_TRACE : QUEUE_LINES;
	struct log_queue *q = calloc(1, sizeof *q + slots * sizeof *q->line);
	int rc;

	if (!q)
		return -ENOMEM;
	q->fn = fn;
	q->ctx = ctx;
	q->slots = slots;
	q->pid = getpid();
	pthread_mutex_init(&q->lock, NULL);
	rc = thread_start(&q->thread, 0, run, q, NULL);
	if (rc) {
		free(q);
		return rc;
	}
	set_exit_queue(q);
	*out = q;
	return 0;
}

/* As long as lines are said, but not for ever. */
static void wait_for_end(struct log_queue *q)
{
	for (int i = 0; i < QUEUE_CLOSE_TIMES; i++) {
		const uint32_t said = __atomic_load_n(&q->said, __ATOMIC_ACQUIRE);

		if (wait_for(&q->ended, 1, QUEUE_CLOSE_MS) == 0)
			return;
		if (__atomic_load_n(&q->said, __ATOMIC_ACQUIRE) == said)
			return;
	}
}

void log_queue_close(struct log_queue *q)
{
	sigset_t mask;
	int ended;

	if (!q)
		return;
	set_exit_queue(NULL);
	lock(q, &mask);
	q->stop = 1;
	stir(q);
	unlock(q, &mask);
	wait_for_end(q);
	lock(q, &mask);
	ended = q->ended;
	q->orphan = !ended;
	if (!ended)
		pthread_detach(q->thread);
	unlock(q, &mask);
	if (ended) {
		pthread_join(q->thread, NULL);
		pthread_mutex_destroy(&q->lock);
		free(q);
	}
}
