/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket at which rank 0 waits for the others. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsm/boot/tcp_start.h"

static int listen_at(const struct addrinfo *at)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, off = 0, err;

	if (fd < 0)
		return -errno;
	/* The last job's connections may linger in TIME_WAIT. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int listen_port(int fd, int *port)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof addr;

	if (getsockname(fd, (struct sockaddr *)&addr, &len))
		return -errno;
	*port = ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
	                                         : ((struct sockaddr_in *)&addr)->sin_port);
	return 0;
}

int tcp_listen(const char *host, const char *port, int *port_out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	                          .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *list, *at;
	int fd = -EADDRNOTAVAIL, err;

	/* IPv6 takes IPv4 along, where there is IPv6. */
	if (!host)
		hints.ai_family = AF_INET6;
	if (getaddrinfo(host, port, &hints, &list))
		return -ENOENT;
	for (at = list; at && fd < 0; at = at->ai_next)
		fd = listen_at(at);
	freeaddrinfo(list);
	if (fd < 0 && !host) {
		hints.ai_family = AF_INET;
		if (getaddrinfo(NULL, port, &hints, &list))
			return fd;
		fd = listen_at(list);
		freeaddrinfo(list);
	}
	if (fd < 0)
		return fd;
	err = listen_port(fd, port_out);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}
