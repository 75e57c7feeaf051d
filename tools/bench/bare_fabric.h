/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bare libfabric for the floors: small messages and page writes between the nodes, with
 * nothing of libdsm's transport. Polled by one thread at a time. What fails ends the node.
 */
#ifndef BARE_FABRIC_H
#define BARE_FABRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bare; /* this node's endpoint */

/* What a node asks another to do. 32 bytes, about what a protocol's request takes. */
enum bare_op { BARE_PING = 1, BARE_PONG, BARE_FETCH, BARE_STOP };
struct bare_msg {
	uint32_t op, from;
	uint64_t offset, len; /* of what is to be fetched, in the area */
	uint64_t tag;
};

/* Memory that all nodes have, each its own, at different addresses. */
struct bare_area {
	uint8_t *at;
	size_t bytes;
	struct fid_mr *mr;
	void *desc;
	uint64_t *base, *key; /* of each node, for writes there */
};

enum bare_event_kind { BARE_MSG = 1, BARE_LANDED };
struct bare_event {
	enum bare_event_kind kind;
	struct bare_msg msg; /* BARE_MSG */
	uint64_t tag;        /* BARE_LANDED: a page write of another node is complete */
};

/* Collective: opens an endpoint with the library's provider and learns the others'. */
struct bare *bare_open(void);
void bare_close(struct bare *b); /* NULL is allowed */

/* Collective: makes the same number of bytes on every node a source and target of writes. */
void bare_area_open(struct bare *b, void *at, size_t bytes, struct bare_area *out);
void bare_area_close(struct bare_area *area);

void bare_send(struct bare *b, int to, const struct bare_msg *msg);
/* Writes len bytes at offset of this node's area to the same place in another's. */
void bare_write(struct bare *b, int to, const struct bare_area *area, uint64_t offset, size_t len,
                uint32_t tag);
/* Returns true when there was an event. */
bool bare_poll(struct bare *b, struct bare_event *event);
/* Polls until all writes of this node have left it. */
void bare_flush(struct bare *b);

/* Answers the others' messages until one says stop: the other side of every floor. */
void bare_serve(struct bare *b, const struct bare_area *area);
/* Ends bare_serve() at another node. */
void bare_stop(struct bare *b, int node);

#endif
