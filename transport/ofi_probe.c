/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is a peer still there? Providers do not always tell: shm not at all, and those over
 * TCP answer "try again" for ever once a connection is refused. So a peer that has
 * taken nothing of ours for a while is asked: by its doorbell, or by connecting to its
 * port, which the kernel refuses when the process is gone. An answer is not needed:
 * only a refusal counts, so a slow peer is never taken for a dead one. (A machine that
 * is gone does not refuse; noticing that is for those who keep time.)
 *
 * With RDMA devices a peer's port for this is one of TCP that it opened for nothing else
 * (the life line). A firewall may refuse that to all, so refusals count only after an
 * answer.
 */
#include <errno.h>

#include "transport/ofi_impl.h"

#define OFI_PROBE_FIRST_MS 20 /* without progress */
#define OFI_PROBE_MAX_MS 1000 /* between two probes, at most */
#define OFI_PROBE_LOOK_MS 10  /* between two looks at all peers */

static void ofi_probe_peer(struct ofi *ofi, uint16_t id, int64_t now)
{
	struct ofi_peer *peer = &ofi->peer[id];

	if (!peer->probe_ms) {
		peer->probe_gap_ms = OFI_PROBE_FIRST_MS;
	} else if (now < peer->probe_ms) {
		return;
	} else {
		if (ofi->bell ? ofi_bell_probe(ofi->bell, id) : ofi_probe_port(peer)) {
			ofi_peer_lose(ofi, id, -ENOTCONN);
			return;
		}
		peer->probe_gap_ms *= 2;
		if (peer->probe_gap_ms > OFI_PROBE_MAX_MS)
			peer->probe_gap_ms = OFI_PROBE_MAX_MS;
	}
	peer->probe_ms = now + peer->probe_gap_ms;
}

void ofi_probe(struct ofi *ofi)
{
	int64_t now;
	uint16_t i;

	if (!ofi_stuck(ofi))
		return;
	now = ofi_now_ms();
	if (now < ofi->probe_look_ms)
		return;
	ofi->probe_look_ms = now + OFI_PROBE_LOOK_MS;
	for (i = 0; i < ofi->nodes; i++)
		if (ofi_under_way(&ofi->peer[i]))
			ofi_probe_peer(ofi, i, now);
}
