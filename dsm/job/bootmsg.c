/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending, receiving and checking the packets of the local bootstrap. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "dsm/job/bootmsg.h"

#define HEAD offsetof(struct boot_msg, data)

void boot_msg_set(struct boot_msg *msg, enum boot_msg_type type, const void *data, size_t len)
{
	assert(len <= sizeof msg->data);
	memset(msg, 0, HEAD);
	msg->magic = BOOT_MAGIC;
	msg->type = type;
	msg->len = len;
	if (len)
		memcpy(msg->data, data, len);
}

int boot_msg_send(int fd, const struct boot_msg *msg)
{
	for (;;) {
		if (send(fd, msg, HEAD + msg->len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

int boot_msg_receive(int fd, struct boot_msg *msg)
{
	struct iovec iov = { msg, sizeof *msg };
	struct msghdr head = { .msg_iov = &iov, .msg_iovlen = 1 };
	int resets = 0;
	ssize_t n;

	do {
		n = recvmsg(fd, &head, MSG_DONTWAIT);
		/* A peer that closes with unread packets resets us, once, ahead of what
		 * it sent before: that is still there to be read. */
	} while (n < 0 && (errno == EINTR || (errno == ECONNRESET && resets++ == 0)));
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	if (n == 0)
		return 0;
	if ((size_t)n < HEAD || (head.msg_flags & MSG_TRUNC) || msg->magic != BOOT_MAGIC)
		return -EBADMSG;
	if (msg->type < BOOT_HELLO || msg->type >= BOOT_TYPES || msg->len != (size_t)n - HEAD)
		return -EBADMSG;
	return 1;
}

void boot_msg_text(const struct boot_msg *msg, char *text, size_t text_len)
{
	size_t n = msg->len < text_len - 1 ? msg->len : text_len - 1;

	for (size_t i = 0; i < n; i++)
		text[i] = msg->data[i] >= ' ' && msg->data[i] < 127 ? (char)msg->data[i] : '?';
	text[n] = '\0';
}
