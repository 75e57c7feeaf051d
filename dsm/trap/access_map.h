/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an engine was last told for each page: a byte a page, in memory that is used
 * only where a page was ever granted, so that it costs nothing for a sparse region.
 * Guarded by the lock that guards set_access.
 */
#ifndef TRAP_ACCESS_MAP_H
#define TRAP_ACCESS_MAP_H

#include <stdint.h>

#include "dsm/trap/ops.h"

#define ACCESS_MAP_BLOCK 4096 /* pages in a block: what one page of the array describes */

struct access_map {
	uint8_t *access;  /* enum trap_access, one a page */
	uint8_t *touched; /* 1: the block had a page that was not NONE once, or was refused */
	uint64_t pages, blocks;
};

int access_map_open(struct access_map *map, uint64_t pages); /* all NONE; -ENOMEM */
void access_map_close(struct access_map *map);               /* zeroed is allowed */

enum trap_access access_map_get(const struct access_map *map, uint64_t page);
void access_map_set(struct access_map *map, uint64_t first, uint64_t n, enum trap_access access);
/* There is something to be taken away from this page, although it is NONE. */
void access_map_touch(struct access_map *map, uint64_t page);

/* How many of the n pages from first on, first included, have first's access. */
uint64_t access_map_same(const struct access_map *map, uint64_t first, uint64_t n);

/* The first page from `from` on in a block that was ever touched; map->pages when there
 * is none. Reads no untouched memory. */
uint64_t access_map_next_touched(const struct access_map *map, uint64_t from);

#endif
