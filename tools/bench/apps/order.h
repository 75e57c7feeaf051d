/* SPDX-License-Identifier: BSD-2-Clause */
/* In which order the members of a team of nodes took its locks, so that the same can be done again
 * while it is recorded. */
#ifndef ORDER_H
#define ORDER_H

#include <stddef.h>
#include <stdint.h>

/* Who, one after the other; n is 0 where that is not known. */
struct order {
	uint8_t *member; /* to be freed */
	size_t n;
};

/* A node's part of it: when it took a lock. */
struct order_log {
	uint64_t *ns;
	size_t n, max;
};

void order_open(struct order_log *log, size_t max);
/* By the holder of a lock. */
void order_note(struct order_log *log);
/* Collective; closes the logs. Rank 0 gets the order, if all nodes have the same clock. */
struct order order_close(struct order_log *log);

#endif
