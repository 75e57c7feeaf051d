/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory backend: nodes of one process, joined by a struct mem_fabric.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

#include "transport/mem_impl.h"

#define MEM_SENDS_MAX 4096
#define MEM_WRITES_MAX 1024

static const char mem_magic[4] = "mem1";

/* ---------------------------------------------------------- open and close -- */

static void mem_log(const struct tr_config *config, const char *text)
{
	if (config->log)
		config->log(config->log_ctx, 0, text);
}

static void mem_node_destroy(struct mem_node *node)
{
	uint16_t i;

	if (node->ring)
		for (i = 0; i < node->fabric->nodes; i++)
			free(node->ring[i].slot);
	free(node->ring);
	free(node->error);
	free(node->cut);
	free(node->pool);
	if (node->event_fd >= 0)
		close(node->event_fd);
	free(node);
}

static int mem_node_create(const struct tr_config *config, struct mem_node **out)
{
	struct mem_fabric *fabric = config->fabric;
	struct mem_node *node = calloc(1, sizeof(*node));
	unsigned i;

	if (!node)
		return -ENOMEM;
	node->tr.ops = &tr_mem_ops;
	node->fabric = fabric;
	node->self = config->self;
	node->sends_max = config->sends_max ? config->sends_max : MEM_SENDS_MAX;
	node->writes_max = config->writes_max ? config->writes_max : MEM_WRITES_MAX;
	node->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	node->ring = calloc(fabric->nodes, sizeof(*node->ring));
	node->error = calloc(fabric->nodes, 1);
	node->cut = calloc(fabric->nodes, 1);
	node->pool = calloc(node->writes_max, sizeof(*node->pool));
	if (node->event_fd < 0 || !node->ring || !node->error || !node->cut || !node->pool)
		goto err_destroy;
	for (i = 0; i < fabric->nodes; i++) {
		node->ring[i].cap = node->sends_max;
		node->ring[i].slot = calloc(node->sends_max, sizeof(struct mem_msg));
		if (!node->ring[i].slot)
			goto err_destroy;
	}
	for (i = node->writes_max; i-- > 0;)
		LL_PREPEND(node->free, &node->pool[i]);
	*out = node;
	return 0;

err_destroy:
	mem_node_destroy(node);
	return -ENOMEM;
}

static int mem_open(const struct tr_config *config, struct tr **out)
{
	struct mem_fabric *fabric = config->fabric;
	struct mem_node *node;
	int rc;

	if (!fabric || config->nodes != fabric->nodes || config->self >= config->nodes) {
		mem_log(config, "memory transport: fabric, nodes or self do not fit");
		return -EINVAL;
	}
	rc = mem_node_create(config, &node);
	if (rc) {
		mem_log(config, "memory transport: out of memory");
		return rc;
	}
	pthread_mutex_lock(&fabric->lock);
	if (fabric->node[node->self])
		rc = -EINVAL;
	else
		fabric->node[node->self] = node;
	pthread_mutex_unlock(&fabric->lock);
	if (rc) {
		mem_log(config, "memory transport: this node is open already");
		mem_node_destroy(node);
		return rc;
	}
	*out = &node->tr;
	return 0;
}

static void mem_close(struct tr *tr)
{
	struct mem_node *node = mem_node_of(tr);
	struct mem_fabric *fabric;
	struct tr_mem *mem, *next;
	uint16_t i;

	if (!node)
		return;
	fabric = node->fabric;
	pthread_mutex_lock(&fabric->lock);
	mem_drop_writes(node);
	for (i = 0; i < fabric->nodes; i++)
		mem_drop_messages(&node->ring[i], fabric);
	fabric->node[node->self] = NULL;
	pthread_mutex_unlock(&fabric->lock);
	LL_FOREACH_SAFE(node->mem, mem, next)
		free(mem);
	mem_node_destroy(node);
}

static const char *mem_provider(const struct tr *tr)
{
	return "mem";
}

static int mem_address(struct tr *tr, uint8_t *buf)
{
	uint16_t self = htole16(mem_node_of(tr)->self);

	memcpy(buf, mem_magic, sizeof(mem_magic));
	memcpy(buf + sizeof(mem_magic), &self, sizeof(self));
	return sizeof(mem_magic) + sizeof(self);
}

static int mem_connect(struct tr *tr, const uint8_t *addresses, size_t stride,
                       const uint32_t *len)
{
	struct mem_node *node = mem_node_of(tr);
	uint16_t i, id;

	for (i = 0; i < node->fabric->nodes; i++) {
		const uint8_t *blob = addresses + i * stride;

		if (len[i] != sizeof(mem_magic) + sizeof(id) ||
		    memcmp(blob, mem_magic, sizeof(mem_magic)))
			return -EINVAL;
		memcpy(&id, blob + sizeof(mem_magic), sizeof(id));
		if (le16toh(id) != i)
			return -EINVAL;
	}
	return 0;
}

