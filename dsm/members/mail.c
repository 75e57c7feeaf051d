/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams with proofs (mail.h): count 8, from 2, to 2, the content, a MAC over all of it. */
#include "dsm/members/mail.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsm/boot/boot.h"

#define HEAD 12
#define MAC crypto_auth_hmacsha512256_BYTES
#define FRAME_MAX (HEAD + MAIL_MAX + MAC)
#define BUFFER_BYTES (1 << 20) /* a datagram of each of 1,024 nodes, if the kernel permits */

_Static_assert(crypto_auth_hmacsha512256_KEYBYTES == BOOT_SECRET, "the MAC's key");

struct peer {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	uint64_t sent, taken; /* counts of the last ones */
};

struct mail {
	int fd;
	unsigned self, nodes;
	uint8_t key[BOOT_SECRET];
	struct peer peer[];
};

/* What nodes tell each other. */
struct card {
	int32_t code; /* 0, or why there is none */
	uint32_t len;
	struct sockaddr_storage addr;
};

static void proof(const struct mail *p, const uint8_t *frame, size_t len, uint8_t mac[MAC])
{
	crypto_auth_hmacsha512256_state s;

	crypto_auth_hmacsha512256_init(&s, p->key, sizeof p->key);
	crypto_auth_hmacsha512256_update(&s, frame, len);
	crypto_auth_hmacsha512256_final(&s, mac);
}

/* Not the secret itself, which proves other things elsewhere. */
static void make_key(struct mail *p, const uint8_t secret[BOOT_SECRET])
{
	static const char what[] = "members";
	crypto_auth_hmacsha512256_state s;

	crypto_auth_hmacsha512256_init(&s, secret, BOOT_SECRET);
	crypto_auth_hmacsha512256_update(&s, (const uint8_t *)what, sizeof what);
	crypto_auth_hmacsha512256_final(&s, p->key);
}

/* A socket where the others reach this node. */
static int bind_socket(struct mail *p, const struct boot *boot, struct card *mine)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM,
		                        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	const char *host = boot->bind[0] ? boot->bind : "127.0.0.1";
	socklen_t len = sizeof mine->addr;
	int bytes = BUFFER_BYTES, err = 0;
	struct addrinfo *at;

	if (getaddrinfo(host, "0", &hints, &at))
		return -EADDRNOTAVAIL;
	p->fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || bind(p->fd, at->ai_addr, at->ai_addrlen) ||
	    getsockname(p->fd, (struct sockaddr *)&mine->addr, &len))
		err = -errno;
	else
		setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	mine->len = len;
	freeaddrinfo(at);
	return err;
}

static int learn(struct mail *p, const struct card *all, const uint32_t *lens, char *why,
                 size_t why_len)
{
	for (unsigned rank = 0; rank < p->nodes; rank++) {
		const struct card *card = &all[rank];
		int err = lens[rank] != sizeof *card || card->len > sizeof card->addr ? -EPROTO
		                                                                     : card->code;

		if (err) {
			snprintf(why, why_len, "node %u has no datagram socket for its heartbeats: %s", rank,
			         strerror(-err));
			return err < 0 ? err : -EPROTO;
		}
		p->peer[rank].addr = card->addr;
		p->peer[rank].addr_len = card->len;
	}
	return 0;
}

int mail_open(struct boot *boot, int timeout_ms, struct mail **out, char *why, size_t why_len)
{
	unsigned n = (unsigned)boot->size;
	struct mail *p = calloc(1, sizeof *p + n * sizeof *p->peer);
	struct card mine = { 0 }, *all = calloc(n, sizeof *all);
	uint32_t *lens = calloc(n, sizeof *lens);
	int err;

	if (!p || !all || !lens) {
		snprintf(why, why_len, "out of memory");
		err = -ENOMEM;
		goto out_free;
	}
	p->fd = -1;
	p->self = (unsigned)boot->rank;
	p->nodes = n;
	mine.code = sodium_init() < 0 ? -EIO : bind_socket(p, boot, &mine);
	make_key(p, boot->secret);
	err = boot->ops->allgather(boot, &mine, sizeof mine, all, sizeof mine, lens, timeout_ms, why,
	                           why_len);
	if (!err)
		err = learn(p, all, lens, why, why_len);
	if (!err) {
		*out = p;
		p = NULL;
	}
out_free:
	mail_close(p);
	free(all);
	free(lens);
	return err;
}

void mail_close(struct mail *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		close(p->fd);
	sodium_memzero(p->key, sizeof p->key);
	free(p);
}

int mail_fd(const struct mail *p)
{
	return p->fd;
}

void mail_send(struct mail *p, unsigned to, const uint8_t *bytes, size_t len)
{
	struct peer *peer = &p->peer[to];
	uint8_t frame[FRAME_MAX];
	uint64_t count = ++peer->sent;
	uint16_t ends[2] = { (uint16_t)p->self, (uint16_t)to };

	memcpy(frame, &count, sizeof count);
	memcpy(frame + 8, ends, sizeof ends);
	memcpy(frame + HEAD, bytes, len);
	proof(p, frame, HEAD + len, frame + HEAD + len);
	while (sendto(p->fd, frame, HEAD + len + MAC, MSG_NOSIGNAL, (struct sockaddr *)&peer->addr,
	              peer->addr_len) < 0 && errno == EINTR)
		;
}

/* Whether a datagram is to be believed. */
static int is_sound(struct mail *p, const uint8_t *frame, size_t len, unsigned *from)
{
	uint8_t mac[MAC];
	uint64_t count;
	uint16_t ends[2];

	if (len <= HEAD + MAC || len > FRAME_MAX)
		return 0;
	memcpy(&count, frame, sizeof count);
	memcpy(ends, frame + 8, sizeof ends);
	if (ends[0] >= p->nodes || ends[1] != p->self)
		return 0;
	proof(p, frame, len - MAC, mac);
	if (sodium_memcmp(mac, frame + len - MAC, MAC) || count <= p->peer[ends[0]].taken)
		return 0;
	p->peer[ends[0]].taken = count;
	*from = ends[0];
	return 1;
}

size_t mail_take(struct mail *p, unsigned *from, uint8_t bytes[MAIL_MAX])
{
	uint8_t frame[FRAME_MAX + 1];
	ssize_t n;

	for (;;) {
		n = recv(p->fd, frame, sizeof frame, 0);
		/* That one of the others has no socket any more is told here, too. */
		if (n < 0 && (errno == EINTR || errno == ECONNREFUSED))
			continue;
		if (n < 0)
			return 0;
		if (is_sound(p, frame, (size_t)n, from)) {
			memcpy(bytes, frame + HEAD, (size_t)n - HEAD - MAC);
			return (size_t)n - HEAD - MAC;
		}
	}
}
