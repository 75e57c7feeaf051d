/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * userfaultfd: descriptors, and the ioctls of the engines, with their partial results made
 * plain. All return 0 (or a descriptor) or a negative errno code.
 */
#ifndef TRAP_UFFD_H
#define TRAP_UFFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsm/trap/uffd_abi.h"

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

/* From now on whoever accesses [addr, addr+len), which has no entries in the page tables, gets
 * SIGBUS, or EFAULT from a system call; what is zapped later is as it was. -EINVAL: Linux before
 * 6.6; -EAGAIN: try again. Wakes nobody. */
int uffd_poison(int fd, void *addr, size_t len);

int uffd_wake(int fd, void *addr, size_t len);

#endif
