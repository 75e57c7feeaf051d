/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether this is still the process that became a node, or a child of it: with a copy of its
 * memory, and without its threads and its region. It costs a load to ask, and no wrapper of fork
 * needs to be called: the kernel clears the mark in the child.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdint.h>

/* A mark for this process, or NULL: no memory. */
const uint8_t *process_mark(void);
void process_unmark(const uint8_t *mark); /* NULL is allowed */

static inline int process_has(const uint8_t *mark)
{
	return __atomic_load_n(mark, __ATOMIC_RELAXED); /* orders nothing: it never changes */
}

#endif
