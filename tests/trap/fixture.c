/* SPDX-License-Identifier: BSD-2-Clause */
/* The small node of the conformance suite. */
#include "config.h"

#include "tests/trap/fixture.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dsm/trap/audit.h"
#include "tests/hang.h"

const struct conf_case *the_case;

static struct timespec deadline(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += HANG_S;
	return t;
}

/* ----------------------------------------------------------------- service -- */

void fx_answer_grant(struct fx *fx, const struct trap_fault *fault)
{
	enum trap_access need = fault->write ? TRAP_WRITE : TRAP_READ;
	enum trap_access have = fx->ops->access(fx->trap, fault->page);
	int r = region_frame_prepare(&fx->region, fault->page, 1);

	if (!r)
		r = fx->ops->set_access(fx->trap, fault->page, 1, have > need ? have : need);
	if (!r)
		r = fx->ops->wake(fx->trap, fault->page, 1);
	if (r && !fx->error)
		fx->error = r;
}

static void take_fault(struct fx *fx, const struct trap_fault *fault)
{
	if (fx->n_faults < FX_FAULTS_MAX)
		fx->fault[fx->n_faults] = *fault;
	fx->n_faults++;
	pthread_cond_broadcast(&fx->changed);
	if (!fx->hold)
		fx->answer(fx, fault);
}

/* In the faulting thread, which tries again if it was not answered. */
static int fault_here(void *ctx, const struct trap_fault *fault, const sigset_t *mask)
{
	struct fx *fx = ctx;

	pthread_mutex_lock(&fx->lock);
	take_fault(fx, fault);
	pthread_mutex_unlock(&fx->lock);
	return 0;
}

static void drain(struct fx *fx)
{
	struct trap_fault fault;
	int r;

	pthread_mutex_lock(&fx->lock);
	while ((r = fx->ops->next_fault(fx->trap, &fault)) > 0)
		take_fault(fx, &fault);
	if (r < 0 && !fx->error)
		fx->error = r;
	pthread_mutex_unlock(&fx->lock);
}

static void *serve(void *arg)
{
	struct fx *fx = arg;
	struct pollfd fds[2] = { { fx->ops->fd(fx->trap), POLLIN, 0 }, { fx->stop_fd, POLLIN, 0 } };

	while (!fds[1].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			drain(fx);
	}
	return NULL;
}

void fx_stop_service(struct fx *fx)
{
	uint64_t one = 1;

	if (!fx->serving)
		return;
	if (write(fx->stop_fd, &one, sizeof one) == sizeof one)
		pthread_join(fx->service, NULL);
	fx->serving = false;
}

/* ------------------------------------------------------------ begin and end -- */

static int open_region(struct region *region, uint64_t pages)
{
	struct region_config config = { .pte_bytes = 0 };
	size_t len;
	int r = -ENOMEM;

	if (the_case->kind == REGION_PTE)
		config.pte_bytes = pages * 4096;
	else
		config.pmd_bytes = pages << 21;
	len = region_window_bytes(&config);
	for (unsigned i = 0; region_candidate(i, len); i++) {
		void *addr = region_candidate(i, len);

		r = region_reserve(addr, len);
		if (r)
			continue;
		r = region_create(&config, addr, region);
		if (r)
			region_unreserve(addr, len);
		return r;
	}
	return r;
}

static void print_log(void *ctx, int level, const char *text)
{
	fprintf(stderr, "     log: %s\n", text);
}

int fx_open(struct fx *fx, uint64_t pages)
{
	int r;

	memset(fx, 0, sizeof *fx);
	fx->ops = the_case->ops;
	fx->answer = fx_answer_grant;
	pthread_mutex_init(&fx->lock, NULL);
	pthread_cond_init(&fx->changed, NULL);
	fx->stop_fd = eventfd(0, EFD_CLOEXEC);
	r = open_region(&fx->region, pages);
	if (r)
		goto err_fd;
	r = fx->ops->attach(&(struct trap_config){ .region = &fx->region,
	                                           .delivery = the_case->delivery,
	                                           .on_fault = fault_here,
	                                           .fault_ctx = fx,
	                                           .log = print_log },
	                    &fx->trap);
	if (r)
		goto err_region;
	r = -pthread_create(&fx->service, NULL, serve, fx);
	if (r)
		goto err_trap;
	fx->serving = true;
	return 0;

err_trap:
	fx->ops->detach(fx->trap);
err_region:
	region_destroy(&fx->region);
err_fd:
	close(fx->stop_fd);
	fprintf(stderr, "fixture: %s\n", strerror(-r));
	return r;
}

static void print_mismatch(void *ctx, uint64_t page, enum trap_access believed, uint64_t entry)
{
	fprintf(stderr, "     page %llu: believed %d, pagemap %016llx\n", (unsigned long long)page,
	        believed, (unsigned long long)entry);
}

int fx_close(struct fx *fx)
{
	int r = 0;

	fx_stop_service(fx);
	if (fx->trap) {
		pthread_mutex_lock(&fx->lock);
		r = trap_audit(fx->trap, &fx->region, 0, fx->region.pages, print_mismatch, NULL);
		pthread_mutex_unlock(&fx->lock);
		fx->ops->detach(fx->trap);
	}
	region_destroy(&fx->region);
	close(fx->stop_fd);
	pthread_cond_destroy(&fx->changed);
	pthread_mutex_destroy(&fx->lock);
	return fx->error ? fx->error : r;
}

