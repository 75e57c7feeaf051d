/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who of the job is alive, and how a node learns that another is not. Today the loss of any
 * node is the end of the job, for all: the boot connection tells of it, which every node keeps
 * as long as it lives, or the transport does, when a peer cannot be reached.
 *
 * Under the node's lock, but for members_fd() and members_look(), which are the service
 * thread's.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include <stddef.h>

#include "dsm/base/base.h"

struct boot;

struct members {
	struct boot *boot; /* set at the start */
	int lost;          /* DSM_ERR_LOST once the job cannot go on */
	char why[256];     /* with lost; does not change any more */
	int told;          /* the others have heard so from this node */
};

void members_open(struct members *m, struct boot *boot);
/* A descriptor that is readable when members_look() may have news. -1 without one. */
int members_fd(const struct members *m);
/* 0: all are there; or a negative code, and in why (len bytes) who is gone. Does not block. 1: an
 * exchange of the nodes is going on, which sees to it; progress_kick() tells of its end. */
int members_look(struct members *m, char *why, size_t len);
/* Tells the others that this node cannot go on. Without the lock, once lost. */
void members_tell(struct members *m, const char *why);
/* The same, in the words of members_declare_lost(), where no exchange of the nodes is going on: 1; else
 * 0. With the lock: it sends, and waits for nothing. */
int members_tell_now(struct members *m);
/* A node is lost, and with it the job. 1 the first time, which is logged; 0 when that was known. */
int members_declare_lost(struct members *m, const struct log *log, const char *why);

#endif
