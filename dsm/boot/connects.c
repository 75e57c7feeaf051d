/* SPDX-License-Identifier: BSD-2-Clause */
/* Connecting to the first of many addresses that answers (connects.h). */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dsm/boot/connects.h"

#define CONNECT_MS 2000
#define STAGGER_MS 100 /* the least that RFC 8305 has */

int connects_open(struct connects *c, const struct tcp_place *place, char *why, size_t why_len)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list, *at;
	int err;

	*c = (struct connects){ .place = place };
	for (int i = 0; i < place->hosts; i++) {
		err = getaddrinfo(place->host[i], place->port, &hints, &list);
		if (err) {
			boot_why(why, why_len, -ENOENT, "%s: %s", place->host[i], gai_strerror(err));
			continue;
		}
		for (at = list; at && c->n < CONNECTS_MAX; at = at->ai_next) {
			memcpy(&c->address[c->n].to, at->ai_addr, at->ai_addrlen);
			c->address[c->n].len = at->ai_addrlen;
			c->address[c->n].host = i;
			c->address[c->n++].fd = -1;
		}
		freeaddrinfo(list);
	}
	return c->n ? 0 : -ENOENT;
}

/* "HOST", or "NAME (ADDRESS)"; one that is told another machine by mistake is told as such. */
static void name_of(const struct connects *c, int i, char *name, size_t len)
{
	const char *host = c->place->host[c->address[i].host];
	char text[NI_MAXHOST] = "";

	getnameinfo((const struct sockaddr *)&c->address[i].to, c->address[i].len, text, sizeof text, NULL,
	            0, NI_NUMERICHOST);
	if (strcmp(host, text) == 0)
		snprintf(name, len, "%s", host);
	else
		snprintf(name, len, "%s (%s%s)", host, text,
		         link_is_loopback(text) ? ", which is this machine itself" : "");
}

static int begin(struct connects *c, int i, int64_t deadline)
{
	int64_t limit = boot_now_ms() + CONNECT_MS;
	int fd = socket(c->address[i].to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&c->address[i].to, c->address[i].len) &&
	    errno != EINPROGRESS) {
		err = -errno;
		close(fd);
		return err;
	}
	c->address[i].fd = fd;
	c->address[i].limit = limit < deadline ? limit : deadline;
	return 0;
}

/* With nobody listening, a socket on this machine may find itself. */
static int found_itself(int fd)
{
	struct sockaddr_storage here = { 0 }, there = { 0 };
	socklen_t here_len = sizeof here, there_len = sizeof there;

	return !getsockname(fd, (struct sockaddr *)&here, &here_len) &&
	       !getpeername(fd, (struct sockaddr *)&there, &there_len) && here_len == there_len &&
	       memcmp(&here, &there, here_len) == 0;
}

/* 1: it is connected; 0: not yet; or why it is not. */
static int look(int fd, short events, int64_t limit)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (!events)
		return boot_now_ms() < limit ? 0 : -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	if (err)
		return -err;
	return found_itself(fd) ? -ECONNREFUSED : 1;
}

/* Waits for one that is under way, or for the next one's turn. Returns how many are under way. */
static int wait_for_any(struct connects *c, int64_t deadline, struct pollfd *fds)
{
	int64_t until = c->begun < c->n && c->next < deadline ? c->next : deadline, now = boot_now_ms();
	int under_way = 0;

	for (int i = 0; i < c->begun; i++) {
		fds[i] = (struct pollfd){ .fd = c->address[i].fd, .events = POLLOUT };
		if (c->address[i].fd < 0)
			continue;
		under_way++;
		if (c->address[i].limit < until)
			until = c->address[i].limit;
	}
	if (under_way && poll(fds, (nfds_t)c->begun, until > now ? (int)(until - now) : 0) < 0)
		for (int i = 0; i < c->begun; i++)
			fds[i].revents = 0; /* a signal: looks again */
	return under_way;
}

int connects_next(struct connects *c, int64_t deadline, char *name, size_t len)
{
	struct pollfd fds[CONNECTS_MAX];
	int err = -ECONNREFUSED, got, fd;

	for (;;) {
		if (c->begun < c->n && boot_now_ms() >= c->next) {
			c->next = boot_now_ms() + STAGGER_MS;
			got = begin(c, c->begun++, deadline);
			if (got) {
				err = got;
				name_of(c, c->begun - 1, name, len);
				c->next = 0;
				continue;
			}
		}
		if (!wait_for_any(c, deadline, fds)) {
			if (c->begun == c->n)
				return err;
			c->next = 0; /* nobody is left to be waited for */
			continue;
		}
		for (int i = 0; i < c->begun; i++) {
			fd = c->address[i].fd;
			got = fd < 0 ? 0 : look(fd, fds[i].revents, c->address[i].limit);
			if (!got)
				continue;
			c->address[i].fd = -1;
			name_of(c, i, name, len);
			if (got == 1)
				return fd;
			err = got;
			close(fd);
			c->next = 0;
		}
		if (boot_now_ms() >= deadline)
			return -ETIMEDOUT;
	}
}

void connects_close(struct connects *c)
{
	for (int i = 0; i < c->begun; i++)
		if (c->address[i].fd >= 0)
			close(c->address[i].fd);
	c->n = c->begun = 0;
}
