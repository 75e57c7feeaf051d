/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of an operation, and of a peer. */
#include <rdma/fi_errno.h>
#include <utlist.h>

#include "transport/ofi_impl.h"

void ofi_op_done(struct ofi *ofi, struct ofi_op *op)
{
	struct ofi_peer *peer = &ofi->peer[op->peer];

	peer->posted -= !op->control;
	if (!peer->lost)
		ofi->posted -= !op->control;
	if (op->kind == OFI_TX)
		LL_PREPEND(ofi->tx_free, op);
	else
		LL_PREPEND(ofi->write_free, op);
	ofi->retry_ms = 0;
	ofi_probe_forget(peer);
}

static void ofi_peer_end(struct ofi *ofi, uint16_t id)
{
	struct ofi_peer *peer = &ofi->peer[id];
	struct ofi_op *op;

	peer->lost = 1;
	ofi->queued -= peer->queued;
	/* What the provider has of it may still complete, or never. */
	ofi->posted -= peer->posted;
	peer->queued = peer->count = 0;
	ofi_head_not_due(ofi, peer);
	while (peer->write_head) {
		op = peer->write_head;
		LL_DELETE(peer->write_head, op);
		LL_PREPEND(ofi->write_free, op);
	}
	peer->write_tail = NULL;
	ofi_probe_forget(peer);
}

void ofi_peer_lose(struct ofi *ofi, uint16_t id, int status)
{
	struct ofi_peer *peer = &ofi->peer[id];

	if (peer->lost)
		return;
	ofi_log(ofi, 1, "%s: node %u is lost: %s", ofi->provider, id, fi_strerror(-status));
	peer->status = status;
	peer->error_due = 1;
	ofi->errors_due++;
	ofi_peer_end(ofi, id);
}

void ofi_cut(struct tr *tr, uint16_t id)
{
	struct ofi *ofi = ofi_of(tr);

	if (id < ofi->nodes && id != ofi->self && !ofi->peer[id].lost)
		ofi_peer_end(ofi, id);
}
