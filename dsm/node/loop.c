/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service thread: a libev loop over the trap, the transport, tenures, the boot
 * connection and the admin socket. All work is done just before the loop blocks; the
 * watchers only wake it. Idle, it sleeps and uses no CPU but for a look at long waits.
 */
#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "dsm/admin/socket.h"
#include "dsm/node/node.h"

#define WORK_ROUNDS 16  /* rounds of work before other watchers get their turn */
#define SPIN_MAX_NS (UINT64_C(2) * 1000000) /* spinning in all, before the same */
#define WATCH_S 2.0     /* how often long waits are looked for while there are any */

struct loop {
	struct dsm *d;
	struct ev_loop *ev;
	pthread_t thread;
	struct admin *admin;
	int kick_fd, timer_fd;
	int stop; /* atomic; see loop_stop() */
	uint64_t timer_ns; /* what timer_fd is set to; 0: off */
	ev_io trap, fabric, kick, timer, boot;
	ev_prepare prepare;
	ev_check check;
	ev_idle again; /* active: the loop does not block */
	ev_timer watch;
};

/* --- watchers that only wake --- */

static void on_readable(struct ev_loop *ev, ev_io *w, int revents)
{
}

static void on_idle(struct ev_loop *ev, ev_idle *w, int revents)
{
}

static void on_drain(struct ev_loop *ev, ev_io *w, int revents)
{
	uint64_t count;

	if (read(w->fd, &count, sizeof count) < 0 && errno != EAGAIN)
		ev_io_stop(ev, w);
}

static void on_boot(struct ev_loop *ev, ev_io *w, int revents)
{
	struct loop *l = w->data;
	struct dsm *d = l->d;
	char why[256];

	if (d->boot->ops->ended(d->boot, why, sizeof why) == 0)
		return;
	ev_io_stop(ev, w);
	pthread_mutex_lock(&d->lock);
	node_fail(d, why);
	pthread_mutex_unlock(&d->lock);
}

static void on_watch(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct loop *l = w->data;

	pthread_mutex_lock(&l->d->lock);
	node_check_waits(l->d);
	if (l->d->faults.n == 0 && !l->d->faults.has_stalled && !l->d->pins.all)
		ev_timer_stop(ev, w);
	pthread_mutex_unlock(&l->d->lock);
}

/* --- work --- */

/* Lock held. Deferred messages, and who waits for a frame or a hold, need the deadline on time;
 * other holds may end when the loop next wakes for another reason. */
static void set_timer(struct loop *l)
{
	const struct tenure *tenure = &l->d->tenure;
	int due = tenure->deferred || node_reclaim_waits(l->d) || l->d->pins.waiting;
	uint64_t at = due && tenure->running ? tenure->next_ns : 0;
	struct itimerspec t = {.it_value = {.tv_sec = (time_t)(at / 1000000000),
	                                    .tv_nsec = (long)(at % 1000000000)}};

	if (at == l->timer_ns)
		return;
	timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
	l->timer_ns = at;
}

/* Lock held. Returns 1 when there may be more to do at once. What the transport has next is
 * left to an application thread that looks for it: it may be waiting for this processor. */
static int work(struct loop *l)
{
	struct dsm *d = l->d;

	for (int i = 0; i < WORK_ROUNDS; i++) {
		uint64_t handled = d->engine.handled;
		node_progress(d);
		node_reclaim(d);
		node_take_faults(d);
		service_serve(d);
		if (d->engine.handled == handled || (d->progress.helpers && !d->faults.has_stalled))
			return 0;
	}
	return 1;
}

/* Lock held. Works, then looks for more for a short time: what follows an event is often
 * another one, and sleeping and waking costs more. Not while an application thread is
 * looking itself. Returns 1 when the loop must not block. */
static int work_and_spin(struct loop *l)
{
	struct dsm *d = l->d;
	uint64_t handled = d->engine.handled;
	int more = work(l);
	uint64_t start = clock_now_ns(), now, end;

	if (d->engine.handled == handled || !d->progress.spin_ns)
		return more;
	end = start + d->progress.spin_ns;
	while (!d->progress.helpers && (now = node_goes_on(d, end))) {
		if (now - start > SPIN_MAX_NS)
			return 1;
		pthread_mutex_unlock(&d->lock);
		node_relax(d, now);
		pthread_mutex_lock(&d->lock);
		handled = d->engine.handled;
		more = work(l);
		if (d->engine.handled != handled)
			end = clock_now_ns() + d->progress.spin_ns;
	}
	return more;
}

static void on_prepare(struct ev_loop *ev, ev_prepare *w, int revents)
{
	struct loop *l = w->data;
	struct dsm *d = l->d;
	int more;

	/* Relaxed would do: the kick's read and write order it. */
	if (__atomic_load_n(&l->stop, __ATOMIC_ACQUIRE)) {
		ev_break(ev, EVBREAK_ALL);
		return;
	}
	pthread_mutex_lock(&d->lock);
	more = work_and_spin(l);
	/* A helper arms the transport when it stops looking. */
	if (!more && !d->progress.helpers)
		more = d->tr->ops->wait_arm(d->tr);
	set_timer(l);
	d->progress.sleeps += !more;
	d->progress.asleep = !more;
	if ((d->faults.n || d->faults.has_stalled || d->pins.all) && !ev_is_active(&l->watch))
		ev_timer_again(ev, &l->watch);
	/* While a fault waits for a slot, new ones stay in the kernel. */
	if (d->signal)
		; /* there is no descriptor to watch */
	else if (d->faults.has_stalled)
		ev_io_stop(ev, &l->trap);
	else
		ev_io_start(ev, &l->trap);
	pthread_mutex_unlock(&d->lock);
	if (more)
		ev_idle_start(ev, &l->again);
	else
		ev_idle_stop(ev, &l->again);
}

