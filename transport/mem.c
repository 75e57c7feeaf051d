/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory backend: nodes of one process, joined by a struct mem_fabric.
 *
 * What a node has to be told waits at the fabric: per pair of nodes a ring of
 * messages, and per node two lists of page writes, those that come in and those
 * that go out. A page write copies its bytes at one random tick and is announced at
 * either end at later ones, so that a caller that looks at its landing or changes
 * the source too early is found out.
 */
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

#include "transport/mem.h"
#include "transport/transport.h"

#define MEM_SENDS_MAX 4096
#define MEM_WRITES_MAX 1024
#define MEM_BATCH 64 /* messages handed out by one poll */

static const char mem_magic[4] = "mem1";

struct mem_msg {
	uint64_t due;
	uint16_t len;
	uint8_t data[TR_MSG_MAX];
};

/* Messages of one sender to one receiver; the receiver owns it. */
struct mem_ring {
	struct mem_msg *slot;
	unsigned cap, head, count;
	uint64_t last_due;
};

/* One page write. It comes from the writer's pool, and is in the list of incoming
 * writes of the target until it landed and in that of outgoing ones of the writer
 * until it is written; then it goes back to the pool. */
struct mem_write {
	struct mem_write *next; /* free */
	struct mem_write *in_next, *in_prev, *out_next, *out_prev;
	struct mem_node *from, *to; /* to is NULL once it left the incoming list */
	uint8_t copied, landed, written;
	uint32_t tag;
	size_t len;
	const void *src;
	uint64_t address, key, cookie;
	uint64_t copy_due, land_due, written_due;
};

struct tr_mem {
	struct tr_mem *next;
	struct mem_node *node;
	uint8_t *base;
	size_t len;
	uint64_t key;
};

struct mem_node {
	struct tr tr; /* first: what the caller has */
	struct mem_fabric *fabric;
	uint16_t self;
	uint8_t dead;
	uint8_t armed; /* the caller sleeps or is about to: write to event_fd */
	int event_fd;
	unsigned sends_max, writes_max;
	unsigned unwritten; /* writes whose TR_EV_WRITTEN was not given */
	struct mem_ring *ring; /* by sender */
	struct mem_msg out[MEM_BATCH];
	struct mem_write *pool, *free, *incoming, *outgoing;
	uint8_t *error; /* by peer: TR_EV_ERROR is due */
	unsigned errors;
	struct tr_mem *mem;
	struct tr_stats stats;
};

/* lock guards the fabric and all its nodes. */
struct mem_fabric {
	pthread_mutex_t lock;
	uint64_t tick, random, next_key, in_flight;
	unsigned delay_max;
	uint16_t nodes;
	struct mem_node **node; /* NULL before open and after close */
};

static struct mem_node *mem_node_of(const struct tr *tr)
{
	return (struct mem_node *)(uintptr_t)tr;
}

