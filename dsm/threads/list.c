/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists that one node takes what others push: their page stays with who takes. */
#include "dsm/threads/threads.h"

_Static_assert(sizeof(void *) == sizeof(uint64_t), "pointers are words of dsm_compare_swap64");

void list_push(void *first, void *item, void *next_of_item)
{
	uint64_t seen = 0, old; /* mostly nobody else is there */

	for (;;) {
		*(uint64_t *)next_of_item = seen;
		threads_check(dsm_compare_swap64(here.dsm, first, seen, (uintptr_t)item, &old), "a list");
		if (old == seen)
			return;
		seen = old;
	}
}
