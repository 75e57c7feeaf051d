/* SPDX-License-Identifier: BSD-2-Clause */
/* A member's end of the bootstrap over TCP: finds the hub, and takes part in its rounds. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "coherence/wire.h"
#include "dsm/boot/member.h"

#define CONNECT_MS 2000
#define ANSWER_MS 5000
#define MISSING_MS 2000
#define AGAIN_MS 50 /* between two rounds through the hub's addresses */

struct member {
	struct link link;
	int epoll; /* holds link.fd, until the hub has left */
	int rank, size;
	bool left; /* the hub has, in good order */
	struct boot_msg msg; /* the last one received */
};

/* -------------------------------------------------------------------- the way in -- */

static int member_connect(const struct addrinfo *to, int64_t deadline, int *out)
{
	struct sockaddr_storage here = { 0 }, there = { 0 };
	socklen_t here_len = sizeof here, there_len = sizeof there, err_len = sizeof(int);
	int64_t limit = boot_now_ms() + CONNECT_MS;
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, to->ai_addr, to->ai_addrlen))
		err = errno == EINPROGRESS
		          ? link_wait(fd, POLLOUT, limit < deadline ? limit : deadline)
		          : -errno;
	if (!err && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_len) == 0)
		err = -err;
	/* With nobody listening, a socket on this machine may find itself. */
	if (!err && !getsockname(fd, (struct sockaddr *)&here, &here_len) &&
	    !getpeername(fd, (struct sockaddr *)&there, &there_len) && here_len == there_len &&
	    memcmp(&here, &there, here_len) == 0)
		err = -ECONNREFUSED;
	if (err) {
		close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

static int member_expect(struct member *m, int64_t deadline, const char *host, char *why,
                         size_t why_len)
{
	int n = link_receive(&m->link, &m->msg, deadline);

	if (n == 1)
		return 0;
	if (n == -ETIMEDOUT)
		return boot_why(why, why_len, n, "%s does not answer", host);
	if (m->link.secured && (n == 0 || n == -EACCES))
		return boot_why(why, why_len, -EACCES, "rank 0 at %s has another DSM_SECRET", host);
	if (n == 0)
		return boot_why(why, why_len, -ECONNREFUSED, "%s closed the connection", host);
	return boot_why(why, why_len, n == -EBADMSG ? -EPROTO : n, "%s is no rank 0", host);
}

/* -EPROTO, -EACCES and what concerns the connection: another address may do. */
static int member_greet(struct member *m, const struct tcp_start *start, int fd, const char *host,
                        char *why, size_t why_len)
{
	int64_t deadline = boot_now_ms() + ANSWER_MS;
	struct tcp_hello t = {
		.hello = { .protocol = COH_WIRE_VERSION, .size = start->size,
		           .version = PACKAGE_VERSION },
		.pid = getpid(),
	};
	char text[BOOT_TEXT_MAX];
	struct boot_msg msg;
	int err = link_open(&m->link, fd, deadline);

	if (err)
		return boot_why(why, why_len, err, "%s: %s", host, strerror(-err));
	err = member_expect(m, deadline, host, why, why_len);
	if (err)
		return err;
	if (link_secure(&m->link, start->secret, &m->msg, false))
		return boot_why(why, why_len, -EPROTO, "%s is no rank 0", host);
	boot_msg_set(&msg, BOOT_HELLO, &t, sizeof t);
	msg.rank = (uint16_t)start->rank;
	err = link_send(&m->link, &msg, deadline);
	if (err)
		return boot_why(why, why_len, err, "%s: %s", host, strerror(-err));
	err = member_expect(m, deadline, host, why, why_len);
	if (err)
		return err;
	if (m->msg.type == BOOT_WELCOME)
		return 0;
	boot_msg_text(&m->msg, text, sizeof text);
	if (m->msg.type == BOOT_END && m->msg.code < 0)
		return boot_why(why, why_len, m->msg.code, "%s", text);
	return boot_why(why, why_len, -EPROTO, "%s is no rank 0", host);
}

/* The hub has spoken, or there is no use in asking again. */
static bool is_final(int err, const struct tcp_start *start)
{
	switch (err) {
	case 0:
	case -EINVAL:
	case -EEXIST:
	case -EPROTONOSUPPORT:
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM: return true;
	case -EACCES: return start->place.hosts == 1;
	default: return false;
	}
}

static int member_try(struct member *m, const struct tcp_start *start, const char *host,
                      int64_t deadline, char *why, size_t why_len)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list, *at;
	int fd = -1, err = getaddrinfo(host, start->place.port, &hints, &list);

	if (err)
		return boot_why(why, why_len, -ENOENT, "%s: %s", host, gai_strerror(err));
	err = -ECONNREFUSED;
	for (at = list; at && !is_final(err, start); at = at->ai_next) {
		err = member_connect(at, deadline, &fd);
		if (err) {
			boot_why(why, why_len, err, "%s: %s", host, strerror(-err));
			continue;
		}
		err = member_greet(m, start, fd, host, why, why_len);
		if (err)
			link_close(&m->link);
	}
	freeaddrinfo(list);
	return err;
}

