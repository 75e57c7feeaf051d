/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets between a node and the rendezvous of its job, and how the two part. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "dsm/boot/local_state.h"

int local_break(struct boot_local *l, int code, const char *text)
{
	l->broken = code;
	snprintf(l->why, sizeof l->why, "%s", text);
	return code;
}

int local_strange(struct boot_local *l)
{
	return local_break(l, -EPROTO, "the job's starter sent what was not expected");
}

int local_send(struct boot_local *l, const struct boot_msg *msg, int64_t deadline)
{
	int err;

	while ((err = boot_msg_send(l->fd, msg)) == -EAGAIN) {
		err = boot_wait(l->fd, POLLOUT, deadline);
		if (err)
			break;
	}
	/* A rendezvous that has closed may have said why: receiving tells. */
	return err == -EPIPE || err == -ECONNRESET ? 0 : err;
}

static int local_take_any(struct boot_local *l)
{
	char text[BOOT_TEXT_MAX];
	int n = boot_msg_receive(l->fd, &l->msg);

	if (n == -EAGAIN)
		return n;
	if (n == 0)
		return local_break(l, -ECONNRESET, "the job has ended: its starter is gone");
	if (n < 0 && n != -EBADMSG)
		return local_break(l, n, strerror(-n));
	if (n == 1 && l->msg.type == BOOT_END && l->msg.code < 0) {
		boot_msg_text(&l->msg, text, sizeof text);
		return local_break(l, l->msg.code, text);
	}
	if (n == -EBADMSG || l->msg.type == BOOT_END)
		return local_break(l, -EPROTO, "the job's starter is of another version");
	if (l->msg.type == BOOT_LOST && l->msg.rank >= l->base.size)
		return local_strange(l);
	return 0;
}

/* Takes a packet that is there: 0 it is in l->msg, -EAGAIN, or l is broken. That a rank is dead may
 * come at any time, and is no answer to anything. */
int local_take(struct boot_local *l)
{
	int err;

	while ((err = local_take_any(l)) == 0 && l->msg.type == BOOT_LOST)
		l->lost |= UINT64_C(1) << l->msg.rank;
	return err;
}

int local_receive(struct boot_local *l, int64_t deadline)
{
	int err;

	while ((err = local_take(l)) == -EAGAIN) {
		if (l->lost)
			return -ECONNRESET; /* what is waited for may never come */
		err = boot_wait(l->fd, POLLIN, deadline);
		if (err)
			break;
	}
	return err;
}
