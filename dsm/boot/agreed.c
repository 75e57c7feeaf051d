/* SPDX-License-Identifier: BSD-2-Clause */
/* Tickets (agreed.h), and the caller's exchange. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/boot/agreed.h"

#define TICKET_MAGIC 0x746d7364 /* "dsmt": changes with the struct */

/* How useful an address is to others: 0 not at all. */
static int address_rank(const struct ifaddrs *a)
{
	const struct sockaddr_in6 *in6 = (const void *)a->ifa_addr;

	if (!a->ifa_addr || !(a->ifa_flags & IFF_UP))
		return 0;
	if (a->ifa_addr->sa_family == AF_INET)
		return a->ifa_flags & IFF_LOOPBACK ? 1 : 3;
	if (a->ifa_addr->sa_family == AF_INET6 && !(a->ifa_flags & IFF_LOOPBACK) &&
	    !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
		return 2;
	return 0;
}

static void ticket_address(struct ticket *t, const struct sockaddr *a)
{
	const void *in = a->sa_family == AF_INET ? (const void *)&((const struct sockaddr_in *)a)->sin_addr
	                                         : &((const struct sockaddr_in6 *)a)->sin6_addr;

	if (t->hosts < TCP_HOSTS &&
	    inet_ntop(a->sa_family, in, t->host[t->hosts], sizeof t->host[0]))
		t->hosts++;
}

/* Loopback comes last, and is found wrong by whoever has another rank 0, or none, there. */
static int ticket_addresses(struct ticket *t)
{
	struct ifaddrs *list;

	if (getifaddrs(&list))
		return -errno;
	for (int rank = 3; rank > 0; rank--)
		for (const struct ifaddrs *a = list; a; a = a->ifa_next)
			if (address_rank(a) == rank)
				ticket_address(t, a->ifa_addr);
	freeifaddrs(list);
	return t->hosts ? 0 : -EADDRNOTAVAIL;
}

int agreed_issue(struct ticket *t)
{
	int port = 0, fd = -1;

	memset(t, 0, sizeof *t);
	t->magic = TICKET_MAGIC;
	snprintf(t->version, sizeof t->version, "%s", PACKAGE_VERSION);
	t->code = link_library_init();
	if (!t->code)
		t->code = ticket_addresses(t);
	if (!t->code) {
		fd = tcp_listen(NULL, "0", &port);
		t->code = fd < 0 ? fd : 0;
	}
	if (t->code)
		return -1;
	t->port = (uint16_t)port;
	randombytes_buf(t->secret, sizeof t->secret);
	return fd;
}

int agreed_open(const struct ticket *t, int rank, int size, int timeout_ms, int listener,
                struct boot **out, char *why, size_t why_len)
{
	struct tcp_start start = { .rank = rank, .size = size, .timeout_ms = timeout_ms,
	                           .listener = listener };

	if (t->magic != TICKET_MAGIC || t->hosts > TCP_HOSTS)
		return boot_why(why, why_len, -EPROTONOSUPPORT, "rank 0 runs another version of libdsm");
	if (t->code)
		return boot_why(why, why_len, t->code, "rank 0 cannot wait for the others: %s",
		                strerror(-t->code));
	memcpy(start.secret, t->secret, sizeof start.secret);
	for (int i = 0; i < t->hosts; i++)
		snprintf(start.place.host[i], sizeof start.place.host[i], "%.*s",
		         (int)sizeof t->host[i] - 1, t->host[i]);
	start.place.hosts = t->hosts;
	snprintf(start.place.port, sizeof start.place.port, "%u", t->port);
	return boot_tcp_open(&start, out, why, why_len);
}

int boot_exchange_open(const struct boot_config *config, int timeout_ms, struct boot **out,
                       char *why, size_t why_len)
{
	int size = config->size, rank = config->rank, listener = -1, err;
	struct ticket mine = { 0 }, *all;

	if (size < 1 || size > TCP_NODES_MAX || rank < 0 || rank >= size)
		return boot_why(why, why_len, -EINVAL,
		                "the caller's exchange is of rank %d of %d: at most %d nodes, and ranks "
		                "from 0", rank, size, TCP_NODES_MAX);
	all = calloc((size_t)size, sizeof *all);
	if (!all)
		return boot_why(why, why_len, -ENOMEM, "out of memory");
	if (rank == 0)
		listener = agreed_issue(&mine);
	err = config->allgather(config->allgather_ctx, &mine, all, sizeof mine);
	if (err && listener >= 0)
		close(listener);
	if (err)
		boot_why(why, why_len, -ECONNRESET, "the caller's exchange failed with %d", err);
	else
		err = agreed_open(&all[0], rank, size, timeout_ms, listener, out, why, why_len);
	sodium_memzero(all, (size_t)size * sizeof *all);
	free(all);
	return err < 0 ? err : err ? -ECONNRESET : 0;
}
