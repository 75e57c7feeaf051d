/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The starter's side of the local bootstrap. A seat is a rank's place in the job; a conn
 * is a process that has connected, which has no seat before its HELLO was accepted.
 *
 * Rounds: a node gives, then takes a blob of every rank before it gives again. So a
 * round is complete only after all have taken the one before, and two sets of blobs do.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dsm/boot/bootmsg.h"
#include "dsm/boot/jobdir.h"
#include "dsm/boot/rendezvous.h"

#define CONNS_MAX (2 * BOOT_LOCAL_MAX + 16)
#define HELLO_MS 2000 /* a process that has connected has so long to say who it is */
#define TICK_MS 250
#define PATH_MAX_BYTES 108
#define KEY_LISTEN 1000 /* epoll data; below: the conn's index */
#define KEY_TIMER 1001

enum conn_state { CONN_FREE, CONN_NEW, CONN_WAITING, CONN_SEATED };

struct conn {
	enum conn_state state;
	int fd;
	pid_t pid;
	int rank;                /* WAITING, SEATED */
	struct boot_hello hello; /* WAITING, SEATED */
	int64_t deadline;        /* NEW */
	int next;                /* the next blob to send; the number of nodes: none is due */
	bool polls_out;
};

struct blob {
	uint32_t len;
	uint8_t data[BOOT_BLOB_MAX];
};

struct seat {
	struct conn *conn; /* who sits here */
	bool left;         /* said goodbye; the seat is free again when all have */
	bool gone;         /* its process has ended */
	bool given;        /* in[] is there */
	struct blob in, out;
};

