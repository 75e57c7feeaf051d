/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages and page writes of the memory backend, from the post to the event.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "transport/mem_impl.h"

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

/* The peer's node, or NULL with *rc set. */
static struct mem_node *mem_peer(struct mem_node *node, uint16_t peer, int *rc)
{
	struct mem_fabric *fabric = node->fabric;

	*rc = -EINVAL;
	if (peer >= fabric->nodes || peer == node->self)
		return NULL;
	*rc = -ENOTCONN;
	if (node->dead || node->cut[peer] || !fabric->node[peer] || fabric->node[peer]->dead)
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

int mem_send(struct tr *tr, uint16_t peer, const void *buf, size_t len)
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

int mem_write(struct tr *tr, uint16_t peer, const struct tr_mem *mem, const void *src, size_t len,
              const uint8_t landing[TR_LANDING_SIZE], uint32_t tag, uint64_t cookie)
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
		if (node->cut[from])
			mem_drop_messages(&node->ring[from], fabric);
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

int mem_poll(struct tr *tr, struct tr_event *events, int max)
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
