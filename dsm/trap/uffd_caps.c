/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether userfaultfd can serve here, and a sentence for people where it cannot. */
#include "config.h"

#include "dsm/trap/uffd_caps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "dsm/memory/memory.h"
#include "dsm/trap/uffd.h"

/* CONTINUE with MODE_WP on a page of shmem: 0 or a positive errno. */
static int try_continue_wp(bool user_mode)
{
	size_t len = sysconf(_SC_PAGESIZE), done;
	void *page = NULL;
	int memfd, fd, r;

	fd = uffd_open(UFFD_NEED_SHMEM, user_mode);
	if (fd < 0)
		return -fd;
	memfd = memfd_create("dsm-probe", MFD_CLOEXEC);
	r = memfd < 0 || fallocate(memfd, 0, 0, len) ? -errno : 0;
	if (!r)
		r = mm_map(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memfd, 0,
		           &page);
	if (!r)
		r = uffd_register(fd, page, len,
		                  UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR |
		                          UFFDIO_REGISTER_MODE_WP);
	if (!r) /* a process that locks its memory has the page mapped already */
		r = mm_advise(page, len, MADV_DONTNEED_LOCKED);
	if (!r)
		r = uffd_continue(fd, page, len, true, &done);
	if (page)
		mm_unmap(page, len);
	if (memfd >= 0)
		close(memfd);
	close(fd);
	return -r;
}

static bool has_capability(unsigned cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data))
		return false;
	return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

static int read_sysctl(const char *path)
{
	char text[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return atoi(text);
}

void uffd_caps_read(struct uffd_caps *caps, bool user_mode)
{
	struct utsname name;
	int fd;

	memset(caps, 0, sizeof *caps);
	if (!uname(&name))
		snprintf(caps->release, sizeof caps->release, "%s", name.release);
	caps->page_bytes = sysconf(_SC_PAGESIZE);
	caps->has_ptrace = has_capability(CAP_SYS_PTRACE);
	caps->unprivileged = read_sysctl("/proc/sys/vm/unprivileged_userfaultfd");

	fd = uffd_new(&caps->device_error);
	if (fd == -EPERM && user_mode)
		fd = uffd_new_user_mode();
	if (fd < 0) {
		caps->syscall_error = -fd;
		return;
	}
	if (uffd_api(fd, 0, &caps->features))
		caps->features = 0;
	close(fd);
	if ((caps->features & UFFD_NEED_SHMEM) == UFFD_NEED_SHMEM)
		caps->continue_wp_error = try_continue_wp(user_mode);
}

/* Appends to a text of len bytes; what does not fit is cut. */
static void __attribute__((format(printf, 3, 4))) add(char *text, size_t len, const char *fmt, ...)
{
	size_t used = len ? strlen(text) : 0;
	va_list args;

	if (used + 1 >= len)
		return;
	va_start(args, fmt);
	vsnprintf(text + used, len - used, fmt, args);
	va_end(args);
}

static int check_permission(const struct uffd_caps *caps, char *why, size_t len)
{
	bool denied = caps->device_error == EACCES || caps->device_error == EPERM;

	add(why, len, "userfaultfd is not permitted (/dev/userfaultfd: %s; system call: %s); ",
	    strerror(caps->device_error), strerror(caps->syscall_error));
	if (caps->has_ptrace || caps->unprivileged == 1)
		/* What the kernel asks for is there; the device may still be the way out. */
		add(why, len,
		    "%s does not help here, a seccomp filter, security module or user "
		    "namespace forbids the call; ",
		    caps->has_ptrace ? "CAP_SYS_PTRACE" : "vm.unprivileged_userfaultfd=1");
	add(why, len, "what would help: ");
	if (denied)
		add(why, len, "read and write permission on /dev/userfaultfd");
	else
		add(why, len,
		    "a /dev/userfaultfd (Linux 6.1 or later) with read and write permission");
	if (!caps->has_ptrace && caps->unprivileged != 1)
		add(why, len, ", or CAP_SYS_PTRACE, or vm.unprivileged_userfaultfd=1");
	return -EPERM;
}

static bool release_before(const char *release, int major, int minor)
{
	int a = 0, b = 0;

	if (sscanf(release, "%d.%d", &a, &b) != 2)
		return false;
	return a < major || (a == major && b < minor);
}

static int check_features(const struct uffd_caps *caps, uint64_t missing, char *why, size_t len)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{ UFFD_FEATURE_PAGEFAULT_FLAG_WP, "PAGEFAULT_FLAG_WP" },
		{ UFFD_FEATURE_MISSING_SHMEM, "MISSING_SHMEM" },
		{ UFFD_FEATURE_MINOR_SHMEM, "MINOR_SHMEM" },
		{ UFFD_FEATURE_WP_HUGETLBFS_SHMEM, "WP_HUGETLBFS_SHMEM" },
		{ UFFD_FEATURE_MISSING_HUGETLBFS, "MISSING_HUGETLBFS" },
		{ UFFD_FEATURE_MINOR_HUGETLBFS, "MINOR_HUGETLBFS" },
		{ UFFD_FEATURE_EVENT_REMAP, "EVENT_REMAP" },
		{ UFFD_FEATURE_RWP, "RWP" },
	};

	add(why, len, "the userfaultfd of this kernel (%s) lacks", caps->release);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (missing & names[i].bit)
			add(why, len, " %s", names[i].name);
	}
	if (release_before(caps->release, 6, 4)) {
		add(why, len, "; Linux 6.4 or later is needed");
		return -ENOSYS;
	}
	if (missing == UFFD_FEATURE_RWP) {
		add(why, len, "; Linux 7.3 or later with CONFIG_USERFAULTFD_RWP is needed");
		return release_before(caps->release, 7, 2) ? -ENOSYS : -EOPNOTSUPP;
	}
	add(why, len,
	    "; a kernel built with them is needed (CONFIG_PTE_MARKER_UFFD_WP, "
	    "CONFIG_SHMEM, CONFIG_HUGETLBFS, 64-bit)");
	return -EOPNOTSUPP;
}

