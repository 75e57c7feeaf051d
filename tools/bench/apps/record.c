/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A team of threads that are watched. Each has a mapping of its own of the memory, which allows
 * nothing at first: SIGSEGV tells of the first read and the first write of a page, and lets it
 * through. At a synchronisation the interval is written down, and all is forbidden again.
 *
 * Locks are taken in the order that is given, or else go round: a member that is not in a barrier has
 * its turn after the one before it. So a trace does not depend on how fast the members are.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/bench/apps/teams.h"
#include "tools/bench/apps/trace.h"
#include "tools/bench/bench.h"

typedef uint32_t seen[TEAM_SIZE_MAX]; /* intervals of each member */

/* The mutex guards all of it. */
struct record {
	const struct kernel *kernel;
	const struct order *order;
	size_t taken; /* of the order */
	struct trace_log *log;
	unsigned size;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned turn, arrived;
	bool waits[TEAM_SIZE_MAX]; /* in a barrier */
	uint64_t barriers;
	seen together[2];             /* what is known after a barrier, in turns */
	seen at_lock[TEAM_LOCKS_MAX]; /* when it was unlocked */
	bool held[TEAM_LOCKS_MAX];
};

/* A member; its thread's alone. */
struct watched {
	struct record *record;
	struct team *team;
	seen seen;
	uint8_t *state; /* of each page in this interval: 0, READ, WRITTEN */
	struct trace_access *access;
	size_t n_accesses;
};

enum { READ = 1, WRITTEN };

static __thread struct watched *watched;

/* ------------------------------------------------------------------- accesses -- */

/* A page that was neither read nor written is made readable, which a write does not get past: so
 * the second fault on it is a write. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	const int error = errno;
	struct watched *w = watched;
	const size_t offset = w ? (uintptr_t)info->si_addr - (uintptr_t)w->team->memory : 0;
	uint32_t page = (uint32_t)(offset / TEAM_PAGE);
	int rights = PROT_READ;

	(void)context;
	if (!w || offset >= w->team->bytes || w->state[page] == WRITTEN) {
		signal(sig, SIG_DFL); /* somebody's mistake: it faults again */
		return;
	}
	if (w->state[page] == READ)
		rights |= PROT_WRITE;
	else
		w->access[w->n_accesses++].page = page;
	w->state[page]++;
	mprotect(w->team->memory + (size_t)page * TEAM_PAGE, TEAM_PAGE, rights);
	errno = error;
}

/* Writes down what this member has done since the last time. With the mutex. */
static void end_interval(struct watched *w)
{
	for (size_t i = 0; i < w->n_accesses; i++) {
		struct trace_access *a = &w->access[i];

		a->writes = w->state[a->page] == WRITTEN;
		w->state[a->page] = 0;
	}
	if (!trace_add(w->record->log, w->team->rank, w->seen, w->access, w->n_accesses))
		bench_fail("out of memory");
	w->seen[w->team->rank]++;
	if (w->n_accesses && mprotect(w->team->memory, w->team->bytes, PROT_NONE))
		bench_fail("mprotect: %s", strerror(errno));
	w->n_accesses = 0;
}

static void learn(uint32_t *to, const uint32_t *from, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		if (to[i] < from[i])
			to[i] = from[i];
}

/* ------------------------------------------------------------ synchronisations -- */

/* To the next member that is not in a barrier; there is none when all are. */
static void next_turn(struct record *r)
{
	for (unsigned i = 0; i < r->size; i++) {
		r->turn = (r->turn + 1) % r->size;
		if (!r->waits[r->turn])
			return;
	}
}

