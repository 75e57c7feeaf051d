/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all nodes of a job do together, beyond dsm_barrier: getting a block that has a name, sums
 * and the like, and passing values on. The rules of dsm.h hold.
 */
#ifndef DSM_COLL_H
#define DSM_COLL_H

#include "dsm.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The block of that name, which all who ask get: the first allocates it, as by dsm_alloc, zeroed,
 * with its bytes and flags, and publishes it, as by dsm_publish; the others wait for that. Nobody
 * needs to be first, nor all to ask. It is freed by dsm_publish of NULL and dsm_free. Blocks.
 * Errors: those of dsm_alloc and dsm_publish, for all who ask meanwhile; DSM_ERR_EXIST when there
 * is no block of that many bytes behind the name.
 */
DSM_API int dsm_shared(dsm_t *dsm, const char *name, size_t bytes, unsigned flags, void **out);

enum dsm_type { DSM_INT32 = 1, DSM_UINT32, DSM_INT64, DSM_UINT64, DSM_DOUBLE };
enum dsm_op { DSM_SUM = 1, DSM_MIN, DSM_MAX };

#define DSM_COLL_BYTES 512 /* at most by one call */

/*
 * A barrier that carries values: replaces the count values of each node by their sum, least or
 * greatest over all nodes, one by one. All nodes get the same, whoever comes first: doubles are
 * added in the order of nodes. Integers wrap around. Up to 3 values take as long as a barrier, and
 * each 3 more as long again. One thread of a node at a time, or DSM_ERR_BUSY; beside it another may
 * be in dsm_barrier. Blocks. Errors: DSM_ERR_INVAL (no or too many values; or, on all nodes, they
 * have not called the same), DSM_ERR_LOST.
 *
 * Where nodes may die (dsm_survive.h) it is of those who live, and of each call all of them hear the
 * same: a result, of all nodes of one view, or DSM_ERR_VIEW, with values not changed; this between results of
 * different views, once or more often. So all know alike when to deal out anew what they do, and call again.
 */
DSM_API int dsm_reduce(dsm_t *dsm, void *values, size_t count, enum dsm_type type,
                       enum dsm_op op);

/*
 * Likewise: gives all nodes the bytes that node root has at data. As long as a barrier for up to 24
 * bytes, and for each 24 more as long again. DSM_ERR_LOST_DATA, on all nodes: root has died.
 */
DSM_API int dsm_broadcast(dsm_t *dsm, void *data, size_t bytes, int root);

#ifdef __cplusplus
}
#endif
#endif