static int member_join(struct member *m, const struct tcp_start *start, char *why, size_t why_len)
{
	const struct tcp_place *p = &start->place;
	int64_t deadline = boot_now_ms() + start->timeout_ms;
	char last[256] = "";
	int err;

	for (;;) {
		for (int i = 0; i < p->hosts; i++) {
			err = member_try(m, start, p->host[i], deadline, last, sizeof last);
			if (is_final(err, start))
				return boot_why(why, why_len, err, "%s", last);
		}
		if (boot_now_ms() >= deadline)
			break;
		poll(NULL, 0, AGAIN_MS);
	}
	return boot_why(why, why_len, -ETIMEDOUT,
	                "waited %d s for rank 0, the rendezvous, at port %s: %s",
	                start->timeout_ms / 1000, p->port, last);
}

int member_open(const struct tcp_start *start, struct member **out, char *why, size_t why_len)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct member *m = calloc(1, sizeof *m);
	int err;

	if (!m)
		return boot_why(why, why_len, -ENOMEM, "out of memory");
	m->rank = start->rank;
	m->size = start->size;
	m->link.fd = -1;
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m->epoll < 0)
		err = boot_why(why, why_len, -errno, "epoll: %s", strerror(errno));
	else
		err = member_join(m, start, why, why_len);
	if (!err && epoll_ctl(m->epoll, EPOLL_CTL_ADD, m->link.fd, &e))
		err = boot_why(why, why_len, -errno, "epoll: %s", strerror(errno));
	if (err) {
		member_close(m, false);
		return err;
	}
	*out = m;
	return 0;
}

/* ----------------------------------------------------------------------- rounds -- */

static int strange(char *why, size_t why_len)
{
	return boot_why(why, why_len, -EPROTO, "rank 0 sent what was not expected");
}

/* Takes a message: 0 it is in m->msg, -EAGAIN the deadline came first, or the job has ended
 * (-ETIMEDOUT among others: for the hub). */
static int member_take(struct member *m, int64_t deadline, char *why, size_t why_len)
{
	int n = link_receive(&m->link, &m->msg, deadline);
	char text[BOOT_TEXT_MAX];

	if (n == -ETIMEDOUT)
		return -EAGAIN;
	if (n == 0 || (n < 0 && n != -EBADMSG && n != -EACCES))
		return boot_why(why, why_len, -ECONNRESET,
		                "rank 0 ended without leaving the job%s%s", n ? ": " : "",
		                n ? strerror(-n) : "");
	if (n < 0)
		return strange(why, why_len);
	if (m->msg.type == BOOT_END && m->msg.code < 0) {
		boot_msg_text(&m->msg, text, sizeof text);
		return boot_why(why, why_len, m->msg.code, "%s", text);
	}
	if (m->msg.type == BOOT_BYE) {
		m->left = true;
		epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->link.fd, NULL);
	}
	return 0;
}

