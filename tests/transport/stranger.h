/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Somebody who is no node, with a libfabric endpoint of his own, and the address of a node: sends
 * it what he likes. All return 0, or -1 after printing why.
 */
#ifndef STRANGER_H
#define STRANGER_H

#include "tests/transport/world.h"

struct stranger;

/* For node's part, who waits until the world fails at most. */
int stranger_open(struct node *node, uint16_t victim, struct stranger **out);
/* Takes the place of another node towards the victim, who has to be polling. Over tcp only. 1: he
 * is not let in; libfabric 2.x keeps the connection that it has. */
int stranger_pose(struct node *node, uint16_t victim, uint16_t other, struct stranger **out);
int stranger_send(struct stranger *s, const void *data, size_t len);
/* A page write of no byte into no memory, which libfabric lets pass. */
int stranger_write_nothing(struct stranger *s, uint64_t data);
/* One under a key that is not the victim's. */
int stranger_write_anywhere(struct stranger *s, uint64_t data);
/* Messages that he has got instead of somebody else, or a negative code. */
int stranger_received(struct stranger *s);
void stranger_close(struct stranger *s); /* NULL is allowed */

#endif
