/* SPDX-License-Identifier: BSD-2-Clause */
/* The two lines of falsely.c that share a page falsely; built into it, and as a library. */
#include "tests/system/falsely.h"

void put_left(volatile struct grid *grid, uint64_t value)
{
	grid->left = value; /* left */
}

void put_right(volatile struct grid *grid, uint64_t value)
{
	grid->right = value; /* right */
}
