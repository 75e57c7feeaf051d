/* SPDX-License-Identifier: BSD-2-Clause */
/* Who takes which seat of the meeting. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dsm/job/meeting.h"

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
	r->seats[c->rank].came = true;
	if (r->first_rank < 0) {
		r->first_rank = c->rank;
		r->first_hello = c->hello;
	}
	dprintf(r->pids, "%d\n", (int)c->pid);
	if (!same_version(first, &c->hello)) {
		meeting_end(r, c->rank, -EPROTONOSUPPORT,
		            "versions differ: rank %d runs libdsm %s (protocol %u), "
		            "rank %d runs libdsm %s (protocol %u)",
		            r->first_rank, first->version, first->protocol, c->rank,
		            c->hello.version, c->hello.protocol);
		return;
	}
	if (r->survives)
		meeting_process_watch(r, c);
	if (r->end_code)
		return;
	boot_msg_set(&r->msg, BOOT_WELCOME, r->secret, sizeof r->secret);
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

void meeting_hello(struct rendezvous *r, struct conn *c)
{
	const struct boot_msg *m = &r->msg;
	const struct conn *other;

	if (m->type != BOOT_HELLO || m->len != sizeof c->hello) {
		meeting_conn_refuse(r, c, -EPROTO, "not a hello");
		return;
	}
	memcpy(&c->hello, m->data, sizeof c->hello);
	c->hello.version[sizeof c->hello.version - 1] = '\0';
	c->rank = m->rank;
	if (r->end_code) {
		meeting_conn_refuse(r, c, r->end_code, "%s", r->end_text);
		return;
	}
	if (c->hello.size != (uint32_t)r->nodes) {
		meeting_conn_refuse(r, c, -EINVAL, "DSM_SIZE says %u nodes, but the job has %d",
		                    c->hello.size, r->nodes);
		return;
	}
	if (c->rank >= r->nodes) {
		meeting_conn_refuse(r, c, -EINVAL, "rank %d is out of range: the job has %d nodes",
		                    c->rank, r->nodes);
		return;
	}
	other = who_has_rank(r, c->rank);
	if (other) {
		meeting_conn_refuse(r, c, -EEXIST, "rank %d is taken by process %d", c->rank,
		                    (int)other->pid);
		return;
	}
	if (r->seats[c->rank].left)
		c->state = CONN_WAITING;
	else
		conn_seat(r, c);
}

/* All have left in good order: the seats are free for those who come next. */
void meeting_seats_reset(struct rendezvous *r)
{
	for (int i = 0; i < r->nodes; i++) {
		r->seats[i].left = false;
		r->seats[i].given = false;
		meeting_process_forget(r, i);
	}
	r->left = r->given = 0;
	r->round = 0;
	r->first_rank = -1;
	for (int i = 0; i < CONNS_MAX && !r->end_code; i++)
		if (r->conns[i].state == CONN_WAITING)
			conn_seat(r, &r->conns[i]);
}
