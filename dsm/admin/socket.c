/* SPDX-License-Identifier: BSD-2-Clause */
/* The admin socket: accepts, reads one line, writes one line, on the node's loop. */
#include "config.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dsm/admin/socket.h"

#define CLIENTS_MAX 16
#define LINE_MAX_BYTES 4224 /* with the name of a directory */
#define CLIENT_S 2.0 /* a client has so long for all of it */
#define RETRY_S 0.5  /* accepting again after running out of descriptors */

struct client {
	struct admin *admin; /* NULL: free */
	int fd;
	ev_io io;
	ev_timer timer;
	char line[LINE_MAX_BYTES];
	size_t got;
	char *answer;
	size_t len, sent;
};

/* Belongs to the loop's thread. */
struct admin {
	struct ev_loop *loop;
	int fd;
	ev_io io;       /* active unless all clients' places are taken, or retry runs */
	ev_timer retry;
	admin_answer_fn answer;
	void *ctx;
	int clients_count;
	struct client clients[CLIENTS_MAX];
	char path[sizeof ((struct sockaddr_un *)0)->sun_path];
};

static void client_drop(struct client *c)
{
	struct admin *a = c->admin;

	ev_io_stop(a->loop, &c->io);
	ev_timer_stop(a->loop, &c->timer);
	close(c->fd);
	free(c->answer);
	memset(c, 0, sizeof *c);
	if (a->clients_count-- == CLIENTS_MAX && !ev_is_active(&a->retry))
		ev_io_start(a->loop, &a->io);
}

static void on_client_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	client_drop(w->data);
}

static void client_write(struct client *c)
{
	ssize_t n = send(c->fd, c->answer + c->sent, c->len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || (c->sent += n) == c->len)
		client_drop(c);
}

static void client_answer(struct client *c)
{
	struct admin *a = c->admin;

	c->answer = a->answer(a->ctx, c->line);
	if (!c->answer) {
		client_drop(c);
		return;
	}
	/* The terminator's place holds the newline from here on. */
	c->len = strlen(c->answer) + 1;
	c->answer[c->len - 1] = '\n';
	ev_io_stop(a->loop, &c->io);
	ev_io_set(&c->io, c->fd, EV_WRITE);
	ev_io_start(a->loop, &c->io);
}

static void client_read(struct client *c)
{
	ssize_t n = recv(c->fd, c->line + c->got, sizeof c->line - c->got, MSG_DONTWAIT);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_drop(c);
		return;
	}
	c->got += n;
	end = memchr(c->line, '\n', c->got);
	/* Too long, or no text: not one of ours. */
	if ((!end && c->got == sizeof c->line) || memchr(c->line, '\0', c->got)) {
		client_drop(c);
		return;
	}
	if (end) {
		*end = '\0';
		client_answer(c);
	}
}

static void on_client(struct ev_loop *loop, ev_io *w, int events)
{
	struct client *c = w->data;

	if (c->answer)
		client_write(c);
	else
		client_read(c);
}

static int same_user(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof cred;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.uid == geteuid();
}

static void client_open(struct admin *a, int fd)
{
	struct client *c = a->clients;

	while (c->admin)
		c++;
	c->admin = a;
	c->fd = fd;
	ev_io_init(&c->io, on_client, fd, EV_READ);
	c->io.data = c;
	ev_io_start(a->loop, &c->io);
	ev_timer_init(&c->timer, on_client_timer, CLIENT_S, 0.);
	c->timer.data = c;
	ev_timer_start(a->loop, &c->timer);
	if (++a->clients_count == CLIENTS_MAX)
		ev_io_stop(a->loop, &a->io); /* the others wait in the backlog */
}

static void on_listener(struct ev_loop *loop, ev_io *w, int events)
{
	struct admin *a = w->data;
	int fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			ev_io_stop(loop, &a->io);
			ev_timer_set(&a->retry, RETRY_S, 0.);
			ev_timer_start(loop, &a->retry);
		}
		return;
	}
	if (same_user(fd))
		client_open(a, fd);
	else
		close(fd);
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	struct admin *a = w->data;

	if (a->clients_count < CLIENTS_MAX)
		ev_io_start(loop, &a->io);
}

static int admin_listen(struct admin *a)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int err;

	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0)
		return -errno;
	memcpy(addr.sun_path, a->path, sizeof a->path);
	/* The socket's file gets the mode that the socket has when it is bound. */
	if (fchmod(a->fd, 0600) || bind(a->fd, (struct sockaddr *)&addr, sizeof addr))
		goto err_close;
	if (listen(a->fd, CLIENTS_MAX)) {
		unlink(a->path);
		goto err_close;
	}
	return 0;

err_close:
	err = -errno;
	close(a->fd);
	return err;
}

int admin_open(struct ev_loop *loop, const char *path, admin_answer_fn answer, void *ctx,
               struct admin **out)
{
	struct admin *a;
	int err;

	if (strlen(path) >= sizeof a->path)
		return -ENAMETOOLONG;
	a = calloc(1, sizeof *a);
	if (!a)
		return -ENOMEM;
	a->loop = loop;
	a->answer = answer;
	a->ctx = ctx;
	strcpy(a->path, path);
	err = admin_listen(a);
	if (err) {
		free(a);
		return err;
	}
	ev_io_init(&a->io, on_listener, a->fd, EV_READ);
	a->io.data = a;
	ev_io_start(loop, &a->io);
	ev_timer_init(&a->retry, on_retry, RETRY_S, 0.);
	a->retry.data = a;
	*out = a;
	return 0;
}

void admin_close(struct admin *a)
{
	if (!a)
		return;
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (a->clients[i].admin)
			client_drop(&a->clients[i]);
	ev_io_stop(a->loop, &a->io);
	ev_timer_stop(a->loop, &a->retry);
	close(a->fd);
	unlink(a->path);
	free(a);
}
