/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts about somebody who is no node, and reaches node 0 over the network: nothing of what he
 * sends is believed, and what node 1 sends is. He is in node 1's process, with endpoints of his
 * own.
 */
#include <endian.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/transport/parts.h"
#include "tests/transport/stranger.h"
#include "transport/ofi_impl.h"

#define FORGED 200 /* of each kind */
#define TAG 7

struct guests {
	unsigned got, errors;
	char last;
};

static void guests_event(struct node *node, const struct tr_event *event)
{
	struct guests *g = node->ctx;

	REQUIRE(node, event->kind != TR_EV_LANDED, "a page write was believed");
	g->errors += event->kind == TR_EV_ERROR;
	if (event->kind != TR_EV_MSG)
		return;
	g->got++;
	g->last = (char)event->data[0];
	REQUIRE(node, event->len == 4 && !memcmp(event->data, "real", 4), "%u bytes", event->len);
}

static int guests_begin(struct node *node, struct guests *g)
{
	node->ctx = g;
	node->on_event = guests_event;
	if (node_send(node, !node->self, "real", 4))
		return -1;
	while (g->got < 1 || node->ops->pending(node->tr))
		if (node_step(node) < 0 || node_failed(node))
			return -1;
	return node_barrier_polling(node);
}

/* A frame as a node's, but for what nobody can know. Returns its length. */
static size_t forge(uint8_t frame[OFI_FRAME_MAX], uint16_t from, enum ofi_head_kind kind,
                    unsigned sent)
{
	const struct ofi_head head = {.from = htole16(from),
	                              .kind = htole16((uint16_t)kind),
	                              .sent = htole32(sent),
	                              .received = htole32(1)};

	memset(frame, 0xa5, SEAL_BYTES);
	frame[0] = (uint8_t)sent;
	memcpy(frame + SEAL_BYTES, &head, sizeof(head));
	memcpy(frame + OFI_PREFIX, "evil", 4);
	return OFI_PREFIX + 4;
}

/* Of the two nodes' job, of itself, of nobody. */
static const uint16_t forged_from[] = {1, 0, 2, 0xffff};

static int send_forged(struct stranger *s)
{
	uint8_t frame[OFI_FRAME_MAX];

	for (unsigned i = 0; i < FORGED; i++) {
		const uint16_t from = forged_from[i % 4];
		const size_t len = forge(frame, from, i % 8 ? OFI_MESSAGE : OFI_ASK, 2 + i % 3);
		/* Some are cut short. */
		if (stranger_send(s, frame, i % 16 == 1 ? 3 : len))
			return -1;
	}
	for (unsigned i = 0; i < FORGED; i++)
		/* As a node wrote it that did not know a key, and with any number. */
		if (stranger_write_nothing(s, (uint64_t)(i % 2 ? 2 : i * 0x9e3779b9u | 1) << 32 |
		                                     TAG))
			return -1;
	return 0;
}

/* What also ends his connection. */
static int send_wrong(struct node *node)
{
	static const uint8_t zeros[OFI_SLOT_BYTES + 64];
	struct stranger *s;
	int rc = 0;

	for (int i = 0; i < 2 && !rc; i++) {
		if (stranger_open(node, 0, &s))
			return -1;
		rc = i ? stranger_send(s, zeros, sizeof(zeros)) :
		         stranger_write_anywhere(s, UINT64_C(2) << 32 | TAG);
		stranger_close(s);
	}
	return rc;
}

static void be_strange(struct node *node)
{
	struct stranger *s = NULL;

	REQUIRE(node, send_wrong(node) == 0);
	REQUIRE(node, stranger_open(node, 0, &s) == 0);
	REQUIRE(node, send_forged(s) == 0);
	/* All of it has come when this was seen there, and the connection stays until then. */
	while (!atomic_load(&node->arena->word[0]) && !node_failed(node))
		if (stranger_received(s) < 0 || node_step(node) < 0)
			break;
	stranger_close(s);
	if (!node_failed(node))
		node_send(node, 0, "real", 4);
}

static unsigned refused(struct node *node)
{
	struct tr_stats stats;

	node->ops->stats(node->tr, &stats);
	return (unsigned)stats.refused;
}

