/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagrams between the nodes of a job: what is lost is lost, and what comes is of a node that knows
 * the job's secret, is for this one, and newer than what came of that node before.
 *
 * Proof, not secrecy, as on the boot connections: whoever listens in can read.
 */
#ifndef MEMBERS_MAIL_H
#define MEMBERS_MAIL_H

#include <stddef.h>
#include <stdint.h>

struct boot;
struct mail;

#define MAIL_MAX 512 /* bytes of a datagram's content */

/* All nodes together: tells all others where it is, by one of the boot's exchanges. 0; or a negative
 * code, on all nodes or with an exchange that failed, and why. */
int mail_open(struct boot *boot, int timeout_ms, struct mail **out, char *why, size_t why_len);
void mail_close(struct mail *mail); /* NULL is allowed */
/* Readable when mail_take() has something. */
int mail_fd(const struct mail *mail);
/* Never blocks, and does not tell what becomes of it. One thread at a time, as mail_take(). */
void mail_send(struct mail *mail, unsigned to, const uint8_t *bytes, size_t len);
/* Never blocks. The bytes of the next datagram and whom it is of; 0: there is none. */
size_t mail_take(struct mail *mail, unsigned *from, uint8_t bytes[MAIL_MAX]);

#endif
