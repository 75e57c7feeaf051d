/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world of endpoints for the transport's tests: one process each (libfabric) or one
 * thread each (memory backend). Every node runs the same function; what they have to
 * tell each other beside the transport goes through an arena of shared memory.
 *
 * Nothing waits for ever: every wait ends with the world's deadline, or as soon as any
 * node failed, and the first failure is what the run reports.
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdatomic.h>
#include <stdint.h>

#include "transport/mem.h"
#include "transport/transport.h"

#define WORLD_NODES_MAX 8
#define WORLD_MEM_BYTES (16u << 20) /* registered memory of each node */

struct world_config {
	const struct tr_ops *ops;
	const char *provider;
	uint16_t nodes;
	unsigned writes_max, sends_max, silent_max_ms;
	unsigned delay_max; /* memory backend */
	uint64_t seed;
	int timeout_s;      /* 0: HANG_S */
	int cpus;           /* run on so many CPUs only; 0: all */
	int private_bell;   /* no runtime_dir */
	int many_machines;  /* pretend not to be on one */
};

struct arena {
	_Atomic int failed;
	char why[512];
	_Atomic uint32_t barrier_count, barrier_round, alive;
	uint8_t address[WORLD_NODES_MAX][TR_ADDRESS_MAX];
	uint32_t address_len[WORLD_NODES_MAX];
	uint8_t landing[WORLD_NODES_MAX][TR_LANDING_SIZE]; /* of mem's start */
	_Atomic int pid[WORLD_NODES_MAX];
	_Atomic int died[WORLD_NODES_MAX]; /* on purpose */
	_Atomic uint64_t word[64]; /* the test's own */
	char runtime_dir[64];
	uint8_t secret[TR_SECRET_SIZE];
};

struct node {
	const struct world_config *config;
	struct arena *arena;
	struct mem_fabric *fabric;
	const struct tr_ops *ops;
	struct tr *tr;
	uint16_t self, nodes;
	uint8_t *mem; /* WORLD_MEM_BYTES, registered */
	struct tr_mem *reg;
	int64_t deadline_ms;
	int dead;
	unsigned told_refused; /* lines in the log about what was refused */
	void *ctx;
	/* What node_step() hands every event to. */
	void (*on_event)(struct node *node, const struct tr_event *event);
};

typedef void (*world_fn)(struct node *node);

/* Runs fn on every node of a world. Returns 0, or 1 after printing what failed. */
int world_run(const struct world_config *config, const char *name, world_fn fn);
/* Is the provider there? 1, or 0 after printing the reason. */
int world_probe(const struct world_config *config);

void node_fail(struct node *node, const char *format, ...) __attribute__((format(printf, 2, 3)));
int node_failed(struct node *node); /* anybody failed, or the deadline passed */

/* 0, or -1 when the world failed. Nodes do not poll while they wait here. */
int node_barrier(struct node *node);
/* The same, polling meanwhile, so that peers make progress. */
int node_barrier_polling(struct node *node);
/* Dies on the spot, as by SIGKILL; barriers no longer count this node. Returns only
 * where nodes are threads. */
void node_die(struct node *node);
/* Polls once and hands out the events. Returns how many, or -1. */
int node_step(struct node *node);
/* Sleeps until woken, and polls. -1 when nobody woke us in time. */
int node_sleep_step(struct node *node);
/* Sends, polling while there is no room. 0 or -1. */
int node_send(struct node *node, uint16_t peer, const void *buf, size_t len);
/* Writes from and to the nodes' memory, polling while there is no room. 0 or -1. */
int node_write(struct node *node, uint16_t peer, size_t src_offset, size_t len,
               size_t landing_offset, uint32_t tag, uint64_t cookie);
/* The landing at offset of a peer's memory. */
void node_landing(struct node *node, uint16_t peer, size_t offset, uint8_t out[TR_LANDING_SIZE]);

/* How many times to do what is done n times where machines are fast: with TR_TEST_SHARE=k
 * in the environment a kth of it, at least once. */
unsigned world_times(unsigned n);
int64_t world_now_ms(void);
int64_t world_now_ns(void);
int64_t node_cpu_us(const struct node *node); /* CPU time of its process or thread */

#define REQUIRE(node, cond, ...)                                                                   \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			node_fail(node, #cond " " __VA_ARGS__);                                    \
			return;                                                                    \
		}                                                                                  \
	} while (0)

#endif
