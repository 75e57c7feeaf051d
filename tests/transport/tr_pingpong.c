/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tr_pingpong [provider...]: one-way latency of a message and of page writes between
 * two processes of this machine, polling and sleeping, per provider.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/transport/world.h"

#define ROUNDS 5

struct pingpong {
	unsigned got, written;
	size_t len; /* of a page write; 0: a message of 64 bytes */
	int asleep;
};

static void pong(struct node *node, const struct tr_event *event)
{
	struct pingpong *p = node->ctx;

	if (event->kind == TR_EV_MSG || event->kind == TR_EV_LANDED)
		p->got++;
	else if (event->kind == TR_EV_WRITTEN)
		p->written++;
	else
		node_fail(node, "error event %d", event->status);
}

static int hit(struct node *node)
{
	struct pingpong *p = node->ctx;
	uint8_t message[64] = {0};

	if (p->len)
		return node_write(node, !node->self, 0, p->len, WORLD_MEM_BYTES / 2, 1, 1);
	return node_send(node, !node->self, message, sizeof(message));
}

static int await(struct node *node, unsigned got)
{
	struct pingpong *p = node->ctx;

	while (p->got < got)
		if ((p->asleep ? node_sleep_step(node) : node_step(node)) < 0 || node_failed(node))
			return -1;
	return 0;
}

/* One-way time in ns, the best of some rounds. */
static int64_t play(struct node *node, unsigned n)
{
	struct pingpong *p = node->ctx;
	int64_t best = INT64_MAX, start;
	unsigned round, i;

	for (round = 0; round < ROUNDS; round++) {
		start = world_now_ns();
		for (i = 0; i < n; i++) {
			if (node->self == 0 && (hit(node) || await(node, p->got + 1)))
				return -1;
			if (node->self == 1 && (await(node, p->got + 1) || hit(node)))
				return -1;
		}
		start = (world_now_ns() - start) / (2 * n);
		if (start < best)
			best = start;
	}
	return best;
}

static void measure(struct node *node)
{
	static const struct {
		const char *what;
		size_t len;
		unsigned n;
		int asleep;
	} games[] = {
		{"message 64 B", 0, 5000, 0},
		{"write 4 KiB", 4096, 5000, 0},
		{"write 2 MiB", 2u << 20, 50, 0},
		{"message 64 B, asleep", 0, 1000, 1},
		{"write 4 KiB, asleep", 4096, 1000, 1},
	};
	struct pingpong p;
	int64_t ns;
	size_t i;

	node->ctx = &p;
	node->on_event = pong;
	memset(node->mem, 1, WORLD_MEM_BYTES);
	for (i = 0; i < sizeof(games) / sizeof(*games); i++) {
		memset(&p, 0, sizeof(p));
		if (node_barrier_polling(node))
			return;
		memset(&p, 0, sizeof(p));
		p.len = games[i].len;
		p.asleep = games[i].asleep;
		ns = play(node, games[i].n);
		if (ns >= 0 && node->self == 0)
			printf("%-12s %-22s %8.2f us one way\n", node->ops->provider(node->tr),
			       games[i].what, (double)ns / 1000);
		/* The barrier's polls take late local completions. */
		if (node_barrier_polling(node))
			return;
	}
}

int main(int argc, char **argv)
{
	static char *all[] = {"shm", "tcp", "tcp;ofi_rxm", NULL};
	char **provider = argc > 1 ? argv + 1 : all;
	int failed = 0;

	for (; *provider; provider++) {
		struct world_config config = {
			.ops = &tr_ofi_ops, .provider = *provider, .nodes = 2, .timeout_s = 120};

		if (world_probe(&config))
			failed |= world_run(&config, *provider, measure);
	}
	return failed;
}
