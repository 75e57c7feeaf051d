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
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "transport/ofi_impl.h"

#define OFI_PROBE_FIRST_MS 20 /* without progress */
#define OFI_PROBE_MAX_MS 1000 /* between two probes, at most */
#define OFI_PROBE_LOOK_MS 10  /* between two looks at all peers */

static int64_t ofi_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static socklen_t ofi_sockaddr_len(const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET)
		return sizeof(struct sockaddr_in);
	return addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : 0;
}

/* Ends an attempt. error: how it went, as far as is known. */
static void ofi_probe_close(struct ofi_peer *peer, int error)
{
	struct sockaddr_storage other;
	socklen_t len = sizeof(other);

	if (error == ECONNRESET || !getpeername(peer->probe_fd, (struct sockaddr *)&other, &len))
		peer->answered = 1;
	close(peer->probe_fd);
	peer->probe_fd = -1;
}

/* One step of a connection attempt that does not block; the next probe sees how it
 * went. -ENOTCONN when it was refused. */
static int ofi_probe_port(struct ofi_peer *peer)
{
	const struct sockaddr *addr = (const struct sockaddr *)&peer->sockaddr;
	const socklen_t addr_len = ofi_sockaddr_len(addr);
	socklen_t len = sizeof(int);
	int error = 0;

	if (!addr_len)
		return 0;
	if (peer->probe_fd < 0) {
		peer->probe_fd = socket(addr->sa_family,
		                        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (peer->probe_fd < 0)
			return 0;
		if (!connect(peer->probe_fd, addr, addr_len))
			goto out;
		error = errno;
		if (error == EINPROGRESS)
			return 0;
	} else if (getsockopt(peer->probe_fd, SOL_SOCKET, SO_ERROR, &error, &len)) {
		error = 0;
	}
out:
	ofi_probe_close(peer, error);
	return error == ECONNREFUSED && (peer->answered || !peer->needs_answer) ? -ENOTCONN : 0;
}

void ofi_probe_forget(struct ofi_peer *peer)
{
	peer->probe_ms = 0;
	if (peer->probe_fd >= 0)
		ofi_probe_close(peer, 0);
}

int ofi_life_open(struct ofi *ofi, const struct sockaddr_in *device)
{
	socklen_t len = sizeof(ofi->life);

	if (ofi->life_fd >= 0)
		return 0;
	ofi->life_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (ofi->life_fd < 0)
		return -errno;
	ofi->life.sin_family = AF_INET;
	ofi->life.sin_addr = device->sin_addr;
	/* Nobody accepts: the kernel answers for us as long as we live, and there is room. */
	if (bind(ofi->life_fd, (struct sockaddr *)&ofi->life, len) ||
	    listen(ofi->life_fd, 16 + 4 * ofi->nodes) ||
	    getsockname(ofi->life_fd, (struct sockaddr *)&ofi->life, &len)) {
		ofi_log(ofi, 0, "%s: listening for probes: %s", ofi->provider, strerror(errno));
		return -errno;
	}
	return 0;
}

void ofi_life_connect(struct ofi_peer *peer, const void *address, size_t len)
{
	if (len != sizeof(struct sockaddr_in))
		return;
	memcpy(&peer->sockaddr, address, len);
	peer->needs_answer = 1;
	ofi_probe_port(peer);
}

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