static void on_check(struct ev_loop *ev, ev_check *w, int revents)
{
	struct loop *l = w->data;

	pthread_mutex_lock(&l->d->lock);
	l->d->progress.asleep = 0;
	/* Even if a helper has done so: what was on its way then may be what woke us. */
	l->d->tr->ops->wait_disarm(l->d->tr);
	pthread_mutex_unlock(&l->d->lock);
}

static void *run(void *arg)
{
	struct loop *l = arg;

	ev_run(l->ev, 0);
	return NULL;
}

/* --- start and stop --- */

static void watch_fds(struct loop *l)
{
	struct dsm *d = l->d;
	struct { ev_io *w; int fd; void (*cb)(struct ev_loop *, ev_io *, int); } io[] = {
	        {&l->trap, d->trap->ops->fd(d->trap), on_readable},
	        {&l->fabric, d->tr->ops->wait_fd(d->tr), on_readable},
	        {&l->kick, l->kick_fd, on_drain},
	        {&l->timer, l->timer_fd, on_drain},
	        {&l->boot, d->boot->ops->fd(d->boot), on_boot},
	};

	for (unsigned i = 0; i < sizeof io / sizeof *io; i++) {
		ev_io_init(io[i].w, io[i].cb, io[i].fd, EV_READ);
		io[i].w->data = l;
		if (io[i].fd >= 0)
			ev_io_start(l->ev, io[i].w);
	}
	ev_prepare_init(&l->prepare, on_prepare);
	ev_check_init(&l->check, on_check);
	ev_idle_init(&l->again, on_idle);
	ev_timer_init(&l->watch, on_watch, 0., WATCH_S);
	l->prepare.data = l->check.data = l->watch.data = l;
	ev_prepare_start(l->ev, &l->prepare);
	ev_check_start(l->ev, &l->check);
}

static int open_admin(struct loop *l)
{
	struct dsm *d = l->d;
	const char *dir = d->boot->runtime_dir;
	char path[160];
	int rc;

	if (dir[0]) {
		snprintf(d->job_dir, sizeof d->job_dir, "%.*s", BOOT_DIR_MAX, dir);
		snprintf(path, sizeof path, "%s/node-%d.sock", dir, d->boot->rank);
		return admin_open(l->ev, path, report_answer, d, &l->admin);
	}
	/* Nobody started this job who looks at it; a node does without where it must. */
	rc = post_open(l->ev, &d->post, d->boot->rank, report_answer, d, &l->admin, d->job_dir);
	if (rc)
		log_line(&d->log, DSM_LOG_INFO, "no admin socket, dsmctl will not see this node: %s",
		         strerror(-rc));
	return 0;
}

static void close_admin(struct loop *l)
{
	struct dsm *d = l->d;

	admin_close(l->admin);
	if (!d->boot->runtime_dir[0] && d->job_dir[0])
		post_leave(d->job_dir);
	d->job_dir[0] = 0;
}

/* The thread takes no signal: they are the application's. */
static int start_thread(struct loop *l)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&l->thread, NULL, run, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

int loop_start(struct dsm *d)
{
	struct loop *l = calloc(1, sizeof *l);
	int rc = -ENOMEM;

	if (!l)
		return rc;
	l->d = d;
	l->kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->kick_fd < 0 || l->timer_fd < 0) {
		rc = -errno;
		goto err_close;
	}
	l->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	rc = -ELIBACC; /* libev, if not memory */
	if (!l->ev)
		goto err_close;
	watch_fds(l);
	d->loop = l;
	rc = open_admin(l);
	if (rc)
		goto err_loop;
	rc = start_thread(l);
	if (rc)
		goto err_admin;
	return 0;

err_admin:
	close_admin(l);
err_loop:
	d->loop = NULL;
	ev_loop_destroy(l->ev);
err_close:
	if (l->kick_fd >= 0)
		close(l->kick_fd);
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	free(l);
	return rc;
}

void loop_kick(struct dsm *d)
{
	uint64_t one = 1;

	/* Fails only when it has been kicked more often than it can count. */
	if (write(d->loop->kick_fd, &one, sizeof one) < 0)
		return;
}

void loop_stop(struct dsm *d)
{
	struct loop *l = d->loop;

	if (!l)
		return;
	/* Release: the loop sees all that was done before it was told to stop. */
	__atomic_store_n(&l->stop, 1, __ATOMIC_RELEASE);
	loop_kick(d);
	pthread_join(l->thread, NULL);
	close_admin(l);
	ev_loop_destroy(l->ev);
	close(l->kick_fd);
	close(l->timer_fd);
	d->loop = NULL;
	free(l);
}
