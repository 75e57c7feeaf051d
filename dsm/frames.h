/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which frames of the region are allocated, which are the source of a page write under
 * way, and which are to be given back once they are not. Under the node's lock.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <stddef.h>
#include <stdint.h>

struct chunks;
struct region;

struct frame_state {
	uint8_t ready; /* allocated */
	uint8_t drop;  /* to be given back */
	uint16_t pins; /* page writes that read it */
};

struct frames {
	struct region *region;
	const struct chunks *chunks;
	struct frame_state *state; /* by page; lazily populated */
	size_t bytes;
};

int frames_open(struct frames *f, struct region *region, const struct chunks *chunks); /* -ENOMEM */
void frames_close(struct frames *f);
/* Sees to it that these pages' frames are allocated. -ENOSPC. */
int frames_prepare(struct frames *f, uint64_t first, uint32_t n);
void frames_pin(struct frames *f, uint64_t first, uint32_t n);
void frames_unpin(struct frames *f, uint64_t first, uint32_t n);
/* Gives a frame back, now or when its last page write is over; it reads as zero then. One
 * that is registered keeps its memory. */
void frames_drop(struct frames *f, uint64_t page);

#endif
