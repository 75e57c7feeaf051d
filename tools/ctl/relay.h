/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passes on what the ranks print, by whole lines, each with its rank in front. Whoever
 * reads slowly slows the ranks, never the loop.
 */
#ifndef RELAY_H
#define RELAY_H

#include <stdbool.h>

struct ev_loop;
struct relay;

struct relay_config {
	bool prefix;
	/* Called on the loop when a stream has ended, when all that was passed on has been
	 * written, or when it cannot be written any more. */
	void (*changed)(void *ctx);
	void *ctx;
};

/* 0 or a negative code. Ignores SIGPIPE from here on. */
int relay_open(struct ev_loop *loop, const struct relay_config *config, struct relay **out);
/* Takes over the reading end of a rank's standard output (1) or error (2). */
int relay_add(struct relay *r, int rank, int to, int fd);
/* A line of dsmctl's own, to standard error. */
void relay_say(struct relay *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool relay_reads(const struct relay *r);  /* some rank can still print */
bool relay_writes(const struct relay *r); /* something is still to be written */
bool relay_broken(const struct relay *r); /* nobody reads standard output any more */
/* Takes what is there already, and waits for no more. */
void relay_cut(struct relay *r);
/* Drops what has not been written. NULL is allowed. */
void relay_close(struct relay *r);

#endif
