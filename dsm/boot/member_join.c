/* SPDX-License-Identifier: BSD-2-Clause */
/* How a member finds the hub, and each of them that the other is the right one. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "coherence/wire.h"
#include "dsm/boot/member_state.h"

#define ANSWER_MS 5000
#define AGAIN_MS 50 /* between two rounds through the hub's addresses */

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

/* One round through the hub's addresses. */
static int member_try(struct member *m, const struct tcp_start *start, int64_t deadline, char *why,
                      size_t why_len)
{
	char name[2 * NI_MAXHOST] = "";
	int fd, err = connects_open(&m->connects, &start->place, why, why_len);

	if (err)
		return err;
	for (;;) {
		fd = connects_next(&m->connects, deadline, name, sizeof name);
		if (fd < 0) {
			/* What a hub of another job said is worth more. */
			if (err != -EACCES)
				err = boot_why(why, why_len, fd, "%s: %s", name, strerror(-fd));
			break;
		}
		err = member_greet(m, start, fd, name, why, why_len);
		if (!err)
			break;
		link_close(&m->link);
		if (is_final(err, start))
			break;
	}
	connects_close(&m->connects);
	return err;
}

int member_join(struct member *m, const struct tcp_start *start, char *why, size_t why_len)
{
	int64_t deadline = boot_now_ms() + start->timeout_ms;
	char last[256] = "";
	int err;

	for (;;) {
		err = member_try(m, start, deadline, last, sizeof last);
		if (is_final(err, start))
			return boot_why(why, why_len, err, "%s", last);
		if (boot_now_ms() >= deadline)
			break;
		poll(NULL, 0, AGAIN_MS);
	}
	return boot_why(why, why_len, -ETIMEDOUT,
	                "waited %d s for rank 0, the rendezvous, at port %s: %s",
	                start->timeout_ms / 1000, start->place.port, last);
}