int uffd_caps_check(const struct uffd_caps *caps, uint64_t need, char *why, size_t len)
{
	uint64_t missing = need & ~caps->features;

	if (len)
		why[0] = '\0';
	if (caps->page_bytes != 4096) {
		add(why, len, "the system's pages have %ld bytes; 4096 are needed",
		    caps->page_bytes);
		return -EOPNOTSUPP;
	}
	if (caps->syscall_error == EPERM || caps->syscall_error == EACCES)
		return check_permission(caps, why, len);
	if (caps->syscall_error == ENOSYS) {
		add(why, len,
		    "this kernel (%s) has no userfaultfd; Linux 6.4 or later with "
		    "CONFIG_USERFAULTFD is needed",
		    caps->release);
		return -ENOSYS;
	}
	if (caps->syscall_error) {
		add(why, len, "userfaultfd cannot be opened: %s", strerror(caps->syscall_error));
		return -caps->syscall_error;
	}
	if (missing)
		return check_features(caps, missing, why, len);
	/*
	 * Judged by behaviour, not by version: distributions port features back. A kernel
	 * that does not know the mode refuses it with EINVAL.
	 */
	if (caps->continue_wp_error == EINVAL) {
		add(why, len,
		    "this kernel (%s) cannot map a page write-protected (no "
		    "UFFDIO_CONTINUE_MODE_WP); Linux 6.4 or later is needed",
		    caps->release);
		return -ENOSYS;
	}
	if (caps->continue_wp_error) {
		add(why, len, "mapping a page write-protected failed: %s",
		    strerror(caps->continue_wp_error));
		return -caps->continue_wp_error;
	}
	return 0;
}
