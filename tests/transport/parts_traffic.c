/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts about what is carried: order, contents, bounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/hang.h"
#include "tests/transport/parts.h"

/* ------------------------------------------------------------------- order -- */

#define ORDER_MESSAGES 2000u

struct order {
	uint32_t next[WORLD_NODES_MAX]; /* by sender: the number expected */
	unsigned got;
};

/* Lengths below and above what providers inject, and the largest. */
static size_t order_len(uint32_t number)
{
	static const size_t len[] = {8, 17, 60, 64, 126, 128, 150, TR_MSG_MAX};

	return len[number % (sizeof(len) / sizeof(*len))];
}

static void order_fill(uint8_t *buf, uint16_t from, uint32_t number)
{
	size_t i;

	memcpy(buf, &number, sizeof(number));
	for (i = sizeof(number); i < order_len(number); i++)
		buf[i] = (uint8_t)(from * 31u + number + i);
}

static void order_event(struct node *node, const struct tr_event *event)
{
	struct order *order = node->ctx;
	uint8_t expected[TR_MSG_MAX];
	uint32_t number;

	REQUIRE(node, event->kind == TR_EV_MSG, "(%d)", event->kind);
	REQUIRE(node, event->peer < node->nodes && event->peer != node->self);
	number = order->next[event->peer]++;
	order_fill(expected, event->peer, number);
	REQUIRE(node, event->len == order_len(number), "message %u of %u has %u bytes", number,
	        event->peer, event->len);
	REQUIRE(node, !memcmp(event->data, expected, event->len), "message %u of %u", number,
	        event->peer);
	order->got++;
}

/* Whoever polls from here on may get the first of a node that is further. */
static void order_begin(struct node *node, struct order *order)
{
	node->ctx = order;
	node->on_event = order_event;
}

static void order_run(struct node *node)
{
	const unsigned each = world_times(ORDER_MESSAGES), all = each * (node->nodes - 1u);
	struct order *order = node->ctx;
	struct tr_stats stats;
	uint8_t buf[TR_MSG_MAX];
	uint32_t number;
	uint16_t i, to;

	for (number = 0; number < each; number++)
		for (i = 1; i < node->nodes; i++) {
			to = (uint16_t)((node->self + i) % node->nodes);
			order_fill(buf, node->self, number);
			if (node_send(node, to, buf, order_len(number)))
				return;
			/* Free again on return, so it may be overwritten. */
			memset(buf, 0xee, sizeof(buf));
			if (number % 7 == node->self && node_step(node) < 0)
				return;
		}
	while (order->got < all)
		if (node_step(node) < 0 || node_failed(node))
			return;
	/* Every one has come, but not all of ours need have left. */
	if (node_barrier_polling(node))
		return;
	while (node->ops->pending(node->tr))
		if (node_step(node) < 0 || node_failed(node))
			return;
	node->ops->stats(node->tr, &stats);
	REQUIRE(node, order->got == all, "%u messages, not %u", order->got, all);
	REQUIRE(node, stats.messages_sent == all && stats.messages_received == all);
}

void part_order(struct node *node)
{
	struct order order = {{0}, 0};

	order_begin(node, &order);
	order_run(node);
}

/* Once all peers are reached, nobody needs a descriptor any more. */
void part_reach(struct node *node)
{
	struct order order = {{0}, 0};
	struct rlimit files;
	uint16_t missing;

	order_begin(node, &order);
	while (node->ops->reach(node->tr, &missing) && !node_failed(node))
		if (node_step(node) < 0)
			return;
	REQUIRE(node, node->ops->reach(node->tr, NULL) == 0);
	if (node_barrier_polling(node))
		return;
	REQUIRE(node, getrlimit(RLIMIT_NOFILE, &files) == 0);
	files.rlim_cur = 0;
	if (!node->fabric) /* a process of its own */
		REQUIRE(node, setrlimit(RLIMIT_NOFILE, &files) == 0);
	order_run(node);
}

/* ------------------------------------------------------------------ writes -- */

/* Every node writes to every other, each pair in a slot of the target's memory of its
 * own; the target checks the page when it is told and asks for the next one. */

struct writes {
	size_t len;
	uint32_t rounds;
	uint32_t landed[WORLD_NODES_MAX], wanted[WORLD_NODES_MAX], posted[WORLD_NODES_MAX];
	uint32_t written[WORLD_NODES_MAX];
};

