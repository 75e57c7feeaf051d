/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds of blobs, and leaving: what those who have a seat in the meeting say. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "dsm/base/base.h"
#include "dsm/job/meeting.h"

/* Somebody waits in this round for all ranks: ends the job when one cannot come. */
void meeting_check_round(struct rendezvous *r)
{
	if (r->given == 0)
		return;
	for (int rank = 0; rank < r->nodes; rank++) {
		const struct seat *s = &r->seats[rank];

		if (r->survives && s->came)
			continue; /* those who wait are told when it is dead */
		if (s->left)
			meeting_end(r, rank, -ECONNRESET,
			            "rank %d has left while others wait for it", rank);
		else if (s->gone && !s->conn)
			meeting_end(r, rank, -ECONNRESET,
			            "rank %d has ended without joining the job", rank);
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
		meeting_end(r, c->rank, -ECONNRESET, "rank %d gave a blob out of turn", c->rank);
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
		meeting_seats_reset(r);
	else
		meeting_check_round(r);
}

/* Another does not hear of it, and wants it stopped. */
static void on_stop(struct rendezvous *r, struct conn *c)
{
	if (r->survives && r->msg.rank < r->nodes)
		meeting_process_stop(r, r->msg.rank);
	else
		meeting_end(r, c->rank, -ECONNRESET, "rank %d sent nonsense to the rendezvous", c->rank);
}

static void on_closed(struct rendezvous *r, struct conn *c)
{
	enum conn_state state = c->state;

	meeting_conn_close(r, c);
	if (state == CONN_SEATED && r->survives)
		meeting_process_stop(r, c->rank); /* without its connection it is of no more use */
	else if (state == CONN_SEATED)
		meeting_end(r, c->rank, -ECONNRESET,
		            "rank %d (process %d) ended without leaving the job", c->rank,
		            (int)c->pid);
}

/* Whether he is dead, or dies by a signal without a word: it takes a while until his connection is
 * closed, in which others have seen his memory go, or a connection. */
static int is_dead(const struct conn *c)
{
	char byte;
	ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && process_is_dying(c->pid));
}

/* Whoever is dead already, of which nobody has read yet: he is why another cannot go on. */
static struct conn *gone_before(struct rendezvous *r, const struct conn *c)
{
	for (int i = 0; i < CONNS_MAX; i++) {
		struct conn *other = &r->conns[i];

		if (other != c && other->state == CONN_SEATED && is_dead(other))
			return other;
	}
	return NULL;
}

/* It cannot go on, and says why. Where others can, they hear of it when it is dead. */
static void on_end(struct rendezvous *r, struct conn *c)
{
	struct conn *first;
	char text[BOOT_TEXT_MAX];

	if (r->survives) {
		meeting_conn_close(r, c);
		return;
	}
	boot_msg_text(&r->msg, text, sizeof text);
	first = gone_before(r, c);
	if (first)
		on_closed(r, first);
	meeting_conn_close(r, c);
	meeting_end(r, c->rank, -ECONNRESET, "rank %d (process %d) has failed: %s", c->rank,
	            (int)c->pid, text);
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
			meeting_hello(r, c);
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
		else if (n == 1 && r->msg.type == BOOT_STOP)
			on_stop(r, c);
		else if (n == 1 && r->msg.type == BOOT_END)
			on_end(r, c);
		else
			meeting_end(r, c->rank, -ECONNRESET,
			            "rank %d sent nonsense to the rendezvous", c->rank);
	}
}
