/* SPDX-License-Identifier: BSD-2-Clause */
/* What a node has under way for secure pages, a part of the core's state; secure.h has the rest. */
#ifndef COH_SECURING_H
#define COH_SECURING_H

#include <stdint.h>

struct securing {
	uint64_t off_page, off_wait, off_log;
	uint64_t homes;     /* of secure pages, in this view; one bit a node, as in what follows */
	uint64_t restored;  /* who has said that its pages are on two nodes */
	uint64_t whole;     /* ... and that it knows of all that was ever touched */
	uint64_t inherited; /* whose pages this home knows all of */
	uint64_t restore_at;
	uint64_t cookie;    /* of a thread that waits until nothing is dirty; 0: none */
	uint64_t sealed;    /* of which nodes this one has all that they push */
	uint64_t relogged;  /* ... in an older view: they push it again, and more */
	uint32_t head[7];   /* by enum secure_list: the first page plus one */
	uint32_t count[7];  /* ... and how many there are */
	uint32_t waits;     /* Fwds of other pages that wait until nothing is dirty */
	uint8_t draining;   /* nothing is to be dirty: no page is asked for to be written */
	uint8_t phase;      /* enum secure_phase: how far it has come with that */
	uint8_t restoring, restore_out; /* this home's round after a death; pages of it that are under way */
	uint8_t lost;       /* ... and one was found lost */
	uint8_t more;       /* there was no room for all of it in a step */
	uint8_t pad[2];
};

#endif
