/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets by which a peer is asked whether it is there (ofi_probe.c). */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/ofi_impl.h"

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

static socklen_t ofi_sockaddr_len(const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET)
		return sizeof(struct sockaddr_in);
	return addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : 0;
}

int ofi_probe_port(struct ofi_peer *peer)
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
