/* SPDX-License-Identifier: BSD-2-Clause */
/* The access map: a lazily populated byte array with a summary by blocks. */
#include "dsm/trap/access_map.h"

#include <assert.h>
#include <string.h>

#include "dsm/memory/memory.h"

#define BLOCK ACCESS_MAP_BLOCK

static int map_bytes(size_t len, uint8_t **out)
{
	void *got = NULL;
	int r = mm_map(NULL, len, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &got);

	if (r)
		return -ENOMEM;
	mm_advise(got, len, MADV_DONTDUMP);
	*out = got;
	return 0;
}

int access_map_open(struct access_map *map, uint64_t pages)
{
	memset(map, 0, sizeof *map);
	map->pages = pages;
	map->blocks = (pages + BLOCK - 1) / BLOCK;
	int r = map_bytes(pages, &map->access);

	if (r)
		return r;
	r = map_bytes(map->blocks, &map->touched);
	if (r)
		access_map_close(map);
	return r;
}

void access_map_close(struct access_map *map)
{
	if (map->access)
		mm_unmap(map->access, map->pages);
	if (map->touched)
		mm_unmap(map->touched, map->blocks);
	memset(map, 0, sizeof *map);
}

enum trap_access access_map_get(const struct access_map *map, uint64_t page)
{
	assert(page < map->pages);
	return map->touched[page / BLOCK] ? map->access[page] : TRAP_NONE;
}

void access_map_set(struct access_map *map, uint64_t first, uint64_t n, enum trap_access access)
{
	assert(first + n <= map->pages);
	while (n) {
		uint64_t block = first / BLOCK;
		uint64_t run = (block + 1) * BLOCK - first;

		if (run > n)
			run = n;
		if (access != TRAP_NONE)
			map->touched[block] = 1;
		if (map->touched[block])
			memset(map->access + first, access, run);
		first += run;
		n -= run;
	}
}

void access_map_touch(struct access_map *map, uint64_t page)
{
	assert(page < map->pages);
	map->touched[page / BLOCK] = 1;
}

uint64_t access_map_same(const struct access_map *map, uint64_t first, uint64_t n)
{
	enum trap_access access = access_map_get(map, first);
	uint64_t same = 1;

	while (same < n && access_map_get(map, first + same) == access)
		same++;
	return same;
}

uint64_t access_map_next_touched(const struct access_map *map, uint64_t from)
{
	uint64_t block = from / BLOCK;

	if (from >= map->pages)
		return map->pages;
	if (map->touched[block])
		return from;
	const uint8_t *next = memchr(map->touched + block, 1, map->blocks - block);

	return next ? (uint64_t)(next - map->touched) * BLOCK : map->pages;
}