/* ------------------------------------------------------------------- access -- */

int fx_set(struct fx *fx, uint64_t first, uint32_t n, enum trap_access access)
{
	int r = 0;

	pthread_mutex_lock(&fx->lock);
	if (access != TRAP_NONE)
		r = region_frame_prepare(&fx->region, first, n);
	if (!r)
		r = fx->ops->set_access(fx->trap, first, n, access);
	pthread_mutex_unlock(&fx->lock);
	return r;
}

enum trap_access fx_get(struct fx *fx, uint64_t page)
{
	enum trap_access access;

	pthread_mutex_lock(&fx->lock);
	access = fx->ops->access(fx->trap, page);
	pthread_mutex_unlock(&fx->lock);
	return access;
}

uint64_t *fx_window(struct fx *fx, uint64_t page)
{
	return region_window_at(&fx->region, page);
}

uint64_t *fx_frame(struct fx *fx, uint64_t page)
{
	return region_frame_at(&fx->region, page);
}

size_t fx_page_bytes(const struct fx *fx)
{
	return fx->region.zone[the_case->kind].page_bytes;
}

/* ------------------------------------------------------------------- faults -- */

void fx_hold(struct fx *fx)
{
	pthread_mutex_lock(&fx->lock);
	fx->hold = true;
	fx->n_faults = 0;
	pthread_mutex_unlock(&fx->lock);
}

void fx_release(struct fx *fx)
{
	pthread_mutex_lock(&fx->lock);
	fx->hold = false;
	for (unsigned i = 0; i < fx->n_faults && i < FX_FAULTS_MAX; i++)
		fx->answer(fx, &fx->fault[i]);
	pthread_mutex_unlock(&fx->lock);
}

unsigned fx_forget(struct fx *fx)
{
	unsigned n;

	pthread_mutex_lock(&fx->lock);
	n = fx->n_faults;
	fx->n_faults = 0;
	pthread_mutex_unlock(&fx->lock);
	return n;
}

unsigned fx_faults(struct fx *fx)
{
	unsigned n;

	pthread_mutex_lock(&fx->lock);
	n = fx->n_faults;
	pthread_mutex_unlock(&fx->lock);
	return n;
}

struct trap_fault fx_fault(struct fx *fx, unsigned i)
{
	struct trap_fault fault;

	pthread_mutex_lock(&fx->lock);
	fault = fx->fault[i < FX_FAULTS_MAX ? i : FX_FAULTS_MAX - 1];
	pthread_mutex_unlock(&fx->lock);
	return fault;
}

bool fx_wait_faults(struct fx *fx, unsigned n)
{
	const struct timespec until = deadline();
	bool there;

	pthread_mutex_lock(&fx->lock);
	while (fx->n_faults < n) {
		if (pthread_cond_timedwait(&fx->changed, &fx->lock, &until))
			break;
	}
	there = fx->n_faults >= n;
	pthread_mutex_unlock(&fx->lock);
	return there;
}

/* ------------------------------------------------------------------- actors -- */

struct unaligned {
	uint64_t value;
} __attribute__((packed));

static void *act(void *arg)
{
	struct actor *actor = arg;
	uint64_t value = actor->value;

	__atomic_store_n(&actor->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELAXED);
	switch (actor->op) {
	case ACTOR_READ: value = __atomic_load_n((uint64_t *)actor->addr, __ATOMIC_RELAXED); break;
	case ACTOR_WRITE: __atomic_store_n((uint64_t *)actor->addr, value, __ATOMIC_RELAXED); break;
	case ACTOR_READ_UNALIGNED: value = ((volatile struct unaligned *)actor->addr)->value; break;
	case ACTOR_WRITE_UNALIGNED:
		((volatile struct unaligned *)actor->addr)->value = value;
		break;
	}
	pthread_mutex_lock(&actor->lock);
	actor->value = value;
	actor->done = true;
	pthread_cond_broadcast(&actor->changed);
	pthread_mutex_unlock(&actor->lock);
	return NULL;
}

int actor_start(struct actor *actor)
{
	actor->done = false;
	actor->tid = 0;
	pthread_mutex_init(&actor->lock, NULL);
	pthread_cond_init(&actor->changed, NULL);
	return -pthread_create(&actor->thread, NULL, act, actor);
}

bool actor_done(struct actor *actor)
{
	bool done;

	pthread_mutex_lock(&actor->lock);
	done = actor->done;
	pthread_mutex_unlock(&actor->lock);
	return done;
}

bool actor_finish(struct actor *actor)
{
	const struct timespec until = deadline();
	bool done;

	pthread_mutex_lock(&actor->lock);
	while (!actor->done) {
		if (pthread_cond_timedwait(&actor->changed, &actor->lock, &until))
			break;
	}
	done = actor->done;
	pthread_mutex_unlock(&actor->lock);
	if (done)
		pthread_join(actor->thread, NULL);
	return done;
}

/* ----------------------------------------------------------------- children -- */

int in_child(int (*fn)(void *ctx), void *ctx)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return 255;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* the watchdog ends both */
		status = fn(ctx);
		fflush(NULL);
		_exit(status);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 255;
	}
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
