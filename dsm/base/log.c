/* SPDX-License-Identifier: BSD-2-Clause */
/* The log, and the sentence about a failed dsm_init. */
#include "dsm/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dsm/base/log_limit.h"
#include "dsm/base/log_queue.h"

#define TEXT LIMIT_TEXT

static const char *const level_name[] = {"error", "warn", "info", "debug", "trace"};
static __thread char init_error[512], last_error[256];

int log_level_of(const char *name)
{
	for (unsigned i = 0; i < sizeof level_name / sizeof *level_name; i++)
		if (!strcmp(name, level_name[i]))
			return (int)i;
	return strcmp(name, "none") ? -EINVAL : LOG_NONE;
}

static void *ctx_of(const struct log *log)
{
	return log->fn == log_stderr ? (void *)(intptr_t)log->rank : log->ctx;
}

int log_open(struct log *log)
{
	if (!log->fn || log->level <= LOG_NONE)
		return 0;
	return log_queue_open(log->fn, ctx_of(log), log->level, &log->queue);
}

void log_close(struct log *log)
{
	log_queue_close(log->queue);
	log->queue = NULL;
}

void log_flush(const struct log *log)
{
	if (log->queue)
		log_queue_flush(log->queue);
}

int log_is_listener(void)
{
	return log_queue_is_caller();
}

static int is_wanted(const struct log *log, int level)
{
	return log->fn && level <= log->level;
}

static void pass_on(const struct log *log, uint64_t key, unsigned different,
                    enum dsm_log_level level, const char *text)
{
	if (log->queue)
		log_queue_put(log->queue, key, different, level, text);
	else
		log->fn(ctx_of(log), level, text);
}

void log_text(void *ctx, int level, const char *text)
{
	const struct log *log = ctx;

	if (level == DSM_LOG_ERROR)
		snprintf(last_error, sizeof last_error, "%s", text);
	if (is_wanted(log, level))
		pass_on(log, limit_key_of(text), 1, (enum dsm_log_level)level, text);
}

const char *log_last_error(void)
{
	return last_error;
}

__attribute__((format(printf, 5, 0)))
static void vline(const struct log *log, uint64_t key, unsigned different, enum dsm_log_level level,
                  const char *format, va_list ap)
{
	char text[TEXT];

	if (!is_wanted(log, (int)level))
		return;
	vsnprintf(text, sizeof text, format, ap);
	pass_on(log, key, different, level, text);
}

void log_line(const struct log *log, enum dsm_log_level level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vline(log, (uintptr_t)format, LIMIT_DIFFERENT, level, format, ap);
	va_end(ap);
}

void log_peer(const struct log *log, enum dsm_log_level level, unsigned peer, const char *format,
              ...)
{
	va_list ap;

	va_start(ap, format);
	vline(log, peer, 1, level, format, ap); /* no format is at so low an address */
	va_end(ap);
}

void log_start(const struct log *log, enum dsm_log_level level, const char *format, ...)
{
	char text[TEXT];
	va_list ap;

	va_start(ap, format);
	if (log->start_on_stderr) {
		vsnprintf(text, sizeof text, format, ap);
		log_stderr((void *)(intptr_t)log->rank, level, text);
	} else {
		vline(log, (uintptr_t)format, LIMIT_DIFFERENT, level, format, ap);
	}
	va_end(ap);
}

void log_stderr(void *rank, enum dsm_log_level level, const char *text)
{
	char line[TEXT + 32], node[16] = "";
	int len;

	if ((intptr_t)rank >= 0)
		snprintf(node, sizeof node, " %d", (int)(intptr_t)rank);
	len = snprintf(line, sizeof line, "dsm%s %s: %s\n", node, level_name[level], text);
	log_write(STDERR_FILENO, line, (size_t)len);
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
