/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP connection between two nodes that start: whole messages (struct boot_msg), each
 * with a proof that its sender knows the job's secret, and that it is neither repeated nor
 * from elsewhere. Both ends first send a CHALLENGE, with a random number; after that every
 * message ends in a MAC, keyed by the secret and both numbers, over a count and the message.
 *
 * Proof, not secrecy: whoever listens in can read.
 */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsm/boot/ways.h"

#define LINK_SECRET BOOT_SECRET
#define LINK_NONCE 32
#define LINK_MAC 32
#define LINK_FRAME_MAX (sizeof(struct boot_msg) + LINK_MAC)

struct link {
	int fd;
	bool secured; /* messages have a MAC from now on */
	uint8_t nonce[LINK_NONCE]; /* ours */
	uint8_t key_in[LINK_SECRET], key_out[LINK_SECRET];
	uint64_t count_in, count_out;
	size_t have; /* bytes of in[] */
	_Alignas(struct boot_msg) uint8_t in[LINK_FRAME_MAX];
};

/* Once, before all else. 0, or -EIO: no random numbers here. */
int link_library_init(void);
/* Takes fd, a stream socket, over, and sends our CHALLENGE. */
int link_open(struct link *link, int fd, int64_t deadline);
/* msg is the other's CHALLENGE; server: we are rank 0. -EBADMSG when it is none. */
int link_secure(struct link *link, const uint8_t secret[LINK_SECRET], const struct boot_msg *msg,
                bool server);
/* Sends all of msg. -ETIMEDOUT at the deadline (boot_now_ms; in the past: does not wait),
 * after which the link is of no more use. */
int link_send(struct link *link, const struct boot_msg *msg, int64_t deadline);
/* Never blocks. 1 a message is in *msg, 0 the peer has closed, -EAGAIN; -EBADMSG what came
 * is no message, -EACCES its MAC is wrong; or another code. */
int link_take(struct link *link, struct boot_msg *msg);
/* As link_take(), but waits: -ETIMEDOUT. */
int link_receive(struct link *link, struct boot_msg *msg, int64_t deadline);
void link_close(struct link *link); /* may be closed already */

void link_address(const struct link *link, bool other, char *text, size_t len);
/* Whether such an address is one that only this machine has. */
int link_is_loopback(const char *address);

#endif
