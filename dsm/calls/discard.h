/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole pages that the program has freed. */
#ifndef DISCARD_H
#define DISCARD_H

#include <stdint.h>

struct dsm;

/* Of n pages from first on, those from lo to hi - 1 may still hold something; lo == hi: none. */
struct discarded {
	uint64_t lo, hi;
};

/* Has these pages' homes discard them, and waits for that. 0, DSM_ERR_LOST. */
int discard_pages(struct dsm *d, uint64_t first, uint64_t n, const char *what,
                  struct discarded *out);

/* Where nodes may die: the view that this node is in; in others always the same. */
uint32_t view_number(struct dsm *d);
/* Has the homes make those of these pages zero that are lost in that view: 0; DSM_ERR_VIEW: another
 * has begun, and perhaps it is done; DSM_ERR_LOST. */
int renew_pages(struct dsm *d, uint32_t view, uint64_t first, uint64_t n, const char *what);

#endif
