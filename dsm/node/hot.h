/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pages fault most here, and at which of their parts: what tells pages that nodes take
 * from each other for good reason from those that they share by accident (false sharing).
 * Pure. Under the node's lock.
 */
#ifndef HOT_H
#define HOT_H

#include <stdint.h>

#define HOT_PARTS 64 /* of a page, whatever its size: a bit each */

struct hot_page {
	uint64_t page;
	uint32_t reads, writes; /* faults; at most `over` too many in all */
	uint32_t over;
	uint64_t read_parts, write_parts; /* where the later half of them were, at least */
};

#define HOT_SETS 64
#define HOT_WAYS 8

/* The pages of a set take places from each other by Space-Saving (A. Metwally, D. Agrawal,
 * A. El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams", ICDT
 * 2005): the newcomer gets that of the page with the fewest faults, and its count as `over`. */
struct hot {
	struct hot_page set[HOT_SETS][HOT_WAYS];
	struct hot_count *count; /* of every page, zero before its first fault; NULL: not counted */
	uint64_t pages;
};

struct hot_count {
	uint32_t reads, writes;
};

/* A thread has faulted at this part of a page, 0 .. HOT_PARTS - 1. */
void hot_note(struct hot *hot, uint64_t page, unsigned part, int write);

/* The pages with the most faults, most first. Returns how many, up to max. */
unsigned hot_list(const struct hot *hot, struct hot_page *out, unsigned max);

#endif
