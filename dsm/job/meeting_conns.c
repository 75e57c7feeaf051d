/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections of the meeting, and how the job ends for all of them. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dsm/job/meeting.h"

int meeting_conn_index(const struct rendezvous *r, const struct conn *c)
{
	return (int)(c - r->conns);
}

void meeting_conn_close(struct rendezvous *r, struct conn *c)
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
	e.data.u32 = meeting_conn_index(r, c);
	epoll_ctl(r->epoll, EPOLL_CTL_MOD, c->fd, &e);
	c->polls_out = on;
}

/* Sends c away, and nobody else. */
void meeting_conn_refuse(struct rendezvous *r, struct conn *c, int code, const char *format, ...)
{
	char text[BOOT_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	boot_msg_set(&r->msg, BOOT_END, text, strlen(text));
	r->msg.code = code;
	boot_msg_send(c->fd, &r->msg);
	meeting_conn_close(r, c);
}

/* Sends what is due; what does not fit waits until c takes it. */
void meeting_conn_flush(struct rendezvous *r, struct conn *c)
{
	const struct blob *out;
	int err = 0;

	while (!r->end_code && !err && (r->lost & ~c->lost_told)) {
		int rank = __builtin_ctzll(r->lost & ~c->lost_told);

		boot_msg_set(&r->msg, BOOT_LOST, NULL, 0);
		r->msg.rank = (uint16_t)rank;
		err = boot_msg_send(c->fd, &r->msg);
		if (!err)
			c->lost_told |= UINT64_C(1) << rank;
	}
	while (!r->end_code && !err && c->next < r->nodes) {
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
			meeting_conn_close(r, c);
			return;
		}
	}
	/* Any other failure shows as the end of the connection when reading. */
	conn_poll_out(r, c, err == -EAGAIN);
}

/* Ends the job for all, on account of rank. */
void meeting_end(struct rendezvous *r, int rank, int code, const char *format, ...)
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
			meeting_conn_flush(r, &r->conns[i]);
}
