/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the terminal for rank 0. */
#include "config.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/ctl/input.h"

#define RETRY_S 1.0 /* how often we look whether we are in the foreground again */

struct input {
	struct ev_loop *loop;
	int pipe; /* -1: none, or ended */
	ev_io from, to;
	ev_timer retry;
	char buf[PIPE_BUF];
	size_t len;
};

static void input_end(struct input *in)
{
	ev_io_stop(in->loop, &in->from);
	ev_io_stop(in->loop, &in->to);
	ev_timer_stop(in->loop, &in->retry);
	if (in->pipe >= 0)
		close(in->pipe);
	in->pipe = -1;
}

static void input_write(struct input *in)
{
	/* Up to PIPE_BUF bytes go whole or not at all. */
	ssize_t n = write(in->pipe, in->buf, in->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		ev_io_stop(in->loop, &in->from);
		ev_io_start(in->loop, &in->to);
		return;
	}
	if (n < 0) {
		input_end(in); /* rank 0 does not read any more */
		return;
	}
	in->len = 0;
	ev_io_stop(in->loop, &in->to);
	ev_io_start(in->loop, &in->from);
}

static void on_room(struct ev_loop *loop, ev_io *w, int events)
{
	input_write(w->data);
}

static void on_terminal(struct ev_loop *loop, ev_io *w, int events)
{
	struct input *in = w->data;
	ssize_t n;

	/* Reading from the background would stop us. */
	if (tcgetpgrp(STDIN_FILENO) != getpgrp()) {
		ev_io_stop(loop, &in->from);
		ev_timer_set(&in->retry, RETRY_S, 0.);
		ev_timer_start(loop, &in->retry);
		return;
	}
	n = read(STDIN_FILENO, in->buf, sizeof in->buf);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		input_end(in);
		return;
	}
	in->len = n;
	input_write(in);
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	struct input *in = w->data;

	ev_io_start(loop, &in->from);
}

int input_open(struct ev_loop *loop, struct input **out, int *fd)
{
	struct input *in = calloc(1, sizeof *in);
	int fds[2], err;

	if (!in)
		return -ENOMEM;
	in->loop = loop;
	in->pipe = -1;
	*fd = STDIN_FILENO;
	if (isatty(STDIN_FILENO)) {
		if (pipe2(fds, O_CLOEXEC)) {
			err = -errno;
			free(in);
			return err;
		}
		fcntl(fds[1], F_SETFL, O_NONBLOCK);
		in->pipe = fds[1];
		*fd = fds[0];
	}
	ev_io_init(&in->from, on_terminal, STDIN_FILENO, EV_READ);
	ev_io_init(&in->to, on_room, in->pipe, EV_WRITE);
	ev_timer_init(&in->retry, on_retry, RETRY_S, 0.);
	in->from.data = in->to.data = in->retry.data = in;
	if (in->pipe >= 0)
		ev_io_start(loop, &in->from);
	*out = in;
	return 0;
}

void input_close(struct input *in)
{
	if (!in)
		return;
	input_end(in);
	free(in);
}