struct rendezvous {
	char dir[PATH_MAX_BYTES];
	int nodes;
	int listener, epoll, timer, pids;
	bool paused;  /* accepting: out of descriptors */
	bool ticking;
	uint32_t round;
	int given, left;   /* seats with that flag */
	int first_rank;    /* the first to be seated, who sets the version; -1: nobody yet */
	struct boot_hello first_hello;
	int end_code;      /* 0, or why the job has ended */
	int culprit;       /* with end_code: who ended it */
	char end_text[BOOT_TEXT_MAX];
	struct boot_msg msg; /* being sent or received */
	struct conn conns[CONNS_MAX];
	struct seat seats[BOOT_LOCAL_MAX];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- connections -- */

static int conn_index(const struct rendezvous *r, const struct conn *c)
{
	return (int)(c - r->conns);
}

static void conn_close(struct rendezvous *r, struct conn *c)
{
	if (c->state == CONN_SEATED)
		r->seats[c->rank].conn = NULL;
	close(c->fd);
	c->state = CONN_FREE;
	c->fd = -1;
}

static void conn_poll_out(struct rendezvous *r, struct conn *c, bool on)
{
	struct epoll_event e = { .events = EPOLLIN | (on ? EPOLLOUT : 0) };

	if (c->polls_out == on)
		return;
	e.data.u32 = conn_index(r, c);
	epoll_ctl(r->epoll, EPOLL_CTL_MOD, c->fd, &e);
	c->polls_out = on;
}

static void conn_refuse(struct rendezvous *r, struct conn *c, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Sends c away, and nobody else. */
static void conn_refuse(struct rendezvous *r, struct conn *c, int code, const char *format, ...)
{
	char text[BOOT_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	boot_msg_set(&r->msg, BOOT_END, text, strlen(text));
	r->msg.code = code;
	boot_msg_send(c->fd, &r->msg);
	conn_close(r, c);
}

/* Sends what is due; what does not fit waits until c takes it. */
static void conn_flush(struct rendezvous *r, struct conn *c)
{
	const struct blob *out;
	int err = 0;

	while (!r->end_code && c->next < r->nodes) {
		out = &r->seats[c->next].out;
		boot_msg_set(&r->msg, BOOT_BLOB, out->data, out->len);
		r->msg.rank = c->next;
		r->msg.round = r->round - 1;
		err = boot_msg_send(c->fd, &r->msg);
		if (err)
			break;
		c->next++;
	}
	if (r->end_code) {
		boot_msg_set(&r->msg, BOOT_END, r->end_text, strlen(r->end_text));
		r->msg.code = r->end_code;
		err = boot_msg_send(c->fd, &r->msg);
		if (err != -EAGAIN) {
			conn_close(r, c);
			return;
		}
	}
	/* Any other failure shows as the end of the connection when reading. */
	conn_poll_out(r, c, err == -EAGAIN);
}

/* Ends the job for all, on account of rank. */
static void job_end(struct rendezvous *r, int rank, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void job_end(struct rendezvous *r, int rank, int code, const char *format, ...)
{
	va_list args;

	if (r->end_code)
		return;
	va_start(args, format);
	vsnprintf(r->end_text, sizeof r->end_text, format, args);
	va_end(args);
	r->end_code = code;
	r->culprit = rank;
	for (int i = 0; i < CONNS_MAX; i++)
		if (r->conns[i].state == CONN_SEATED || r->conns[i].state == CONN_WAITING)
			conn_flush(r, &r->conns[i]);
}

/* -------------------------------------------------------------------- seating -- */

static bool same_version(const struct boot_hello *a, const struct boot_hello *b)
{
	return a->protocol == b->protocol && strcmp(a->version, b->version) == 0;
}

static void conn_seat(struct rendezvous *r, struct conn *c)
{
	const struct boot_hello *first = &r->first_hello;

	c->state = CONN_SEATED;
	c->next = r->nodes;
	r->seats[c->rank].conn = c;
	if (r->first_rank < 0) {
		r->first_rank = c->rank;
		r->first_hello = c->hello;
	}
	dprintf(r->pids, "%d\n", (int)c->pid);
	if (!same_version(first, &c->hello)) {
		job_end(r, c->rank, -EPROTONOSUPPORT,
		        "versions differ: rank %d runs libdsm %s (protocol %u), "
		        "rank %d runs libdsm %s (protocol %u)",
		        r->first_rank, first->version, first->protocol, c->rank, c->hello.version,
		        c->hello.protocol);
		return;
	}
	boot_msg_set(&r->msg, BOOT_WELCOME, NULL, 0);
	boot_msg_send(c->fd, &r->msg);
}

static const struct conn *who_has_rank(const struct rendezvous *r, int rank)
{
	for (int i = 0; i < CONNS_MAX; i++) {
		const struct conn *c = &r->conns[i];

		if ((c->state == CONN_SEATED || c->state == CONN_WAITING) && c->rank == rank)
			return c;
	}
	return NULL;
}

static void on_hello(struct rendezvous *r, struct conn *c)
{
	const struct boot_msg *m = &r->msg;
	const struct conn *other;

	if (m->type != BOOT_HELLO || m->len != sizeof c->hello) {
		conn_refuse(r, c, -EPROTO, "not a hello");
		return;
	}
	memcpy(&c->hello, m->data, sizeof c->hello);
	c->hello.version[sizeof c->hello.version - 1] = '\0';
	c->rank = m->rank;
	if (r->end_code) {
		conn_refuse(r, c, r->end_code, "%s", r->end_text);
		return;
	}
	if (c->hello.size != (uint32_t)r->nodes) {
		conn_refuse(r, c, -EINVAL, "DSM_SIZE says %u nodes, but the job has %d",
		            c->hello.size, r->nodes);
		return;
	}
	if (c->rank >= r->nodes) {
		conn_refuse(r, c, -EINVAL, "rank %d is out of range: the job has %d nodes", c->rank,
		            r->nodes);
		return;
	}
	other = who_has_rank(r, c->rank);
	if (other) {
		conn_refuse(r, c, -EEXIST, "rank %d is taken by process %d", c->rank,
		            (int)other->pid);
		return;
	}
	if (r->seats[c->rank].left)
		c->state = CONN_WAITING;
	else
		conn_seat(r, c);
}

/* All have left in good order: the seats are free for those who come next. */
static void seats_reset(struct rendezvous *r)
{
	for (int i = 0; i < r->nodes; i++) {
		r->seats[i].left = false;
		r->seats[i].given = false;
	}
	r->left = r->given = 0;
	r->round = 0;
	r->first_rank = -1;
	for (int i = 0; i < CONNS_MAX && !r->end_code; i++)
		if (r->conns[i].state == CONN_WAITING)
			conn_seat(r, &r->conns[i]);
}

/* --------------------------------------------------------------------- rounds -- */

/* Somebody waits in this round for all ranks: ends the job when one cannot come. */
static void check_round(struct rendezvous *r)
{
	if (r->given == 0)
		return;
	for (int rank = 0; rank < r->nodes; rank++) {
		const struct seat *s = &r->seats[rank];

		if (s->left)
			job_end(r, rank, -ECONNRESET, "rank %d has left while others wait for it", rank);
		else if (s->gone && !s->conn)
			job_end(r, rank, -ECONNRESET, "rank %d has ended without joining the job",
			        rank);
	}
}

static void round_complete(struct rendezvous *r)
{
	for (int rank = 0; rank < r->nodes; rank++) {
		struct seat *s = &r->seats[rank];

		s->out.len = s->in.len;
		memcpy(s->out.data, s->in.data, s->in.len);
		s->given = false;
	}
	r->given = 0;
	r->round++;
	for (int rank = 0; rank < r->nodes; rank++) {
		r->seats[rank].conn->next = 0;
		conn_flush(r, r->seats[rank].conn);
	}
}

static void on_give(struct rendezvous *r, struct conn *c)
{
	struct seat *s = &r->seats[c->rank];

	if (s->given || r->msg.round != r->round || c->next < r->nodes) {
		job_end(r, c->rank, -ECONNRESET, "rank %d gave a blob out of turn", c->rank);
		return;
	}
	s->in.len = r->msg.len;
	memcpy(s->in.data, r->msg.data, r->msg.len);
	s->given = true;
	if (++r->given == r->nodes)
		round_complete(r);
	else
		check_round(r);
}

static void on_ask(struct rendezvous *r, struct conn *c)
{
	uint64_t missing = 0;

	if (r->msg.round == r->round)
		for (int rank = 0; rank < r->nodes; rank++)
			missing |= (uint64_t)!r->seats[rank].given << rank;
	boot_msg_set(&r->msg, BOOT_MISSING, &missing, sizeof missing);
	boot_msg_send(c->fd, &r->msg); /* a node that cannot take it does not wait for it */
}

static void on_bye(struct rendezvous *r, struct conn *c)
{
	r->seats[c->rank].left = true;
	r->left++;
	conn_close(r, c);
	if (r->left == r->nodes)
		seats_reset(r);
	else
		check_round(r);
}

static void on_closed(struct rendezvous *r, struct conn *c)
{
	enum conn_state state = c->state;

	conn_close(r, c);
	if (state == CONN_SEATED)
		job_end(r, c->rank, -ECONNRESET, "rank %d (process %d) ended without leaving the job",
		        c->rank, (int)c->pid);
}

static void on_readable(struct rendezvous *r, struct conn *c)
{
	/* A few packets at a time: epoll tells again. */
	for (int i = 0; i < 8 && c->state != CONN_FREE; i++) {
		int n = boot_msg_receive(c->fd, &r->msg);

		if (n == -EAGAIN)
			return;
		if (n == 0 || (n < 0 && n != -EBADMSG))
			on_closed(r, c);
		else if (c->state == CONN_NEW && n == 1)
			on_hello(r, c);
		else if (c->state != CONN_SEATED)
			conn_close(r, c); /* nonsense, or one who waits and gives up */
		else if (r->end_code)
			continue; /* it will see the END that it has not made room for yet */
		else if (n == 1 && r->msg.type == BOOT_GIVE)
			on_give(r, c);
		else if (n == 1 && r->msg.type == BOOT_ASK)
			on_ask(r, c);
		else if (n == 1 && r->msg.type == BOOT_BYE)
			on_bye(r, c);
		else
			job_end(r, c->rank, -ECONNRESET, "rank %d sent nonsense to the rendezvous",
			        c->rank);
	}
}

/* ------------------------------------------------------------------ accepting -- */

/* The timer runs while something is to be looked at later. */
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

static void conn_open(struct rendezvous *r, int fd)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct ucred cred;
	socklen_t len = sizeof cred;
	struct conn *c = r->conns;

	while (c < r->conns + CONNS_MAX && c->state != CONN_FREE)
		c++;
	e.data.u32 = conn_index(r, c);
	if (c == r->conns + CONNS_MAX || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) ||
	    cred.uid != geteuid() || epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e)) {
		close(fd);
		return;
	}
	memset(c, 0, sizeof *c);
	c->state = CONN_NEW;
	c->fd = fd;
	c->pid = cred.pid;
	c->deadline = now_ms() + HELLO_MS;
	timer_set(r, true);
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
	int64_t now = now_ms();
	bool again = false;
	uint64_t ticks;

	if (read(r->timer, &ticks, sizeof ticks) < 0)
		return;
	for (int i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &r->conns[i];

		if (c->state == CONN_NEW && c->deadline <= now)
			conn_close(r, c);
		again |= c->state == CONN_NEW;
	}
	timer_set(r, again);
	listen_pause(r, false);
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
		/* A conn that this batch has closed, and perhaps given to another process,
		 * has nothing to read: no harm. */
		if (c->state != CONN_FREE && c->polls_out && (events[i].events & EPOLLOUT))
			conn_flush(r, c);
		if (c->state != CONN_FREE)
			on_readable(r, c);
	}
	return 0;
}

void rendezvous_gone(struct rendezvous *r, int rank)
{
	assert(rank >= 0 && rank < r->nodes);
	r->seats[rank].gone = true;
	check_round(r);
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
			conn_close(r, &r->conns[i]);
	close_if_open(r->listener);
	close_if_open(r->timer);
	close_if_open(r->epoll);
	close_if_open(r->pids);
	jobdir_remove(r->dir);
	free(r);
}
