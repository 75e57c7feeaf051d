/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory calls on the region's mappings, by way of syscall(2): MPI libraries patch
 * mmap, munmap, madvise and mremap of libc, and would see our windows come and go.
 * All return 0 or a negative errno code.
 */
#ifndef MM_H
#define MM_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* Linux 5.18 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static inline int mm_map(void *addr, size_t len, int prot, int flags, int fd, uint64_t offset,
                         void **out)
{
	long r = syscall(SYS_mmap, addr, len, prot, flags, fd, (off_t)offset);

	if (r == -1)
		return -errno;
	*out = (void *)r;
	return 0;
}

static inline int mm_unmap(void *addr, size_t len)
{
	return syscall(SYS_munmap, addr, len) ? -errno : 0;
}

static inline int mm_protect(void *addr, size_t len, int prot)
{
	return syscall(SYS_mprotect, addr, len, prot) ? -errno : 0;
}

/* Moves a mapping over what is at `to`. */
static inline int mm_move(void *from, size_t len, void *to)
{
	long r = syscall(SYS_mremap, from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);

	return r == -1 ? -errno : 0;
}

static inline int mm_advise(void *addr, size_t len, int advice)
{
	return syscall(SYS_madvise, addr, len, advice) ? -errno : 0;
}

static inline int mm_unlock(void *addr, size_t len)
{
	return syscall(SYS_munlock, addr, len) ? -errno : 0;
}

#endif
