/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Completions become events. Nothing here trusts what a peer sent.
 */
#include <errno.h>
#include <rdma/fi_errno.h>
#include <string.h>
#include <utlist.h>

#include "transport/ofi_impl.h"

int ofi_rx_post(struct ofi *ofi, struct ofi_op *op)
{
	return ofi_errno(fi_recv(ofi->ep, op->slot, OFI_SLOT_BYTES,
	                         ofi->slots_mr ? fi_mr_desc(ofi->slots_mr) : NULL, FI_ADDR_UNSPEC,
	                         &op->context));
}

/* Posts again what was consumed; what the provider refuses now waits. */
static int ofi_rx_repost(struct ofi *ofi)
{
	struct ofi_op *op;
	int rc;

	while (ofi->rx_used) {
		op = ofi->rx_used;
		rc = ofi_rx_post(ofi, op);
		if (rc)
			return rc == -EAGAIN ? 0 : rc;
		LL_DELETE(ofi->rx_used, op);
	}
	return 0;
}

static int ofi_is_rx(const struct ofi *ofi, const void *context)
{
	const uintptr_t at = (uintptr_t)context, first = (uintptr_t)ofi->rx;

	return at >= first && at < first + ofi->n_rx * sizeof(*ofi->rx);
}

static int ofi_take_errors(struct ofi *ofi, struct tr_event *events, int max)
{
	uint16_t i;
	int n = 0;

	if (ofi->forged && n < max) {
		ofi->forged = 0;
		ofi->errors_due--;
		events[n++] = (struct tr_event){
			.kind = TR_EV_ERROR, .peer = TR_NO_PEER, .status = -EACCES};
	}
	for (i = 0; i < ofi->nodes && ofi->errors_due && n < max; i++) {
		if (!ofi->peer[i].error_due)
			continue;
		ofi->peer[i].error_due = 0;
		ofi->errors_due--;
		events[n++] = (struct tr_event){
			.kind = TR_EV_ERROR, .peer = i, .status = ofi->peer[i].status};
	}
	return n;
}

/* A message. Returns 1 when it is an event. The buffer is posted again by the next
 * poll either way. */
static int ofi_take_message(struct ofi *ofi, struct ofi_op *op, size_t len, struct tr_event *event)
{
	const size_t prefix = OFI_PREFIX - ofi_unsealed(ofi);
	struct ofi_head head;
	int rc;

	LL_PREPEND(ofi->rx_used, op);
	rc = ofi_head_get(ofi, op->slot, len, &head);
	if (!rc && ofi->peer[head.from].lost)
		return 0;
	if (!rc)
		rc = ofi_head_take(ofi, &head);
	if (rc == -EBADMSG) {
		ofi_refuse(ofi, head.from);
	} else if (rc < 0) {
		ofi_log(ofi, 0, "%s: the connection to node %u broke, and what it had sent is lost",
		        ofi->provider, head.from);
		ofi_peer_lose(ofi, head.from, rc);
	}
	if (rc <= 0)
		return 0;
	len -= prefix;
	ofi->stats.messages_received++;
	ofi->stats.bytes_received += len;
	*event = (struct tr_event){.kind = TR_EV_MSG,
	                           .peer = head.from,
	                           .len = (uint32_t)len,
	                           .data = op->slot + prefix};
	return 1;
}

static int ofi_take_landing(struct ofi *ofi, uint64_t data, struct tr_event *event)
{
	uint16_t from;

	if (ofi_head_landed(ofi, data, &from)) {
		ofi_refuse_write(ofi, from);
		return 0;
	}
	ofi->stats.landed++;
	*event = (struct tr_event){.kind = TR_EV_LANDED, .peer = from, .tag = (uint32_t)data};
	return 1;
}

/* Returns 1 when the completion is an event. */
static int ofi_take(struct ofi *ofi, const struct fi_cq_data_entry *entry, struct tr_event *event)
{
	struct ofi_op *op = entry->op_context;
	int is_event;

	/* A page write of a peer. Providers differ in the other flags; the context is none
	 * of ours, unless a peer sent a message with data, which we never do. */
	if ((entry->flags & FI_REMOTE_CQ_DATA) && !ofi_is_rx(ofi, op))
		return ofi_take_landing(ofi, entry->data, event);
	if (!op)
		return 0;
	if (op->kind == OFI_RX)
		return ofi_take_message(ofi, op, entry->len, event);
	is_event = op->kind == OFI_WRITE && !ofi->peer[op->peer].lost;
	if (is_event)
		*event = (struct tr_event){
			.kind = TR_EV_WRITTEN, .peer = TR_NO_PEER, .cookie = op->write.cookie};
	ofi_op_done(ofi, op);
	return is_event;
}

