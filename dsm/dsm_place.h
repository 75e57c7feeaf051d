/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory at an address of the program's choice: where its variables are, say, which the
 * linker has put somewhere. The rules of dsm.h hold.
 *
 *	dsm_alloc(dsm, bytes, 4096, 0, &block);       // rank 0, which publishes it; then on all nodes
 *	if (dsm_rank(dsm) == 0)
 *		memcpy(block, variables, bytes);      // what all are to find there
 *	dsm_barrier(dsm);
 *	dsm_place(dsm, block, bytes, variables);      // whole pages
 */
#ifndef DSM_PLACE_H
#define DSM_PLACE_H

#include "dsm.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * From now on the pages of [ptr, ptr+bytes) are at addr on this node, which calls take for shared
 * memory as any other; what was mapped there is gone. At ptr they are no more: loads and stores get
 * SIGSEGV there, and calls DSM_ERR_INVAL. Other nodes have them where they had them: pointers mean
 * the same on those only that have made the same call. All three are multiples of 4096, in memory
 * from dsm_alloc without DSM_HUGE, which must not be freed any more, nor touched by threads of this
 * node during the call, at either address. It does not ask other nodes for anything. dsm_fini leaves
 * memory at addr, with what this node had at the time.
 *
 * Errors, with nothing done: DSM_ERR_INVAL (not aligned, not in the region in one piece, or addr
 * overlaps it), DSM_ERR_BUSY (a page is pinned), DSM_ERR_LIMIT (256 such ranges are there already).
 * DSM_ERR_NOMEM, DSM_ERR_LIMIT (memory lock): the kernel has no mapping for it, and there may be
 * none at addr, nor any way to the pages on this node.
 */
DSM_API int dsm_place(dsm_t *dsm, void *ptr, size_t bytes, void *addr);

/* Where the region is, which is the same on all nodes until dsm_fini. */
DSM_API int dsm_region(dsm_t *dsm, void **start, size_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
