/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The starter's side of the local bootstrap: the socket, those who come to it, and the
 * interface. What is said there is the meeting's (meeting.c).
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "dsm/job/jobdir.h"
#include "dsm/job/meeting.h"

#define TICK_MS 250
#define KEY_LISTEN 1000 /* epoll data; below: the conn's index */
#define KEY_TIMER 1001

/* ------------------------------------------------------------------ accepting -- */

/* The timer runs while there are no descriptors for those who come. */
static void timer_set(struct rendezvous *r, bool on)
{
	struct itimerspec t = { { 0, 0 }, { 0, 0 } };

	if (r->ticking == on)
		return;
	r->ticking = on;
	if (on)
		t.it_value.tv_nsec = t.it_interval.tv_nsec = TICK_MS * 1000000L;
	timerfd_settime(r->timer, 0, &t, NULL);
}

static void listen_pause(struct rendezvous *r, bool pause)
{
	struct epoll_event e = { .events = pause ? 0 : EPOLLIN, .data.u32 = KEY_LISTEN };

	if (r->paused == pause)
		return;
	r->paused = pause;
	epoll_ctl(r->epoll, EPOLL_CTL_MOD, r->listener, &e);
}

/* Its place is wanted; its hello may be here, and only we are late. */
static void conn_displace(struct rendezvous *r, struct conn *c)
{
	meeting_conn_read(r, c);
	if (c->state == CONN_NEW)
		meeting_conn_refuse(r, c, -EBUSY, "too many processes have come to the job's starter "
		                    "and not said who they are");
}

/* A place for one more: where there is none, that of who has not said for the longest who it is.
 * No time is too long for that otherwise: on a machine that is busy a node may be late. NULL: all
 * have said so. */
static struct conn *conn_place(struct rendezvous *r)
{
	struct conn *oldest = NULL;

	for (struct conn *c = r->conns; c < r->conns + CONNS_MAX; c++) {
		if (c->state == CONN_FREE)
			return c;
		if (c->state == CONN_NEW && (!oldest || c->number < oldest->number))
			oldest = c;
	}
	if (oldest)
		conn_displace(r, oldest);
	return oldest && oldest->state == CONN_FREE ? oldest : NULL;
}

static void conn_open(struct rendezvous *r, int fd)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct ucred cred;
	socklen_t len = sizeof cred;
	struct conn *c = conn_place(r);

	if (!c) {
		close(fd);
		return;
	}
	e.data.u32 = meeting_conn_index(r, c);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) ||
	    cred.uid != geteuid() || epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e)) {
		close(fd);
		return;
	}
	memset(c, 0, sizeof *c);
	c->state = CONN_NEW;
	c->fd = fd;
	c->pid = cred.pid;
	c->number = r->came++;
}

static void on_listener(struct rendezvous *r)
{
	int fd;

	while ((fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		conn_open(r, fd);
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		listen_pause(r, true);
		timer_set(r, true);
	}
}

static void on_timer(struct rendezvous *r)
{
	uint64_t ticks;

	if (read(r->timer, &ticks, sizeof ticks) < 0)
		return;
	timer_set(r, false);
	listen_pause(r, false);
}

/* What it has said last comes first: it may have left in good order. */
static void on_process(struct rendezvous *r, int rank)
{
	if (r->seats[rank].conn)
		meeting_conn_read(r, r->seats[rank].conn);
	meeting_process_ended(r, rank);
}

/* -------------------------------------------------------------- the interface -- */

/* The socket appears under its name only when it listens: until then a look at the
 * directory sees a job that starts, afterwards one that runs. */
static int listener_open(struct rendezvous *r)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[PATH_MAX_BYTES];

	r->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->listener < 0)
		return -errno;
	snprintf(path, sizeof path, "%.*s/" BOOT_SOCKET, BOOT_DIR_MAX, r->dir);
	snprintf(addr.sun_path, sizeof addr.sun_path, "%.*s/" BOOT_SOCKET ".new", BOOT_DIR_MAX,
	         r->dir);
	if (fchmod(r->listener, 0600) == 0 &&
	    bind(r->listener, (struct sockaddr *)&addr, sizeof addr) == 0 &&
	    listen(r->listener, SOMAXCONN) == 0 && rename(addr.sun_path, path) == 0)
		return 0;
	return -errno;
}

