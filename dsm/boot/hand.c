/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting by hand: each node is told its rank, the number of nodes, and the address at
 * which rank 0 waits for the others.
 */
#include "config.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsm/boot/tcp.h"

/* HOST:PORT, or [HOST]:PORT where HOST is an IPv6 address. */
static int hand_parse(const char *text, struct tcp_place *out)
{
	const char *colon = strrchr(text, ':'), *host = text, *end = colon;
	int port;

	if (!colon)
		return -EINVAL;
	if (*host == '[') {
		host++;
		end = colon - 1;
		if (end < host || *end != ']')
			return -EINVAL;
	} else if (memchr(text, ':', (size_t)(colon - text))) {
		return -EINVAL;
	}
	if (end == host || (size_t)(end - host) >= sizeof out->host[0])
		return -EINVAL;
	if (strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5)
		return -EINVAL;
	port = atoi(colon + 1);
	if (port < 1 || port > 65535)
		return -EINVAL;
	memcpy(out->host[0], host, (size_t)(end - host));
	out->hosts = 1;
	snprintf(out->port, sizeof out->port, "%d", port);
	return 0;
}

/* A secret of any length, or none. */
static void hand_secret(struct tcp_start *start)
{
	const char *text = getenv("DSM_SECRET"), *host = start->place.host[0];

	if (!text)
		text = "";
	crypto_generichash(start->secret, LINK_SECRET, (const uint8_t *)text, strlen(text), NULL, 0);
	/* Those of loopback are what hand_listen() listens at. */
	start->unguarded = !*text && start->size > 1 && !link_is_loopback(host) &&
	                   strcmp(host, "localhost") != 0;
}

/*
 * Whether others may find another address by this name than the one that we would listen at: it
 * has several here; or only those of loopback, as Debian's installer has /etc/hosts say of the
 * machine's own name (127.0.1.1), while it means this machine. That is not so of "localhost"
 * (RFC 6761), and of an address.
 */
static bool is_ambiguous(const char *host)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *at;
	char first[NI_MAXHOST], text[NI_MAXHOST] = "";
	bool loopback = false, several = false;

	if (strcmp(host, "localhost") == 0 || getaddrinfo(host, NULL, &hints, &list))
		return false;
	for (at = list; at; at = at->ai_next) {
		getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
		loopback |= link_is_loopback(text);
		if (at == list)
			snprintf(first, sizeof first, "%s", text);
		several |= strcmp(text, first) != 0;
	}
	freeaddrinfo(list);
	return several || (loopback && strcmp(host, text) != 0);
}

/* At the address the others were told; at all where that is not clear, or not one of this
 * machine's own, as behind address translation. */
static int hand_listen(const struct tcp_place *place, char *why, size_t why_len)
{
	const char *host = is_ambiguous(place->host[0]) ? NULL : place->host[0];
	int port, fd = tcp_listen(host, place->port, &port);

	if (fd == -EADDRNOTAVAIL || fd == -ENOENT)
		fd = tcp_listen(NULL, place->port, &port);
	if (fd == -EADDRINUSE)
		return boot_why(why, why_len, fd,
		                "port %s is in use here, perhaps by another job: "
		                "give this one another DSM_RENDEZVOUS", place->port);
	if (fd < 0)
		return boot_why(why, why_len, fd, "rank 0 cannot listen at port %s: %s", place->port,
		                strerror(-fd));
	return fd;
}

int boot_hand_open(const char *place, int rank, int size, int timeout_ms, struct boot **out,
                   char *why, size_t why_len)
{
	struct tcp_start start = {
		.rank = rank, .size = size, .timeout_ms = timeout_ms, .listener = -1,
	};

	if (hand_parse(place, &start.place))
		return boot_why(why, why_len, -EINVAL,
		                "DSM_RENDEZVOUS is not HOST:PORT with a port from 1 to 65535: "
		                "\"%.80s\"", place);
	if (link_library_init())
		return boot_why(why, why_len, -ENOMEM, "no random numbers");
	hand_secret(&start);
	if (rank == 0 && size > 1) {
		start.listener = hand_listen(&start.place, why, why_len);
		if (start.listener < 0)
			return start.listener;
	}
	return boot_tcp_open(&start, out, why, why_len);
}
