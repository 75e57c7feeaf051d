/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: one callback, five levels. Thread-safe; once a node has started it prints only where
 * asked to. */
#ifndef LOG_H
#define LOG_H

#include "dsm/dsm.h"

struct log {
	dsm_log_fn fn; /* NULL: nobody listens */
	void *ctx;
	int level; /* an enum dsm_log_level, or LOG_NONE */
	int rank; /* for the lines on stderr; -1 while it is not known */
	int start_on_stderr; /* nobody was named to listen: log_start prints */
};

#define LOG_NONE (-1)

/* Formats one line and passes it on when level is wanted. */
void log_line(const struct log *log, enum dsm_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* What concerns the start of a node, where nothing the library says must get lost: passed on as
 * above; where there is neither a log function nor DSM_LOG it is printed. By the thread that is in
 * dsm_init only: printing takes stderr's lock, which a thread that waits for a page may hold. */
void log_start(const struct log *log, enum dsm_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* For rooms that take a log function of their own: ctx is a struct log. */
void log_text(void *ctx, int level, const char *text);
/* The last error that a room of the calling thread has logged before it failed; "" when
 * none. */
const char *log_last_error(void);
/* The callback that DSM_LOG asks for: writes to stderr. */
void log_stderr(void *ctx, enum dsm_log_level level, const char *text);
/* A level by name, LOG_NONE for "none"; -EINVAL: there is no such level. */
int log_level_of(const char *name);

/* The sentence that dsm_init_error() returns; per thread. */
void init_error_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
