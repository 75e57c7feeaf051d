/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages with proofs on a TCP connection (link.h). */
#include "config.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsm/boot/link.h"

#define HEAD offsetof(struct boot_msg, data)
/* A machine that went away without a word is noticed after IDLE + PROBES * BETWEEN. */
#define KEEP_IDLE_S 4
#define KEEP_BETWEEN_S 2
#define KEEP_PROBES 3

_Static_assert(crypto_auth_KEYBYTES == LINK_SECRET && crypto_auth_BYTES == LINK_MAC,
               "the MAC's sizes");

int link_library_init(void)
{
	return sodium_init() < 0 ? -EIO : 0;
}

/* The MAC of frame, the len bytes of a message that is number count under this key. */
static void link_mac(const uint8_t key[LINK_SECRET], uint64_t count, const void *frame, size_t len,
                     uint8_t mac[LINK_MAC])
{
	crypto_auth_hmacsha512256_state s;

	crypto_auth_hmacsha512256_init(&s, key, LINK_SECRET);
	crypto_auth_hmacsha512256_update(&s, (const uint8_t *)&count, sizeof count);
	crypto_auth_hmacsha512256_update(&s, frame, len);
	crypto_auth_hmacsha512256_final(&s, mac);
}

static void link_key(const uint8_t secret[LINK_SECRET], const char *direction,
                     const uint8_t *server_nonce, const uint8_t *client_nonce,
                     uint8_t key[LINK_SECRET])
{
	crypto_auth_hmacsha512256_state s;

	crypto_auth_hmacsha512256_init(&s, secret, LINK_SECRET);
	crypto_auth_hmacsha512256_update(&s, (const uint8_t *)direction, strlen(direction));
	crypto_auth_hmacsha512256_update(&s, server_nonce, LINK_NONCE);
	crypto_auth_hmacsha512256_update(&s, client_nonce, LINK_NONCE);
	crypto_auth_hmacsha512256_final(&s, key);
}

static void link_options(int fd)
{
	int on = 1, idle = KEEP_IDLE_S, between = KEEP_BETWEEN_S, probes = KEEP_PROBES;
	unsigned limit_ms = (KEEP_IDLE_S + KEEP_BETWEEN_S * KEEP_PROBES) * 1000;

	/* What the kernel does not know of, it goes without. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof limit_ms);
}

int link_open(struct link *link, int fd, int64_t deadline)
{
	struct boot_msg msg;

	memset(link, 0, sizeof *link);
	link->fd = fd;
	link_options(fd);
	randombytes_buf(link->nonce, sizeof link->nonce);
	boot_msg_set(&msg, BOOT_CHALLENGE, link->nonce, sizeof link->nonce);
	return link_send(link, &msg, deadline);
}

int link_secure(struct link *link, const uint8_t secret[LINK_SECRET], const struct boot_msg *msg,
                bool server)
{
	const uint8_t *server_nonce = server ? link->nonce : msg->data;
	const uint8_t *client_nonce = server ? msg->data : link->nonce;

	if (msg->type != BOOT_CHALLENGE || msg->len != LINK_NONCE || link->secured)
		return -EBADMSG;
	link_key(secret, "to rank 0", server_nonce, client_nonce,
	         server ? link->key_in : link->key_out);
	link_key(secret, "from rank 0", server_nonce, client_nonce,
	         server ? link->key_out : link->key_in);
	link->secured = true;
	return 0;
}

int link_send(struct link *link, const struct boot_msg *msg, int64_t deadline)
{
	uint8_t frame[LINK_FRAME_MAX];
	size_t len = HEAD + msg->len, at = 0;
	ssize_t n;
	int err;

	assert(msg->len <= sizeof msg->data);
	memcpy(frame, msg, len);
	if (link->secured) {
		link_mac(link->key_out, link->count_out++, frame, len, frame + len);
		len += LINK_MAC;
	}
	while (at < len) {
		n = send(link->fd, frame + at, len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			at += (size_t)n;
		} else if (errno == EAGAIN) {
			err = boot_wait(link->fd, POLLOUT, deadline);
			if (err)
				return err;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* How long the frame in in[] is, as far as that is known: its head is complete or not. */
static int link_frame_len(const struct link *link, size_t *len)
{
	const struct boot_msg *head = (const void *)link->in;
	size_t mac = link->secured ? LINK_MAC : 0;

	*len = HEAD;
	if (link->have < HEAD)
		return 0;
	if (head->magic != BOOT_MAGIC || head->type < BOOT_HELLO || head->type >= BOOT_TYPES)
		return -EBADMSG;
	if (head->len > BOOT_BLOB_MAX || (!link->secured && head->len > LINK_NONCE))
		return -EBADMSG;
	*len = HEAD + head->len + mac;
	return 0;
}

/* Reads up to the end of one message, never beyond. */
static int link_fill(struct link *link, size_t *len)
{
	ssize_t n;
	int err;

	for (;;) {
		err = link_frame_len(link, len);
		if (err || (link->have >= HEAD && link->have == *len))
			return err;
		n = recv(link->fd, link->in + link->have, *len - link->have, MSG_DONTWAIT);
		if (n > 0)
			link->have += (size_t)n;
		else if (n == 0)
			return -EPIPE;
		else if (errno != EINTR)
			return errno == ECONNRESET || errno == ETIMEDOUT ? -EPIPE : -errno;
	}
}

int link_take(struct link *link, struct boot_msg *msg)
{
	uint8_t mac[LINK_MAC];
	size_t len;
	int err = link_fill(link, &len);

	if (err)
		return err == -EPIPE ? 0 : err;
	if (link->secured) {
		len -= LINK_MAC;
		link_mac(link->key_in, link->count_in++, link->in, len, mac);
		if (sodium_memcmp(mac, link->in + len, LINK_MAC))
			return -EACCES;
	}
	memcpy(msg, link->in, len);
	link->have = 0;
	return 1;
}

int link_receive(struct link *link, struct boot_msg *msg, int64_t deadline)
{
	int n, err;

	while ((n = link_take(link, msg)) == -EAGAIN) {
		err = boot_wait(link->fd, POLLIN, deadline);
		if (err)
			return err;
	}
	return n;
}

void link_close(struct link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	sodium_memzero(link->key_in, sizeof link->key_in);
	sodium_memzero(link->key_out, sizeof link->key_out);
}

void link_address(const struct link *link, bool other, char *text, size_t len)
{
	struct sockaddr_storage addr = { 0 };
	const struct sockaddr_in *in = (const void *)&addr;
	const struct sockaddr_in6 *in6 = (const void *)&addr;
	socklen_t addr_len = sizeof addr;
	int err = other ? getpeername(link->fd, (struct sockaddr *)&addr, &addr_len)
	                : getsockname(link->fd, (struct sockaddr *)&addr, &addr_len);

	text[0] = '\0';
	if (err)
		return;
	if (addr.ss_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, text, len);
	else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, text, len);
	else if (addr.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, text, len);
}

int link_is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}