/* splitmix64 */
static uint64_t mem_random(struct mem_fabric *fabric)
{
	uint64_t z = (fabric->random += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t mem_later(struct mem_fabric *fabric, uint64_t than)
{
	return than + (fabric->delay_max ? mem_random(fabric) % (fabric->delay_max + 1u) : 0);
}

static void mem_wake(struct mem_node *node)
{
	const uint64_t one = 1;

	if (!node->armed)
		return;
	node->armed = 0;
	/* Fails only when the counter is full, and then the descriptor is readable. */
	if (write(node->event_fd, &one, sizeof(one)) < 0)
		return;
}

/* ------------------------------------------------------------------ fabric -- */

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

static void mem_write_leave_incoming(struct mem_write *write)
{
	if (!write->to)
		return;
	DL_DELETE2(write->to->incoming, write, in_prev, in_next);
	write->to = NULL;
}

static void mem_write_free(struct mem_write *write)
{
	struct mem_node *node = write->from;

	mem_write_leave_incoming(write);
	DL_DELETE2(node->outgoing, write, out_prev, out_next);
	LL_PREPEND(node->free, write);
	node->unwritten -= !write->written;
	node->fabric->in_flight--;
}

static void mem_error(struct mem_node *node, uint16_t peer)
{
	if (node->error[peer])
		return;
	node->error[peer] = 1;
	node->errors++;
	mem_wake(node);
}

/* Drops the writes of node and those to it; their writers get an error. */
static void mem_drop_writes(struct mem_node *node)
{
	struct mem_write *write, *next;

	DL_FOREACH_SAFE2(node->outgoing, write, next, out_next)
		mem_write_free(write);
	DL_FOREACH_SAFE2(node->incoming, write, next, in_next) {
		mem_error(write->from, node->self);
		mem_write_free(write);
	}
}

static void mem_drop_messages(struct mem_ring *ring, struct mem_fabric *fabric)
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
	node->pool = calloc(node->writes_max, sizeof(*node->pool));
	if (node->event_fd < 0 || !node->ring || !node->error || !node->pool)
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

/* Where the write goes, or NULL when the landing is not (or no more) registered. */
static uint8_t *mem_write_target(const struct mem_write *write)
{
	struct tr_mem *mem;
	uint64_t offset;

	LL_FOREACH(write->to->mem, mem) {
		if (mem->key != write->key)
			continue;
		offset = write->address - (uint64_t)(uintptr_t)mem->base;
		if (offset > mem->len || write->len > mem->len - offset)
			return NULL;
		return mem->base + offset;
	}
	return NULL;
}

/* ------------------------------------------------------- sending and events -- */

/* The peer's node, or NULL with *rc set. */
static struct mem_node *mem_peer(struct mem_node *node, uint16_t peer, int *rc)
{
	struct mem_fabric *fabric = node->fabric;

	*rc = -EINVAL;
	if (peer >= fabric->nodes || peer == node->self)
		return NULL;
	*rc = -ENOTCONN;
	if (node->dead || !fabric->node[peer] || fabric->node[peer]->dead)
		return NULL;
	*rc = 0;
	return fabric->node[peer];
}

static int mem_send_locked(struct mem_node *node, uint16_t peer, const void *buf, size_t len)
{
	struct mem_fabric *fabric = node->fabric;
	struct mem_node *to;
	struct mem_ring *ring;
	struct mem_msg *msg;
	uint64_t due;
	int rc;

	to = mem_peer(node, peer, &rc);
	if (!to)
		return rc;
	ring = &to->ring[node->self];
	if (ring->count == ring->cap)
		return -ENOBUFS;
	due = mem_later(fabric, fabric->tick + 1);
	if (due > ring->last_due)
		ring->last_due = due;
	msg = &ring->slot[(ring->head + ring->count) % ring->cap];
	msg->due = ring->last_due;
	msg->len = (uint16_t)len;
	memcpy(msg->data, buf, len);
	ring->count++;
	fabric->in_flight++;
	node->stats.messages_sent++;
	node->stats.bytes_sent += len;
	mem_wake(to);
	return 0;
}

static int mem_send(struct tr *tr, uint16_t peer, const void *buf, size_t len)
{
	struct mem_node *node = mem_node_of(tr);
	int rc;

	if (len > TR_MSG_MAX)
		return -EMSGSIZE;
	pthread_mutex_lock(&node->fabric->lock);
	rc = mem_send_locked(node, peer, buf, len);
	pthread_mutex_unlock(&node->fabric->lock);
	return rc;
}

static int mem_write(struct tr *tr, uint16_t peer, const struct tr_mem *mem, const void *src,
                     size_t len, const uint8_t landing[TR_LANDING_SIZE], uint32_t tag,
                     uint64_t cookie)
{
	struct mem_node *node = mem_node_of(tr);
	struct mem_fabric *fabric = node->fabric;
	const uint64_t offset = (uint64_t)(uintptr_t)src - (uint64_t)(uintptr_t)mem->base;
	struct mem_write *write;
	struct mem_node *to;
	uint64_t word[2];
	int rc;

	if (offset > mem->len || len > mem->len - offset)
		return -EINVAL;
	pthread_mutex_lock(&fabric->lock);
	to = mem_peer(node, peer, &rc);
	if (!to)
		goto out;
	rc = -ENOBUFS;
	if (!node->free)
		goto out;
	write = node->free;
	LL_DELETE(node->free, write);
	memset(write, 0, sizeof(*write));
	memcpy(word, landing, sizeof(word));
	write->from = node;
	write->to = to;
	write->tag = tag;
	write->len = len;
	write->src = src;
	write->address = le64toh(word[0]);
	write->key = le64toh(word[1]);
	write->cookie = cookie;
	write->copy_due = mem_later(fabric, fabric->tick + 1);
	write->land_due = mem_later(fabric, write->copy_due);
	write->written_due = mem_later(fabric, write->copy_due);
	DL_APPEND2(to->incoming, write, in_prev, in_next);
	DL_APPEND2(node->outgoing, write, out_prev, out_next);
	node->unwritten++;
	fabric->in_flight++;
	node->stats.writes++;
	node->stats.write_bytes += len;
	mem_wake(to);
	rc = 0;
out:
	pthread_mutex_unlock(&fabric->lock);
	return rc;
}

/* Copies when it is time. 0 when the landing turned out to be none: write is gone. */
static int mem_write_copy(struct mem_write *write, uint64_t tick)
{
	uint8_t *target;

	if (write->copied || write->copy_due > tick)
		return 1;
	target = mem_write_target(write);
	if (!target) {
		mem_error(write->from, write->to->self);
		mem_write_free(write);
		return 0;
	}
	memcpy(target, write->src, write->len);
	write->copied = 1;
	return 1;
}

static int mem_poll_errors(struct mem_node *node, struct tr_event *events, int max)
{
	uint16_t i;
	int n = 0;

	for (i = 0; i < node->fabric->nodes && node->errors && n < max; i++) {
		if (!node->error[i])
			continue;
		node->error[i] = 0;
		node->errors--;
		events[n++] = (struct tr_event){
			.kind = TR_EV_ERROR, .peer = i, .status = -ENOTCONN};
	}
	return n;
}

static int mem_poll_messages(struct mem_node *node, struct tr_event *events, int max)
{
	struct mem_fabric *fabric = node->fabric;
	const uint16_t start = (uint16_t)(mem_random(fabric) % fabric->nodes);
	uint16_t i, from;
	int n = 0;

	for (i = 0; i < fabric->nodes; i++) {
		from = (uint16_t)((start + i) % fabric->nodes);
		while (n < max && n < MEM_BATCH && node->ring[from].count) {
			struct mem_ring *ring = &node->ring[from];
			struct mem_msg *msg = &ring->slot[ring->head];

			if (msg->due > fabric->tick)
				break;
			node->out[n] = *msg;
			events[n] = (struct tr_event){.kind = TR_EV_MSG,
			                              .peer = from,
			                              .len = msg->len,
			                              .data = node->out[n].data};
			n++;
			ring->head = (ring->head + 1) % ring->cap;
			ring->count--;
			fabric->in_flight--;
			node->stats.messages_received++;
			node->stats.bytes_received += msg->len;
		}
	}
	return n;
}

static int mem_poll_writes(struct mem_node *node, struct tr_event *events, int max)
{
	const uint64_t tick = node->fabric->tick;
	struct mem_write *write, *next;
	int n = 0;

	DL_FOREACH_SAFE2(node->incoming, write, next, in_next) {
		if (!mem_write_copy(write, tick) || !write->copied || write->land_due > tick)
			continue;
		if (n == max)
			return n;
		events[n++] = (struct tr_event){
			.kind = TR_EV_LANDED, .peer = TR_NO_PEER, .tag = write->tag};
		node->stats.landed++;
		node->stats.bytes_received += write->len;
		write->landed = 1;
		mem_write_leave_incoming(write);
		mem_wake(write->from);
		if (write->written)
			mem_write_free(write);
	}
	DL_FOREACH_SAFE2(node->outgoing, write, next, out_next) {
		if (!mem_write_copy(write, tick) || write->written || !write->copied ||
		    write->written_due > tick)
			continue;
		if (n == max)
			return n;
		events[n++] = (struct tr_event){
			.kind = TR_EV_WRITTEN, .peer = TR_NO_PEER, .cookie = write->cookie};
		write->written = 1;
		node->unwritten--;
		if (write->landed)
			mem_write_free(write);
	}
	return n;
}

static int mem_poll(struct tr *tr, struct tr_event *events, int max)
{
	struct mem_node *node = mem_node_of(tr);
	struct mem_fabric *fabric = node->fabric;
	int n = -ENOTCONN;

	pthread_mutex_lock(&fabric->lock);
	fabric->tick++;
	/* What the last poll handed out is void now; make it look so. */
	memset(node->out, 0xa5, sizeof(node->out));
	if (!node->dead) {
		n = mem_poll_errors(node, events, max);
		if (mem_random(fabric) & 1) {
			n += mem_poll_messages(node, events + n, max - n);
			n += mem_poll_writes(node, events + n, max - n);
		} else {
			n += mem_poll_writes(node, events + n, max - n);
			n += mem_poll_messages(node, events + n, max - n);
		}
	}
	pthread_mutex_unlock(&fabric->lock);
	return n;
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
	.mem_register = mem_mem_register,
	.mem_release = mem_mem_release,
	.landing = mem_landing,
	.send = mem_send,
	.write = mem_write,
	.poll = mem_poll,
	.wait_fd = mem_wait_fd,
	.wait_arm = mem_wait_arm,
	.wait_disarm = mem_wait_disarm,
	.pending = mem_pending,
	.stats = mem_stats,
	.close = mem_close,
};
