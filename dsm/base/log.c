/* SPDX-License-Identifier: BSD-2-Clause */
/* The log, and the sentence about a failed dsm_init. */
#include "dsm/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const level_name[] = {"error", "warn", "info", "debug", "trace"};
static __thread char init_error[512], last_error[256];

int log_level_of(const char *name)
{
	for (unsigned i = 0; i < sizeof level_name / sizeof *level_name; i++)
		if (!strcmp(name, level_name[i]))
			return (int)i;
	return strcmp(name, "none") ? -EINVAL : LOG_NONE;
}

void log_text(void *ctx, int level, const char *text)
{
	const struct log *log = ctx;

	if (level == DSM_LOG_ERROR)
		snprintf(last_error, sizeof last_error, "%s", text);
	if (log->fn && level <= log->level)
		log->fn(log->ctx, level, text);
}

const char *log_last_error(void)
{
	return last_error;
}

void log_line(const struct log *log, enum dsm_log_level level, const char *format, ...)
{
	char text[512];
	va_list ap;

	if (!log->fn || (int)level > log->level)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	log->fn(log->ctx, level, text);
}

void log_start(const struct log *log, enum dsm_log_level level, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (log->start_on_stderr)
		log_stderr((void *)log, level, text);
	else
		log_line(log, level, "%s", text);
}

void log_stderr(void *ctx, enum dsm_log_level level, const char *text)
{
	const struct log *log = ctx;

	if (log->rank < 0)
		fprintf(stderr, "dsm %s: %s\n", level_name[level], text);
	else
		fprintf(stderr, "dsm %d %s: %s\n", log->rank, level_name[level], text);
}

void init_error_set(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(init_error, sizeof init_error, format, ap);
	va_end(ap);
}

const char *dsm_init_error(void)
{
	return init_error;
}
