/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping. The caller waits on an epoll descriptor of ours, behind which are the
 * completion queue's (or the doorbell's socket, where the provider has none) and a
 * timer.
 *
 * The timer runs only while something was accepted that nobody promises to wake us
 * for: what the provider refused for lack of room, and with the doorbell whatever is
 * under way, since a peer that was killed rings no more. It backs off to 64 ms, so a
 * peer that hangs costs next to nothing, and when it fires the peers concerned are
 * probed. In the ordinary case completions and rings come long before it.
 */
#include <errno.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "transport/ofi_impl.h"

#define OFI_RETRY_MAX_MS 64

static int ofi_watch(struct ofi *ofi, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	event.data.fd = fd;
	return epoll_ctl(ofi->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int ofi_wait_open(struct ofi *ofi)
{
	int rc;

	ofi->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ofi->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (ofi->epoll_fd < 0 || ofi->timer_fd < 0)
		return -errno;
	rc = ofi_watch(ofi, ofi->timer_fd);
	if (!rc)
		rc = ofi_watch(ofi, ofi->bell ? ofi_bell_fd(ofi->bell) : ofi->cq_fd);
	return rc;
}

void ofi_wait_close(struct ofi *ofi)
{
	if (ofi->epoll_fd >= 0)
		close(ofi->epoll_fd);
	if (ofi->timer_fd >= 0)
		close(ofi->timer_fd);
}

int ofi_wait_fd(const struct tr *tr)
{
	return ofi_of(tr)->epoll_fd;
}

static void ofi_timer_set(struct ofi *ofi, unsigned ms)
{
	struct itimerspec spec;

	memset(&spec, 0, sizeof(spec));
	spec.it_value.tv_nsec = (long)ms * 1000000;
	timerfd_settime(ofi->timer_fd, 0, &spec, NULL);
	ofi->timer_set = ms != 0;
}

static int ofi_under_way(const struct ofi_peer *peer)
{
	return !peer->lost && (peer->queued || peer->posted);
}

/* Wakes those that something of ours is under way to; with the doorbell only. */
static void ofi_ring_concerned(struct ofi *ofi)
{
	uint16_t i;

	if (!ofi->queued && !ofi->posted)
		return;
	for (i = 0; i < ofi->nodes; i++)
		if (ofi_under_way(&ofi->peer[i]))
			ofi_ring(ofi, i);
}

/* 1 when there is something for poll. */
static int ofi_arm_bell(struct ofi *ofi)
{
	uint16_t i;

	for (i = 0; i < ofi->nodes && (ofi->queued || ofi->posted); i++)
		if (ofi_under_way(&ofi->peer[i]))
			ofi_bell_need(ofi->bell, i);
	ofi_bell_sleep(ofi->bell);
	ofi_flush(ofi);
	if (ofi_stash_fill(ofi))
		return 1;
	ofi_ring_needy(ofi);
	/* That look may have moved a transfer on by a step that the peer has to take up. */
	ofi_ring_concerned(ofi);
	ofi_reap(ofi);
	return ofi->errors_due != 0;
}

static int ofi_arm_cq(struct ofi *ofi)
{
	struct fid *fid = &ofi->cq->fid;

	return fi_trywait(ofi->fabric, &fid, 1) != FI_SUCCESS;
}

int ofi_wait_arm(struct tr *tr)
{
	struct ofi *ofi = ofi_of(tr);

	ofi_flush(ofi);
	ofi_reap(ofi);
	if (ofi->stash_len || ofi->errors_due)
		return 1;
	if (ofi->bell ? ofi_arm_bell(ofi) : ofi_arm_cq(ofi)) {
		ofi_wait_disarm(tr);
		return 1;
	}
	if (ofi->queued || (ofi->bell && ofi->posted)) {
		ofi->retry_ms = ofi->retry_ms ? ofi->retry_ms * 2 : 1;
		if (ofi->retry_ms > OFI_RETRY_MAX_MS)
			ofi->retry_ms = OFI_RETRY_MAX_MS;
		ofi_timer_set(ofi, ofi->retry_ms);
	}
	return 0;
}

/* The timer fired: are those still there that we wait for? */
static void ofi_probe(struct ofi *ofi)
{
	uint16_t i;

	for (i = 0; i < ofi->nodes; i++)
		if (ofi_under_way(&ofi->peer[i]) && ofi_bell_probe(ofi->bell, i))
			ofi_peer_lose(ofi, i, -ENOTCONN);
}

void ofi_wait_disarm(struct tr *tr)
{
	struct ofi *ofi = ofi_of(tr);
	uint64_t fired;

	if (ofi->bell)
		ofi_bell_awake(ofi->bell);
	if (!ofi->timer_set)
		return;
	if (read(ofi->timer_fd, &fired, sizeof(fired)) < 0)
		fired = 0;
	ofi_timer_set(ofi, 0);
	if (fired && ofi->bell)
		ofi_probe(ofi);
	if (!fired)
		ofi->retry_ms = 0;
}

void ofi_ring(struct ofi *ofi, uint16_t peer)
{
	int rc;

	if (!ofi->bell)
		return;
	rc = ofi_bell_ring(ofi->bell, peer);
	if (rc == 1)
		ofi->stats.doorbells++;
	if (rc >= 0 || ofi->peer[peer].unreachable)
		return;
	ofi->peer[peer].unreachable = 1;
	ofi->unreachable++;
}

void ofi_ring_needy(struct ofi *ofi)
{
	if (ofi->bell)
		ofi->stats.doorbells += ofi_bell_serve(ofi->bell);
}
