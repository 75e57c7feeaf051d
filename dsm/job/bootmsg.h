/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node and the rendezvous of its job say to each other: one packet each on a
 * SOCK_SEQPACKET socket. Both ends are processes of one user on one machine, so the
 * integers are in host order; still every packet is checked before use.
 *
 *	node                 rendezvous
 *	HELLO  ------------>             who I am, which version
 *	       <------------ WELCOME     the job's secret; or END
 *	GIVE   ------------>             my blob for this round
 *	       <------------ BLOB        one of each rank, once all have given
 *	ASK    ------------>             my time is over: who is missing?
 *	       <------------ MISSING     a bit for each rank
 *	BYE    ------------>             leaving in good order; then close
 *	END    ------------>             cannot go on: a sentence
 *	       <------------ END         the job has ended: code and sentence; then close
 *
 * In a job that survives losses (rendezvous_survive):
 *
 *	STOP   ------------>             this rank does not answer: stop it
 *	       <------------ LOST        this rank is dead, stopped or not
 */
#ifndef BOOTMSG_H
#define BOOTMSG_H

#include <stddef.h>
#include <stdint.h>

#define BOOT_BLOB_MAX 1024
#define BOOT_SECRET 32 /* bytes of a job's secret */
#define BOOT_LOCAL_MAX 64 /* nodes of a job that is started on one machine */
#define BOOT_MAGIC 0x64736d31 /* "dsm1": changes with this file's layout */
#define BOOT_SOCKET "boot.sock"
#define BOOT_PIDS "pids" /* the processes that have joined, one a line */
#define BOOT_DIR_MAX 84 /* bytes of DSM_JOB: leaves room in sun_path for the nodes' sockets */
#define BOOT_TEXT_MAX 256

enum boot_msg_type {
	BOOT_HELLO = 1,
	BOOT_WELCOME,
	BOOT_GIVE,
	BOOT_BLOB,
	BOOT_ASK,
	BOOT_MISSING,
	BOOT_BYE,
	BOOT_END,
	BOOT_CHALLENGE, /* on TCP only: link.h */
	BOOT_STOP, /* of a job that survives losses: have rank stopped */
	BOOT_LOST, /* ... rank is dead */
	BOOT_TYPES
};

struct boot_msg {
	uint32_t magic;
	uint16_t type;
	uint16_t rank;  /* HELLO, BLOB, STOP, LOST: whose */
	uint32_t round; /* GIVE, BLOB, ASK, MISSING: counts from 0 */
	int32_t code;   /* END: negative */
	uint32_t len;   /* bytes of data that follow */
	uint8_t data[BOOT_BLOB_MAX];
};

/* The data of HELLO. */
struct boot_hello {
	uint32_t protocol; /* COH_WIRE_VERSION */
	uint32_t size;     /* nodes of the job, as the node was told */
	char version[32];  /* of the library, terminated */
};

/* Fills in the head, and data (may be NULL with len 0). len: at most BOOT_BLOB_MAX. */
void boot_msg_set(struct boot_msg *msg, enum boot_msg_type type, const void *data, size_t len);
/* Never blocks. 0, -EAGAIN, -EPIPE or the like. */
int boot_msg_send(int fd, const struct boot_msg *msg);
/* Never blocks. 1 a well-formed packet is in *msg, 0 the peer has closed, -EAGAIN,
 * -EBADMSG something else was sent, or another code. */
int boot_msg_receive(int fd, struct boot_msg *msg);
/* The sentence in an END, terminated and free of control characters. */
void boot_msg_text(const struct boot_msg *msg, char *text, size_t text_len);

#endif
