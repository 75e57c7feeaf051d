/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors. What main has opened is open on node 0, and a thread elsewhere that reads, writes, seeks or
 * closes has node 0 do so. What threads elsewhere open themselves is of their node, and has numbers from
 * OWN on, so that it is never taken for one of main's, nor one of main's for what libdsm has open here.
 * What stdio does inside libc is not seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/threads/threads.h"

#define OWN 512
#define COPY_MAX ((size_t)1 << 20)

static bool is_of_main(int fd)
{
	return fd >= 0 && fd < OWN && here.rank && is_program();
}

/* --- calls on what main has opened --- */

/* The kernel of node 0 needs the bytes in shared memory: where they are not, by a copy. */
static ssize_t transfer(long number, int fd, void *at, size_t bytes, off_t offset, bool in)
{
	ssize_t n;
	void *copy;
	int saved;

	if (is_shared(at) || !bytes)
		return errand_send(0, number, fd, (long)at, (long)bytes, offset);
	if (bytes > COPY_MAX)
		bytes = COPY_MAX;
	copy = heap_take(bytes, 0, false);
	if (!copy) {
		errno = ENOMEM;
		return -1;
	}
	if (!in)
		memcpy(copy, at, bytes);
	n = errand_send(0, number, fd, (long)copy, (long)bytes, offset);
	saved = errno;
	if (in && n > 0)
		memcpy(at, copy, (size_t)n);
	heap_give(copy);
	errno = saved;
	return n;
}

EXPORT ssize_t read(int fd, void *at, size_t bytes)
{
	return is_of_main(fd) ? transfer(SYS_read, fd, at, bytes, 0, true) : NEXT(read)(fd, at, bytes);
}

EXPORT ssize_t write(int fd, const void *at, size_t bytes)
{
	return is_of_main(fd) ? transfer(SYS_write, fd, (void *)at, bytes, 0, false)
	                      : NEXT(write)(fd, at, bytes);
}

EXPORT ssize_t pread(int fd, void *at, size_t bytes, off_t offset)
{
	return is_of_main(fd) ? transfer(SYS_pread64, fd, at, bytes, offset, true)
	                      : NEXT(pread)(fd, at, bytes, offset);
}

EXPORT ssize_t pread64(int fd, void *at, size_t bytes, off64_t offset)
{
	return pread(fd, at, bytes, offset);
}

EXPORT ssize_t pwrite(int fd, const void *at, size_t bytes, off_t offset)
{
	return is_of_main(fd) ? transfer(SYS_pwrite64, fd, (void *)at, bytes, offset, false)
	                      : NEXT(pwrite)(fd, at, bytes, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *at, size_t bytes, off64_t offset)
{
	return pwrite(fd, at, bytes, offset);
}

EXPORT off_t lseek(int fd, off_t offset, int whence)
{
	return is_of_main(fd) ? errand_send(0, SYS_lseek, fd, offset, whence, 0)
	                      : NEXT(lseek)(fd, offset, whence);
}

EXPORT off64_t lseek64(int fd, off64_t offset, int whence)
{
	return lseek(fd, offset, whence);
}

EXPORT int close(int fd)
{
	return is_of_main(fd) ? (int)errand_send(0, SYS_close, fd, 0, 0, 0) : NEXT(close)(fd);
}

EXPORT int fsync(int fd)
{
	return is_of_main(fd) ? (int)errand_send(0, SYS_fsync, fd, 0, 0, 0) : NEXT(fsync)(fd);
}

EXPORT int ftruncate(int fd, off_t bytes)
{
	return is_of_main(fd) ? (int)errand_send(0, SYS_ftruncate, fd, bytes, 0, 0)
	                      : NEXT(ftruncate)(fd, bytes);
}

EXPORT int ftruncate64(int fd, off64_t bytes)
{
	return ftruncate(fd, bytes);
}

/* --- what threads elsewhere open --- */

/* Out of the way of main's numbers. */
static int keep(int fd)
{
	int moved;

	if (fd < 0 || fd >= OWN || !here.rank || !is_program())
		return fd;
	moved = fcntl(fd, fcntl(fd, F_GETFD) & FD_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, OWN);
	NEXT(close)(fd);
	if (moved < 0 && errno == EINVAL)
		errno = EMFILE; /* the limit is below OWN */
	return moved;
}

static int keep_both(int result, int fd[2])
{
	if (result)
		return result;
	fd[0] = keep(fd[0]);
	fd[1] = keep(fd[1]);
	if (fd[0] >= 0 && fd[1] >= 0)
		return 0;
	NEXT(close)(fd[0]);
	NEXT(close)(fd[1]);
	errno = EMFILE;
	return -1;
}

#define MODE(flags)                                             \
	({                                                      \
		va_list args_;                                  \
		mode_t mode_ = 0;                               \
		va_start(args_, flags);                         \
		if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) \
			mode_ = va_arg(args_, mode_t);          \
		va_end(args_);                                  \
		mode_;                                          \
	})

EXPORT int open(const char *path, int flags, ...)
{
	return keep(NEXT(open)(path, flags, MODE(flags)));
}

EXPORT int open64(const char *path, int flags, ...)
{
	return keep(NEXT(open64)(path, flags, MODE(flags)));
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
	return keep(NEXT(openat)(dir, path, flags, MODE(flags)));
}

EXPORT int openat64(int dir, const char *path, int flags, ...)
{
	return keep(NEXT(openat64)(dir, path, flags, MODE(flags)));
}

EXPORT int creat(const char *path, mode_t mode)
{
	return keep(NEXT(creat)(path, mode));
}

EXPORT int pipe(int fd[2])
{
	return keep_both(NEXT(pipe)(fd), fd);
}

EXPORT int pipe2(int fd[2], int flags)
{
	return keep_both(NEXT(pipe2)(fd, flags), fd);
}

EXPORT int socketpair(int domain, int type, int protocol, int fd[2])
{
	return keep_both(NEXT(socketpair)(domain, type, protocol, fd), fd);
}

EXPORT int socket(int domain, int type, int protocol)
{
	return keep(NEXT(socket)(domain, type, protocol));
}
