/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that survive each other (crew.h). */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/hang.h"
#include "tests/members/crew.h"

uint64_t crew_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- a process --- */

static void on_view(void *ctx, uint32_t number, const struct vset *members)
{
	struct seen *s = ctx;

	pthread_mutex_lock(&s->lock);
	s->view = number;
	s->members = members->w[0];
	if (number < CREW_VIEWS) {
		s->entered_ms[number] = crew_now_ms();
		s->members_of[number] = members->w[0];
	}
	pthread_mutex_unlock(&s->lock);
}

static void on_usable(void *ctx, int usable)
{
	struct seen *s = ctx;

	pthread_mutex_lock(&s->lock);
	s->usable = usable;
	s->ready |= usable;
	if (!usable)
		s->freed_ms = crew_now_ms();
	pthread_mutex_unlock(&s->lock);
}

static void on_end(void *ctx, const char *why)
{
	struct seen *s = ctx;

	pthread_mutex_lock(&s->lock);
	s->ended = 1;
	snprintf(s->why, sizeof s->why, "%s", why);
	pthread_mutex_unlock(&s->lock);
}

static int use(struct seen *s)
{
	int cut;

	pthread_mutex_lock(&s->lock);
	if (s->usable)
		s->used_ms = crew_now_ms();
	cut = s->cut;
	s->cut = 0;
	pthread_mutex_unlock(&s->lock);
	return cut;
}

static void live(struct crew *c, unsigned rank)
{
	struct seen *s = &c->shared->seen[rank];
	const struct survive_config config = {
		.rule = c->by_starter ? VIEWS_STARTER : VIEWS_MAJORITY, .loss_ms = c->loss_ms,
		.timeout_ms = HANG_MS,
		.told = { .ctx = s, .view = on_view, .usable = on_usable, .end = on_end } };
	struct survive *survive;
	struct boot *boot;

	s->view = 1;
	s->members = (UINT64_C(1) << c->nodes) - 1;
	s->code = boot_open(NULL, &boot, s->why, sizeof s->why);
	if (!s->code)
		s->code = survive_open(boot, &config, &survive, s->why, sizeof s->why);
	if (s->code)
		return;
	while (!__atomic_load_n(&c->shared->leave, __ATOMIC_ACQUIRE)) {
		int cut = use(s);

		if (cut)
			survive_suspect(survive, (unsigned)cut - 1, VIEWS_GONE);
		poll(NULL, 0, 1);
	}
	survive_close(survive);
	boot->ops->close(boot);
}

/* --- the test --- */

static void set_number(const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof text, "%u", value);
	setenv(name, text, 1);
}

static void start(struct crew *c, unsigned rank)
{
	fflush(NULL);
	c->pids[rank] = fork();
	if (c->pids[rank] < 0)
		die("fork");
	if (c->pids[rank])
		return;
	alarm(HANG_S);
	if (c->by_starter)
		setenv("DSM_JOB", c->job.dir, 1);
	else
		setenv("DSM_RENDEZVOUS", c->place, 1);
	set_number("DSM_RANK", rank);
	set_number("DSM_SIZE", c->nodes);
	live(c, rank);
	_exit(c->shared->seen[rank].code ? 1 : 0);
}

