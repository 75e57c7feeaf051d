/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The prefix of messages, and what it tells of losses (struct ofi_head). Of what comes over a
 * network nothing is believed, and nothing but the sender's number read, before its seal is found
 * right.
 *
 * A pair's messages and page writes take one connection, in order. So when a frame says how many
 * of both went before it, they are here already, or they are lost. The last ones before a
 * connection breaks are found missing by the ASK that follows (ofi_confirm.c).
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "transport/ofi_impl.h"

void ofi_head_put(const struct ofi *ofi, uint16_t id, enum ofi_head_kind kind, uint8_t *frame,
                  size_t len)
{
	const struct ofi_peer *peer = &ofi->peer[id];
	const struct ofi_head head = {
		.from = htole16(ofi->self),
		.kind = htole16((uint16_t)kind),
		.sent = htole32(peer->sent + (kind == OFI_MESSAGE)),
		.written = htole32(peer->written),
		.received = htole32(peer->received),
		.landed = htole32(peer->landed),
	};

	_Static_assert(SEAL_BYTES + sizeof(head) == OFI_PREFIX, "the prefix has no gaps");
	memcpy(frame + SEAL_BYTES, &head, sizeof(head));
	if (ofi->counts)
		seal_put(&peer->seal_out, frame, len);
}

void ofi_head_open(struct ofi *ofi, struct ofi_peer *peer)
{
	if (peer->open || !ofi->counts)
		return;
	peer->open = 1;
	if (ofi->open++ == 0)
		ofi->confirm_ms = ofi_now_ms() + OFI_CONFIRM_MS;
}

void ofi_head_due(struct ofi *ofi, struct ofi_peer *peer, enum ofi_head_kind kind)
{
	ofi->controls_due += !peer->control_due;
	if (peer->control_due != OFI_ASK)
		peer->control_due = (uint8_t)kind;
}

void ofi_head_not_due(struct ofi *ofi, struct ofi_peer *peer)
{
	ofi->controls_due -= peer->control_due != 0;
	peer->control_due = 0;
}

void ofi_head_sent(struct ofi *ofi, uint16_t id, enum ofi_head_kind kind)
{
	struct ofi_peer *peer = &ofi->peer[id];

	if (kind == OFI_MESSAGE) {
		peer->sent++;
		ofi_head_open(ofi, peer);
	}
	ofi_head_not_due(ofi, peer);
}

void ofi_head_written(struct ofi *ofi, uint16_t id)
{
	if (!ofi->counts_writes)
		return;
	ofi->peer[id].written++;
	ofi_head_open(ofi, &ofi->peer[id]);
}

int ofi_head_get(const struct ofi *ofi, const uint8_t *frame, size_t len, struct ofi_head *out)
{
	const size_t unsealed = ofi_unsealed(ofi);
	const struct ofi_peer *peer;
	struct ofi_head head;

	out->from = TR_NO_PEER;
	if (len < OFI_PREFIX - unsealed || len > OFI_FRAME_MAX - unsealed)
		return -EBADMSG;
	memcpy(&head, frame + SEAL_BYTES - unsealed, sizeof(head));
	head.from = le16toh(head.from);
	if (head.from >= ofi->nodes || head.from == ofi->self)
		return -EBADMSG;
	out->from = head.from;
	peer = &ofi->peer[head.from];
	/* Before that is known no key is, either. */
	if (peer->addr == FI_ADDR_UNSPEC)
		return -EBADMSG;
	if (ofi->counts && seal_check(&peer->seal_in, frame, len))
		return -EBADMSG;
	out->kind = le16toh(head.kind);
	out->sent = le32toh(head.sent);
	out->written = le32toh(head.written);
	out->received = le32toh(head.received);
	out->landed = le32toh(head.landed);
	return out->kind >= OFI_MESSAGE && out->kind <= OFI_ANSWER ? 0 : -EBADMSG;
}

int ofi_head_take(struct ofi *ofi, const struct ofi_head *head)
{
	struct ofi_peer *peer = &ofi->peer[head->from];
	const uint32_t due = peer->received + (head->kind == OFI_MESSAGE);

	/* What somebody has recorded, and sends again. */
	if (ofi->counts && (int32_t)(head->sent - due) < 0)
		return -EBADMSG;
	peer->heard = 1;
	peer->received = due;
	if (!ofi->counts)
		return head->kind == OFI_MESSAGE;
	/* A message that waited for a buffer may come behind page writes that followed it. */
	if (head->sent != peer->received || (int32_t)(head->written - peer->landed) > 0)
		return -ECONNRESET;
	peer->sent_ok = head->received;
	peer->written_ok = head->landed;
	if (head->kind == OFI_ASK)
		ofi_head_due(ofi, peer, OFI_ANSWER);
	return head->kind == OFI_MESSAGE;
}

uint64_t ofi_head_write_data(const struct ofi *ofi, uint16_t id, uint32_t tag)
{
	const struct ofi_peer *peer = &ofi->peer[id];
	uint64_t sealed;

	if (!ofi->counts_writes)
		return tag;
	sealed = seal_write(&peer->seal_out, ofi->self, ofi->nodes, tag, peer->written + 1);
	return sealed << 32 | tag;
}

int ofi_head_landed(struct ofi *ofi, uint64_t data, uint16_t *from)
{
	const uint32_t tag = (uint32_t)data, sealed = (uint32_t)(data >> 32);
	struct ofi_peer *peer;
	uint16_t id;

	*from = TR_NO_PEER;
	if (!ofi->counts_writes)
		return 0;
	id = seal_writer(sealed, ofi->nodes);
	if (id >= ofi->nodes || id == ofi->self)
		return -EBADMSG;
	*from = id;
	peer = &ofi->peer[id];
	if (peer->addr == FI_ADDR_UNSPEC ||
	    sealed != seal_write(&peer->seal_in, id, ofi->nodes, tag, peer->landed + 1))
		return -EBADMSG;
	peer->landed++;
	return 0;
}
