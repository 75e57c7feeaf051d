/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages and page writes on their way out. What the provider does not take now
 * waits per peer: messages in a ring, page writes in a list, both bounded and
 * preallocated, and is offered again by ofi_flush().
 */
#include <endian.h>
#include <errno.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <string.h>
#include <utlist.h>

#include "transport/ofi_impl.h"

void ofi_reap(struct ofi *ofi)
{
	int id;

	while (ofi->bell && (id = ofi_bell_gone(ofi->bell)) >= 0)
		ofi_peer_lose(ofi, (uint16_t)id, -ENOTCONN);
}

/* frame has room for the prefix. 0, -EAGAIN, or a code that means that the peer is lost. */
static int ofi_post_frame(struct ofi *ofi, uint16_t id, enum ofi_head_kind kind, uint8_t *frame,
                          size_t len)
{
	struct ofi_peer *peer = &ofi->peer[id];
	struct ofi_op *op;
	ssize_t rc;

	ofi_head_put(ofi, id, kind, frame, len);
	frame += ofi_unsealed(ofi);
	len -= ofi_unsealed(ofi);
	if (len <= ofi->inject_bytes) {
		rc = fi_inject(ofi->ep, frame, len, peer->addr);
	} else {
		op = ofi->tx_free;
		if (!op)
			return -EAGAIN;
		memcpy(op->slot, frame, len);
		rc = fi_send(ofi->ep, op->slot, len, ofi->slots_mr ? fi_mr_desc(ofi->slots_mr) : NULL,
		             peer->addr, &op->context);
		if (!rc) {
			LL_DELETE(ofi->tx_free, op);
			op->peer = id;
			op->control = kind != OFI_MESSAGE;
			peer->posted += !op->control;
			ofi->posted += !op->control;
		}
	}
	/* Even a refusal may have left something for the peer to do: shm introduces
	 * itself first. */
	ofi_ring(ofi, id);
	if (!rc)
		ofi_head_sent(ofi, id, kind);
	return ofi_errno(rc);
}

static int ofi_post_write(struct ofi *ofi, struct ofi_op *op)
{
	struct ofi_peer *peer = &ofi->peer[op->peer];
	ssize_t rc;

	rc = fi_writedata(ofi->ep, op->write.src, op->write.len, op->write.desc,
	                  ofi_head_write_data(ofi, op->peer, op->write.tag), peer->addr,
	                  op->write.address, op->write.key, &op->context);
	if (!rc) {
		peer->posted++;
		ofi->posted++;
		ofi_head_written(ofi, op->peer);
	}
	ofi_ring(ofi, op->peer);
	return ofi_errno(rc);
}

static int ofi_queue_frame(struct ofi *ofi, struct ofi_peer *peer, const uint8_t *data, size_t len)
{
	struct ofi_frame *frame;

	if (peer->count == ofi->sends_max)
		return -ENOBUFS;
	/* An empty ring starts over, so that it touches no more memory than it needs. */
	if (peer->count == 0)
		peer->head = 0;
	frame = &peer->frame[(peer->head + peer->count) % ofi->sends_max];
	frame->len = (uint16_t)len;
	memcpy(frame->data, data, len);
	ofi_head_open(ofi, peer);
	peer->count++;
	peer->queued++;
	ofi->queued++;
	ofi->stats.sends_queued++;
	return 0;
}

int ofi_send(struct tr *tr, uint16_t id, const void *buf, size_t len)
{
	struct ofi *ofi = ofi_of(tr);
	uint8_t data[OFI_FRAME_MAX];
	struct ofi_peer *peer;
	int rc = -EAGAIN;

	if (len > TR_MSG_MAX)
		return -EMSGSIZE;
	if (id >= ofi->nodes || id == ofi->self)
		return -EINVAL;
	peer = &ofi->peer[id];
	if (peer->lost || peer->addr == FI_ADDR_UNSPEC)
		return -ENOTCONN;
	memcpy(data + OFI_PREFIX, buf, len);
	if (peer->count == 0)
		rc = ofi_post_frame(ofi, id, OFI_MESSAGE, data, OFI_PREFIX + len);
	if (rc == -EAGAIN)
		rc = ofi_queue_frame(ofi, peer, data, OFI_PREFIX + len);
	if (rc == -ENOBUFS)
		return rc;
	if (rc) {
		ofi_peer_lose(ofi, id, rc);
		return -ENOTCONN;
	}
	ofi->stats.messages_sent++;
	ofi->stats.bytes_sent += len;
	return 0;
}

