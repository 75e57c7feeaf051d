/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The starter's side of the local bootstrap: a socket in the job's directory that
 * collects a blob of each node and hands all of them to everyone, round by round.
 * Used by the program that starts the nodes (dsmctl run, tests).
 * One thread; never blocks except in rendezvous_step()'s poll.
 */
#ifndef RENDEZVOUS_H
#define RENDEZVOUS_H

struct rendezvous;

/* Makes directory dir (mode 0700) and the socket in it, for nodes nodes. The
 * directory's name is what DSM_JOB says. */
int rendezvous_open(const char *dir, int nodes, struct rendezvous **out);
/* A descriptor that is readable when rendezvous_step() has work. */
int rendezvous_fd(const struct rendezvous *r);
/* Serves what is there, waiting up to timeout_ms for something. 0 or negative code. */
int rendezvous_step(struct rendezvous *r, int timeout_ms);
/* Closes all connections (nodes see the job's end), removes socket and directory
 * with all that the nodes left in it. NULL is allowed. */
void rendezvous_close(struct rendezvous *r);

#endif
