/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes over the network before a message is one: of any bytes nothing is believed, and
 * nothing changes; of those that somebody has sealed who knows the key only what is well formed,
 * and what comes next. The first byte says how to take the rest.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "transport/ofi_impl.h"

#define NODES 5
#define SELF 2

enum { RAW, SEALED, LANDING };

static const uint8_t secret[SEAL_SECRET] = "fuzz", nonce[SEAL_NONCE] = "any";

static void make(struct ofi *ofi, struct ofi_peer *peer)
{
	memset(ofi, 0, sizeof(*ofi));
	memset(peer, 0, NODES * sizeof(*peer));
	ofi->nodes = NODES;
	ofi->self = SELF;
	ofi->counts = ofi->counts_writes = 1;
	ofi->peer = peer;
	for (uint16_t i = 0; i < NODES; i++) {
		/* One address is not known yet. */
		peer[i].addr = i == NODES - 1 ? FI_ADDR_UNSPEC : i;
		peer[i].received = peer[i].landed = i * 0x7fffffffu;
		seal_make(&peer[i].seal_in, secret, nonce, nonce, i, SELF);
	}
}

static void take(struct ofi *ofi, const uint8_t *frame, size_t len, int sealed)
{
	struct ofi_head head, was;
	struct ofi_peer before;
	int rc = ofi_head_get(ofi, frame, len, &head);

	FUZZ_CHECK(rc == 0 || rc == -EBADMSG, "rc %d", rc);
	FUZZ_CHECK(rc || sealed, "believed without a seal");
	FUZZ_CHECK(head.from == TR_NO_PEER || head.from < NODES, "from %u", head.from);
	if (rc)
		return;
	FUZZ_CHECK(head.from != SELF && head.from != NODES - 1, "from %u", head.from);
	FUZZ_CHECK(len >= OFI_PREFIX && len <= OFI_FRAME_MAX, "%zu bytes", len);
	before = ofi->peer[head.from];
	rc = ofi_head_take(ofi, &head);
	FUZZ_CHECK(rc == -EBADMSG || ofi->peer[head.from].received ==
	                   before.received + (head.kind == OFI_MESSAGE), "not counted");
	FUZZ_CHECK(rc != -EBADMSG || !memcmp(&before, &ofi->peer[head.from], sizeof(before)),
	           "what is refused has changed something");
	FUZZ_CHECK(rc < 0 || head.sent == ofi->peer[head.from].received, "out of turn");
	/* The same once more. */
	was = head;
	if (rc == 1)
		FUZZ_CHECK(ofi_head_get(ofi, frame, len, &head) == 0 &&
		                   !memcmp(&was, &head, sizeof(was)) &&
		                   ofi_head_take(ofi, &head) == -EBADMSG, "a message came twice");
}

static void take_sealed(struct ofi *ofi, const uint8_t *data, size_t len)
{
	uint8_t frame[OFI_FRAME_MAX + 8] = {0};
	uint16_t from;

	if (len > sizeof(frame) - SEAL_BYTES || len < sizeof(from))
		return;
	memcpy(frame + SEAL_BYTES, data, len);
	memcpy(&from, data, sizeof(from));
	from = le16toh(from) % NODES;
	seal_put(&ofi->peer[from].seal_in, frame, SEAL_BYTES + len);
	take(ofi, frame, SEAL_BYTES + len, 1);
}

static void take_landing(struct ofi *ofi, const uint8_t *data, size_t len)
{
	struct ofi_peer *peer = &ofi->peer[1];
	const uint32_t was = peer->landed, tag = 7;
	uint32_t guess, right;
	uint16_t from;

	if (len < sizeof(guess))
		return;
	memcpy(&guess, data, sizeof(guess));
	right = seal_write(&peer->seal_in, 1, NODES, tag, was + 1);
	if (guess != right && seal_writer(guess, NODES) == 1)
		FUZZ_CHECK(ofi_head_landed(ofi, (uint64_t)guess << 32 | tag, &from) == -EBADMSG &&
		                   from == 1 && peer->landed == was, "a guess is believed");
	FUZZ_CHECK(ofi_head_landed(ofi, (uint64_t)right << 32 | tag, &from) == 0 && from == 1 &&
	                   peer->landed == was + 1, "a page write is not believed");
	FUZZ_CHECK(ofi_head_landed(ofi, (uint64_t)right << 32 | tag, &from) == -EBADMSG,
	           "a page write came twice");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ofi_peer peer[NODES];
	struct ofi ofi;

	if (size < 1)
		return 0;
	make(&ofi, peer);
	if (data[0] % 3 == RAW)
		take(&ofi, data + 1, size - 1, 0);
	else if (data[0] % 3 == SEALED)
		take_sealed(&ofi, data + 1, size - 1);
	else
		take_landing(&ofi, data + 1, size - 1);
	return 0;
}
