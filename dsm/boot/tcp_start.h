/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bootstrap over TCP: rank 0 is the hub, to which every other node, a member, keeps one
 * connection as long as the job lives. What a way of starting has to tell each node is its
 * rank, where the hub is, and the job's secret.
 *
 *	member               hub
 *	CHALLENGE <--------> CHALLENGE   at once, of both (link.h)
 *	HELLO  ------------>             who I am, which version
 *	       <------------ WELCOME     or END
 *	GIVE, BLOB, ASK, MISSING, BYE, END as on one machine (bootmsg.h), but that MISSING
 *	has the ranks as text, and that the hub says BYE too when it leaves in good order.
 */
#ifndef TCP_START_H
#define TCP_START_H

#include <netdb.h>

#include "dsm/boot/link.h"

#define TCP_NODES_MAX 1024
#define TCP_HOSTS 32
#define TCP_HOST 256 /* a name has 253 characters */

/* The data of HELLO. */
struct tcp_hello {
	struct boot_hello hello;
	int32_t pid;
};

/* Where the hub is: hosts are tried in this order (connects.h). */
struct tcp_place {
	char host[TCP_HOSTS][TCP_HOST];
	int hosts;
	char port[6];
};

struct tcp_start {
	int rank, size;
	int timeout_ms; /* for all nodes to come */
	uint8_t secret[LINK_SECRET];
	int unguarded; /* as of struct boot */
	struct tcp_place place;
	int listener; /* rank 0: taken over; -1 with size 1 */
};

/* A socket that listens at host (NULL: at every address) and port ("0": any). Returns the
 * descriptor, and the port in *port, or a negative code. */
int tcp_listen(const char *host, const char *port, int *port_out);

#endif
