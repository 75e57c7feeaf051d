/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where pages of the region are in the files of a checkpoint, and the other way round. The sizes may not
 * be the same (ckpt_recast()): a huge page of the files may be 512 small ones now, or they one huge one.
 * What is asked here does not change after the start, so no lock is needed.
 */
#ifndef RESTORE_FIND_H
#define RESTORE_FIND_H

#include <stdint.h>

#include "dsm/checkpoint/checkpoint.h"
#include "dsm/node/node.h"

/* Pages of the region, or of a zone of the files. */
struct span {
	uint32_t kind;
	uint64_t first, n;
};

/* A run with a page of the region, and its place; and the layer that it is in, and whose file. */
struct found {
	const struct ckpt_run *run; /* NULL: the page is huge, and in the files there are small ones of it */
	const struct ckpt_index *in;
	uint64_t layer;
	uint32_t rank;
	struct span here; /* in the region: all pages of the run, or that huge one */
};

/* Pages of the region that these of the files are; partly: those, too, that are more than these. */
struct span find_here(const struct dsm *d, struct span files, int partly);
/* Pages of the files that this page of the region, of which it is known that there are some, is or is
 * part of. */
struct span find_in_files(const struct dsm *d, uint64_t page);
/* The newest run with this page, of which it is known that one has it. */
struct found find_page(const struct dsm *d, uint64_t page);
/* The first run of an index that ends behind this page of this kind; x->run + x->runs: there is none. */
const struct ckpt_run *find_run(const struct ckpt_index *x, uint32_t kind, uint64_t page);
/* Pages of the run that was found, which a newer layer has: a bit for each. */
uint64_t find_newer(const struct dsm *d, const struct found *found);

/* The part of a run, or of what is gone, in which a span of the files lies. */
static inline struct span span_common(struct span a, uint32_t kind, uint64_t first, uint64_t n)
{
	const uint64_t from = a.first > first ? a.first : first;
	const uint64_t end = a.first + a.n < first + n ? a.first + a.n : first + n;

	return (struct span){.kind = kind, .first = from, .n = kind == a.kind && from < end ? end - from : 0};
}

#endif