static void ofi_queue_write(struct ofi *ofi, struct ofi_peer *peer, struct ofi_op *op)
{
	op->next = NULL;
	if (peer->write_tail)
		peer->write_tail->next = op;
	else
		peer->write_head = op;
	peer->write_tail = op;
	ofi_head_open(ofi, peer);
	peer->queued++;
	ofi->queued++;
	ofi->stats.sends_queued++;
}

int ofi_write(struct tr *tr, uint16_t id, const struct tr_mem *mem, const void *src, size_t len,
              const uint8_t landing[TR_LANDING_SIZE], uint32_t tag, uint64_t cookie)
{
	struct ofi *ofi = ofi_of(tr);
	const uint64_t offset = (uint64_t)(uintptr_t)src - (uint64_t)(uintptr_t)mem->base;
	struct ofi_peer *peer;
	struct ofi_op *op;
	uint64_t word[2];
	int rc = -EAGAIN;

	if (id >= ofi->nodes || id == ofi->self || offset > mem->len || len > mem->len - offset)
		return -EINVAL;
	peer = &ofi->peer[id];
	if (peer->lost || peer->addr == FI_ADDR_UNSPEC)
		return -ENOTCONN;
	op = ofi->write_free;
	if (!op)
		return -ENOBUFS;
	LL_DELETE(ofi->write_free, op);
	memcpy(word, landing, sizeof(word));
	op->peer = id;
	op->write.src = src;
	op->write.len = len;
	op->write.desc = mem->desc;
	op->write.address = le64toh(word[0]);
	op->write.key = le64toh(word[1]);
	op->write.tag = tag;
	op->write.cookie = cookie;
	if (!peer->write_head)
		rc = ofi_post_write(ofi, op);
	if (rc == -EAGAIN) {
		ofi_queue_write(ofi, peer, op);
	} else if (rc) {
		LL_PREPEND(ofi->write_free, op);
		ofi_peer_lose(ofi, id, rc);
		return -ENOTCONN;
	}
	ofi->stats.writes++;
	ofi->stats.write_bytes += len;
	return 0;
}

/* One of peer's queue left it. */
static void ofi_unqueue(struct ofi *ofi, struct ofi_peer *peer)
{
	peer->queued--;
	ofi->queued--;
	ofi->retry_ms = 0;
	ofi_probe_forget(peer);
}

static void ofi_flush_peer(struct ofi *ofi, uint16_t id)
{
	struct ofi_peer *peer = &ofi->peer[id];
	uint8_t prefix[OFI_PREFIX];
	struct ofi_op *op;
	int rc = 0;

	while (peer->count) {
		struct ofi_frame *frame = &peer->frame[peer->head];

		rc = ofi_post_frame(ofi, id, OFI_MESSAGE, frame->data, frame->len);
		if (rc)
			break;
		peer->head = (peer->head + 1) % ofi->sends_max;
		peer->count--;
		ofi_unqueue(ofi, peer);
	}
	while (peer->write_head && (rc == 0 || rc == -EAGAIN)) {
		op = peer->write_head;
		rc = ofi_post_write(ofi, op);
		if (rc)
			break;
		peer->write_head = op->next;
		if (!peer->write_head)
			peer->write_tail = NULL;
		ofi_unqueue(ofi, peer);
	}
	if (rc && rc != -EAGAIN)
		ofi_peer_lose(ofi, id, rc);
	/* Where it is refused for good, silence tells. */
	else if (!rc && peer->control_due)
		ofi_post_frame(ofi, id, (enum ofi_head_kind)peer->control_due, prefix,
		               sizeof(prefix));
}

void ofi_flush(struct ofi *ofi)
{
	const uint16_t start = ofi->next_flush;
	uint16_t i, id;

	if (!ofi->queued && !ofi->controls_due)
		return;
	/* Another peer is first each time: all share the provider's room. */
	ofi->next_flush = (uint16_t)((start + 1) % ofi->nodes);
	for (i = 0; i < ofi->nodes && (ofi->queued || ofi->controls_due); i++) {
		id = (uint16_t)((start + i) % ofi->nodes);
		if (ofi->peer[id].queued || ofi->peer[id].control_due)
			ofi_flush_peer(ofi, id);
	}
}
