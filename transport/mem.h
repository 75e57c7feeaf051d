/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fabric of the memory backend: joins the nodes of one process, for tests.
 *
 * Time is virtual: one tick is one poll() by any node. A seeded generator decides
 * how many ticks a message, a page write and a local completion wait, so messages
 * of different pairs overtake each other (never those of one pair) and page writes
 * overtake messages and one another. With delay_max 0 everything is there at once.
 * One thread that polls the nodes in a fixed order sees the same run for a seed.
 *
 * Threads: everything may be called from any thread; one lock guards the fabric.
 */
#ifndef TR_MEM_H
#define TR_MEM_H

#include <stdint.h>

struct mem_fabric;

struct mem_fabric_config {
	uint16_t nodes;
	uint64_t seed;
	unsigned delay_max; /* ticks that something waits, at most */
};

/* 0, -EINVAL (no nodes), -ENOMEM. */
int mem_fabric_create(const struct mem_fabric_config *config, struct mem_fabric **out);

/* All endpoints on it must be closed. NULL is allowed. */
void mem_fabric_destroy(struct mem_fabric *fabric);

/* The node is gone from now on: what is under way to and from it is lost, its peers
 * get TR_EV_ERROR with -ENOTCONN, and its own calls fail with -ENOTCONN. */
void mem_fabric_kill(struct mem_fabric *fabric, uint16_t node);

/* Ticks so far. */
uint64_t mem_fabric_ticks(struct mem_fabric *fabric);

/* Messages and writes under way anywhere: 0 means that nothing will happen any more
 * unless a node does something. */
uint64_t mem_fabric_in_flight(struct mem_fabric *fabric);

#endif
