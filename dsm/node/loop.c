/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service thread: a libev loop over the trap, the transport, tenures, the boot
 * connection, and what else is put on it. All work is done just before the loop blocks; the
 * watchers only wake it. Idle, it sleeps and uses no CPU but for a look at long waits.
 */
#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "dsm/node/node.h"

#define WORK_ROUNDS 16  /* rounds of work before other watchers get their turn */
#define SPIN_MAX_NS (UINT64_C(2) * 1000000) /* spinning in all, before the same */
#define WATCH_S 2.0     /* how often long waits are looked for while there are any */

struct loop {
	struct dsm *d;
	struct ev_loop *ev;
	pthread_t thread;
	int started, timer_fd;
	int stop; /* atomic; see loop_stop() */
	uint64_t timer_ns; /* what timer_fd is set to; 0: off */
	ev_io trap, fabric, kick, timer, boot;
	ev_prepare prepare;
	ev_check check;
	ev_idle again; /* active: the loop does not block */
	int exchange;  /* boot is not watched: what comes there is for who is in an exchange */
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

static void on_kick(struct ev_loop *ev, ev_io *w, int revents)
{
	struct loop *l = w->data;

	on_drain(ev, w, revents);
	if (l->exchange)
		ev_io_start(ev, &l->boot);
	l->exchange = 0;
}

/* Not until who is in an exchange has taken it: that thread may be waiting for this processor. */
static void on_boot(struct ev_loop *ev, ev_io *w, int revents)
{
	struct loop *l = w->data;
	struct dsm *d = l->d;
	char why[256];
	int rc = members_look(&d->members, why, sizeof why);

	if (rc == 0)
		return;
	ev_io_stop(ev, w);
	l->exchange = rc > 0;
	if (rc > 0)
		return;
	pthread_mutex_lock(&d->lock);
	node_fail(d, why);
	pthread_mutex_unlock(&d->lock);
}

static void on_watch(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct loop *l = w->data;

	pthread_mutex_lock(&l->d->lock);
	node_check_waits(l->d);
	node_lift_refusals(l->d);
	if (l->d->faults.n == 0 && !l->d->faults.has_stalled && !l->d->pins.all &&
	    !l->d->secures.under_way)
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

	if (__builtin_expect(d->view.landings.low, 0))
		landings_stock(&d->view.landings);
	for (int i = 0; i < WORK_ROUNDS; i++) {
		uint64_t handled = d->engine.handled;
		node_progress(d);
		node_reclaim(d);
		node_take_faults(d);
		d->services->serve(d);
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
		progress_relax(&d->progress, now);
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
	int more, untold;

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
	if ((d->faults.n || d->faults.has_stalled || d->pins.all || d->refusals.n ||
	     d->secures.under_way) &&
	    !ev_is_active(&l->watch))
		ev_timer_again(ev, &l->watch);
	/* While a fault waits for a slot, new ones stay in the kernel. */
	if (d->signal)
		; /* there is no descriptor to watch */
	else if (d->faults.has_stalled)
		ev_io_stop(ev, &l->trap);
	else
		ev_io_start(ev, &l->trap);
	untold = d->members.lost && !d->members.told;
	pthread_mutex_unlock(&d->lock);
	if (untold) { /* whoever waits for us may not hear it otherwise */
		members_tell(&d->members, d->members.why);
		d->members.told = 1;
	}
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
	        {&l->kick, d->progress.kick_fd, on_kick},
	        {&l->timer, l->timer_fd, on_drain},
	        {&l->boot, members_fd(&d->members), on_boot},
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

int loop_open(struct dsm *d)
{
	struct loop *l = calloc(1, sizeof *l);
	int rc = -ENOMEM;

	if (!l)
		return rc;
	l->d = d;
	rc = progress_open(&d->progress);
	if (rc)
		goto err_free;
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	rc = -errno;
	if (l->timer_fd < 0)
		goto err_progress;
	l->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	rc = -ELIBACC; /* libev, if not memory */
	if (!l->ev)
		goto err_timer;
	watch_fds(l);
	d->loop = l;
	return 0;

err_timer:
	close(l->timer_fd);
err_progress:
	progress_close(&d->progress);
err_free:
	free(l);
	return rc;
}

struct ev_loop *loop_events(const struct dsm *d)
{
	return d->loop->ev;
}

int loop_start(struct dsm *d)
{
	struct loop *l = d->loop;
	struct thread_raised raised;
	int rc = thread_start(&l->thread, 0, run, l, &raised);

	if (rc)
		return rc;
	l->started = 1;
	if (raised.rc)
		log_line(&d->log, DSM_LOG_WARN, "the program's threads have real-time priority %d, and "
		         "the library's may not have %d (%s): one that waits for shared memory "
		         "without sleeping waits for ever. Permit it by ulimit -r or CAP_SYS_NICE, "
		         "or start the program with a lower one", raised.priority - 1,
		         raised.priority, strerror(-raised.rc));
	return 0;
}

void loop_stop(struct dsm *d)
{
	struct loop *l = d->loop;

	if (!l || !l->started)
		return;
	/* Release: the loop sees all that was done before it was told to stop. */
	__atomic_store_n(&l->stop, 1, __ATOMIC_RELEASE);
	progress_kick(&d->progress);
	pthread_join(l->thread, NULL);
	l->started = 0;
}

void loop_close(struct dsm *d)
{
	struct loop *l = d->loop;

	if (!l)
		return;
	ev_loop_destroy(l->ev);
	close(l->timer_fd);
	progress_close(&d->progress);
	d->loop = NULL;
	free(l);
}