static void share(struct crew *c)
{
	pthread_mutexattr_t attr;

	c->shared = mmap(NULL, sizeof *c->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	                 -1, 0);
	if (c->shared == MAP_FAILED)
		die("mmap");
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	for (unsigned i = 0; i < CREW_MAX; i++)
		pthread_mutex_init(&c->shared->seen[i].lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

void crew_open(struct crew *c, unsigned nodes, int by_starter, uint32_t loss_ms)
{
	static int last;
	int pid = getpid();

	memset(c, 0, sizeof *c);
	c->nodes = nodes;
	c->by_starter = by_starter;
	c->loss_ms = loss_ms;
	share(c);
	/* As in tests/boot/test_tcp.c. */
	last = last ? last + 1 : 10000 + pid % 9000;
	snprintf(c->place, sizeof c->place, "127.%d.%d.%d:%d", 64 + (pid >> 16), pid >> 8 & 255,
	         pid & 255, last);
	if (by_starter) {
		job_open(&c->job, (int)nodes);
		rendezvous_survive(c->job.rendezvous);
	}
	for (unsigned rank = 0; rank < nodes; rank++)
		start(c, rank);
	if (crew_wait(c, (UINT64_C(1) << nodes) - 1)) {
		fprintf(stderr, "the crew does not start: %s\n", c->shared->seen[0].why);
		exit(1);
	}
}

void crew_signal(struct crew *c, unsigned rank, int signal)
{
	if (c->pids[rank])
		kill(c->pids[rank], signal);
}

int crew_cut_hub(struct crew *c)
{
	char command[120], line[200];
	int ended = 0;
	FILE *f;

	snprintf(command, sizeof command, "ss -K src %.*s 2>/dev/null",
	         (int)strcspn(c->place, ":"), c->place);
	f = popen(command, "r");
	while (f && fgets(line, sizeof line, f))
		ended += strstr(line, "ESTAB") != NULL;
	if (f)
		pclose(f);
	return ended ? 0 : -1;
}

/* Who has died with a lock of what it has seen is no reason to wait. */
static struct seen look(struct crew *c, unsigned rank)
{
	struct seen *s = &c->shared->seen[rank], copy;
	struct timespec limit;
	int rc;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 1;
	rc = pthread_mutex_timedlock(&s->lock, &limit); /* it may be stopped */
	if (rc == EOWNERDEAD)
		pthread_mutex_consistent(&s->lock);
	copy = *s;
	if (rc == 0 || rc == EOWNERDEAD)
		pthread_mutex_unlock(&s->lock);
	return copy;
}

void crew_serve(struct crew *c, int ms)
{
	if (c->by_starter)
		job_serve(&c->job, ms);
	else
		poll(NULL, 0, ms);
	for (unsigned i = 0; i < c->nodes; i++)
		if (c->pids[i] && waitpid(c->pids[i], NULL, WNOHANG) == c->pids[i])
			c->pids[i] = 0;
}

static int is_so(struct crew *c, uint64_t living)
{
	uint32_t view = 0;

	for (unsigned i = 0; i < c->nodes; i++) {
		struct seen s;

		if (!(living >> i & 1))
			continue;
		if (!c->pids[i])
			return 0;
		s = look(c, i);
		if (s.code || s.ended || !s.usable || s.members != living || (view && s.view != view))
			return 0;
		view = s.view;
	}
	return 1;
}

static void tell(struct crew *c)
{
	for (unsigned i = 0; i < c->nodes; i++) {
		struct seen s = look(c, i);

		fprintf(stderr, "node %u: %s, view %u of %llx, %susable%s%s\n", i,
		        c->pids[i] ? "lives" : "is gone", s.view, (unsigned long long)s.members,
		        s.usable ? "" : "not ", s.ended ? ", ended: " : "", s.why);
	}
}

int crew_wait(struct crew *c, uint64_t living)
{
	uint64_t end = crew_now_ms() + HANG_MS / 4;

	while (!is_so(c, living)) {
		if (crew_now_ms() > end) {
			tell(c);
			return -1;
		}
		crew_serve(c, 5);
	}
	return 0;
}

uint64_t crew_settle(struct crew *c)
{
	uint64_t end = crew_now_ms() + HANG_MS / 4, living;

	do {
		crew_serve(c, 5);
		living = 0;
		for (unsigned i = 0; i < c->nodes; i++)
			living |= (uint64_t)(c->pids[i] && !look(c, i).ended) << i;
		if (is_so(c, living))
			return living;
	} while (crew_now_ms() < end);
	tell(c);
	return 0;
}

int crew_wait_end(struct crew *c, unsigned rank)
{
	uint64_t end = crew_now_ms() + HANG_MS / 4;

	while (!look(c, rank).ended) {
		if (crew_now_ms() > end || !c->pids[rank])
			return -1;
		crew_serve(c, 5);
	}
	return 0;
}

unsigned crew_trespassers(struct crew *c)
{
	unsigned found = 0;

	for (uint32_t view = 2; view < CREW_VIEWS; view++) {
		uint64_t began = 0, members = 0;

		for (unsigned i = 0; i < c->nodes; i++) {
			struct seen s = look(c, i);

			if (!s.entered_ms[view] || (began && began <= s.entered_ms[view]))
				continue;
			began = s.entered_ms[view];
			members = s.members_of[view];
		}
		for (unsigned i = 0; i < c->nodes && began; i++) {
			struct seen s = look(c, i);

			if (members >> i & 1 || s.used_ms <= began)
				continue;
			fprintf(stderr, "node %u used its window %d ms after view %u had begun\n", i,
			        (int)(s.used_ms - began), view);
			found++;
		}
	}
	return found;
}

void crew_close(struct crew *c)
{
	uint64_t end = crew_now_ms() + HANG_MS / 4;
	unsigned left;

	__atomic_store_n(&c->shared->leave, 1, __ATOMIC_RELEASE);
	do {
		left = 0;
		crew_serve(c, 5);
		for (unsigned i = 0; i < c->nodes; i++) {
			left += c->pids[i] != 0;
			if (crew_now_ms() > end)
				crew_signal(c, i, SIGKILL);
		}
	} while (left);
	if (c->by_starter)
		job_close(&c->job);
	munmap(c->shared, sizeof *c->shared);
}