struct gather {
	void *all;
	size_t stride;
	uint32_t *lens, round;
	int have;
};

static int gather_take(struct member *m, struct gather *g, char *why, size_t why_len)
{
	const struct boot_msg *b = &m->msg;

	if (m->left)
		return boot_why(why, why_len, -ECONNRESET, "rank 0 has left while others wait for it");
	/* The hub hands them out in order. */
	if (b->type != BOOT_BLOB || b->round != g->round || b->rank != g->have || b->len > g->stride)
		return strange(why, why_len);
	memcpy((char *)g->all + b->rank * g->stride, b->data, b->len);
	g->lens[b->rank] = b->len;
	g->have++;
	return 0;
}

/* The time is over: asks who is missing. Blobs that come ahead of the answer count. */
static int gather_overdue(struct member *m, struct gather *g, int timeout_ms, char *why,
                          size_t why_len)
{
	int64_t deadline = boot_now_ms() + MISSING_MS;
	char ranks[BOOT_TEXT_MAX];
	struct boot_msg ask;
	int err = 0;

	boot_msg_set(&ask, BOOT_ASK, NULL, 0);
	ask.round = g->round;
	link_send(&m->link, &ask, deadline); /* where that fails, receiving tells */
	while (!err && g->have < m->size) {
		err = member_take(m, deadline, why, why_len);
		if (!err && m->msg.type == BOOT_MISSING) {
			boot_msg_text(&m->msg, ranks, sizeof ranks);
			if (ranks[0])
				return boot_why(why, why_len, -ETIMEDOUT,
				                "waited %d s for the nodes with rank %s",
				                timeout_ms / 1000, ranks);
		} else if (!err) {
			err = gather_take(m, g, why, why_len);
		}
	}
	if (err == -EAGAIN)
		return boot_why(why, why_len, -ETIMEDOUT, "waited %d s for rank 0, which does not answer",
		                timeout_ms / 1000);
	return err;
}

int member_round(struct member *m, uint32_t round, const void *mine, size_t len, void *all,
                 size_t stride, uint32_t *lens, int timeout_ms, char *why, size_t why_len)
{
	struct gather g = { .all = all, .stride = stride, .lens = lens, .round = round };
	int64_t deadline = boot_now_ms() + timeout_ms;
	struct boot_msg give;
	int err = 0;

	if (m->left)
		return boot_why(why, why_len, -ECONNRESET, "rank 0 has left while others wait for it");
	boot_msg_set(&give, BOOT_GIVE, mine, len);
	give.round = round;
	/* A hub that has closed may have said why: receiving tells. */
	link_send(&m->link, &give, deadline);
	while (!err && g.have < m->size) {
		err = member_take(m, deadline, why, why_len);
		if (!err)
			err = gather_take(m, &g, why, why_len);
	}
	return err == -EAGAIN ? gather_overdue(m, &g, timeout_ms, why, why_len) : err;
}

int member_look(struct member *m, char *why, size_t why_len)
{
	int err = m->left ? 0 : member_take(m, 0, why, why_len);

	if (err == -EAGAIN || m->left)
		return 0;
	return err ? err : strange(why, why_len); /* between rounds only END or BYE can come */
}

int member_fd(const struct member *m)
{
	return m->epoll;
}

void member_address(const struct member *m, char *text, size_t len)
{
	link_address(&m->link, false, text, len);
}

void member_close(struct member *m, bool orderly)
{
	struct boot_msg bye;

	if (!m)
		return;
	if (m->link.fd >= 0 && orderly) {
		boot_msg_set(&bye, BOOT_BYE, NULL, 0);
		link_send(&m->link, &bye, 0);
	}
	link_close(&m->link);
	if (m->epoll >= 0)
		close(m->epoll);
	free(m);
}
