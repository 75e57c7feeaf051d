/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeps descriptors 0 to 2 for the program, and sees whether there are enough (descriptors.h). */
#include "dsm/base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
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

/* The limit is one of numbers, of which those in use count wherever they are. */
static unsigned limit_for(unsigned n)
{
	unsigned fd = 0;

	for (unsigned found = 0; found < n; fd++)
		found += fcntl((int)fd, F_GETFD) < 0;
	return fd;
}

unsigned descriptors_want(unsigned n)
{
	unsigned need = limit_for(n);
	struct rlimit limit;

	pthread_mutex_lock(&lock);
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= need) {
		need = 0;
	} else if (limit.rlim_max >= need) {
		limit.rlim_cur = need;
		if (!setrlimit(RLIMIT_NOFILE, &limit))
			need = 0;
	}
	pthread_mutex_unlock(&lock);
	return need;
}

unsigned long long descriptors_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) ? 0 : limit.rlim_cur;
}

int descriptors_used_up(void)
{
	int fd = take(), used_up = fd < 0 && errno == EMFILE;

	if (fd >= 0)
		close(fd);
	return used_up;
}