#define WRITES_COOKIE 0xc00c1e0000000000u

static uint64_t writes_word(uint16_t from, uint16_t to, uint32_t round, size_t i)
{
	return ((uint64_t)from << 56 | (uint64_t)to << 48 | (uint64_t)round << 32 | i) *
	       0x9e3779b97f4a7c15u;
}

static uint32_t writes_tag(uint16_t from, uint32_t round)
{
	return (0xf0u + from) << 24 | round;
}

/* Sources lie in the first half, landings in the second. */
static size_t writes_slot(const struct writes *writes, uint16_t peer)
{
	return peer * writes->len;
}

static void writes_landed(struct node *node, uint32_t tag)
{
	struct writes *writes = node->ctx;
	const uint16_t from = (uint16_t)((tag >> 24) - 0xf0u);
	const uint32_t round = tag & 0xffffffu;
	const uint64_t *page;
	size_t i;

	REQUIRE(node, from < node->nodes && from != node->self, "tag %x", tag);
	REQUIRE(node, round == writes->landed[from], "round %u of %u, not %u", round, from,
	        writes->landed[from]);
	writes->landed[from]++;
	page = (const uint64_t *)(node->mem + WORLD_MEM_BYTES / 2 + writes_slot(writes, from));
	for (i = 0; i < writes->len / 8; i++)
		REQUIRE(node, page[i] == writes_word(from, node->self, round, i),
		        "word %zu of round %u from %u", i, round, from);
	memset(node->mem + WORLD_MEM_BYTES / 2 + writes_slot(writes, from), 0, writes->len);
	node_send(node, from, "next", 4);
}

static void writes_event(struct node *node, const struct tr_event *event)
{
	struct writes *writes = node->ctx;
	uint64_t to;

	switch (event->kind) {
	case TR_EV_LANDED:
		writes_landed(node, event->tag);
		return;
	case TR_EV_MSG:
		writes->wanted[event->peer]++;
		return;
	case TR_EV_WRITTEN:
		to = event->cookie - WRITES_COOKIE;
		REQUIRE(node, to < node->nodes, "cookie %llx", (unsigned long long)event->cookie);
		writes->written[to]++;
		return;
	default:
		node_fail(node, "event %d, status %d", event->kind, event->status);
	}
}

/* Writes the next page to a peer when it has asked for it and the last one is out. */
static int writes_next(struct node *node, struct writes *writes, uint16_t to)
{
	const uint32_t round = writes->posted[to];
	uint64_t *page = (uint64_t *)(node->mem + writes_slot(writes, to));
	size_t i;

	if (round == writes->rounds || writes->wanted[to] < round || writes->written[to] < round)
		return 0;
	for (i = 0; i < writes->len / 8; i++)
		page[i] = writes_word(node->self, to, round, i);
	writes->posted[to]++;
	return node_write(node, to, writes_slot(writes, to), writes->len,
	                  WORLD_MEM_BYTES / 2 + writes_slot(writes, node->self),
	                  writes_tag(node->self, round), WRITES_COOKIE + to);
}

static int writes_done(const struct node *node, const struct writes *writes)
{
	uint16_t i;

	for (i = 0; i < node->nodes; i++)
		if (i != node->self &&
		    (writes->landed[i] < writes->rounds || writes->written[i] < writes->rounds ||
		     writes->wanted[i] < writes->rounds))
			return 0;
	return 1;
}

static void part_writes(struct node *node, size_t len, uint32_t rounds)
{
	struct writes writes = {.len = len, .rounds = rounds};
	struct tr_stats stats;
	uint16_t to;

	node->ctx = &writes;
	node->on_event = writes_event;
	while (!writes_done(node, &writes)) {
		for (to = 0; to < node->nodes; to++)
			if (to != node->self && writes_next(node, &writes, to))
				return;
		if (node_step(node) < 0 || node_failed(node))
			return;
	}
	node->ops->stats(node->tr, &stats);
	REQUIRE(node, stats.landed == rounds * (node->nodes - 1u));
	REQUIRE(node, stats.write_bytes == stats.writes * len);
}

void part_writes_4k(struct node *node)
{
	part_writes(node, 4096, world_times(400));
}

void part_writes_2m(struct node *node)
{
	part_writes(node, 2u << 20, world_times(20));
}

/* --------------------------------------------------------------- arguments -- */

