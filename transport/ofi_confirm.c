/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that a node sends is confirmed by the other, or the other is lost: by what it sends itself
 * meanwhile, which says how much it has got, or because it is asked. So whatever a connection
 * takes along when it breaks, or never brings there, is missed by who sent it, and nobody has to
 * know who waits for what. The question takes the way of messages: who does not answer for long,
 * alive or not, cannot be worked with.
 *
 * One look a second, while there is something to be confirmed: then a peer that is busy is never
 * asked, and one that is idle once. Time that this process itself did not run does not count.
 */
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "transport/ofi_impl.h"

#define OFI_TIMER_LATE_MS 20 /* the clock is late, too */

int ofi_confirm_open(struct ofi *ofi)
{
	ofi->confirm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return ofi->confirm_fd < 0 ? -errno : 0;
}

void ofi_confirm_close(struct ofi *ofi)
{
	if (ofi->confirm_fd >= 0)
		close(ofi->confirm_fd);
}

static void ofi_confirm_closed(struct ofi *ofi, struct ofi_peer *peer)
{
	peer->open = peer->due = 0;
	ofi->open--;
}

static void ofi_confirm_peer(struct ofi *ofi, uint16_t id, unsigned passed_ms)
{
	struct ofi_peer *peer = &ofi->peer[id];
	const uint32_t ok = peer->sent_ok + peer->written_ok;

	if (peer->lost || (!peer->queued && ok == peer->sent + peer->written)) {
		ofi_confirm_closed(ofi, peer);
		return;
	}
	if (!peer->due || peer->due_ok != ok) {
		peer->due = 1;
		peer->due_ok = ok;
		peer->silent_ms = 0;
		return;
	}
	peer->silent_ms += passed_ms;
	if (ofi->silent_max_ms && peer->silent_ms >= ofi->silent_max_ms) {
		ofi_log(ofi, 0, "%s: node %u has not confirmed what was sent to it for %u ms",
		        ofi->provider, id, peer->silent_ms);
		ofi_peer_lose(ofi, id, -ETIMEDOUT);
		return;
	}
	ofi_head_due(ofi, peer, OFI_ASK);
}

static void ofi_confirm_look(struct ofi *ofi, int64_t now)
{
	const int64_t passed = now - ofi->confirm_last_ms;
	uint16_t i;

	ofi->confirm_last_ms = now;
	ofi->confirm_ms = now + OFI_CONFIRM_MS;
	for (i = 0; i < ofi->nodes && ofi->open; i++)
		if (ofi->peer[i].open)
			ofi_confirm_peer(ofi, i, passed > 2 * OFI_CONFIRM_MS ?
			                         2 * OFI_CONFIRM_MS : (unsigned)passed);
}

void ofi_confirm(struct ofi *ofi)
{
	uint64_t fired;
	int64_t now;

	if (!ofi->open && !ofi->confirm_timer_ms)
		return;
	now = ofi_now_ms();
	if (ofi->confirm_timer_ms && now >= ofi->confirm_timer_ms &&
	    read(ofi->confirm_fd, &fired, sizeof(fired)) > 0)
		ofi->confirm_timer_ms = 0;
	if (ofi->open && now >= ofi->confirm_ms)
		ofi_confirm_look(ofi, now);
}

/* Once a second at most: it is not set back when the caller wakes for another reason. */
void ofi_confirm_arm(struct ofi *ofi)
{
	struct itimerspec spec;
	int64_t now, left;

	if (!ofi->open || ofi->confirm_timer_ms)
		return;
	now = ofi_now_ms();
	left = ofi->confirm_ms > now ? ofi->confirm_ms - now : 0;
	ofi->confirm_timer_ms = now + left;
	left += OFI_TIMER_LATE_MS;
	memset(&spec, 0, sizeof(spec));
	spec.it_value.tv_sec = left / 1000;
	spec.it_value.tv_nsec = left % 1000 * 1000000;
	timerfd_settime(ofi->confirm_fd, 0, &spec, NULL);
}
