/* SPDX-License-Identifier: BSD-2-Clause */
/* Ringing peers that sleep. */
#include "transport/ofi_impl.h"

void ofi_ring(struct ofi *ofi, uint16_t peer)
{
	if (!ofi->bell)
		return;
	ofi_bell_want(ofi->bell, peer);
	if (ofi->wake_at_once)
		ofi_wake_peers(&ofi->tr);
}

void ofi_ring_soon(struct ofi *ofi)
{
	if (!ofi->bell)
		return;
	ofi_bell_serve(ofi->bell);
	ofi->stats.doorbells += ofi_bell_ring_soon(ofi->bell);
}

void ofi_wake_peers(struct tr *tr)
{
	struct ofi *ofi = ofi_of(tr);

	if (ofi->bell)
		ofi->stats.doorbells += ofi_bell_ring_now(ofi->bell);
}