static void barrier(struct team *t)
{
	struct watched *w = t->own;
	struct record *r = w->record;
	uint64_t number;

	pthread_mutex_lock(&r->mutex);
	end_interval(w);
	number = r->barriers;
	learn(r->together[number % 2], w->seen, r->size);
	r->waits[t->rank] = true;
	if (++r->arrived == r->size) {
		r->arrived = r->turn = 0;
		memset(r->waits, 0, sizeof r->waits);
		r->barriers++;
	} else if (r->turn == t->rank) {
		next_turn(r);
	}
	pthread_cond_broadcast(&r->changed);
	while (r->barriers == number)
		pthread_cond_wait(&r->changed, &r->mutex);
	/* Nobody comes to the one after the next before this. */
	learn(w->seen, r->together[number % 2], r->size);
	pthread_mutex_unlock(&r->mutex);
}

static bool is_next(const struct record *r, unsigned member)
{
	if (r->taken < r->order->n)
		return r->order->member[r->taken] == member;
	return r->turn == member;
}

static void lock(struct team *t, unsigned lock)
{
	struct watched *w = t->own;
	struct record *r = w->record;

	pthread_mutex_lock(&r->mutex);
	end_interval(w);
	while (!is_next(r, t->rank) || r->held[lock])
		pthread_cond_wait(&r->changed, &r->mutex);
	r->held[lock] = true;
	r->taken++;
	learn(w->seen, r->at_lock[lock], r->size);
	next_turn(r);
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->mutex);
}

static void unlock(struct team *t, unsigned lock)
{
	struct watched *w = t->own;
	struct record *r = w->record;

	pthread_mutex_lock(&r->mutex);
	end_interval(w);
	learn(r->at_lock[lock], w->seen, r->size);
	r->held[lock] = false;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->mutex);
}

static const struct team_ops ops = { .barrier = barrier, .lock = lock, .unlock = unlock };

/* ------------------------------------------------------------------------ runs -- */

static void body(struct team *t)
{
	watched = t->own;
	watched->record->kernel->run(t);
	watched = NULL;
}

static void watched_open(struct watched *w, struct team *t, struct record *r, int memory)
{
	const size_t pages = r->kernel->bytes / TEAM_PAGE;

	*w = (struct watched){ .record = r, .team = t, .state = team_private(pages) };
	w->access = team_private(pages * sizeof *w->access);
	t->ops = &ops;
	t->own = w;
	t->memory = mmap(NULL, t->bytes, PROT_NONE, MAP_SHARED, memory, 0);
	if (t->memory == MAP_FAILED)
		bench_fail("out of memory");
}

static void watched_close(struct watched *w)
{
	munmap(w->team->memory, w->team->bytes);
	free(w->state);
	free(w->access);
}

static void run(struct record *r)
{
	struct team team[TEAM_SIZE_MAX];
	struct watched members[TEAM_SIZE_MAX];
	struct sigaction catch = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO }, before;
	int memory = memfd_create("dsm-bench", MFD_CLOEXEC);

	if (memory < 0 || ftruncate(memory, (off_t)r->kernel->bytes))
		bench_fail("memory to record in: %s", strerror(errno));
	for (unsigned i = 0; i < r->size; i++) {
		team[i] = team_member(r->kernel, i, r->size);
		watched_open(&members[i], &team[i], r, memory);
	}
	sigaction(SIGSEGV, &catch, &before);
	threads_run(team, r->size, body);
	sigaction(SIGSEGV, &before, NULL);
	for (unsigned i = 0; i < r->size; i++)
		watched_close(&members[i]);
	close(memory);
}

struct least record_least(const struct kernel *kernel, unsigned size, const struct order *order)
{
	struct record r = { .kernel = kernel,
		            .size = size,
		            .order = order,
		            .mutex = PTHREAD_MUTEX_INITIALIZER,
		            .changed = PTHREAD_COND_INITIALIZER };
	struct least least;

	r.log = trace_open(size, (uint32_t)(kernel->bytes / TEAM_PAGE));
	if (!r.log)
		bench_fail("out of memory");
	run(&r);
	if (oracle_least(trace_all(r.log), &least))
		bench_fail("out of memory");
	trace_close(r.log);
	return least;
}
