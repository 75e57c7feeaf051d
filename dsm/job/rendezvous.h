/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The starter's side of the local bootstrap: a socket in the job's directory that
 * collects a blob of each node and hands all of them to everyone, round by round.
 * Used by the program that starts the nodes (dsmctl run, tests).
 * One thread; never blocks except in rendezvous_step()'s poll.
 *
 * A job ends for all its nodes, each of which gets the reason, when one of them dies,
 * leaves while others wait for it, runs another version, or sends nonsense. Whoever
 * merely has no place in it (rank taken or out of range) is refused alone. When all
 * nodes have left in good order, others may take their places.
 */
#ifndef RENDEZVOUS_H
#define RENDEZVOUS_H

struct rendezvous;

/* Makes directory dir (mode 0700; absolute, its parent is there) and the socket in it,
 * for nodes nodes. The directory's name is what DSM_JOB says. -EEXIST dir is there
 * already, -ENAMETOOLONG, -EINVAL, or what the kernel said. */
int rendezvous_open(const char *dir, int nodes, struct rendezvous **out);
/* A descriptor that is readable when rendezvous_step() has work. */
int rendezvous_fd(const struct rendezvous *r);
/* Serves what is there, waiting up to timeout_ms for something. 0 or negative code. */
int rendezvous_step(struct rendezvous *r, int timeout_ms);
/*
 * The process of a rank has ended, as its starter knows. Where others wait for that
 * rank, they are told so; a node that has joined is noticed without this call.
 */
void rendezvous_gone(struct rendezvous *r, int rank);
/*
 * From now on the death of a node does not end the job. Whoever closes its connection, or whom
 * another node wants to be stopped, is killed; when it is dead, as the kernel says, all others are
 * told. Before any node has come.
 */
void rendezvous_survive(struct rendezvous *r);
/* Why the job has ended ahead of its time, or NULL as long as it has not. Lives as
 * long as r. */
const char *rendezvous_ended(const struct rendezvous *r);
/* The rank that ended it, or -1. */
int rendezvous_culprit(const struct rendezvous *r);
/* Closes all connections (nodes see the job's end), removes socket and directory
 * with all that the nodes left in it. NULL is allowed. */
void rendezvous_close(struct rendezvous *r);

#endif
