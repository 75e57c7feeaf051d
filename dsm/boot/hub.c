/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rank 0's end of the bootstrap over TCP: seats the members, collects their blobs and hands
 * all of them to everyone, and tells all when one is lost. It acts only when rank 0 calls:
 * in a round, or from its event loop.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "coherence/wire.h"
#include "dsm/boot/hub.h"

#define VISITORS 64
#define VISIT_MS 5000 /* whoever connects has so long to prove that it is a member */
#define LINGER_MS 1000
#define KEY_LISTENER 0x10000u
#define KEY_VISITOR 0x20000u

/* A connection that has no seat yet. */
struct visitor {
	struct link *link; /* NULL: none */
	int64_t deadline;
};

struct seat {
	struct link *link; /* NULL: not here yet, or left */
	int pid;
	bool left, given;
	char where[INET6_ADDRSTRLEN];
	uint32_t len;
	uint8_t blob[BOOT_BLOB_MAX];
};

struct hub {
	int size, epoll, listener;
	int seated, given; /* members; nodes with that flag */
	uint32_t round;
	uint8_t secret[LINK_SECRET];
	int end_code; /* 0, or why the job has ended */
	char end_text[BOOT_TEXT_MAX];
	char refused[96]; /* a visitor that did not know the secret */
	struct boot_msg msg; /* being sent or received */
	struct visitor visitors[VISITORS];
	struct seat seats[];
};

static int hub_watch(struct hub *h, int fd, uint32_t key)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = key };

	return epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static void link_free(struct link **link)
{
	if (*link) {
		link_close(*link); /* and so out of the epoll set */
		free(*link);
	}
	*link = NULL;
}

static void hub_say(struct hub *h, struct link *link, enum boot_msg_type type, int code,
                    const char *text)
{
	boot_msg_set(&h->msg, type, text, strlen(text));
	h->msg.code = code;
	link_send(link, &h->msg, 0); /* whoever cannot take it sees the end of the connection */
}

