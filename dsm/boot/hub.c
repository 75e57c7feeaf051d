/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rank 0's end of the bootstrap over TCP: seats the members, collects their blobs and hands
 * all of them to everyone, and tells all when one is lost. It acts only when rank 0 calls:
 * in a round, or from its event loop.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dsm/boot/hub_state.h"

#define LINGER_MS 1000

/* Takes what comes until the deadline, one batch. -ETIMEDOUT when nothing did. */
int hub_step(struct hub *h, int64_t deadline)
{
	struct epoll_event events[32];
	int64_t left = deadline - boot_now_ms();
	int n;

	if (h->listener >= 0 && left > VISIT_MS)
		left = VISIT_MS;
	n = epoll_wait(h->epoll, events, 32, left > 0 ? (int)left : 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		uint32_t key = events[i].data.u32;

		if (key == KEY_LISTENER)
			hub_visitor_accept(h);
		else if (key >= KEY_VISITOR && h->visitors[key - KEY_VISITOR].link)
			hub_visitor_read(h, &h->visitors[key - KEY_VISITOR]);
		else if (key < KEY_LISTENER && h->seats[key].link)
			hub_seat_read(h, (int)key);
	}
	if (h->listener >= 0)
		hub_visitors_expire(h);
	return n || boot_now_ms() < deadline ? 0 : -ETIMEDOUT;
}

int hub_open(const struct tcp_start *start, struct hub **out)
{
	struct hub *h = calloc(1, sizeof *h + (size_t)start->size * sizeof *h->seats);
	int err;

	if (!h) {
		if (start->listener >= 0)
			close(start->listener);
		return -ENOMEM;
	}
	h->size = start->size;
	h->listener = start->listener;
	memcpy(h->secret, start->secret, sizeof h->secret);
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = h->epoll < 0 ? -errno : 0;
	if (!err && h->listener >= 0)
		err = hub_watch(h, h->listener, KEY_LISTENER);
	if (err) {
		hub_close(h, false);
		return err;
	}
	*out = h;
	return 0;
}

void hub_close(struct hub *h, bool orderly)
{
	int64_t deadline = boot_now_ms() + LINGER_MS;

	if (!h)
		return;
	hub_stop_listening(h);
	for (int rank = 1; rank < h->size; rank++)
		if (h->seats[rank].link && orderly && !h->end_code)
			hub_say(h, h->seats[rank].link, BOOT_BYE, 0, "");
	for (int rank = 1; rank < h->size; rank++)
		if (h->seats[rank].link)
			hub_seat_linger(&h->seats[rank], deadline);
	if (h->epoll >= 0)
		close(h->epoll);
	free(h);
}

int hub_join(struct hub *h, int timeout_ms, char *why, size_t why_len)
{
	int64_t deadline = boot_now_ms() + timeout_ms;
	char ranks[120];
	int err = 0;

	while (!h->end_code && h->seated < h->size - 1 && !err)
		err = hub_step(h, deadline);
	if (err == -ETIMEDOUT) {
		hub_missing(h, true, ranks, sizeof ranks);
		hub_end(h, err, "waited %d s for the nodes with rank %s%s", timeout_ms / 1000, ranks,
		        h->refused);
	} else if (err) {
		hub_end(h, err, "waiting for the nodes: %s", strerror(-err));
	}
	hub_stop_listening(h);
	return hub_result(h, why, why_len);
}

int hub_look(struct hub *h, char *why, size_t why_len)
{
	int err = h->end_code ? 0 : hub_step(h, 0);

	if (err && err != -ETIMEDOUT)
		hub_end(h, err, "watching the nodes: %s", strerror(-err));
	return hub_result(h, why, why_len);
}

void hub_fail(struct hub *h, const char *why)
{
	hub_end(h, -ECONNRESET, "rank 0 has failed: %s", why);
}

int hub_fd(const struct hub *h)
{
	return h->epoll;
}

int hub_descriptors(const struct hub *h, int *fds, int max)
{
	int n = 0;

	fds[n++] = h->epoll;
	for (int rank = 1; rank < h->size && n < max; rank++)
		if (h->seats[rank].link)
			fds[n++] = h->seats[rank].link->fd;
	return n;
}

void hub_address(const struct hub *h, char *text, size_t len)
{
	text[0] = '\0';
	for (int rank = 1; rank < h->size; rank++) {
		if (!h->seats[rank].link)
			continue;
		link_address(h->seats[rank].link, false, text, len);
		if (!link_is_loopback(text))
			return;
	}
}
