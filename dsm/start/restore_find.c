/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking for pages in the indexes of a checkpoint (restore_find.h). */
#include "dsm/start/restore_find.h"

static const uint64_t page_bytes[CKPT_ZONES] = {REGION_PTE_BYTES, REGION_PMD_BYTES};

struct span find_here(const struct dsm *d, struct span files, int partly)
{
	const struct ckpt_place *place = &d->restored->place[files.kind];
	const struct region_zone *zone = &d->memory.region.zone[place->kind];
	const uint64_t from = place->offset + files.first * page_bytes[files.kind];
	const uint64_t to = from + files.n * page_bytes[files.kind], part = zone->page_bytes - 1;
	const uint64_t first = (partly ? from : from + part) / zone->page_bytes;
	const uint64_t end = (partly ? to + part : to) / zone->page_bytes;

	return (struct span){.kind = place->kind, .first = zone->first + first,
	                     .n = first < end ? end - first : 0};
}

struct span find_in_files(const struct dsm *d, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, page);
	const uint64_t at = (page - zone->first) * zone->page_bytes;
	const uint32_t here = (uint32_t)(zone - d->memory.region.zone);

	for (uint32_t kind = 0; kind < CKPT_ZONES; kind++) {
		const struct ckpt_place *place = &d->restored->place[kind];
		const uint64_t left = place->bytes - (at - place->offset);
		const uint64_t bytes = zone->page_bytes < left ? zone->page_bytes : left;

		if (place->kind != here || at < place->offset || at - place->offset >= place->bytes)
			continue;
		return (struct span){.kind = kind, .first = (at - place->offset) / page_bytes[kind],
		                     .n = (bytes + page_bytes[kind] - 1) / page_bytes[kind]};
	}
	return (struct span){.n = 0};
}

const struct ckpt_run *find_run(const struct ckpt_index *x, uint32_t kind, uint64_t page)
{
	uint64_t lo = 0, hi = x->runs;

	while (lo < hi) {
		const uint64_t mid = lo + (hi - lo) / 2;
		const struct ckpt_run *run = &x->run[mid];

		if (run->kind < kind || (run->kind == kind && run->first + run->count <= page))
			lo = mid + 1;
		else
			hi = mid;
	}
	return x->run + lo;
}

static int is_in(const struct ckpt_index *x, const struct ckpt_run *run, struct span files)
{
	return run < x->run + x->runs && span_common(files, run->kind, run->first, run->count).n;
}

struct found find_page(const struct dsm *d, uint64_t page)
{
	const struct span files = find_in_files(d, page);

	if (files.n != 1)
		return (struct found){.here = {.first = page, .n = 1}};
	for (uint64_t k = d->restored->manifest.layers + 1; k-- > 0;)
		for (uint32_t rank = 0; rank < d->restored->manifest.nodes; rank++) {
			const struct ckpt_index *x = &ckpt_layer(d->restored, k)->index[rank];
			const struct ckpt_run *run = find_run(x, files.kind, files.first);
			struct span all;

			if (!is_in(x, run, files))
				continue;
			all = (struct span){.kind = run->kind, .first = run->first, .n = run->count};
			return (struct found){.run = run, .in = x, .layer = k, .rank = rank,
			                      .here = find_here(d, all, 1)};
		}
	return (struct found){.here = {.first = page}};
}

static uint64_t bits(uint64_t first, uint64_t n)
{
	return n ? ~UINT64_C(0) >> (64 - n) << first : 0;
}

/* Pages of a run that an index has, too. */
static uint64_t in_both(const struct ckpt_run *run, const struct ckpt_index *x)
{
	const struct span all = {.kind = run->kind, .first = run->first, .n = run->count};
	const struct ckpt_run *other = find_run(x, run->kind, run->first);
	uint64_t which = 0;

	for (; is_in(x, other, all); other++) {
		const struct span both = span_common(all, other->kind, other->first, other->count);

		which |= bits(both.first - run->first, both.n);
	}
	return which;
}

uint64_t find_newer(const struct dsm *d, const struct found *found)
{
	uint64_t which = 0;

	for (uint64_t k = found->layer + 1; k <= d->restored->manifest.layers; k++)
		for (uint32_t rank = 0; rank < d->restored->manifest.nodes; rank++)
			which |= in_both(found->run, &ckpt_layer(d->restored, k)->index[rank]);
	return which;
}
