/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The members of a hub, each in its seat: what they say, what is said to them, and how the
 * job ends for all.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "dsm/boot/hub_state.h"

void hub_link_free(struct link **link)
{
	if (*link) {
		link_close(*link); /* and so out of the epoll set */
		free(*link);
	}
	*link = NULL;
}

void hub_say(struct hub *h, struct link *link, enum boot_msg_type type, int code,
             const char *text)
{
	boot_msg_set(&h->msg, type, text, strlen(text));
	h->msg.code = code;
	link_send(link, &h->msg, 0); /* whoever cannot take it sees the end of the connection */
}

/* Ends the job for all. */
void hub_end(struct hub *h, int code, const char *format, ...)
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

void hub_lost(struct hub *h, int rank)
{
	struct seat *s = &h->seats[rank];

	hub_link_free(&s->link);
	if (h->survives) {
		s->lost = true;
		h->lost++;
		return;
	}
	hub_end(h, -ECONNRESET, "rank %d (process %d at %s) ended without leaving the job", rank,
	        s->pid, s->where);
}

void hub_survive(struct hub *h)
{
	h->survives = true;
}

int hub_lost_next(struct hub *h)
{
	for (int rank = 1; rank < h->size; rank++)
		if (h->seats[rank].lost) {
			h->seats[rank].lost = false;
			return rank;
		}
	return -1;
}

/* The ranks whose seat is empty, or that have not given. */
void hub_missing(const struct hub *h, bool to_join, char *text, size_t text_len)
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

int hub_result(const struct hub *h, char *why, size_t why_len)
{
	return h->end_code ? boot_why(why, why_len, h->end_code, "%s", h->end_text) : 0;
}

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

void hub_seat_read(struct hub *h, int rank)
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
	} else if (n == 1 && h->msg.type == BOOT_END) {
		boot_msg_text(&h->msg, text, sizeof text);
		if (h->survives) {
			hub_lost(h, rank);
			return;
		}
		hub_link_free(&s->link);
		hub_end(h, -ECONNRESET, "rank %d (process %d at %s) has failed: %s", rank, s->pid,
		        s->where, text);
	} else if (n == 1 && h->msg.type == BOOT_BYE) {
		s->left = true;
		hub_link_free(&s->link);
	} else {
		hub_link_free(&s->link);
		hub_end(h, -ECONNRESET, "rank %d sent nonsense to rank 0", rank);
	}
}

/* Closing a connection with unread bytes would take what we said last from the other. */
void hub_seat_linger(struct seat *s, int64_t deadline)
{
	char bytes[256];
	ssize_t n;

	shutdown(s->link->fd, SHUT_WR);
	do {
		n = recv(s->link->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	} while (n > 0 || (n < 0 && errno == EAGAIN && !boot_wait(s->link->fd, POLLIN, deadline)));
	hub_link_free(&s->link);
}