void part_arguments(struct node *node)
{
	const uint16_t peer = !node->self;
	uint8_t landing[TR_LANDING_SIZE], buf[TR_MSG_MAX + 1] = {0};
	struct tr_event events[4];

	node_landing(node, peer, 0, landing);
	REQUIRE(node, node->ops->send(node->tr, node->self, buf, 4) == -EINVAL);
	REQUIRE(node, node->ops->send(node->tr, node->nodes, buf, 4) == -EINVAL);
	REQUIRE(node, node->ops->send(node->tr, TR_NO_PEER, buf, 4) == -EINVAL);
	REQUIRE(node, node->ops->send(node->tr, peer, buf, sizeof(buf)) == -EMSGSIZE);
	REQUIRE(node, node->ops->write(node->tr, node->nodes, node->reg, node->mem, 4096, landing,
	                               0, 0) == -EINVAL);
	REQUIRE(node, node->ops->write(node->tr, peer, node->reg, node->mem - 1, 4096, landing, 0,
	                               0) == -EINVAL);
	REQUIRE(node, node->ops->write(node->tr, peer, node->reg,
	                               node->mem + WORLD_MEM_BYTES - 4095, 4096, landing, 0,
	                               0) == -EINVAL);
	REQUIRE(node, node->ops->poll(node->tr, events, 4) == 0);
	REQUIRE(node, node->ops->pending(node->tr) == 0);
	REQUIRE(node, node->ops->wait_fd(node->tr) >= 0);
}

/* -------------------------------------------------------------- saturation -- */

/* Node 0 sends and writes while node 1 does not poll, until both are refused. Then node
 * 1 polls, and has to get exactly what was accepted. */

#define SATURATION_HELLO UINT32_MAX

struct saturation {
	uint32_t hello, messages, landed, written;
};

static void saturation_event(struct node *node, const struct tr_event *event)
{
	struct saturation *got = node->ctx;
	uint32_t number;

	if (event->kind == TR_EV_MSG) {
		memcpy(&number, event->data, sizeof(number));
		if (number == SATURATION_HELLO) {
			got->hello++;
			return;
		}
		REQUIRE(node, number == got->messages, "message %u, not %u", number, got->messages);
		got->messages++;
	} else if (event->kind == TR_EV_LANDED) {
		got->landed++;
	} else if (event->kind == TR_EV_WRITTEN) {
		got->written++;
	} else {
		node_fail(node, "event %d, status %d", event->kind, event->status);
	}
}

static void saturation_send(struct node *node)
{
	struct saturation *got = node->ctx;
	uint8_t landing[TR_LANDING_SIZE], buf[TR_MSG_MAX] = {0};
	uint32_t sent = 0, written = 0;
	int64_t until = world_now_ms() + HANG_MS;
	int full_send = 0, full_write = 0, rc; /* times refused in a row */

	node_landing(node, 1, 0, landing);
	while (full_send < 1000 || full_write < 1000) {
		REQUIRE(node, world_now_ms() < until, "%u messages, %u writes: no bound", sent,
		        written);
		memcpy(buf, &sent, sizeof(sent));
		rc = node->ops->send(node->tr, 1, buf, 100);
		REQUIRE(node, !rc || rc == -ENOBUFS, "%d", rc);
		sent += !rc;
		full_send = rc ? full_send + 1 : 0;
		rc = node->ops->write(node->tr, 1, node->reg, node->mem, 4096, landing, 7,
		                      written);
		REQUIRE(node, !rc || rc == -ENOBUFS, "%d", rc);
		written += !rc;
		full_write = rc ? full_write + 1 : 0;
		if (node_step(node) < 0)
			return;
	}
	printf("    accepted %u messages and %u writes without a poll of the target\n", sent,
	       written);
	REQUIRE(node, sent >= node->config->sends_max, "%u", sent);
	REQUIRE(node, written >= node->config->writes_max, "%u", written);
	atomic_store(&node->arena->word[0], sent);
	atomic_store(&node->arena->word[1], written);
	if (node_barrier(node))
		return;
	while (got->written < written || node->ops->pending(node->tr))
		if (node_step(node) < 0 || node_failed(node))
			return;
}

