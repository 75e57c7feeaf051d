/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts about sleeping, waking, idling and dying.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "tests/hang.h"
#include "tests/transport/parts.h"

/* --------------------------------------------------------------- ping-pong -- */

#define PINGPONG_ROUNDS 10000u

struct pingpong {
	unsigned got;
};

static void pingpong_event(struct node *node, const struct tr_event *event)
{
	struct pingpong *p = node->ctx;

	REQUIRE(node, event->kind != TR_EV_ERROR, "(%d)", event->status);
	p->got += event->kind == TR_EV_MSG || event->kind == TR_EV_LANDED;
}

static int pingpong_await(struct node *node, unsigned got)
{
	struct pingpong *p = node->ctx;

	while (p->got < got)
		if (node_sleep_step(node) < 0 || node_failed(node))
			return -1;
	return 0;
}

/* Both sleep whenever it is not their turn; messages and page writes by turns. */
void part_sleep_pingpong(struct node *node)
{
	const unsigned rounds = world_times(PINGPONG_ROUNDS);
	struct pingpong p = {0};
	unsigned i;
	int rc;

	node->ctx = &p;
	node->on_event = pingpong_event;
	for (i = 0; i < rounds; i++) {
		if (node->self && pingpong_await(node, i + 1))
			return;
		if (i % 3)
			rc = node_send(node, !node->self, &i, sizeof(i));
		else
			rc = node_write(node, !node->self, 0, i % 2 ? 4096 : 8192,
			                WORLD_MEM_BYTES / 2, i, i);
		if (rc || (!node->self && pingpong_await(node, i + 1)))
			return;
	}
}

/* ------------------------------------------------------------------- crowd -- */

/* Tokens wander among the nodes, each hop to a random peer, by message or page write;
 * everybody sleeps in between. A lost wake-up stops a token, in the end all of them. */

#define CROWD_TOKENS 2u /* of each node */
#define CROWD_HOPS 1000u /* of each token */

struct crowd {
	uint64_t random;
};

static uint32_t crowd_random(struct crowd *crowd)
{
	crowd->random = crowd->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(crowd->random >> 33);
}

/* A token is the number of hops left. */
static void crowd_pass(struct node *node, uint32_t token)
{
	struct crowd *crowd = node->ctx;
	const uint32_t random = crowd_random(crowd);
	const uint16_t peer =
		(uint16_t)((node->self + 1u + random % (node->nodes - 1u)) % node->nodes);

	if (token == 0)
		atomic_fetch_add(&node->arena->word[0], 1);
	else if (random & 0x10000)
		node_send(node, peer, &(uint32_t){token - 1}, sizeof(uint32_t));
	else
		node_write(node, peer, 0, 8192, WORLD_MEM_BYTES / 2, token - 1, 0);
}

static void crowd_event(struct node *node, const struct tr_event *event)
{
	uint32_t token;

	REQUIRE(node, event->kind != TR_EV_ERROR, "(%d)", event->status);
	if (event->kind == TR_EV_MSG) {
		if (event->len == 1)
			return;
		memcpy(&token, event->data, sizeof(token));
		crowd_pass(node, token);
	} else if (event->kind == TR_EV_LANDED) {
		crowd_pass(node, event->tag);
	}
}

void part_sleep_crowd(struct node *node)
{
	struct crowd crowd = {.random = node->self + 1u};
	const uint64_t all = CROWD_TOKENS * node->nodes;
	uint64_t seen;
	uint16_t i;

	node->ctx = &crowd;
	node->on_event = crowd_event;
	for (i = 0; i < CROWD_TOKENS; i++)
		crowd_pass(node, world_times(CROWD_HOPS));
	while ((seen = atomic_load(&node->arena->word[0])) < all)
		if (node_sleep_step(node) < 0 || node_failed(node))
			return;
	/* Whoever sees the end tells the others, who may be asleep. */
	for (i = 0; i < node->nodes; i++)
		if (i != node->self && node_send(node, i, "", 1))
			return;
	REQUIRE(node, seen == all);
}

/* ----------------------------------------------------------------- written -- */

/* Node 0 has nothing but its local completions to wake up for, and node 1, asleep as
 * well, may have to help it to them. */

#define WRITTEN_ROUNDS 500u
#define WRITTEN_RINGS 20 /* at least, each way, where there is a doorbell */

struct written {
	unsigned written, landed, stop;
};

