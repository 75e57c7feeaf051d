/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connecting to the first of many addresses that answers. The next one is tried beside those
 * that have not answered yet, a moment later (RFC 8305, "Happy Eyeballs", 5): an address that
 * leads nowhere, such as one of a bridge that only the other machine has, costs that moment.
 */
#ifndef CONNECTS_H
#define CONNECTS_H

#include <netdb.h>
#include <stdint.h>
#include <sys/socket.h>

#include "dsm/boot/tcp_start.h"

#define CONNECTS_MAX 64 /* addresses */

struct connects {
	struct {
		struct sockaddr_storage to;
		socklen_t len;
		int host;      /* of the place; for words */
		int fd;        /* -1: not begun, or over */
		int64_t limit; /* when it is given up */
	} address[CONNECTS_MAX];
	int n, begun;
	int64_t next; /* when another one is begun at the latest */
	const struct tcp_place *place;
};

/* Finds the addresses of all hosts of place, which must live as long. -ENOENT when there are none, and
 * a sentence in why; otherwise 0. */
int connects_open(struct connects *c, const struct tcp_place *place, char *why, size_t why_len);
/*
 * The next connection, as a descriptor that is the caller's, and in name whom it is to; the others
 * go on meanwhile. -ETIMEDOUT when the deadline (boot_now_ms) came first, another negative code
 * when no address is left: then name is of the last one that failed.
 */
int connects_next(struct connects *c, int64_t deadline, char *name, size_t len);
void connects_close(struct connects *c);

#endif
