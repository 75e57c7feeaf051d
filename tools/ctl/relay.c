/* SPDX-License-Identifier: BSD-2-Clause */
/* Passes on what the ranks print: a stream is what comes from a rank. */
#include "config.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/ctl/relay.h"
#include "tools/ctl/sink.h"

#define STREAMS_MAX 128
#define LINE_MAX_BYTES 65536 /* longer lines are broken */
#define PROMPT_S 0.1

struct stream {
	struct relay *relay;
	struct sink *sink;
	int fd; /* -1: ended */
	ev_io io;
	ev_timer prompt; /* without prefix: a line's beginning waits no longer than that */
	char prefix[24];
	size_t len;
	char *line;
};

struct relay {
	struct ev_loop *loop;
	struct relay_config config;
	struct sink sinks[2];
	struct sink *err; /* one and the same when both are one file: keeps lines whole */
	int count, reading;
	struct stream streams[STREAMS_MAX];
};

/* ---------------------------------------------------------------------- streams -- */

static void stream_line(struct stream *s, const char *line, size_t len)
{
	sink_put(s->sink, s->prefix, strlen(s->prefix));
	sink_put(s->sink, line, len);
	if (s->prefix[0] && (len == 0 || line[len - 1] != '\n'))
		sink_put(s->sink, "\n", 1);
}

static void stream_flush(struct stream *s)
{
	if (s->len)
		stream_line(s, s->line, s->len);
	s->len = 0;
}

static void stream_lines(struct stream *s)
{
	char *from = s->line, *end = s->line + s->len, *newline;

	while ((newline = memchr(from, '\n', end - from))) {
		stream_line(s, from, newline + 1 - from);
		from = newline + 1;
	}
	s->len = end - from;
	memmove(s->line, from, s->len);
	if (s->len == LINE_MAX_BYTES)
		stream_flush(s);
	if (s->prefix[0])
		return;
	if (s->len == 0)
		ev_timer_stop(s->relay->loop, &s->prompt);
	else if (!ev_is_active(&s->prompt)) {
		ev_timer_set(&s->prompt, PROMPT_S, 0.);
		ev_timer_start(s->relay->loop, &s->prompt);
	}
}

/* Somebody may be asked something, on a line that does not end. */
static void on_prompt(struct ev_loop *loop, ev_timer *w, int events)
{
	stream_flush(w->data);
}

static void stream_end(struct stream *s)
{
	stream_flush(s);
	ev_timer_stop(s->relay->loop, &s->prompt);
	ev_io_stop(s->relay->loop, &s->io);
	close(s->fd);
	s->fd = -1;
	free(s->line);
	s->line = NULL;
	s->relay->reading--;
	s->relay->config.changed(s->relay->config.ctx);
}

/* Reads what is there, once. False: nothing more now. */
static bool stream_read(struct stream *s)
{
	ssize_t n = read(s->fd, s->line + s->len, LINE_MAX_BYTES - s->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n <= 0) {
		stream_end(s);
		return false;
	}
	s->len += n;
	stream_lines(s);
	return true;
}

static void on_stream(struct ev_loop *loop, ev_io *w, int events)
{
	stream_read(w->data);
}

/* -------------------------------------------------------------------- interface -- */

static void relay_pause(void *ctx, const struct sink *sink, bool pause)
{
	struct relay *r = ctx;

	for (int i = 0; i < r->count; i++) {
		if (r->streams[i].sink != sink || r->streams[i].fd < 0)
			continue;
		if (pause)
			ev_io_stop(r->loop, &r->streams[i].io);
		else
			ev_io_start(r->loop, &r->streams[i].io);
	}
}

static void relay_changed(void *ctx)
{
	struct relay *r = ctx;

	r->config.changed(r->config.ctx);
}

int relay_open(struct ev_loop *loop, const struct relay_config *config, struct relay **out)
{
	struct relay *r = calloc(1, sizeof *r);
	const struct sink_user user = { .pause = relay_pause, .changed = relay_changed, .ctx = r };
	struct stat one, two;

	if (!r)
		return -ENOMEM;
	signal(SIGPIPE, SIG_IGN);
	r->loop = loop;
	r->config = *config;
	sink_open(&r->sinks[0], loop, STDOUT_FILENO, &user);
	sink_open(&r->sinks[1], loop, STDERR_FILENO, &user);
	r->err = &r->sinks[1];
	if (fstat(STDOUT_FILENO, &one) == 0 && fstat(STDERR_FILENO, &two) == 0 &&
	    one.st_dev == two.st_dev && one.st_ino == two.st_ino)
		r->err = &r->sinks[0];
	*out = r;
	return 0;
}

int relay_add(struct relay *r, int rank, int to, int fd)
{
	struct stream *s = &r->streams[r->count];

	s->line = malloc(LINE_MAX_BYTES);
	if (!s->line)
		return -ENOMEM;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	s->relay = r;
	s->fd = fd;
	s->sink = to == STDERR_FILENO ? r->err : &r->sinks[0];
	if (r->config.prefix && s->sink->colour)
		snprintf(s->prefix, sizeof s->prefix, "\033[3%dm[%d]\033[0m ", 1 + rank % 6, rank);
	else if (r->config.prefix)
		snprintf(s->prefix, sizeof s->prefix, "[%d] ", rank);
	ev_io_init(&s->io, on_stream, fd, EV_READ);
	ev_timer_init(&s->prompt, on_prompt, PROMPT_S, 0.);
	s->io.data = s->prompt.data = s;
	if (!s->sink->paused)
		ev_io_start(r->loop, &s->io);
	r->count++;
	r->reading++;
	return 0;
}

void relay_say(struct relay *r, const char *format, ...)
{
	char text[512] = "dsmctl: ";
	size_t n = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + n, sizeof text - n - 1, format, args);
	va_end(args);
	strcat(text, "\n");
	sink_put(r->err, text, strlen(text));
}

bool relay_reads(const struct relay *r)
{
	return r->reading > 0;
}

bool relay_writes(const struct relay *r)
{
	return sink_waits(&r->sinks[0]) || sink_waits(&r->sinks[1]);
}

bool relay_broken(const struct relay *r)
{
	return r->sinks[0].broken;
}

void relay_cut(struct relay *r)
{
	/* A process that has got away may print for ever: a pipe's content at most. */
	for (int i = 0; i < r->count; i++) {
		for (int k = 0; k < 16 && r->streams[i].fd >= 0 && stream_read(&r->streams[i]); k++)
			;
		if (r->streams[i].fd >= 0)
			stream_end(&r->streams[i]);
	}
}

void relay_close(struct relay *r)
{
	if (!r)
		return;
	for (int i = 0; i < r->count; i++) {
		if (r->streams[i].fd < 0)
			continue;
		ev_io_stop(r->loop, &r->streams[i].io);
		ev_timer_stop(r->loop, &r->streams[i].prompt);
		close(r->streams[i].fd);
		free(r->streams[i].line);
	}
	for (int i = 0; i < 2; i++)
		sink_close(&r->sinks[i]);
	free(r);
}