static void written_event(struct node *node, const struct tr_event *event)
{
	struct written *w = node->ctx;

	REQUIRE(node, event->kind != TR_EV_ERROR, "(%d)", event->status);
	w->written += event->kind == TR_EV_WRITTEN;
	w->landed += event->kind == TR_EV_LANDED;
	w->stop += event->kind == TR_EV_MSG;
}

/* It has to be rings that wake, and not the timer, which is there as well. */
static void written_rings(struct node *node)
{
	struct tr_stats stats;

	node->ops->stats(node->tr, &stats);
	REQUIRE(node, strcmp(node->ops->provider(node->tr), "shm") || stats.doorbells > WRITTEN_RINGS,
	        "%llu doorbells", (unsigned long long)stats.doorbells);
}

void part_sleep_written(struct node *node)
{
	const unsigned rounds = world_times(WRITTEN_ROUNDS);
	struct written w = {0, 0, 0};
	struct tr_stats stats;
	unsigned i;

	node->ctx = &w;
	node->on_event = written_event;
	if (node->self == 1) {
		while (!w.stop || w.landed < rounds)
			if (node_sleep_step(node) < 0 || node_failed(node))
				return;
		/* It sent nothing, so it rang to help. */
		written_rings(node);
		return;
	}
	for (i = 0; i < rounds; i++) {
		if (node_write(node, 1, 0, i % 10 ? 65536 : 2u << 20, WORLD_MEM_BYTES / 2, i, i))
			return;
		while (w.written <= i)
			if (node_sleep_step(node) < 0 || node_failed(node))
				return;
	}
	REQUIRE(node, node->ops->pending(node->tr) == 0);
	node_send(node, 1, "stop", 4);
	node->ops->stats(node->tr, &stats);
	REQUIRE(node, stats.writes == rounds);
	written_rings(node);
}

/* ------------------------------------------------------------------- quiet -- */

/* Who is not armed is not disturbed: another thread polls, and the one that waits on the
 * descriptor has nothing to do. */

#define QUIET_MESSAGES 10u
#define QUIET_MS 50

static int quiet_readable(struct node *node, int timeout_ms)
{
	struct pollfd pollfd = {.fd = node->ops->wait_fd(node->tr), .events = POLLIN};

	return poll(&pollfd, 1, timeout_ms) == 1;
}

void part_quiet(struct node *node)
{
	struct pingpong p = {0};
	unsigned i;

	node->ctx = &p;
	node->on_event = pingpong_event;
	/* Connections first, and a sleep each. */
	if (node_send(node, !node->self, "hello", 5) || pingpong_await(node, 1) ||
	    node_barrier_polling(node))
		return;
	/* From here on node 1 may have got some of the messages: it polled up to now. */
	if (node->self == 0) {
		for (i = 0; i < QUIET_MESSAGES; i++)
			if (node_send(node, 1, &i, sizeof(i)))
				return;
		node_barrier_polling(node); /* sent */
		node_barrier_polling(node); /* and received */
		return;
	}
	if (node_barrier(node))
		return;
	REQUIRE(node, !quiet_readable(node, QUIET_MS), "before polling");
	while (p.got < 1 + QUIET_MESSAGES / 2)
		if (node_step(node) < 0 || node_failed(node))
			return;
	REQUIRE(node, !quiet_readable(node, QUIET_MS), "after polling");
	if (pingpong_await(node, 1 + QUIET_MESSAGES))
		return;
	REQUIRE(node, !quiet_readable(node, QUIET_MS), "after sleeping");
	node_barrier_polling(node);
}

/* -------------------------------------------------------------------- idle -- */

#define IDLE_MS 100
#define IDLE_TIMES 5
#define IDLE_CPU_US 3000 /* 3 % */
#define IDLE_QUIET_MS 100

/* One sleep. Returns whether nothing came in that time. */
static int idle_sleep(struct node *node, int ms)
{
	struct pollfd pollfd = {.fd = node->ops->wait_fd(node->tr), .events = POLLIN};
	int quiet = 0;

	if (node->ops->wait_arm(node->tr) == 0) {
		quiet = poll(&pollfd, 1, ms) == 0;
		node->ops->wait_disarm(node->tr);
	}
	return quiet;
}

/* Connections may still be settling: tcp;ofi_rxm of libfabric 2 looks at what they have to say
 * every 10 ms, and is awake until then. */