/* ------------------------------------------------------------------ memory -- */

static int mem_pins_memory(const struct tr *tr)
{
	return 0;
}

static int mem_mem_register(struct tr *tr, void *base, size_t len, struct tr_mem **out)
{
	struct mem_node *node = mem_node_of(tr);
	struct tr_mem *mem = calloc(1, sizeof(*mem));

	if (!mem)
		return -ENOMEM;
	mem->node = node;
	mem->base = base;
	mem->len = len;
	pthread_mutex_lock(&node->fabric->lock);
	mem->key = node->fabric->next_key++;
	LL_PREPEND(node->mem, mem);
	pthread_mutex_unlock(&node->fabric->lock);
	*out = mem;
	return 0;
}

static void mem_mem_release(struct tr_mem *mem)
{
	struct mem_fabric *fabric;

	if (!mem)
		return;
	fabric = mem->node->fabric;
	pthread_mutex_lock(&fabric->lock);
	LL_DELETE(mem->node->mem, mem);
	pthread_mutex_unlock(&fabric->lock);
	free(mem);
}

static void mem_landing(const struct tr_mem *mem, const void *ptr, uint8_t out[TR_LANDING_SIZE])
{
	uint64_t word[2] = {htole64((uint64_t)(uintptr_t)ptr), htole64(mem->key)};

	memcpy(out, word, sizeof(word));
}

static unsigned mem_descriptors(const struct tr *tr)
{
	return 0;
}

/* There is nothing to be made. */
static int mem_reach(struct tr *tr, uint16_t *missing)
{
	return 0;
}

/* ---------------------------------------------------------------- sleeping -- */

static int mem_wait_fd(const struct tr *tr)
{
	return mem_node_of(tr)->event_fd;
}

static int mem_wait_arm(struct tr *tr)
{
	struct mem_node *node = mem_node_of(tr);
	int busy;
	uint16_t i;

	pthread_mutex_lock(&node->fabric->lock);
	/* Time is made of polls: whoever has an event to come must not sleep. */
	busy = node->dead || node->errors || node->incoming || node->unwritten;
	for (i = 0; i < node->fabric->nodes && !busy; i++)
		busy = node->ring[i].count != 0;
	node->armed = !busy;
	pthread_mutex_unlock(&node->fabric->lock);
	return busy;
}

static void mem_wait_disarm(struct tr *tr)
{
	struct mem_node *node = mem_node_of(tr);
	uint64_t count;

	pthread_mutex_lock(&node->fabric->lock);
	node->armed = 0;
	/* Under the lock, so that no wake-up of a later arming is taken away. */
	if (read(node->event_fd, &count, sizeof(count)) < 0)
		count = 0;
	pthread_mutex_unlock(&node->fabric->lock);
}

static void mem_cut(struct tr *tr, uint16_t peer)
{
	struct mem_node *node = mem_node_of(tr);

	if (peer >= node->fabric->nodes || peer == node->self)
		return;
	pthread_mutex_lock(&node->fabric->lock);
	node->cut[peer] = 1;
	if (node->fabric->node[peer])
		mem_drop_writes_to(node, node->fabric->node[peer]);
	pthread_mutex_unlock(&node->fabric->lock);
}

/* Whoever sends wakes. */
static void mem_wake_peers(struct tr *tr)
{
}

static int mem_pending(const struct tr *tr)
{
	struct mem_node *node = mem_node_of(tr);
	int n;

	pthread_mutex_lock(&node->fabric->lock);
	n = (int)node->unwritten;
	pthread_mutex_unlock(&node->fabric->lock);
	return n;
}

static void mem_stats(const struct tr *tr, struct tr_stats *out)
{
	struct mem_node *node = mem_node_of(tr);

	pthread_mutex_lock(&node->fabric->lock);
	*out = node->stats;
	pthread_mutex_unlock(&node->fabric->lock);
}

const struct tr_ops tr_mem_ops = {
	.name = "mem",
	.open = mem_open,
	.provider = mem_provider,
	.address = mem_address,
	.connect = mem_connect,
	.descriptors = mem_descriptors,
	.reach = mem_reach,
	.pins_memory = mem_pins_memory,
	.mem_register = mem_mem_register,
	.mem_release = mem_mem_release,
	.landing = mem_landing,
	.send = mem_send,
	.write = mem_write,
	.cut = mem_cut,
	.poll = mem_poll,
	.wait_fd = mem_wait_fd,
	.wait_arm = mem_wait_arm,
	.wait_disarm = mem_wait_disarm,
	.wake_peers = mem_wake_peers,
	.pending = mem_pending,
	.stats = mem_stats,
	.close = mem_close,
};
