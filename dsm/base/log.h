/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: one callback, five levels. Thread-safe; prints only where asked to. */
#ifndef LOG_H
#define LOG_H

#include "dsm/dsm.h"

struct log {
	dsm_log_fn fn; /* NULL: nobody listens */
	void *ctx;
	enum dsm_log_level level;
	int rank; /* for the lines on stderr */
};

/* Formats one line and passes it on when level is wanted. */
void log_line(const struct log *log, enum dsm_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* For rooms that take a log function of their own: ctx is a struct log. */
void log_text(void *ctx, int level, const char *text);
/* The last error that a room of the calling thread has logged before it failed; "" when
 * none. */
const char *log_last_error(void);
/* The callback that DSM_LOG asks for: writes to stderr. */
void log_stderr(void *ctx, enum dsm_log_level level, const char *text);
/* A level by name, or -1. */
int log_level_of(const char *name);

/* The sentence that dsm_init_error() returns; per thread. */
void init_error_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
