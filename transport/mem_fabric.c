/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fabric that joins the nodes of the memory backend: its time, its dice, its dead.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "transport/mem_impl.h"

/* splitmix64 */
uint64_t mem_random(struct mem_fabric *fabric)
{
	uint64_t z = (fabric->random += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t mem_later(struct mem_fabric *fabric, uint64_t than)
{
	return than + (fabric->delay_max ? mem_random(fabric) % (fabric->delay_max + 1u) : 0);
}

void mem_wake(struct mem_node *node)
{
	const uint64_t one = 1;

	if (!node->armed)
		return;
	node->armed = 0;
	/* Fails only when the counter is full, and then the descriptor is readable. */
	if (write(node->event_fd, &one, sizeof(one)) < 0)
		return;
}

int mem_fabric_create(const struct mem_fabric_config *config, struct mem_fabric **out)
{
	struct mem_fabric *fabric;

	if (config->nodes == 0 || config->nodes == TR_NO_PEER)
		return -EINVAL;
	fabric = calloc(1, sizeof(*fabric));
	if (!fabric)
		return -ENOMEM;
	fabric->nodes = config->nodes;
	fabric->random = config->seed;
	fabric->delay_max = config->delay_max;
	fabric->next_key = 1;
	fabric->node = calloc(config->nodes, sizeof(struct mem_node *));
	if (!fabric->node || pthread_mutex_init(&fabric->lock, NULL)) {
		free(fabric->node);
		free(fabric);
		return -ENOMEM;
	}
	*out = fabric;
	return 0;
}

void mem_fabric_destroy(struct mem_fabric *fabric)
{
	if (!fabric)
		return;
	pthread_mutex_destroy(&fabric->lock);
	free(fabric->node);
	free(fabric);
}

void mem_write_leave_incoming(struct mem_write *write)
{
	if (!write->to)
		return;
	DL_DELETE2(write->to->incoming, write, in_prev, in_next);
	write->to = NULL;
}

void mem_write_free(struct mem_write *write)
{
	struct mem_node *node = write->from;

	mem_write_leave_incoming(write);
	DL_DELETE2(node->outgoing, write, out_prev, out_next);
	LL_PREPEND(node->free, write);
	node->unwritten -= !write->written;
	node->fabric->in_flight--;
}

void mem_error(struct mem_node *node, uint16_t peer)
{
	if (node->error[peer])
		return;
	node->error[peer] = 1;
	node->errors++;
	mem_wake(node);
}

void mem_drop_writes(struct mem_node *node)
{
	struct mem_write *write, *next;

	DL_FOREACH_SAFE2(node->outgoing, write, next, out_next)
		mem_write_free(write);
	DL_FOREACH_SAFE2(node->incoming, write, next, in_next) {
		mem_error(write->from, node->self);
		mem_write_free(write);
	}
}

void mem_drop_writes_to(struct mem_node *node, const struct mem_node *peer)
{
	struct mem_write *write, *next;

	DL_FOREACH_SAFE2(node->outgoing, write, next, out_next)
		if (write->to == peer)
			mem_write_free(write);
}

void mem_drop_messages(struct mem_ring *ring, struct mem_fabric *fabric)
{
	fabric->in_flight -= ring->count;
	ring->count = 0;
}

void mem_fabric_kill(struct mem_fabric *fabric, uint16_t node)
{
	struct mem_node *dead;
	uint16_t i;

	pthread_mutex_lock(&fabric->lock);
	dead = node < fabric->nodes ? fabric->node[node] : NULL;
	if (dead && !dead->dead) {
		dead->dead = 1;
		mem_drop_writes(dead);
		for (i = 0; i < fabric->nodes; i++) {
			mem_drop_messages(&dead->ring[i], fabric);
			if (i == node || !fabric->node[i])
				continue;
			mem_drop_messages(&fabric->node[i]->ring[node], fabric);
			mem_error(fabric->node[i], node);
		}
		mem_wake(dead);
	}
	pthread_mutex_unlock(&fabric->lock);
}

uint64_t mem_fabric_ticks(struct mem_fabric *fabric)
{
	uint64_t tick;

	pthread_mutex_lock(&fabric->lock);
	tick = fabric->tick;
	pthread_mutex_unlock(&fabric->lock);
	return tick;
}

uint64_t mem_fabric_in_flight(struct mem_fabric *fabric)
{
	uint64_t n;

	pthread_mutex_lock(&fabric->lock);
	n = fabric->in_flight;
	pthread_mutex_unlock(&fabric->lock);
	return n;
}