/* Takes one error off the queue. Returns 1 when it is an event. */
static int ofi_take_error(struct ofi *ofi, struct tr_event *event)
{
	struct fi_cq_err_entry entry;
	struct ofi_op *op;
	int status;

	memset(&entry, 0, sizeof(entry));
	if (fi_cq_readerr(ofi->cq, &entry, 0) < 0)
		return 0;
	op = entry.op_context;
	status = ofi_cma_status(ofi, ofi_errno(-entry.err));
	if (op && op->kind == OFI_RX) {
		/* The buffer is ours again; a message was too long, or its sender is gone, which
		 * is missed where it was a peer. */
		LL_PREPEND(ofi->rx_used, op);
		if (ofi->counts)
			ofi_refuse(ofi, TR_NO_PEER);
		else
			ofi_log(ofi, 1, "%s: a message did not come to its end: %s", ofi->provider,
			        fi_strerror(-status));
		return 0;
	}
	if (op) {
		ofi_op_done(ofi, op);
		if (op->kind != OFI_TX || !op->control)
			ofi_peer_lose(ofi, op->peer, status);
		return 0;
	}
	/* A page write of a peer that broke off: who wrote says what is missing. */
	if ((entry.flags & FI_REMOTE_CQ_DATA) && ofi->counts_writes)
		return 0;
	ofi_log(ofi, 1, "%s: %s", ofi->provider, fi_strerror(-status));
	*event = (struct tr_event){.kind = TR_EV_ERROR, .peer = TR_NO_PEER, .status = status};
	return 1;
}

unsigned ofi_stash_fill(struct ofi *ofi)
{
	ssize_t n;

	if (ofi->stash_len)
		return ofi->stash_len;
	n = fi_cq_read(ofi->cq, ofi->stash, OFI_CQ_BATCH);
	ofi->stash_head = 0;
	ofi->stash_len = n > 0 ? (unsigned)n : 0;
	/* An error waiting there is something for poll, too. */
	return ofi->stash_len || (n < 0 && n != -FI_EAGAIN);
}

/* Gives up to max events of the stash. */
static int ofi_take_stash(struct ofi *ofi, struct tr_event *events, int max)
{
	int n = 0;

	while (ofi->stash_len && n < max) {
		n += ofi_take(ofi, &ofi->stash[ofi->stash_head], &events[n]);
		ofi->stash_head++;
		ofi->stash_len--;
	}
	return n;
}

int ofi_poll(struct tr *tr, struct tr_event *events, int max)
{
	struct ofi *ofi = ofi_of(tr);
	ssize_t got;
	int n, rc;

	/* So that receive buffers stay posted while the caller looks at the others. */
	if (max > (int)ofi->n_rx / 2)
		max = (int)ofi->n_rx / 2;
	rc = ofi_rx_repost(ofi);
	if (rc)
		return rc;
	ofi_flush(ofi);
	ofi_probe(ofi);
	ofi_confirm(ofi);
	ofi_reap(ofi);
	n = ofi_take_stash(ofi, events, max);
	while (n < max) {
		got = fi_cq_read(ofi->cq, ofi->stash, OFI_CQ_BATCH);
		if (got == -FI_EAGAIN)
			break;
		if (got == -FI_EAVAIL) {
			n += ofi_take_error(ofi, &events[n]);
			continue;
		}
		if (got < 0) {
			ofi_log(ofi, 0, "%s: completion queue: %s", ofi->provider,
			        fi_strerror((int)-got));
			return n ? n : ofi_errno(got);
		}
		ofi->stash_head = 0;
		ofi->stash_len = (unsigned)got;
		n += ofi_take_stash(ofi, events + n, max - n);
		/* Less than a batch: the queue is empty, or nearly so. */
		if (n && got < OFI_CQ_BATCH)
			break;
	}
	if (ofi->controls_due)
		ofi_flush(ofi);
	n += ofi_take_errors(ofi, events + n, max - n);
	ofi_ring_soon(ofi);
	if (ofi->unsaid)
		ofi_refuse_tell(ofi, 0);
	return n;
}