void part_strangers(struct node *node)
{
	const int64_t start = world_now_ms();
	struct guests g = {0};
	unsigned seconds;

	if (guests_begin(node, &g))
		return;
	if (node->self == 1)
		be_strange(node);
	while (node->self == 0 && g.got < 2 && !g.errors) {
		if (node_step(node) < 0 || node_failed(node))
			return;
		if (refused(node) >= 2 * FORGED)
			atomic_store(&node->arena->word[0], 1);
	}
	seconds = (unsigned)((world_now_ms() - start) / 1000) + 1;
	REQUIRE(node, g.errors == 0 && g.got == 2u - node->self, "%u errors, %u messages", g.errors,
	        g.got);
	/* Of nobody, and in the names of two. */
	REQUIRE(node, node->told_refused <= 3 * (seconds + 1), "%u lines", node->told_refused);
	REQUIRE(node, node->self == 1 || node->told_refused > 0);
	REQUIRE(node, node->self == 1 || refused(node) >= 2 * FORGED);
	node_barrier_polling(node);
}

/* Connections of this process, also those that only their other ends have closed. */
static unsigned connections(void)
{
	struct rlimit limit;
	struct tcp_info info;
	unsigned n = 0;
	socklen_t len;

	getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = 3; fd < (int)limit.rlim_cur && fd < 4096; fd++) {
		len = sizeof(info);
		n += !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) &&
		     (info.tcpi_state == TCP_ESTABLISHED || info.tcpi_state == TCP_CLOSE_WAIT);
	}
	return n;
}

/* With one connection between the two, which he can take: both opened one, maybe, and of two one goes. */
static int posed_begin(struct node *node, struct guests *g)
{
	if (guests_begin(node, g))
		return -1;
	while (connections() != 1)
		if (node_step(node) < 0 || node_failed(node))
			return -1;
	return node_barrier_polling(node);
}

/* Whether he may; then *out has sent something. */
static int pose(struct node *node, struct stranger **out)
{
	uint8_t frame[OFI_FRAME_MAX];
	int rc = stranger_pose(node, 0, 1, out);

	if (rc == 0)
		rc = stranger_send(*out, frame, forge(frame, 1, OFI_MESSAGE, 2));
	if (rc < 0)
		node_fail(node, "nobody can pose");
	return rc == 0;
}

/* Somebody takes node 1's place in its connection, while nothing is under way: node 1 takes it
 * back. */
void part_posed(struct node *node)
{
	_Atomic uint64_t *refused_it = &node->arena->word[0];
	struct stranger *s = NULL;
	struct guests g = {0};

	if (posed_begin(node, &g))
		return;
	if (node->self == 1 && !pose(node, &s))
		atomic_store(refused_it, 1);
	/* Until node 1, too, has closed the connection that was its own: it has the other one's now. libfabric does
	 * not look at its sockets each time. */
	while (!atomic_load(refused_it) || (node->self == 1 && connections() > 1)) {
		if (node_failed(node) || node_step(node) < 0)
			return;
		if (node->self == 0 && refused(node))
			atomic_store(refused_it, 1);
	}
	if (node->self == 1 && node_send(node, 0, "real", 4))
		return;
	while (g.got < 2 && !g.errors)
		if (node_step(node) < 0 || node_failed(node))
			return;
	if (node->self == 0 && !g.errors && node_send(node, 1, "real", 4))
		return;
	REQUIRE(node, g.got == 2 && !g.errors, "%u messages, %u errors", g.got, g.errors);
	node_barrier_polling(node);
	stranger_close(s);
}

/* He gets what node 0 sends to node 1: node 0 misses the answer. */
void part_posed_for(struct node *node)
{
	_Atomic uint64_t *told = &node->arena->word[0];
	struct stranger *s = NULL;
	struct guests g = {0};
	int sent = 0;

	if (posed_begin(node, &g))
		return;
	if (node->self == 1 && !pose(node, &s))
		atomic_store(told, 1);
	while (!g.errors && !atomic_load(told)) {
		if (node_step(node) < 0 || node_failed(node))
			return;
		if (node->self == 0 && refused(node) && !sent++ && node_send(node, 1, "real", 4))
			return;
		if (s)
			stranger_received(s);
	}
	atomic_store(told, 1);
	REQUIRE(node, g.got == 1, "%u", g.got);
	REQUIRE(node, !s || stranger_received(s) > 0, "he has got nothing");
	stranger_close(s);
	node_barrier(node);
}
