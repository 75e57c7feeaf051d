/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens between the nodes of a job and their rendezvous: taking seats, rounds of
 * blobs, leaving, and the end of the job.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsm/job/meeting.h"

/* ---------------------------------------------------------------- connections -- */

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
	meeting_conn_close(r, c);
}

/* Sends what is due; what does not fit waits until c takes it. */
void meeting_conn_flush(struct rendezvous *r, struct conn *c)
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
			meeting_conn_close(r, c);
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
			meeting_conn_flush(r, &r->conns[i]);
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
void meeting_check_round(struct rendezvous *r)
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
		meeting_conn_flush(r, r->seats[rank].conn);
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
		meeting_check_round(r);
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
	meeting_conn_close(r, c);
	if (r->left == r->nodes)
		seats_reset(r);
	else
		meeting_check_round(r);
}

static void on_closed(struct rendezvous *r, struct conn *c)
{
	enum conn_state state = c->state;

	meeting_conn_close(r, c);
	if (state == CONN_SEATED)
		job_end(r, c->rank, -ECONNRESET, "rank %d (process %d) ended without leaving the job",
		        c->rank, (int)c->pid);
}

void meeting_conn_read(struct rendezvous *r, struct conn *c)
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
			meeting_conn_close(r, c); /* nonsense, or one who waits and gives up */
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
