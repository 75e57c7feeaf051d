/* SPDX-License-Identifier: BSD-2-Clause */
/* Two words side by side, each of one node. */
#ifndef FALSELY_H
#define FALSELY_H

#include <stdint.h>

struct grid {
	uint64_t left, right;
};

__attribute__((visibility("default"))) void put_left(volatile struct grid *grid, uint64_t value);
__attribute__((visibility("default"))) void put_right(volatile struct grid *grid, uint64_t value);

#endif
