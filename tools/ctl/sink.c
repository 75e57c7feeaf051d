/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes when there is room, and keeps what has to wait. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctl/sink.h"

#define SINK_HIGH 262144 /* bytes waiting: reading pauses */
#define SINK_LOW 65536

static void sink_pause(struct sink *s, bool pause)
{
	if (s->paused == pause)
		return;
	s->paused = pause;
	s->user.pause(s->user.ctx, s, pause);
}

static void sink_break(struct sink *s)
{
	ev_io_stop(s->loop, &s->io);
	s->broken = true;
	s->start = s->end = 0;
	sink_pause(s, false); /* ranks go on, unheard, until they are ended */
	s->user.changed(s->user.ctx);
}

static void on_sink(struct ev_loop *loop, ev_io *w, int events)
{
	struct sink *s = w->data;
	size_t waiting = s->end - s->start;
	/* The descriptor may be shared with others, so it stays blocking. A pipe that polls
	 * writable takes this much. */
	ssize_t n = write(s->fd, s->buf + s->start, waiting < PIPE_BUF ? waiting : PIPE_BUF);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		sink_break(s);
		return;
	}
	if (n > 0)
		s->start += n;
	if (s->end - s->start < SINK_LOW)
		sink_pause(s, false);
	if (s->start < s->end)
		return;
	s->start = s->end = 0;
	ev_io_stop(loop, &s->io);
	s->user.changed(s->user.ctx);
}

void sink_put(struct sink *s, const char *data, size_t len)
{
	char *buf;

	if (s->broken || len == 0)
		return;
	if (s->start > 0 && s->end + len > s->room) {
		memmove(s->buf, s->buf + s->start, s->end - s->start);
		s->end -= s->start;
		s->start = 0;
	}
	if (s->end + len > s->room) {
		buf = realloc(s->buf, s->end + len + SINK_LOW);
		if (!buf)
			return; /* the line is lost; there is no better place to say so */
		s->buf = buf;
		s->room = s->end + len + SINK_LOW;
	}
	memcpy(s->buf + s->end, data, len);
	s->end += len;
	ev_io_start(s->loop, &s->io);
	if (s->end - s->start > SINK_HIGH)
		sink_pause(s, true);
}

void sink_open(struct sink *s, struct ev_loop *loop, int fd, const struct sink_user *user)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	s->loop = loop;
	s->user = *user;
	s->fd = fd;
	s->colour = isatty(fd) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
	ev_io_init(&s->io, on_sink, fd, EV_WRITE);
	s->io.data = s;
}

bool sink_waits(const struct sink *s)
{
	return s->start < s->end;
}

void sink_close(struct sink *s)
{
	ev_io_stop(s->loop, &s->io);
	free(s->buf);
}