static int idle_begin(struct node *node)
{
	while (!idle_sleep(node, IDLE_QUIET_MS))
		if (node_step(node) < 0 || node_failed(node))
			return -1;
	return 0;
}

/* Sleeps for so long. What it took of the processor, or -1. */
static int64_t idle_for(struct node *node, int ms, unsigned *wakes)
{
	const int64_t until = world_now_ms() + ms, cpu = node_cpu_us(node);
	int64_t left;

	while ((left = until - world_now_ms()) > 0) {
		idle_sleep(node, (int)left);
		++*wakes;
		if (node_step(node) < 0)
			return -1;
	}
	return node_cpu_us(node) - cpu;
}

void part_idle(struct node *node)
{
	struct pingpong p = {0};
	const uint16_t next = (uint16_t)((node->self + 1) % node->nodes);
	int64_t least = INT64_MAX;
	unsigned wakes = 0;

	/* Some traffic first, so that connections are there. */
	node->ctx = &p;
	node->on_event = pingpong_event;
	if (node_send(node, next, "hello", 5) ||
	    node_write(node, next, 0, 65536, WORLD_MEM_BYTES / 2, 1, 1))
		return;
	while (p.got < 2 || node->ops->pending(node->tr))
		if (node_step(node) < 0 || node_failed(node))
			return;
	if (node_barrier_polling(node) || idle_begin(node) || node_barrier(node))
		return;
	/* On a machine that is busy, or emulated by one, to wake up may take long at times. Who looks
	 * without end does so at all times. */
	for (int i = 0; i < IDLE_TIMES; i++) {
		int64_t cpu = idle_for(node, IDLE_MS, &wakes);
		if (cpu < 0)
			return;
		least = cpu < least ? cpu : least;
	}
	REQUIRE(node, least < IDLE_CPU_US, "%lld us of CPU in %d ms, %u wake-ups in %d times that",
	        (long long)least, IDLE_MS, wakes, IDLE_TIMES);
	REQUIRE(node, wakes < 50, "%u wake-ups", wakes);
}

/* ------------------------------------------------------------------- death -- */

struct death {
	unsigned hello, errors, answers;
	int status;
};

static void death_event(struct node *node, const struct tr_event *event)
{
	struct death *death = node->ctx;

	if (event->kind == TR_EV_ERROR) {
		REQUIRE(node, event->peer == 2 || event->peer == TR_NO_PEER, "peer %u",
		        event->peer);
		REQUIRE(node, event->status < 0);
		death->errors += event->peer == 2;
		death->status = event->status;
	} else if (event->kind == TR_EV_MSG) {
		death->hello += event->peer == 2;
		death->answers += event->peer != 2;
	}
}

/* Node 2 dies; the others go on talking to it until they are told, and to each other
 * afterwards as before. */
void part_death(struct node *node)
{
	struct death death = {0, 0, 0, 0};
	int64_t start, until;
	uint16_t i;
	int rc = 0;

	node->ctx = &death;
	node->on_event = death_event;
	if (node->self == 2) {
		for (i = 0; i < 2; i++)
			if (node_send(node, i, "hello", 5))
				return;
		if (node_barrier_polling(node))
			return;
		node_die(node);
		return;
	}
	while (death.hello < 1)
		if (node_step(node) < 0 || node_failed(node))
			return;
	if (node_barrier_polling(node))
		return;
	start = world_now_ms();
	until = start + HANG_MS;
	while (!death.errors && rc != -ENOTCONN && world_now_ms() < until) {
		rc = node->ops->send(node->tr, 2, "there?", 6);
		REQUIRE(node, !rc || rc == -ENOTCONN || rc == -ENOBUFS, "%d", rc);
		if (node_step(node) < 0)
			return;
	}
	printf("    node %u was told after %lld ms: %s\n", node->self,
	       (long long)(world_now_ms() - start),
	       death.errors ? strerror(-death.status) : rc == -ENOTCONN ? "-ENOTCONN" : "no");
	REQUIRE(node, death.errors || rc == -ENOTCONN, "within %d ms", HANG_MS);
	REQUIRE(node, node->ops->send(node->tr, 2, "there?", 6) == -ENOTCONN);
	if (node_send(node, !node->self, "still here", 10))
		return;
	while (death.answers < 1)
		if (node_step(node) < 0 || node_failed(node))
			return;
	REQUIRE(node, death.errors <= 1, "%u", death.errors);
}
