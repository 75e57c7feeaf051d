/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeps descriptors 0 to 2 for the program (descriptors.h). */
#include "dsm/base/descriptors.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned holds;
static unsigned held; /* a bit for each descriptor that is taken */
static struct stat held_as[STDERR_FILENO + 1];

/* The lowest descriptor there is. A root without /dev has itself. */
static int take(void)
{
	int fd = open("/dev/null", O_PATH | O_CLOEXEC);

	return fd < 0 ? open("/", O_PATH | O_CLOEXEC) : fd;
}

/* The program has not put something of its own there meanwhile. */
static int is_still_ours(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	return flags >= 0 && (flags & O_PATH) && !fstat(fd, &st) &&
	       st.st_dev == held_as[fd].st_dev && st.st_ino == held_as[fd].st_ino;
}

void descriptors_hold(void)
{
	int fd;

	pthread_mutex_lock(&lock);
	holds++;
	while ((fd = take()) >= 0 && fd <= STDERR_FILENO) {
		held |= 1u << fd;
		fstat(fd, &held_as[fd]);
	}
	if (fd >= 0)
		close(fd);
	pthread_mutex_unlock(&lock);
}

void descriptors_release(void)
{
	pthread_mutex_lock(&lock);
	if (--holds == 0) {
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			if ((held & 1u << fd) && is_still_ours(fd))
				close(fd);
		held = 0;
	}
	pthread_mutex_unlock(&lock);
}
