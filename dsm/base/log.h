/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one listener, five levels. Thread-safe, and for signal handlers, too. From log_open()
 * to log_close() the listener is called by a thread of its own, and nobody who says something
 * waits for it (log_queue.h); before and after that by who says it. Once a node has started, lines
 * are printed only where that was asked for.
 */
#ifndef LOG_H
#define LOG_H

#include "dsm/dsm.h"

struct log_queue;

struct log {
	dsm_log_fn fn; /* NULL: nobody listens */
	void *ctx;     /* not log_stderr's */
	int level; /* an enum dsm_log_level, or LOG_NONE */
	int rank; /* for the lines on stderr; -1 while it is not known */
	int start_on_stderr; /* nobody was named to listen: log_start prints */
	struct log_queue *queue; /* NULL: there is no thread */
};

#define LOG_NONE (-1)

/* Makes the thread, where anybody listens. Not while others use log. -errno. */
int log_open(struct log *log);
/* What waits is said, unless the listener is held up for seconds. Not while others use log. */
void log_close(struct log *log);
/* Waits, for a second at most, until what was said is out: what comes next may end the
 * process. */
void log_flush(const struct log *log);
/* The calling thread is in the listener, called by that thread. */
int log_is_listener(void);

/* Formats one line and passes it on when level is wanted. Of those of one format a few are
 * passed on in a second, and the same one once, but for traces; the others are counted. */
void log_line(const struct log *log, enum dsm_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* What another node can make this one say: one line a second for each node, and a count. */
void log_peer(const struct log *log, enum dsm_log_level level, unsigned peer, const char *format,
              ...) __attribute__((format(printf, 4, 5)));
/* What concerns the start of a node, where nothing the library says must get lost: passed on as
 * above; where there is neither a log function nor DSM_LOG it is printed. By the thread that is in
 * dsm_init only, before log_open() or after log_close(). */
void log_start(const struct log *log, enum dsm_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* For rooms that take a log function of their own: ctx is a struct log. One line a second of those
 * that differ in numbers only, and a count. */
void log_text(void *ctx, int level, const char *text);
/* The last error that a room of the calling thread has logged before it failed; "" when
 * none. */
const char *log_last_error(void);
/* The listener that DSM_LOG asks for: writes to stderr, past stdio, whose lock anybody may hold. */
void log_stderr(void *rank, enum dsm_log_level level, const char *text);
/* All of it, to a descriptor; what nobody reads from one that does not block within a second is
 * lost. */
void log_write(int fd, const char *text, size_t len);
/* A level by name, LOG_NONE for "none"; -EINVAL: there is no such level. */
int log_level_of(const char *name);

/* The sentence that dsm_init_error() returns; per thread. */
void init_error_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
