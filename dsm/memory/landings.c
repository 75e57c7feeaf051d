/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory where pages land before they are in their frames (landings.h). */
#include "dsm/memory/landings.h"

#include <errno.h>
#include <string.h>

#include "dsm/memory/mm.h"
#include "transport/transport.h"

#define PIECE_PAGES 64 /* small ones, that get their memory together */

/* A piece of memory begins with this. It is a page of its own, which nobody registers. */
struct landings_piece {
	struct landings_piece *next;
	size_t bytes;
};

static int map(size_t bytes, void *out)
{
	return mm_map(NULL, bytes, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, (void **)out);
}

static size_t table_bytes(const struct landings *l)
{
	return (size_t)REGION_ZONES * l->slots * sizeof *l->home +
	       (size_t)l->homes * (sizeof *l->home + sizeof *l->bucket);
}

static enum region_zone_kind kind_of(const struct landings *l, uint64_t page)
{
	return region_zone_of(l->region, page) == &l->region->zone[REGION_PMD] ? REGION_PMD
	                                                                      : REGION_PTE;
}

/* What comes home is known by its page, and what is kept for another node beside that. */
static uint64_t key_of(uint32_t slot, uint64_t page)
{
	return slot == LANDINGS_LOG ? ~page : page;
}

static uint32_t *bucket_of(struct landings *l, uint64_t key)
{
	return &l->bucket[key % l->homes];
}

int landings_open(struct landings *l, struct region *region, struct tr *tr, uint32_t slots,
                  uint32_t homes)
{
	struct landing *at = NULL;
	int rc;

	*l = (struct landings){.region = region, .tr = tr, .slots = slots, .homes = homes};
	rc = map(table_bytes(l), &at);
	if (rc)
		return rc;
	for (int kind = 0; kind < REGION_ZONES; kind++)
		l->request[kind] = at + kind * slots;
	l->home = at + REGION_ZONES * slots;
	l->bucket = (uint32_t *)(l->home + homes);
	landings_renew(l);
	landings_stock(l);
	return 0;
}

void landings_close(struct landings *l)
{
	struct landings_piece *piece, *next;

	for (piece = l->pieces; piece; piece = next) {
		next = piece->next;
		mm_unmap(piece, piece->bytes);
	}
	if (l->request[0])
		mm_unmap(l->request[0], table_bytes(l));
	*l = (struct landings){0};
}

void landings_renew(struct landings *l)
{
	memset(l->request[0], 0, table_bytes(l));
	memset(l->bucket, 0xff, l->homes * sizeof *l->bucket);
	l->used = 0;
	for (int kind = 0; kind < REGION_ZONES; kind++) {
		l->free[kind] = LANDINGS_NONE;
		l->now[kind].n_left = 0; /* the next one no view has used yet */
	}
}

/* --- memory --- */

static int more(struct landings *l, enum region_zone_kind kind, struct landings_stock *out)
{
	const uint32_t n = kind == REGION_PTE ? PIECE_PAGES : 1;
	const size_t bytes = n * l->region->zone[kind].page_bytes;
	struct landings_piece *piece = NULL;
	int rc = map(bytes + REGION_PTE_BYTES, &piece);

	if (rc)
		return rc;
	rc = l->tr->ops->mem_register(l->tr, (uint8_t *)piece + REGION_PTE_BYTES, bytes, &out->mem);
	if (rc) {
		mm_unmap(piece, bytes + REGION_PTE_BYTES);
		return rc;
	}
	*piece = (struct landings_piece){.next = l->pieces, .bytes = bytes + REGION_PTE_BYTES};
	l->pieces = piece;
	out->left = (uint8_t *)piece + REGION_PTE_BYTES;
	out->n_left = n;
	return 0;
}

void landings_stock(struct landings *l)
{
	for (int kind = 0; kind < REGION_ZONES; kind++)
		if (l->region->zone[kind].count && !l->next[kind].n_left)
			more(l, (enum region_zone_kind)kind, &l->next[kind]);
	l->low = 0;
}

static int take_next(struct landings *l, enum region_zone_kind kind)
{
	if (!l->next[kind].n_left)
		return more(l, kind, &l->now[kind]);
	l->now[kind] = l->next[kind];
	l->next[kind].n_left = 0;
	l->low = LANDINGS_LOW;
	return 0;
}

static int get_memory(struct landings *l, struct landing *g, enum region_zone_kind kind)
{
	struct landings_stock *now = &l->now[kind];
	int rc = g->at || now->n_left ? 0 : take_next(l, kind);

	if (rc || g->at)
		return rc;
	g->at = now->left;
	g->mem = now->mem;
	g->kind = (uint8_t)kind;
	now->left += l->region->zone[kind].page_bytes;
	now->n_left--;
	return 0;
}

/* --- pages that come home --- */

static struct landing *find_home(struct landings *l, uint64_t key, uint32_t **link)
{
	for (*link = bucket_of(l, key); **link != LANDINGS_NONE; *link = &l->home[**link].next)
		if (l->home[**link].page == key)
			return &l->home[**link];
	return NULL;
}

/* The one of that key, or another that is free. */
static struct landing *get_home(struct landings *l, uint64_t key, enum region_zone_kind kind)
{
	uint32_t *link, index = l->free[kind];
	struct landing *g = find_home(l, key, &link);

	if (g)
		return g;
	if (index != LANDINGS_NONE)
		l->free[kind] = l->home[index].next;
	else if (l->used < l->homes)
		index = l->used++;
	else
		return NULL;
	g = &l->home[index];
	g->page = key;
	g->next = LANDINGS_NONE;
	*link = index;
	return g;
}

/* --- both --- */

int landings_give(struct landings *l, uint32_t slot, uint64_t page, struct tr_mem **mem, void **at)
{
	const enum region_zone_kind kind = kind_of(l, page);
	const uint64_t key = key_of(slot, page);
	struct landing *g = slot < l->slots ? &l->request[kind][slot] : get_home(l, key, kind);
	int rc = g ? get_memory(l, g, kind) : -ENOMEM;

	if (rc)
		return rc;
	g->page = key;
	g->given = 1;
	*mem = g->mem;
	*at = g->at;
	return 0;
}

const void *landings_take(struct landings *l, uint32_t slot, uint64_t page)
{
	struct landing *g;
	uint32_t *link, index;

	if (slot < l->slots) {
		g = &l->request[kind_of(l, page)][slot];
		if (!g->given || g->page != page)
			return NULL;
		g->given = 0;
		return g->at;
	}
	g = find_home(l, key_of(slot, page), &link);
	if (!g || !g->given)
		return NULL;
	index = *link;
	*link = g->next;
	g->next = l->free[g->kind];
	l->free[g->kind] = index;
	g->given = 0;
	return g->at;
}
