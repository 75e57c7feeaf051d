/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room in /dev/shm. The shm provider makes a sparse file there for each endpoint, and where the
 * kernel then has no room for a page of it, whoever touches that gets SIGBUS. So there has to be
 * room for all of it before it is made, and then it is taken at once. One process after the other,
 * or several would see the same room.
 */
#include <errno.h>
#include <fcntl.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "transport/ofi_impl.h"

#define SHM_DIR "/dev/shm"
#define SHM_TURN_MS 2000 /* anybody can hold the lock: then it has to do without */

int ofi_shm_has_room(void)
{
	struct statvfs fs;

	return statvfs(SHM_DIR, &fs) || (uint64_t)fs.f_bavail * fs.f_frsize >= OFI_SHM_BYTES;
}

int ofi_shm_enter(int *turn)
{
	const struct timespec pause = {0, 1000000};

	*turn = open(SHM_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < SHM_TURN_MS && *turn >= 0 && flock(*turn, LOCK_EX | LOCK_NB); i++)
		nanosleep(&pause, NULL);
	if (ofi_shm_has_room())
		return 0;
	ofi_shm_leave(*turn);
	return -ENOSPC;
}

void ofi_shm_leave(int turn)
{
	if (turn >= 0)
		close(turn);
}

/* The provider's file is called as its address is, without what it puts before that. */
static int ofi_shm_open(const struct ofi *ofi)
{
	char name[UINT8_MAX], path[sizeof(SHM_DIR) + sizeof(name)];
	size_t len = sizeof(name) - 1;
	const char *at;

	if (fi_getname(&ofi->ep->fid, name, &len) || len >= sizeof(name))
		return -1;
	name[len] = '\0';
	at = strstr(name, "://");
	at = at ? at + 3 : name;
	if (strchr(at, '/'))
		return -1;
	snprintf(path, sizeof(path), SHM_DIR "/%s", at);
	return open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
}

int ofi_shm_reserve(const struct ofi *ofi)
{
	int fd = ofi_shm_open(ofi), rc = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		ofi_log(ofi, 2, "%s: its file in " SHM_DIR " is not found", ofi->provider);
		st.st_size = 0;
	}
	while (st.st_size && (rc = fallocate(fd, 0, 0, st.st_size)) && errno == EINTR)
		;
	rc = rc && errno == ENOSPC ? -ENOSPC : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}
