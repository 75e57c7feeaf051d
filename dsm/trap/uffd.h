/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * userfaultfd: what this kernel offers and this process may use, and the ioctls of the
 * engines, with their partial results made plain. All return 0 (or a descriptor) or a
 * negative errno code.
 */
#ifndef TRAP_UFFD_H
#define TRAP_UFFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/userfaultfd.h>

#ifndef UFFDIO_CONTINUE_MODE_WP
#define UFFDIO_CONTINUE_MODE_WP ((__u64)1 << 1) /* Linux 6.4 */
#endif
#ifndef UFFD_FEATURE_RWP /* Linux 7.3 */
#define UFFD_FEATURE_RWP (1 << 17)
#define UFFD_PAGEFAULT_FLAG_RWP (1 << 3)
#define UFFDIO_REGISTER_MODE_RWP ((__u64)1 << 3)
#endif

/* What an engine on shmem, and one on hugetlbfs, cannot do without. */
#define UFFD_NEED_SHMEM                                                                           \
	(UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MINOR_SHMEM | \
	 UFFD_FEATURE_WP_HUGETLBFS_SHMEM)
#define UFFD_NEED_HUGETLB (UFFD_FEATURE_MISSING_HUGETLBFS | UFFD_FEATURE_MINOR_HUGETLBFS)
/* What one with read-write protection needs beyond that. EVENT_REMAP: a mapping that is
 * moved keeps its registration. */
#define UFFD_NEED_RWP (UFFD_FEATURE_RWP | UFFD_FEATURE_EVENT_REMAP)
/* What is used where it is there. */
#define UFFD_WANT (UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_EXACT_ADDRESS)

/* What was found out about kernel and process. Codes are 0 or a positive errno. */
struct uffd_caps {
	int device_error;      /* of getting a descriptor from /dev/userfaultfd */
	int syscall_error;     /* of userfaultfd(2); 0 also when the device sufficed */
	bool has_ptrace;       /* CAP_SYS_PTRACE is effective */
	int unprivileged;      /* vm.unprivileged_userfaultfd; -1 unknown */
	long page_bytes;       /* of the system */
	uint64_t features;     /* of UFFDIO_API */
	int continue_wp_error; /* of CONTINUE with MODE_WP on a page of shmem */
	char release[65];      /* of the kernel */
};

/* Asks kernel and process, on descriptors that it throws away; user_mode: ones for faults
 * of user mode only suffice. */
void uffd_caps_read(struct uffd_caps *caps, bool user_mode);

/* Judges caps for an engine that needs these features: 0, or -EPERM, -ENOSYS,
 * -EOPNOTSUPP and a sentence in why that says what is missing and what would help. */
int uffd_caps_check(const struct uffd_caps *caps, uint64_t need, char *why, size_t len);

/* A new descriptor, O_NONBLOCK, for faults of user and kernel: from /dev/userfaultfd,
 * which needs file permission only, else by the system call. device_error: why it was
 * not the first, 0 or a positive errno. */
int uffd_new(int *device_error);
/* A new descriptor for faults of user mode only, which any user may have. */
int uffd_new_user_mode(void);
/* Turns features on; offered (may be NULL): all that the kernel has. Once only. */
int uffd_api(int fd, uint64_t features, uint64_t *offered);
/* Both. user_mode: one for user mode only will do where the other is not permitted. */
int uffd_open(uint64_t features, bool user_mode);

int uffd_register(int fd, void *addr, size_t len, uint64_t mode);
int uffd_unregister(int fd, void *addr, size_t len);

/* Maps the frames of [addr, addr+len); done: bytes mapped from the start, whatever the
 * result. -EFAULT: the next page has no frame; -EEXIST: it is mapped already; -EAGAIN:
 * try the rest again (with done == 0 nothing was possible just now). Wakes nobody. */
int uffd_continue(int fd, void *addr, size_t len, bool protect, size_t *done);

/* Write-protects or unprotects what is mapped of [addr, addr+len). -EAGAIN: try again.
 * Wakes nobody. */
int uffd_writeprotect(int fd, void *addr, size_t len, bool protect);

/* Protects what is mapped of [addr, addr+len) from reading and writing, or lifts that. The
 * range must be registered for RWP, all of it (-ENOENT). -EAGAIN: try again. Wakes nobody. */
int uffd_rwprotect(int fd, void *addr, size_t len, bool protect);

int uffd_wake(int fd, void *addr, size_t len);

#endif
