/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole files, and their names. */
#include "dsm/checkpoint/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE_MAX (64u << 20)

int disk_failed(struct ckpt_why *why, const char *what, const char *name, int err)
{
	snprintf(why->text, sizeof why->text, "cannot %s %s: %s", what, name, strerrordesc_np(err));
	return -err;
}

int disk_write_all(int fd, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len) {
		ssize_t n = write(fd, at, len < WRITE_MAX ? len : WRITE_MAX);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int disk_write_file(int dir, const char *name, const void *bytes, size_t len,
                    struct ckpt_why *why)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), rc;

	if (fd < 0)
		return disk_failed(why, "make", name, errno);
	rc = disk_write_all(fd, bytes, len);
	if (rc == 0 && fsync(fd))
		rc = -errno;
	if (close(fd) && rc == 0)
		rc = -errno;
	return rc ? disk_failed(why, "write", name, -rc) : 0;
}

static int read_all(int fd, uint8_t *at, size_t len)
{
	while (len) {
		ssize_t n = read(fd, at, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EBADMSG; /* it has become shorter */
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int disk_read_file(int dir, const char *name, size_t max, uint8_t **out, size_t *len,
                   struct ckpt_why *why)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc = 0;
	uint8_t *bytes = NULL;
	struct stat st;

	if (fd < 0)
		return disk_failed(why, "open", name, errno);
	if (fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size < 0 || (uint64_t)st.st_size > max)
		rc = -EBADMSG;
	if (rc == 0) {
		bytes = malloc((size_t)st.st_size + 1);
		rc = bytes ? read_all(fd, bytes, (size_t)st.st_size) : -ENOMEM;
	}
	close(fd);
	if (rc) {
		free(bytes);
		return disk_failed(why, "read", name, -rc);
	}
	*out = bytes;
	*len = (size_t)st.st_size;
	return 0;
}

void disk_name(enum disk_file which, uint32_t rank, char out[DISK_NAME_MAX])
{
	snprintf(out, DISK_NAME_MAX, "%04u.%s", rank, which == DISK_INDEX ? "index" : "data");
}

void disk_generation_name(uint64_t generation, char out[DISK_NAME_MAX])
{
	snprintf(out, DISK_NAME_MAX, "%010llu", (unsigned long long)generation);
}
