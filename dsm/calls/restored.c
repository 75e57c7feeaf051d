/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_restored: without the lock, for it does not change. */
#include <string.h>

#include "dsm/checkpoint/checkpoint.h"
#include "dsm/dsm_checkpoint.h"
#include "dsm/node/node.h"

int64_t dsm_restored(dsm_t *d, int old_rank, void *buf, size_t len)
{
	const struct ckpt_kept *kept;

	if (node_is_copy(d) || (len && !buf))
		return DSM_ERR_INVAL;
	if (!d->restored)
		return DSM_ERR_NOENT;
	if (old_rank < 0 || (uint32_t)old_rank >= d->restored->manifest.nodes)
		return DSM_ERR_INVAL;
	kept = &d->restored->kept[old_rank];
	len = len < kept->len ? len : kept->len;
	if (len)
		memcpy(buf, kept->bytes, len);
	return (int64_t)kept->len;
}
