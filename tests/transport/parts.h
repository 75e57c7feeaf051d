/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts that nodes play in the conformance suite. Each is run by every node.
 */
#ifndef PARTS_H
#define PARTS_H

#include "tests/transport/world.h"

/* parts_traffic.c */
void part_order(struct node *node);
void part_reach(struct node *node);
void part_writes_4k(struct node *node);
void part_writes_2m(struct node *node);
void part_arguments(struct node *node);
void part_saturation(struct node *node);
void part_sparse(struct node *node);

/* parts_sleep.c */
void part_sleep_pingpong(struct node *node);
void part_sleep_crowd(struct node *node);
void part_sleep_written(struct node *node);
void part_quiet(struct node *node);
void part_idle(struct node *node);
void part_death(struct node *node);
void part_cut(struct node *node);

/* parts_break.c: two nodes, over a network */
void part_break_message(struct node *node);
void part_break_write(struct node *node);
void part_silent(struct node *node);
void part_listens(struct node *node);

/* parts_strangers.c: the same */
void part_strangers(struct node *node);
void part_posed(struct node *node);
void part_posed_for(struct node *node);

#endif
