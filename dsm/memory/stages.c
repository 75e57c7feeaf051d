/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that are kept for another node (stages.h). */
#include "dsm/memory/stages.h"

#include <errno.h>

#include "dsm/memory/mm.h"

static int map(size_t bytes, void *out)
{
	return mm_map(NULL, bytes, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, (void **)out);
}

static size_t slot_bytes(const struct stages *s)
{
	return s->pages * sizeof *s->slot;
}

static size_t table_bytes(const struct stages *s)
{
	return s->most * sizeof *s->page;
}

int stages_open(struct stages *s, uint64_t first, uint64_t pages)
{
	int rc;

	*s = (struct stages){.first = first, .pages = pages,
	                     .most = pages < STAGES_MOST ? (uint32_t)pages : STAGES_MOST};
	rc = map(slot_bytes(s), &s->slot);
	if (rc == 0)
		rc = map(table_bytes(s), &s->page);
	if (rc == 0)
		rc = map(table_bytes(s), &s->free);
	if (rc == 0)
		rc = map((size_t)s->most * STAGES_PAGE_BYTES, &s->at);
	if (rc)
		stages_close(s);
	return rc;
}

void stages_close(struct stages *s)
{
	if (s->slot)
		mm_unmap(s->slot, slot_bytes(s));
	if (s->page)
		mm_unmap(s->page, table_bytes(s));
	if (s->free)
		mm_unmap(s->free, table_bytes(s));
	if (s->at)
		mm_unmap(s->at, (size_t)s->most * STAGES_PAGE_BYTES);
	*s = (struct stages){0};
}

static uint32_t *slot_of(const struct stages *s, uint64_t page)
{
	return page - s->first < s->pages ? &s->slot[page - s->first] : NULL;
}

static void *at(const struct stages *s, uint32_t slot)
{
	return s->at + (size_t)slot * STAGES_PAGE_BYTES;
}

void *stages_put(struct stages *s, uint64_t page)
{
	uint32_t *slot = slot_of(s, page), i;

	if (!slot || (!*slot && !s->n_free && s->used == s->most))
		return NULL;
	if (*slot)
		return at(s, *slot - 1);
	i = s->n_free ? s->free[--s->n_free] : s->used++;
	s->page[i] = (uint32_t)(page - s->first) + 1;
	*slot = i + 1;
	return at(s, i);
}

const void *stages_at(const struct stages *s, uint64_t page)
{
	const uint32_t *slot = slot_of(s, page);

	return slot && *slot ? at(s, *slot - 1) : NULL;
}

void stages_drop(struct stages *s, uint64_t page)
{
	uint32_t *slot = slot_of(s, page);

	if (!slot || !*slot)
		return;
	s->page[*slot - 1] = 0;
	s->free[s->n_free++] = *slot - 1;
	*slot = 0;
}

void stages_sweep(struct stages *s, int (*keeps)(const void *ctx, uint64_t page), const void *ctx)
{
	for (uint32_t i = 0; i < s->used; i++)
		if (s->page[i] && !keeps(ctx, s->first + s->page[i] - 1))
			stages_drop(s, s->first + s->page[i] - 1);
}

uint32_t stages_count(const struct stages *s)
{
	return s->used - s->n_free;
}
