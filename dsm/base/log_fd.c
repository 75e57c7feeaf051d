/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of the log into descriptors. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "dsm/base/log.h"
#include "dsm/base/log_limit.h"
#include "dsm/dsm_bind.h"

#define WRITE_MS 1000

void log_write(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EAGAIN) {
			if (poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, WRITE_MS) == 0)
				return;
		} else if (n < 0 && errno != EINTR) {
			return;
		}
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

void dsm_log_fd(void *ctx, enum dsm_log_level level, const char *text)
{
	char line[LIMIT_TEXT + 32];
	int len = snprintf(line, sizeof line, "%d %s\n", (int)level, text);

	log_write(*(const int *)ctx, line, (size_t)len);
}
