/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes over the network and is no node's. Anybody who can connect may send as much of it as
 * he likes, so no more than a line a second is said of it for each node that it names.
 */
#include "transport/ofi_impl.h"

#define OFI_REFUSE_MS 1000

static void ofi_refuse_say(struct ofi *ofi, struct ofi_refused *r, uint16_t id, int64_t now)
{
	static const char hint[] = "somebody else reaches this node";

	if (id == TR_NO_PEER)
		ofi_log(ofi, 1, "%s: refused %u messages that no node has sent, or not to their "
		        "end: %s", ofi->provider, r->unsaid, hint);
	else
		ofi_log(ofi, 1, "%s: refused %u messages or page writes in the name of node %u "
		        "that are not its own: %s", ofi->provider, r->unsaid, id, hint);
	ofi->unsaid -= r->unsaid;
	r->unsaid = 0;
	r->said_ms = now;
}

static int ofi_refuse_due(const struct ofi_refused *r, int64_t now)
{
	return r->unsaid && (!r->said_ms || now - r->said_ms >= OFI_REFUSE_MS);
}

void ofi_refuse(struct ofi *ofi, uint16_t id)
{
	struct ofi_refused *r = id < ofi->nodes ? &ofi->peer[id].refused : &ofi->refused;
	const int64_t now = ofi_now_ms();

	ofi->stats.refused++;
	ofi->unsaid++;
	r->unsaid++;
	if (ofi_refuse_due(r, now))
		ofi_refuse_say(ofi, r, id, now);
}

void ofi_refuse_write(struct ofi *ofi, uint16_t id)
{
	if (++ofi->writes_refused == seal_write_tries(ofi->nodes)) {
		ofi_log(ofi, 0, "%s: refused %u page writes that are no node's: in the end one "
		        "would be believed", ofi->provider, ofi->writes_refused);
		ofi->forged = 1;
		ofi->errors_due++;
	}
	ofi_refuse(ofi, id);
}

void ofi_refuse_tell(struct ofi *ofi, int all)
{
	const int64_t now = ofi_now_ms();
	uint16_t i;

	if (!ofi->unsaid)
		return;
	if (all ? ofi->refused.unsaid != 0 : ofi_refuse_due(&ofi->refused, now))
		ofi_refuse_say(ofi, &ofi->refused, TR_NO_PEER, now);
	for (i = 0; i < ofi->nodes && ofi->unsaid; i++)
		if (all ? ofi->peer[i].refused.unsaid != 0 :
		          ofi_refuse_due(&ofi->peer[i].refused, now))
			ofi_refuse_say(ofi, &ofi->peer[i].refused, i, now);
}
