/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has all connections made at the start. Providers make one when it is first used, on whose other
 * end libfabric's passive endpoint accepts it: where that process has no descriptor left then, its
 * accept() fails again and again, and nobody is told.
 *
 * An ASK to each peer does that. What comes back, an ASK of the peer's or its ANSWER, shows that it
 * has gone both ways.
 */
#include "transport/ofi_impl.h"

/* Two nodes that connect to each other at once have two of them for a time. */
#define OFI_PEER_DESCRIPTORS 2

unsigned ofi_descriptors(const struct tr *tr)
{
	const struct ofi *ofi = ofi_of(tr);

	return ofi_provider_is_shm(ofi->provider) ? 0 : OFI_PEER_DESCRIPTORS * (ofi->nodes - 1u);
}

int ofi_reach(struct tr *tr, uint16_t *missing)
{
	struct ofi *ofi = ofi_of(tr);
	const int64_t now = ofi_now_ms();
	int left = 0;

	for (uint16_t i = ofi->nodes; i-- > 0;) {
		struct ofi_peer *peer = &ofi->peer[i];

		if (i == ofi->self || peer->lost)
			continue;
		if (peer->heard && peer->asked_ms && !peer->control_due)
			continue;
		/* Again and again, for a send that fails leaves nothing of it. */
		if (!peer->asked_ms || now - peer->asked_ms > OFI_CONFIRM_MS) {
			ofi_head_due(ofi, peer, OFI_ASK);
			peer->asked_ms = now;
		}
		left++;
		if (missing)
			*missing = i;
	}
	return left;
}
