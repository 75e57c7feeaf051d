/* SPDX-License-Identifier: BSD-2-Clause */
/* A peer that is cut off: no news of it, nor of what was under way to it; the others as before. */
#include <errno.h>
#include <string.h>

#include "tests/transport/parts.h"

struct cut {
	unsigned hello, late, end, errors, written;
	int is_cut;
};

static void cut_event(struct node *node, const struct tr_event *event)
{
	struct cut *c = node->ctx;

	if (event->kind == TR_EV_ERROR)
		c->errors += event->peer != TR_NO_PEER;
	else if (event->kind == TR_EV_WRITTEN)
		c->written += c->is_cut;
	else if (event->kind == TR_EV_MSG && event->len == 5)
		c->hello++;
	else if (event->kind == TR_EV_MSG && event->peer == 2)
		c->end++;
	else if (event->kind == TR_EV_MSG)
		c->late++;
}

static void cut_node_1(struct node *node, struct cut *c)
{
	if (node_write(node, 1, 0, 65536, WORLD_MEM_BYTES / 2, 1, 1))
		return;
	node->ops->cut(node->tr, 1);
	node->ops->cut(node->tr, 1); /* once more is nothing */
	c->is_cut = 1;
	REQUIRE(node, node->ops->send(node->tr, 1, "there?", 6) == -ENOTCONN);
	REQUIRE(node, node->ops->pending(node->tr) == 0, "%d", node->ops->pending(node->tr));
}

void part_cut(struct node *node)
{
	struct cut c = {0};
	uint16_t i;

	node->ctx = &c;
	node->on_event = cut_event;
	for (i = 0; i < node->nodes; i++)
		if (i != node->self && node_send(node, i, "hello", 5))
			return;
	/* Nothing to the other one, whose pending would be counted with what the cut is to end. */
	while (c.hello < 2 || node->ops->pending(node->tr))
		if (node_step(node) < 0 || node_failed(node))
			return;
	if (node_barrier_polling(node))
		return;
	if (node->self == 0)
		cut_node_1(node, &c);
	if (node_barrier_polling(node))
		return;
	if (node->self == 1)
		node->ops->send(node->tr, 0, "too late", 8);
	if (node_barrier_polling(node))
		return;
	if (node->self == 2 && (node_send(node, 0, "the end", 7) || node_send(node, 1, "the end", 7)))
		return;
	while (node->self != 2 && !c.end)
		if (node_step(node) < 0 || node_failed(node))
			return;
	if (node_barrier_polling(node) || node->self)
		return;
	REQUIRE(node, !c.late && !c.errors && !c.written, "%u %u %u", c.late, c.errors, c.written);
}
