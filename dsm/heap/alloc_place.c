/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of an allocator by their places, for another one that is to have the same. */
#include "dsm/heap/alloc_state.h"

#include <errno.h>

uint64_t alloc_beneath(const struct alloc *a, uint64_t offset)
{
	const struct block *b = alloc_taken_at(a, offset);

	if (b)
		b = b->below;
	if (b && !b->taken) /* then what is below that is taken */
		b = b->below;
	return b ? b->offset : ALLOC_LOWEST;
}

int alloc_take_at(struct alloc *a, uint64_t offset, uint64_t bytes, uint64_t beneath,
                  uint64_t *dirty_bytes)
{
	struct block *b = a->lowest;
	int rc;

	if (beneath != ALLOC_LOWEST) {
		b = alloc_taken_at(a, beneath);
		b = b ? b->above : NULL;
	}
	if (!b || b->taken || !bytes || (offset | bytes) % GRANULE || offset < b->offset ||
	    bytes > b->size || offset - b->offset > b->size - bytes)
		return -EINVAL;
	rc = alloc_carve(a, b, offset, bytes);
	if (rc == 0)
		*dirty_bytes = b->dirty_hi - offset;
	return rc;
}
