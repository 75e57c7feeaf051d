/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts about connections that break below the transport, and peers that do not answer.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/hang.h"
#include "tests/transport/parts.h"

struct breaks {
	unsigned got, errors;
	int status;
};

static void breaks_event(struct node *node, const struct tr_event *event)
{
	struct breaks *b = node->ctx;

	b->got += event->kind == TR_EV_MSG || event->kind == TR_EV_LANDED;
	if (event->kind != TR_EV_ERROR)
		return;
	REQUIRE(node, event->peer == !node->self || event->peer == TR_NO_PEER, "peer %u", event->peer);
	b->errors++;
	b->status = event->status;
}

/* Breaks the connections of this process, and loses what has come by them and was not read: as
 * what is on its way is lost when one is reset. Returns how many there were. */
static unsigned lose_connections(void)
{
	struct sockaddr_storage other;
	struct rlimit limit;
	char bytes[65536];
	unsigned n = 0;
	socklen_t len;
	int fd;

	getrlimit(RLIMIT_NOFILE, &limit);
	for (fd = 3; fd < (int)limit.rlim_cur && fd < 4096; fd++) {
		len = sizeof(other);
		if (getpeername(fd, (struct sockaddr *)&other, &len) ||
		    (other.ss_family != AF_INET && other.ss_family != AF_INET6))
			continue;
		while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			;
		n += !shutdown(fd, SHUT_RDWR);
	}
	return n;
}

/* Connected, and nothing under way. Returns -1 when the world failed. */
static int breaks_begin(struct node *node, struct breaks *b)
{
	node->ctx = b;
	node->on_event = breaks_event;
	if (node_send(node, !node->self, "hello", 5))
		return -1;
	while (b->got < 1 || node->ops->pending(node->tr))
		if (node_step(node) < 0 || node_failed(node))
			return -1;
	return node_barrier_polling(node);
}

/* Until one of the two is told. */
static void breaks_end(struct node *node, struct breaks *b)
{
	_Atomic uint64_t *told = &node->arena->word[0];

	while (!b->errors && !atomic_load(told))
		if (node_step(node) < 0 || node_failed(node))
			return;
	atomic_store(told, 1);
	REQUIRE(node, b->got == 1, "%u", b->got);
	if (b->errors)
		REQUIRE(node, node->ops->send(node->tr, !node->self, "?", 1) == -ENOTCONN);
}

/* Node 0 sends what node 1 never reads, for the connection breaks first. */
static void breaks_with(struct node *node, int write)
{
	struct breaks b = {0};

	if (breaks_begin(node, &b))
		return;
	if (node->self == 0) {
		if (write ? node_write(node, 1, 0, 4096, WORLD_MEM_BYTES / 2, 1, 1)
		          : node_send(node, 1, "lost", 4))
			return;
		while (node->ops->pending(node->tr))
			if (node_step(node) < 0 || node_failed(node))
				return;
	}
	if (node_barrier(node))
		return;
	if (node->self == 1)
		REQUIRE(node, lose_connections() > 0);
	if (!node_barrier(node))
		breaks_end(node, &b);
}

void part_break_message(struct node *node)
{
	breaks_with(node, 0);
}

void part_break_write(struct node *node)
{
	breaks_with(node, 1);
}

/* Node 1 is there, and does not look. */
void part_silent(struct node *node)
{
	const int64_t start = world_now_ms();
	struct breaks b = {0};

	if (breaks_begin(node, &b))
		return;
	if (node->self == 0) {
		if (node_send(node, 1, "there?", 6))
			return;
		while (!b.errors)
			if (node_sleep_step(node) < 0 || node_failed(node))
				return;
		REQUIRE(node, b.status == -ETIMEDOUT, "%d", b.status);
		REQUIRE(node, world_now_ms() - start >= node->config->silent_max_ms);
	}
	node_barrier(node);
}

#define LISTEN_TIMES 3

/* Node 1 says nothing for much longer than a node may be silent, but looks when it is woken. */
void part_listens(struct node *node)
{
	const int64_t end = world_now_ms() + LISTEN_TIMES * (int64_t)node->config->silent_max_ms;
	struct pollfd pollfd = {.fd = node->ops->wait_fd(node->tr), .events = POLLIN};
	struct breaks b = {0};
	int64_t left;

	if (breaks_begin(node, &b) || (node->self == 0 && node_send(node, 1, "quiet", 5)))
		return;
	while ((left = end - world_now_ms()) > 0) {
		if (node->ops->wait_arm(node->tr) == 0) {
			poll(&pollfd, 1, (int)left);
			node->ops->wait_disarm(node->tr);
		}
		if (node_step(node) < 0)
			return;
	}
	REQUIRE(node, b.errors == 0 && b.got == 1u + node->self, "%u errors, %u messages", b.errors,
	        b.got);
	node_barrier_polling(node);
}