static int pollers_open(struct rendezvous *r)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = KEY_LISTEN };

	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->epoll < 0 || r->timer < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->listener, &e))
		return -errno;
	e.data.u32 = KEY_TIMER;
	return epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->timer, &e) ? -errno : 0;
}

static int pids_open(struct rendezvous *r)
{
	char path[PATH_MAX_BYTES];

	snprintf(path, sizeof path, "%.*s/" BOOT_PIDS, BOOT_DIR_MAX, r->dir);
	r->pids = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	return r->pids < 0 ? -errno : 0;
}

int rendezvous_open(const char *dir, int nodes, struct rendezvous **out)
{
	struct rendezvous *r;
	int err;

	if (nodes < 1 || nodes > BOOT_LOCAL_MAX || dir[0] != '/')
		return -EINVAL;
	if (strlen(dir) > BOOT_DIR_MAX)
		return -ENAMETOOLONG;
	err = jobdir_make(dir);
	if (err)
		return err;
	r = calloc(1, sizeof *r);
	if (!r) {
		rmdir(dir);
		return -ENOMEM;
	}
	snprintf(r->dir, sizeof r->dir, "%s", dir);
	r->nodes = nodes;
	r->first_rank = -1;
	r->listener = r->epoll = r->timer = r->pids = -1;
	if (getrandom(r->secret, sizeof r->secret, 0) != sizeof r->secret)
		err = -EIO;
	if (!err)
		err = pids_open(r);
	if (!err)
		err = listener_open(r);
	if (!err)
		err = pollers_open(r);
	if (err) {
		rendezvous_close(r);
		return err;
	}
	*out = r;
	return 0;
}

int rendezvous_fd(const struct rendezvous *r)
{
	return r->epoll;
}

int rendezvous_step(struct rendezvous *r, int timeout_ms)
{
	struct epoll_event events[32];
	int n = epoll_wait(r->epoll, events, 32, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		uint32_t key = events[i].data.u32;
		struct conn *c = &r->conns[key < CONNS_MAX ? key : 0];

		if (key == KEY_LISTEN) {
			on_listener(r);
			continue;
		}
		if (key == KEY_TIMER) {
			on_timer(r);
			continue;
		}
		if (key >= MEETING_KEY_PROCESS) {
			on_process(r, (int)(key - MEETING_KEY_PROCESS));
			continue;
		}
		/* A conn that this batch has closed, and perhaps given to another process,
		 * has nothing to read: no harm. */
		if (c->state != CONN_FREE && c->polls_out && (events[i].events & EPOLLOUT))
			meeting_conn_flush(r, c);
		if (c->state != CONN_FREE)
			meeting_conn_read(r, c);
	}
	return 0;
}

void rendezvous_survive(struct rendezvous *r)
{
	r->survives = true;
}

void rendezvous_gone(struct rendezvous *r, int rank)
{
	assert(rank >= 0 && rank < r->nodes);
	r->seats[rank].gone = true;
	meeting_check_round(r);
}

const char *rendezvous_ended(const struct rendezvous *r)
{
	return r->end_code ? r->end_text : NULL;
}

int rendezvous_culprit(const struct rendezvous *r)
{
	return r->end_code ? r->culprit : -1;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void rendezvous_close(struct rendezvous *r)
{
	if (!r)
		return;
	for (int i = 0; i < CONNS_MAX; i++)
		if (r->conns[i].state != CONN_FREE)
			meeting_conn_close(r, &r->conns[i]);
	for (int rank = 0; rank < r->nodes; rank++)
		meeting_process_forget(r, rank);
	close_if_open(r->listener);
	close_if_open(r->timer);
	close_if_open(r->epoll);
	close_if_open(r->pids);
	jobdir_remove(r->dir);
	free(r);
}
