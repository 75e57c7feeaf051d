/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting by something that can give a few bytes of rank 0 to all: an exchange of the
 * caller's, or PMIx. Those bytes, the ticket, say where rank 0 waits and what the job's
 * secret is; all else goes over TCP.
 */
#ifndef AGREED_H
#define AGREED_H

#include "dsm/boot/tcp.h"

#define TICKET_ADDRESS 46

struct ticket {
	uint32_t magic;
	int32_t code;     /* 0, or why rank 0 could not make one */
	char version[32]; /* of rank 0's library */
	uint16_t port;
	uint8_t hosts;
	uint8_t secret[LINK_SECRET];
	char host[TCP_HOSTS][TICKET_ADDRESS]; /* of rank 0's addresses, the most useful first */
};

/* Rank 0: listens, and fills in the ticket, with a random secret. Returns the listener, or
 * -1, with the reason in ticket->code. */
int agreed_issue(struct ticket *ticket);
/* All: opens the job that the ticket is for. listener: rank 0's, taken over. */
int agreed_open(const struct ticket *ticket, int rank, int size, int timeout_ms, int listener,
                struct boot **out, char *why, size_t why_len);

#endif
