/* SPDX-License-Identifier: BSD-2-Clause */
/* Those who come to a hub, from accept() to the seat that is theirs, or to the door. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "coherence/wire.h"
#include "dsm/boot/hub_state.h"

int hub_watch(struct hub *h, int fd, uint32_t key)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = key };

	return epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static void visitor_refuse(struct hub *h, struct visitor *v, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void visitor_refuse(struct hub *h, struct visitor *v, int code, const char *format, ...)
{
	char text[BOOT_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	hub_say(h, v->link, BOOT_END, code, text);
	hub_link_free(&v->link);
}

static void visitor_seat(struct hub *h, struct visitor *v, int rank, int pid)
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
		hub_link_free(&v->link);
		return;
	}
	memcpy(&t, m->data, sizeof t);
	t.hello.version[sizeof t.hello.version - 1] = '\0';
	if (t.hello.size != (uint32_t)h->size)
		visitor_refuse(h, v, -EINVAL, "this node was told of %u nodes, rank 0 of %d",
		               t.hello.size, h->size);
	else if (rank < 1 || rank >= h->size)
		visitor_refuse(h, v, -EINVAL, "rank %d is %s", rank,
		               rank ? "out of range" : "the rendezvous, and there already");
	else if (h->seats[rank].link)
		visitor_refuse(h, v, -EEXIST, "rank %d is taken by process %d at %s", rank,
		               h->seats[rank].pid, h->seats[rank].where);
	else if (t.hello.protocol != COH_WIRE_VERSION || strcmp(t.hello.version, PACKAGE_VERSION)) {
		visitor_seat(h, v, rank, t.pid);
		hub_end(h, -EPROTONOSUPPORT,
		        "versions differ: rank 0 runs libdsm %s (protocol %u), rank %d runs libdsm "
		        "%s (protocol %u)", PACKAGE_VERSION, (unsigned)COH_WIRE_VERSION, rank,
		        t.hello.version, t.hello.protocol);
	} else {
		visitor_seat(h, v, rank, t.pid);
	}
}

bool hub_visitor_read(struct hub *h, struct visitor *v)
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
	hub_link_free(&v->link);
	return false;
}

/* It has had its time. All of what it has to say may be here, and only we are late. */
static void visitor_expire(struct hub *h, struct visitor *v)
{
	while (hub_visitor_read(h, v))
		;
	hub_link_free(&v->link);
}

/* A place for one more. None has proved anything yet: where all are taken, who has had one for the
 * longest has to go, or strangers who just hold theirs would keep the members out. */
static struct visitor *visitor_place(struct hub *h)
{
	struct visitor *oldest = h->visitors;

	for (struct visitor *v = h->visitors; v < h->visitors + VISITORS; v++) {
		if (!v->link)
			return v;
		if (v->deadline < oldest->deadline)
			oldest = v;
	}
	visitor_expire(h, oldest);
	return oldest;
}

void hub_visitor_accept(struct hub *h)
{
	int fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct visitor *v;

	if (fd < 0)
		return;
	v = visitor_place(h);
	v->link = calloc(1, sizeof *v->link);
	if (!v->link) {
		close(fd);
		return;
	}
	v->deadline = boot_now_ms() + VISIT_MS;
	if (link_open(v->link, fd, 0) || hub_watch(h, fd, KEY_VISITOR + (v - h->visitors)))
		hub_link_free(&v->link);
}

void hub_visitors_expire(struct hub *h)
{
	int64_t now = boot_now_ms();

	for (struct visitor *v = h->visitors; v < h->visitors + VISITORS; v++)
		if (v->link && v->deadline <= now)
			visitor_expire(h, v);
}

void hub_stop_listening(struct hub *h)
{
	for (struct visitor *v = h->visitors; v < h->visitors + VISITORS; v++)
		hub_link_free(&v->link);
	if (h->listener >= 0)
		close(h->listener);
	h->listener = -1;
}
