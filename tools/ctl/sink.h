/* SPDX-License-Identifier: BSD-2-Clause */
/* Where what the ranks print goes: standard output, or error. */
#ifndef SINK_H
#define SINK_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

struct sink;

/* Whom a sink tells of itself. */
struct sink_user {
	/* So much waits that no more is to be read for it; or no longer so much. */
	void (*pause)(void *ctx, const struct sink *s, bool pause);
	void (*changed)(void *ctx); /* all is written, or nothing can be any more */
	void *ctx;
};

/* Where bytes go that wait to be written. */
struct sink {
	struct ev_loop *loop;
	struct sink_user user;
	int fd;
	ev_io io; /* active while something waits */
	char *buf;
	size_t start, end, room;
	bool paused, broken, colour;
};

/* colour: fd is a terminal, and nobody has said that they want none. */
void sink_open(struct sink *s, struct ev_loop *loop, int fd, const struct sink_user *user);
/* Drops what has not been written. */
void sink_close(struct sink *s);
void sink_put(struct sink *s, const char *data, size_t len);
bool sink_waits(const struct sink *s); /* something is still to be written */

#endif
