/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of userfaultfd. ioctl goes through syscall(2), like all on the window. */
#include "dsm/trap/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int uffd_ioctl(int fd, unsigned long request, void *arg)
{
	return syscall(SYS_ioctl, fd, request, arg) ? -errno : 0;
}

int uffd_new(int *device_error)
{
	int dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	int fd = -1;

	*device_error = 0;
	if (dev >= 0)
		fd = syscall(SYS_ioctl, dev, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		*device_error = errno;
	if (dev >= 0)
		close(dev);
	if (fd < 0)
		fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int uffd_new_user_mode(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	return fd < 0 ? -errno : fd;
}

int uffd_api(int fd, uint64_t features, uint64_t *offered)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int r = uffd_ioctl(fd, UFFDIO_API, &api);

	if (!r && offered)
		*offered = api.features;
	return r;
}

int uffd_open(uint64_t features, bool user_mode)
{
	int device_error;
	int fd = uffd_new(&device_error);

	if (fd == -EPERM && user_mode)
		fd = uffd_new_user_mode();
	if (fd < 0)
		return fd;
	int r = uffd_api(fd, features, NULL);

	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

int uffd_register(int fd, void *addr, size_t len, uint64_t mode)
{
	const uint64_t need = 1ull << _UFFDIO_CONTINUE | 1ull << _UFFDIO_WAKE |
	                      1ull << (mode & UFFDIO_REGISTER_MODE_RWP ? _UFFDIO_RWPROTECT
	                                                               : _UFFDIO_WRITEPROTECT);
	struct uffdio_register reg = { .range = { (uintptr_t)addr, len }, .mode = mode };
	int r = uffd_ioctl(fd, UFFDIO_REGISTER, &reg);

	if (!r && (reg.ioctls & need) != need) {
		uffd_unregister(fd, addr, len);
		return -EOPNOTSUPP;
	}
	return r;
}

int uffd_unregister(int fd, void *addr, size_t len)
{
	struct uffdio_range range = { (uintptr_t)addr, len };

	return uffd_ioctl(fd, UFFDIO_UNREGISTER, &range);
}

int uffd_continue(int fd, void *addr, size_t len, bool protect, size_t *done)
{
	struct uffdio_continue cont = {
		.range = { (uintptr_t)addr, len },
		.mode = UFFDIO_CONTINUE_MODE_DONTWAKE | (protect ? UFFDIO_CONTINUE_MODE_WP : 0),
	};
	int r = uffd_ioctl(fd, UFFDIO_CONTINUE, &cont);

	/* mapped is bytes done, or the negative code again. */
	*done = cont.mapped > 0 ? (size_t)cont.mapped : 0;
	return r;
}

int uffd_writeprotect(int fd, void *addr, size_t len, bool protect)
{
	/* Protecting never wakes, and refuses the flag that says so. */
	struct uffdio_writeprotect wp = {
		.range = { (uintptr_t)addr, len },
		.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : UFFDIO_WRITEPROTECT_MODE_DONTWAKE,
	};

	return uffd_ioctl(fd, UFFDIO_WRITEPROTECT, &wp);
}

int uffd_rwprotect(int fd, void *addr, size_t len, bool protect)
{
	/* As above. */
	struct uffdio_rwprotect rwp = {
		.range = { (uintptr_t)addr, len },
		.mode = protect ? UFFDIO_RWPROTECT_MODE_RWP : UFFDIO_RWPROTECT_MODE_DONTWAKE,
	};

	return uffd_ioctl(fd, UFFDIO_RWPROTECT, &rwp);
}

int uffd_poison(int fd, void *addr, size_t len)
{
	struct uffdio_poison poison = {
		.range = { (uintptr_t)addr, len },
		.mode = UFFDIO_POISON_MODE_DONTWAKE,
	};

	return uffd_ioctl(fd, UFFDIO_POISON, &poison);
}

int uffd_wake(int fd, void *addr, size_t len)
{
	struct uffdio_range range = { (uintptr_t)addr, len };

	return uffd_ioctl(fd, UFFDIO_WAKE, &range);
}