/* Ends the job for all. */
static void hub_end(struct hub *h, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void hub_end(struct hub *h, int code, const char *format, ...)
{
	va_list args;

	if (h->end_code)
		return;
	va_start(args, format);
	vsnprintf(h->end_text, sizeof h->end_text, format, args);
	va_end(args);
	h->end_code = code;
	for (int rank = 1; rank < h->size; rank++)
		if (h->seats[rank].link)
			hub_say(h, h->seats[rank].link, BOOT_END, code, h->end_text);
}

static void hub_lost(struct hub *h, int rank)
{
	struct seat *s = &h->seats[rank];

	link_free(&s->link);
	hub_end(h, -ECONNRESET, "rank %d (process %d at %s) ended without leaving the job", rank,
	        s->pid, s->where);
}

/* The ranks whose seat is empty, or that have not given. */
static void hub_missing(const struct hub *h, bool to_join, char *text, size_t text_len)
{
	size_t n = 0;

	text[0] = '\0';
	for (int rank = 0; rank < h->size; rank++) {
		const struct seat *s = &h->seats[rank];

		if (to_join ? rank == 0 || s->link : s->given)
			continue;
		if (n + 16 > text_len) {
			snprintf(text + n, text_len - n, " ...");
			return;
		}
		n += (size_t)snprintf(text + n, text_len - n, "%s%d", n ? ", " : "", rank);
	}
}

/* -------------------------------------------------------------------- visitors -- */

static void refuse(struct hub *h, struct visitor *v, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void refuse(struct hub *h, struct visitor *v, int code, const char *format, ...)
{
	char text[BOOT_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	hub_say(h, v->link, BOOT_END, code, text);
	link_free(&v->link);
}

static void seat(struct hub *h, struct visitor *v, int rank, int pid)
{
	struct seat *s = &h->seats[rank];
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = (uint32_t)rank };

	s->link = v->link;
	s->pid = pid;
	v->link = NULL;
	link_address(s->link, true, s->where, sizeof s->where);
	epoll_ctl(h->epoll, EPOLL_CTL_MOD, s->link->fd, &e);
	hub_say(h, s->link, BOOT_WELCOME, 0, "");
	h->seated++;
}

static void visitor_hello(struct hub *h, struct visitor *v)
{
	const struct boot_msg *m = &h->msg;
	struct tcp_hello t;
	int rank = m->rank;

	if (m->type != BOOT_HELLO || m->len != sizeof t) {
		link_free(&v->link);
		return;
	}
	memcpy(&t, m->data, sizeof t);
	t.hello.version[sizeof t.hello.version - 1] = '\0';
	if (t.hello.size != (uint32_t)h->size)
		refuse(h, v, -EINVAL, "this node was told of %u nodes, rank 0 of %d", t.hello.size,
		       h->size);
	else if (rank < 1 || rank >= h->size)
		refuse(h, v, -EINVAL, "rank %d is %s", rank,
		       rank ? "out of range" : "the rendezvous, and there already");
	else if (h->seats[rank].link)
		refuse(h, v, -EEXIST, "rank %d is taken by process %d at %s", rank,
		       h->seats[rank].pid, h->seats[rank].where);
	else if (t.hello.protocol != COH_WIRE_VERSION || strcmp(t.hello.version, PACKAGE_VERSION)) {
		seat(h, v, rank, t.pid);
		hub_end(h, -EPROTONOSUPPORT,
		        "versions differ: rank 0 runs libdsm %s (protocol %u), rank %d runs libdsm "
		        "%s (protocol %u)", PACKAGE_VERSION, (unsigned)COH_WIRE_VERSION, rank,
		        t.hello.version, t.hello.protocol);
	} else {
		seat(h, v, rank, t.pid);
	}
}

/* Takes a message that is there; whether it is to look for another one. */
static bool visitor_read(struct hub *h, struct visitor *v)
{
	char where[INET6_ADDRSTRLEN];
	int n = link_take(v->link, &h->msg);

	if (n == -EAGAIN)
		return false;
	if (n == 1 && v->link->secured) {
		visitor_hello(h, v);
		return false;
	}
	if (n == 1 && link_secure(v->link, h->secret, &h->msg, true) == 0)
		return true;
	if (n == -EACCES) {
		link_address(v->link, true, where, sizeof where);
		snprintf(h->refused, sizeof h->refused, "; a process at %s has another DSM_SECRET",
		         where);
	}
	link_free(&v->link);
	return false;
}

static void visitor_accept(struct hub *h)
{
	struct visitor *v = h->visitors;
	int fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	while (v < h->visitors + VISITORS && v->link)
		v++;
	if (v == h->visitors + VISITORS || !(v->link = calloc(1, sizeof *v->link))) {
		close(fd);
		return;
	}
	v->deadline = boot_now_ms() + VISIT_MS;
	if (link_open(v->link, fd, 0) || hub_watch(h, fd, KEY_VISITOR + (v - h->visitors)))
		link_free(&v->link);
}

static void visitors_expire(struct hub *h)
{
	int64_t now = boot_now_ms();

	for (struct visitor *v = h->visitors; v < h->visitors + VISITORS; v++) {
		if (!v->link || v->deadline > now)
			continue;
		/* All of it may be here, and only we are late. */
		while (visitor_read(h, v))
			;
		link_free(&v->link);
	}
}

static void hub_stop_listening(struct hub *h)
{
	for (struct visitor *v = h->visitors; v < h->visitors + VISITORS; v++)
		link_free(&v->link);
	if (h->listener >= 0)
		close(h->listener);
	h->listener = -1;
}

/* --------------------------------------------------------------------- members -- */

static void on_give(struct hub *h, int rank)
{
	struct seat *s = &h->seats[rank];

	if (s->given || h->msg.round != h->round) {
		hub_end(h, -ECONNRESET, "rank %d gave a blob out of turn", rank);
		return;
	}
	s->len = h->msg.len;
	memcpy(s->blob, h->msg.data, h->msg.len);
	s->given = true;
	h->given++;
}

static void seat_read(struct hub *h, int rank)
{
	struct seat *s = &h->seats[rank];
	char text[BOOT_TEXT_MAX];
	int n = link_take(s->link, &h->msg);

	if (n == -EAGAIN)
		return;
	if (n == 0 || (n < 0 && n != -EBADMSG && n != -EACCES)) {
		hub_lost(h, rank);
	} else if (n == 1 && h->msg.type == BOOT_GIVE) {
		on_give(h, rank);
	} else if (n == 1 && h->msg.type == BOOT_ASK) {
		hub_missing(h, h->seated < h->size - 1, text, sizeof text);
		hub_say(h, s->link, BOOT_MISSING, 0, text);
	} else if (n == 1 && h->msg.type == BOOT_BYE) {
		s->left = true;
		link_free(&s->link);
	} else {
		link_free(&s->link);
		hub_end(h, -ECONNRESET, "rank %d sent nonsense to rank 0", rank);
	}
}

/* Takes what comes until the deadline, one batch. -ETIMEDOUT when nothing did. */
static int hub_step(struct hub *h, int64_t deadline)
{
	struct epoll_event events[32];
	int64_t left = deadline - boot_now_ms();
	int n;

	if (h->listener >= 0 && left > VISIT_MS)
		left = VISIT_MS;
	n = epoll_wait(h->epoll, events, 32, left > 0 ? (int)left : 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		uint32_t key = events[i].data.u32;

		if (key == KEY_LISTENER)
			visitor_accept(h);
		else if (key >= KEY_VISITOR && h->visitors[key - KEY_VISITOR].link)
			visitor_read(h, &h->visitors[key - KEY_VISITOR]);
		else if (key < KEY_LISTENER && h->seats[key].link)
			seat_read(h, (int)key);
	}
	if (h->listener >= 0)
		visitors_expire(h);
	return n || boot_now_ms() < deadline ? 0 : -ETIMEDOUT;
}

static int hub_result(const struct hub *h, char *why, size_t why_len)
{
	return h->end_code ? boot_why(why, why_len, h->end_code, "%s", h->end_text) : 0;
}

int hub_join(struct hub *h, int timeout_ms, char *why, size_t why_len)
{
	int64_t deadline = boot_now_ms() + timeout_ms;
	char ranks[120];
	int err = 0;

	while (!h->end_code && h->seated < h->size - 1 && !err)
		err = hub_step(h, deadline);
	if (err == -ETIMEDOUT) {
		hub_missing(h, true, ranks, sizeof ranks);
		hub_end(h, err, "waited %d s for the nodes with rank %s%s", timeout_ms / 1000, ranks,
		        h->refused);
	} else if (err) {
		hub_end(h, err, "waiting for the nodes: %s", strerror(-err));
	}
	hub_stop_listening(h);
	return hub_result(h, why, why_len);
}

/* Waits until all have given. */
static void hub_collect(struct hub *h, int timeout_ms)
{
	int64_t deadline = boot_now_ms() + timeout_ms;
	char ranks[120];
	int err = 0;

	while (!h->end_code && h->given < h->size && !err) {
		for (int rank = 1; rank < h->size; rank++)
			if (h->seats[rank].left)
				hub_end(h, -ECONNRESET, "rank %d has left while others wait for it",
				        rank);
		if (!h->end_code)
			err = hub_step(h, deadline);
	}
	if (err == -ETIMEDOUT) {
		hub_missing(h, false, ranks, sizeof ranks);
		hub_end(h, err, "waited %d s for the nodes with rank %s", timeout_ms / 1000, ranks);
	} else if (err) {
		hub_end(h, err, "waiting for the nodes: %s", strerror(-err));
	}
}

/* Members read while they wait in a round, so none keeps us from the others for long. */
static void hub_hand_out(struct hub *h, int timeout_ms)
{
	int64_t deadline = boot_now_ms() + timeout_ms;

	for (int to = 1; to < h->size && !h->end_code; to++)
		for (int rank = 0; rank < h->size; rank++) {
			const struct seat *s = &h->seats[rank];

			boot_msg_set(&h->msg, BOOT_BLOB, s->blob, s->len);
			h->msg.rank = (uint16_t)rank;
			h->msg.round = h->round;
			if (!h->seats[to].link || link_send(h->seats[to].link, &h->msg, deadline)) {
				hub_lost(h, to);
				break;
			}
		}
}

int hub_round(struct hub *h, uint32_t round, const void *mine, size_t len, void *all,
              size_t stride, uint32_t *lens, int timeout_ms, char *why, size_t why_len)
{
	h->seats[0].len = (uint32_t)len;
	memcpy(h->seats[0].blob, mine, len);
	h->seats[0].given = true;
	h->given++;
	hub_collect(h, timeout_ms);
	for (int rank = 0; rank < h->size && !h->end_code; rank++) {
		const struct seat *s = &h->seats[rank];

		if (s->len > stride) {
			hub_end(h, -EMSGSIZE, "rank %d gave a blob that is too long", rank);
			break;
		}
		memcpy((char *)all + rank * stride, s->blob, s->len);
		lens[rank] = s->len;
	}
	hub_hand_out(h, timeout_ms);
	for (int rank = 0; rank < h->size; rank++)
		h->seats[rank].given = false;
	h->given = 0;
	h->round = round + 1;
	return hub_result(h, why, why_len);
}

int hub_look(struct hub *h, char *why, size_t why_len)
{
	int err = h->end_code ? 0 : hub_step(h, 0);

	if (err && err != -ETIMEDOUT)
		hub_end(h, err, "watching the nodes: %s", strerror(-err));
	return hub_result(h, why, why_len);
}

/* -------------------------------------------------------------- open and close -- */

int hub_fd(const struct hub *h)
{
	return h->epoll;
}

void hub_address(const struct hub *h, char *text, size_t len)
{
	text[0] = '\0';
	for (int rank = 1; rank < h->size; rank++) {
		if (!h->seats[rank].link)
			continue;
		link_address(h->seats[rank].link, false, text, len);
		if (!link_is_loopback(text))
			return;
	}
}

int hub_open(const struct tcp_start *start, struct hub **out)
{
	struct hub *h = calloc(1, sizeof *h + (size_t)start->size * sizeof *h->seats);
	int err;

	if (!h) {
		if (start->listener >= 0)
			close(start->listener);
		return -ENOMEM;
	}
	h->size = start->size;
	h->listener = start->listener;
	memcpy(h->secret, start->secret, sizeof h->secret);
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = h->epoll < 0 ? -errno : 0;
	if (!err && h->listener >= 0)
		err = hub_watch(h, h->listener, KEY_LISTENER);
	if (err) {
		hub_close(h, false);
		return err;
	}
	*out = h;
	return 0;
}

/* Closing a connection with unread bytes would take what we said last from the other. */
static void seat_linger(struct seat *s, int64_t deadline)
{
	char bytes[256];
	ssize_t n;

	shutdown(s->link->fd, SHUT_WR);
	do {
		n = recv(s->link->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	} while (n > 0 || (n < 0 && errno == EAGAIN && !link_wait(s->link->fd, POLLIN, deadline)));
	link_free(&s->link);
}

void hub_close(struct hub *h, bool orderly)
{
	int64_t deadline = boot_now_ms() + LINGER_MS;

	if (!h)
		return;
	hub_stop_listening(h);
	for (int rank = 1; rank < h->size; rank++)
		if (h->seats[rank].link && orderly && !h->end_code)
			hub_say(h, h->seats[rank].link, BOOT_BYE, 0, "");
	for (int rank = 1; rank < h->size; rank++)
		if (h->seats[rank].link)
			seat_linger(&h->seats[rank], deadline);
	if (h->epoll >= 0)
		close(h->epoll);
	free(h);
}
