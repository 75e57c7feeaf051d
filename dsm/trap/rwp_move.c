/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving a mapping over a part of the window.
 *
 * The thread that calls mremap sleeps in it until somebody has read the REMAP event, and
 * all that time ioctls on the descriptor say EAGAIN. So a thread of our own calls it, and
 * the one that wants the switch reads. The kernel hands out faults before events: those
 * that come first are kept for next_fault. A fault without a place is dropped, and when
 * the move is over the threads that wait are woken to fault again.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dsm/base/base.h"
#include "dsm/dsm.h"
#include "dsm/memory/memory.h"
#include "dsm/trap/rwp.h"

#define MOVER_STACK_BYTES (256u << 10) /* sanitizers need more than the least */
#define PATIENCE_NS (UINT64_C(30) * 1000000000)
#define STEP_MS 1000

/* --- the thread --- */

static void raise_fd(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof one); /* fails only when it is raised already */

	(void)n;
}

static void lower_fd(int fd)
{
	uint64_t value;
	ssize_t n = read(fd, &value, sizeof value);

	(void)n;
}

static void *mover_run(void *arg)
{
	struct mover *m = arg;

	pthread_mutex_lock(&m->lock);
	for (;;) {
		while (m->state != MOVER_ASKED && !m->stop)
			pthread_cond_wait(&m->asked, &m->lock);
		if (m->stop)
			break;
		pthread_mutex_unlock(&m->lock);
		int r = mm_move(m->from, m->len, m->to);

		pthread_mutex_lock(&m->lock);
		m->result = r;
		m->state = MOVER_DONE;
		raise_fd(m->done_fd);
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

static int mover_start(struct mover *m)
{
	int r;

	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->asked, NULL);
	r = thread_start(&m->thread, MOVER_STACK_BYTES, mover_run, m, NULL);
	m->running = !r;
	return r;
}

static void mover_stop(struct mover *m)
{
	if (!m->running)
		return;
	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_cond_signal(&m->asked);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	m->running = false;
}

/* --- faults that come meanwhile --- */

/* Reads all that is there; returns 0 or a negative code. */
static int keep_faults(struct rwp *rwp)
{
	struct uffd_msg msg;
	int r;

	pthread_mutex_lock(&rwp->reading);
	while ((r = base_read(&rwp->base, &msg)) > 0) {
		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue; /* the REMAP: its mover goes on */
		if (rwp->n_kept == RWP_KEPT_MAX) {
			rwp->lost = true;
			continue;
		}
		if (rwp->n_kept == 0)
			raise_fd(rwp->kept_fd);
		rwp->kept[rwp->n_kept++] = msg;
	}
	pthread_mutex_unlock(&rwp->reading);
	return r;
}

/* Threads whose faults did not fit fault again; others may too, and are only told twice. */
static void recover_lost(struct rwp *rwp)
{
	bool lost;

	pthread_mutex_lock(&rwp->reading);
	lost = rwp->lost;
	rwp->lost = false;
	pthread_mutex_unlock(&rwp->reading);
	if (lost)
		base_each_part(&rwp->base, uffd_wake);
}

int rwp_next_fault(struct trap *trap, struct trap_fault *out)
{
	struct rwp *rwp = rwp_of(trap);
	struct uffd_msg msg;
	int r = 1;

	if (rwp->base.signal)
		return 0;
	pthread_mutex_lock(&rwp->reading);
	if (rwp->n_kept) {
		msg = rwp->kept[--rwp->n_kept];
		if (rwp->n_kept == 0)
			lower_fd(rwp->kept_fd);
	} else {
		do /* a REMAP event is not for the caller, and whoever waits for it need not see it */
			r = base_read(&rwp->base, &msg);
		while (r > 0 && msg.event != UFFD_EVENT_PAGEFAULT);
	}
	if (r > 0) {
		*out = base_fault(&rwp->base, &msg);
		base_count_fault(&rwp->base, out);
		base_count(&rwp->faults_rwp, !!(msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_RWP));
	}
	pthread_mutex_unlock(&rwp->reading);
	return r;
}

/* --- a move --- */

static bool mover_ask(struct mover *m, void *from, size_t len, void *to)
{
	bool idle;

	pthread_mutex_lock(&m->lock);
	idle = m->state == MOVER_IDLE;
	if (idle) {
		m->from = from;
		m->len = len;
		m->to = to;
		m->state = MOVER_ASKED;
		pthread_cond_signal(&m->asked);
	}
	pthread_mutex_unlock(&m->lock);
	return idle;
}

static bool mover_is_done(struct mover *m, int *result)
{
	bool done;

	pthread_mutex_lock(&m->lock);
	done = m->state == MOVER_DONE;
	if (done) {
		*result = m->result;
		m->state = MOVER_IDLE;
		lower_fd(m->done_fd);
	}
	pthread_mutex_unlock(&m->lock);
	return done;
}

int rwp_move(struct rwp *rwp, void *from, size_t len, void *to)
{
	struct pollfd fds[2] = { { rwp->base.fd, POLLIN, 0 }, { rwp->mover.done_fd, POLLIN, 0 } };
	const uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
	int n, r = 0, result;

	if (!mover_ask(&rwp->mover, from, len, to))
		return -ETIMEDOUT; /* the one before never came back */
	while (clock_now_ns() < end_ns && r >= 0) {
		if (mover_is_done(&rwp->mover, &result)) {
			recover_lost(rwp);
			return result;
		}
		n = poll(fds, 2, STEP_MS);
		if (n < 0 && errno != EINTR)
			r = -errno;
		else if (n > 0 && fds[0].revents)
			r = keep_faults(rwp);
	}
	base_say(&rwp->base, DSM_LOG_ERROR, "the kernel does not finish moving a mapping: %s",
	         r < 0 ? strerror(-r) : "timed out");
	return -ETIMEDOUT;
}

/* --- begin and end --- */

static int watch(int poll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int rwp_move_open(struct rwp *rwp)
{
	int r;

	rwp->mover.done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rwp->kept_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rwp->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (rwp->mover.done_fd < 0 || rwp->kept_fd < 0 || rwp->poll_fd < 0)
		return -errno;
	r = watch(rwp->poll_fd, rwp->base.fd);
	if (!r)
		r = watch(rwp->poll_fd, rwp->kept_fd);
	return r ? r : mover_start(&rwp->mover);
}

void rwp_move_close(struct rwp *rwp)
{
	const int fds[] = { rwp->mover.done_fd, rwp->kept_fd, rwp->poll_fd };

	mover_stop(&rwp->mover);
	for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}
