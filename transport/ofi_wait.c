/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping. The caller waits on an epoll descriptor of ours, behind which are the
 * completion queue's (or the doorbell's socket, where the provider has none) and a
 * timer.
 *
 * The timer runs only while something is stuck (ofi_stuck()). It backs off to 64 ms, so
 * a peer that hangs costs next to nothing. In the ordinary case completions and rings
 * come long before it. Another is for what peers have to confirm (ofi_confirm.c).
 */
#include <errno.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "transport/ofi_impl.h"

#define OFI_RETRY_MAX_MS 64

static int ofi_watch(struct ofi *ofi, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events};

	event.data.fd = fd;
	return epoll_ctl(ofi->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Of those that are readable whenever there is something to be done, asleep or not. */
static int ofi_watch_cq(struct ofi *ofi, int fd)
{
	if (ofi->n_cq_fd == OFI_CQ_FDS)
		return -EMFILE;
	ofi->cq_fd[ofi->n_cq_fd++] = fd;
	return ofi_watch(ofi, fd, 0);
}

/* While nobody is about to sleep, somebody polls; the descriptor must not wake a thread
 * that happens to wait on it for every message that is taken that way. */
static void ofi_listen(struct ofi *ofi, int on)
{
	struct epoll_event event = {.events = on ? EPOLLIN : 0};
	unsigned i;

	if (ofi->listening == on)
		return;
	ofi->listening = (uint8_t)on;
	for (i = 0; i < ofi->n_cq_fd; i++) {
		event.data.fd = ofi->cq_fd[i];
		epoll_ctl(ofi->epoll_fd, EPOLL_CTL_MOD, ofi->cq_fd[i], &event);
	}
}

static int ofi_is_unix_socket(int fd)
{
	socklen_t len = sizeof(int);
	int domain;

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_UNIX;
}

/*
 * The queue's descriptor of libfabric's net stays readable for ever after the first
 * completion: it is an epoll of the connections and of a signal, a pair of sockets, and
 * fi_trywait() does not reset that (libfabric issue 8947, mended when net had become
 * tcp). The signal tells only of completions that our own polling wrote, and wait_arm()
 * looks for those. So watch what is behind the epoll but the signal: the kernel lists it.
 */
static int ofi_watch_behind(struct ofi *ofi, int epoll_fd)
{
	char line[256];
	int fd, watched = 0, rc = 0;
	FILE *file;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", epoll_fd);
	file = fopen(line, "re");
	while (file && !rc && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "tfd: %d", &fd) != 1 || ofi_is_unix_socket(fd))
			continue;
		rc = ofi_watch_cq(ofi, fd);
		watched += !rc;
	}
	if (file)
		fclose(file);
	if (rc || watched)
		return rc;
	ofi_log(ofi, 1, "%s: sleeping will use CPU, since /proc does not show what to wait for",
	        ofi->provider);
	return ofi_watch_cq(ofi, epoll_fd);
}

int ofi_wait_open(struct ofi *ofi)
{
	int fd, rc;

	ofi->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ofi->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (ofi->epoll_fd < 0 || ofi->timer_fd < 0)
		return -errno;
	rc = ofi_watch(ofi, ofi->timer_fd, EPOLLIN);
	if (!rc)
		rc = ofi_confirm_open(ofi);
	if (!rc)
		rc = ofi_watch(ofi, ofi->confirm_fd, EPOLLIN);
	if (rc)
		return rc;
	if (ofi->bell)
		return ofi_watch(ofi, ofi_bell_fd(ofi->bell), EPOLLIN);
	rc = ofi_errno(fi_control(&ofi->cq->fid, FI_GETWAIT, &fd));
	if (rc)
		return rc;
	ofi->signal_sticks = !strcmp(ofi->info->fabric_attr->prov_name, "net");
	return ofi->signal_sticks ? ofi_watch_behind(ofi, fd) : ofi_watch_cq(ofi, fd);
}

void ofi_wait_close(struct ofi *ofi)
{
	if (ofi->epoll_fd >= 0)
		close(ofi->epoll_fd);
	if (ofi->timer_fd >= 0)
		close(ofi->timer_fd);
	ofi_confirm_close(ofi);
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
	ofi_bell_serve(ofi->bell);
	/* That look may have moved a transfer on by a step that the peer has to take up. */
	ofi_ring_concerned(ofi);
	ofi_wake_peers(&ofi->tr);
	ofi_reap(ofi);
	return ofi->errors_due != 0;
}

static int ofi_arm_cq(struct ofi *ofi)
{
	struct fid *fid = &ofi->cq->fid;

	if (ofi->signal_sticks)
		return ofi_stash_fill(ofi) != 0;
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
	ofi_listen(ofi, 1);
	ofi_confirm_arm(ofi);
	if (!ofi_stuck(ofi))
		return 0;
	ofi->retry_ms = ofi->retry_ms ? ofi->retry_ms * 2 : 1;
	if (ofi->retry_ms > OFI_RETRY_MAX_MS)
		ofi->retry_ms = OFI_RETRY_MAX_MS;
	ofi_timer_set(ofi, ofi->retry_ms);
	return 0;
}

void ofi_wait_disarm(struct tr *tr)
{
	struct ofi *ofi = ofi_of(tr);
	uint64_t fired;

	ofi_listen(ofi, 0);
	if (ofi->bell)
		ofi_bell_awake(ofi->bell);
	if (!ofi->timer_set)
		return;
	if (read(ofi->timer_fd, &fired, sizeof(fired)) < 0)
		ofi->retry_ms = 0; /* woken before it: no reason to back off */
	ofi_timer_set(ofi, 0);
}
