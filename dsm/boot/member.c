/* SPDX-License-Identifier: BSD-2-Clause */
/* A member's end of the bootstrap over TCP, once it has found the hub: rounds, and the end. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dsm/boot/member_state.h"

#define MISSING_MS 2000

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

static int strange(char *why, size_t why_len)
{
	return boot_why(why, why_len, -EPROTO, "rank 0 sent what was not expected");
}

/* A hub that sends nonsense is as good as gone. As if nothing had come: lost() tells. */
static int member_lose(struct member *m)
{
	m->left = m->lost = true;
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->link.fd, NULL);
	return -EAGAIN;
}

/* Takes a message: 0 it is in m->msg, -EAGAIN the deadline came first, or the job has ended
 * (-ETIMEDOUT among others: for the hub). */
static int member_take(struct member *m, int64_t deadline, char *why, size_t why_len)
{
	int n = link_receive(&m->link, &m->msg, deadline);
	char text[BOOT_TEXT_MAX];

	if (n == -ETIMEDOUT)
		return -EAGAIN;
	if (m->survives && n != 1)
		return member_lose(m);
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

void member_survive(struct member *m)
{
	m->survives = true;
}

bool member_lost(struct member *m)
{
	bool lost = m->lost;

	m->lost = false;
	return lost;
}

void member_fail(struct member *m, const char *why)
{
	struct boot_msg end;

	boot_msg_set(&end, BOOT_END, why, strnlen(why, BOOT_TEXT_MAX - 1));
	end.code = -ECONNRESET;
	link_send(&m->link, &end, 0); /* where that fails, no BYE says as much */
}

int member_fd(const struct member *m)
{
	return m->epoll;
}

int member_descriptors(const struct member *m, int *fds, int max)
{
	fds[0] = m->epoll;
	fds[1] = m->link.fd;
	return 2;
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