void part_saturation(struct node *node)
{
	struct saturation got = {0, 0, 0, 0};
	uint32_t hello = SATURATION_HELLO;
	uint64_t sent, written;

	node->ctx = &got;
	node->on_event = saturation_event;
	if (node_send(node, !node->self, &hello, sizeof(hello)))
		return;
	while (!got.hello)
		if (node_step(node) < 0 || node_failed(node))
			return;
	if (node_barrier_polling(node))
		return;
	if (node->self == 0) {
		saturation_send(node);
		node_barrier_polling(node);
		return;
	}
	if (node_barrier(node))
		return;
	sent = atomic_load(&node->arena->word[0]);
	written = atomic_load(&node->arena->word[1]);
	while (got.messages < sent || got.landed < written)
		if (node_step(node) < 0 || node_failed(node))
			return;
	node_barrier_polling(node);
	REQUIRE(node, got.messages == sent && got.landed == written);
}

/* ------------------------------------------------------------------ sparse -- */

/* Most of a region has no memory behind it, and stays so: 8 GiB of memfd, of which one page
 * at the far end is written to. It is registered as a whole, or where that would allocate
 * it, in pieces: that of the source and that of the landing. */

#define SPARSE_BYTES (8ull << 30)
#define SPARSE_PIECE 65536u

struct sparse {
	unsigned landed, written;
	struct tr_mem *source, *target; /* the same when the region is registered as a whole */
};

static void sparse_event(struct node *node, const struct tr_event *event)
{
	struct sparse *sparse = node->ctx;

	REQUIRE(node, event->kind != TR_EV_ERROR, "(%d)", event->status);
	sparse->landed += event->kind == TR_EV_LANDED;
	sparse->written += event->kind == TR_EV_WRITTEN;
}

static int sparse_register(struct node *node, uint8_t *base)
{
	struct sparse *sparse = node->ctx;
	int rc;

	if (!node->ops->pins_memory(node->tr)) {
		rc = node->ops->mem_register(node->tr, base, SPARSE_BYTES, &sparse->source);
		sparse->target = sparse->source;
		return rc;
	}
	rc = node->ops->mem_register(node->tr, base, SPARSE_PIECE, &sparse->source);
	return rc ? rc : node->ops->mem_register(node->tr, base + SPARSE_BYTES - SPARSE_PIECE,
	                                         SPARSE_PIECE, &sparse->target);
}

static void sparse_exchange(struct node *node, uint8_t *base, int fd)
{
	struct sparse *sparse = node->ctx;
	const long allowed = sparse->source == sparse->target ? 4096 : SPARSE_PIECE;
	uint8_t landing[TR_LANDING_SIZE], *page = base + SPARSE_BYTES - 4096;
	struct stat st;
	int rc;

	/* A landing frame is allocated before its address leaves. */
	REQUIRE(node, !fallocate(fd, FALLOC_FL_KEEP_SIZE, SPARSE_BYTES - 4096, 4096));
	node->ops->landing(sparse->target, page, node->arena->landing[node->self]);
	if (node_barrier(node))
		return;
	memset(base, 0x51 + node->self, 4096);
	node_landing(node, !node->self, 0, landing);
	rc = node->ops->write(node->tr, !node->self, sparse->source, base, 4096, landing, 1, 1);
	REQUIRE(node, !rc, "%d", rc);
	while (!sparse->landed || !sparse->written)
		if (node_step(node) < 0 || node_failed(node))
			return;
	REQUIRE(node, page[0] == 0x51 + !node->self && page[4095] == page[0]);
	REQUIRE(node, !fstat(fd, &st));
	REQUIRE(node, st.st_blocks * 512 <= 2 * allowed, "%ld blocks", (long)st.st_blocks);
	node_barrier_polling(node);
}

void part_sparse(struct node *node)
{
	const int fd = memfd_create("sparse", MFD_CLOEXEC);
	struct sparse sparse = {0, 0, NULL, NULL};
	uint8_t *base;
	int rc;

	REQUIRE(node, fd >= 0 && !ftruncate(fd, SPARSE_BYTES));
	base = mmap(NULL, SPARSE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	REQUIRE(node, base != MAP_FAILED);
	node->ctx = &sparse;
	node->on_event = sparse_event;
	rc = sparse_register(node, base);
	REQUIRE(node, !rc, "%d", rc);
	sparse_exchange(node, base, fd);
	node->ops->mem_release(sparse.source);
	if (sparse.target != sparse.source)
		node->ops->mem_release(sparse.target);
	munmap(base, SPARSE_BYTES);
	close(fd);
}
