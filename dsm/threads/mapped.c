/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmap of the program: memory that nobody has asked for at some address is in the region, as other
 * memory of the program is; a file's, that is not for writing to the file, too, with what the file has
 * now. All else is a node's own, which is said. What libc maps for itself does not come by here.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/threads/sync.h"

#define FILE_MAX ((size_t)1 << 30)

static bool is_ours(const void *at)
{
	return here.size > 1 && (uintptr_t)at - here.region < here.region_bytes;
}

static size_t pages(size_t bytes)
{
	return (bytes + PAGE - 1) & ~(size_t)(PAGE - 1);
}

/* --- which there are, on all nodes --- */

static void lock(void)
{
	threads_check(dsm_sync_mutex_lock(here.dsm, &here.world->mappings_lock), "mmap");
}

static void unlock(void)
{
	threads_check(dsm_sync_mutex_unlock(here.dsm, &here.world->mappings_lock), "mmap");
}

static unsigned slot_of(uintptr_t start)
{
	return (unsigned)(start / PAGE * 2654435761u) % MAPPINGS_MAX;
}

/* Where one with that start is, or may be put; NULL: there are too many. Who goes leaves a gap, so all
 * are looked at. The lock is held. */
static struct mapping *find(uintptr_t start, bool free)
{
	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		struct mapping *m = &here.world->mapping[(slot_of(start) + i) % MAPPINGS_MAX];

		if (m->start == (free ? 0 : start))
			return m;
	}
	return NULL;
}

static struct mapping *around(uintptr_t at)
{
	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		struct mapping *m = &here.world->mapping[i];

		if (m->start && at - m->start < m->bytes)
			return m;
	}
	return NULL;
}

static void *make(size_t bytes)
{
	struct mapping *m;
	void *at;

	if (dsm_alloc(here.dsm, pages(bytes), PAGE, 0, &at))
		return NULL;
	lock();
	m = find((uintptr_t)at, true);
	if (m)
		*m = (struct mapping){ (uintptr_t)at, pages(bytes), pages(bytes) };
	unlock();
	if (m)
		return at;
	dsm_free(here.dsm, at);
	return NULL;
}

/* A part of one is given back when all of it is. */
static int unmake(void *at, size_t bytes)
{
	struct mapping *m;
	uintptr_t start = 0;

	lock();
	m = find((uintptr_t)at, false);
	if (!m)
		m = around((uintptr_t)at);
	if (m) {
		m->left -= pages(bytes) < m->left ? pages(bytes) : m->left;
		if (!m->left) {
			start = m->start;
			m->start = 0;
		}
	}
	unlock();
	if (start)
		threads_check(dsm_free(here.dsm, (void *)start), "munmap");
	return 0;
}

/* --- mmap --- */

static bool fill(char *at, size_t bytes, int fd, off_t offset)
{
	ssize_t n;

	for (size_t done = 0; done < bytes; done += (size_t)n) {
		n = pread(fd, at + done, bytes - done, offset + (off_t)done);
		if (n < 0)
			return false;
		if (n == 0)
			break;
	}
	return true;
}

static const char *objection(size_t bytes, int prot, int flags)
{
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		return "at an address of its choice";
	if (prot & PROT_EXEC)
		return "to execute";
	if (prot == PROT_NONE)
		return "that is reserved only";
	if (!(flags & MAP_ANONYMOUS) && (flags & MAP_TYPE) != MAP_PRIVATE && prot & PROT_WRITE)
		return "by which a file is written to";
	return !(flags & MAP_ANONYMOUS) && bytes > FILE_MAX ? "with so much of a file" : NULL;
}

static void *own(void *at, size_t bytes, int prot, int flags, int fd, off_t offset, const char *why)
{
	char line[160];

	snprintf(line, sizeof line, "mmap: memory %s is this node's own, and not of threads elsewhere", why);
	threads_say(line);
	return NEXT(mmap)(at, bytes, prot, flags, fd, offset);
}

EXPORT void *mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	const char *why;
	int saved = errno;
	char *got;

	if (here.size <= 1 || !is_program() || !bytes)
		return NEXT(mmap)(at, bytes, prot, flags, fd, offset);
	why = objection(bytes, prot, flags);
	got = why ? NULL : make(bytes);
	if (!got)
		return own(at, bytes, prot, flags, fd, offset, why ? why : "that is too much for the region");
	if (flags & MAP_ANONYMOUS || fill(got, bytes, fd, offset)) {
		errno = saved;
		return got;
	}
	saved = errno;
	unmake(got, bytes);
	errno = saved;
	if (saved == EBADF || saved == EACCES || saved == EINVAL)
		return MAP_FAILED;
	return own(at, bytes, prot, flags, fd, offset, "of what is no file");
}

EXPORT void *mmap64(void *at, size_t bytes, int prot, int flags, int fd, off64_t offset)
{
	return mmap(at, bytes, prot, flags, fd, offset);
}

EXPORT int munmap(void *at, size_t bytes)
{
	return is_ours(at) && is_program() ? unmake(at, bytes) : NEXT(munmap)(at, bytes);
}

EXPORT void *mremap(void *at, size_t had, size_t bytes, int flags, ...)
{
	void *to = NULL;
	va_list args;

	va_start(args, flags);
	if (flags & MREMAP_FIXED)
		to = va_arg(args, void *);
	va_end(args);
	if (!is_ours(at) || !is_program())
		return NEXT(mremap)(at, had, bytes, flags, to);
	if (pages(bytes) <= pages(had)) {
		if (pages(bytes) < pages(had))
			unmake((char *)at + pages(bytes), pages(had) - pages(bytes));
		return at;
	}
	to = flags == MREMAP_MAYMOVE ? make(bytes) : NULL;
	if (!to) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	memcpy(to, at, had);
	unmake(at, had);
	return to;
}

/* --- what is done to such memory: its pages are all nodes' --- */

EXPORT int mprotect(void *at, size_t bytes, int prot)
{
	if (here.size <= 1 || !is_program() || !is_shared(at))
		return NEXT(mprotect)(at, bytes, prot);
	if (prot & PROT_EXEC) {
		threads_say("mprotect: shared memory cannot be executed, and this is refused");
		errno = ENOTSUP;
		return -1;
	}
	if (!(prot & PROT_WRITE))
		threads_say("mprotect: shared memory stays as it is, readable and writable");
	return 0;
}

EXPORT int madvise(void *at, size_t bytes, int advice)
{
	if (here.size <= 1 || !is_program() || !is_shared(at))
		return NEXT(madvise)(at, bytes, advice);
	if (advice == MADV_DONTNEED || advice == MADV_REMOVE)
		memset(at, 0, pages(bytes));
	return 0;
}

EXPORT int msync(void *at, size_t bytes, int flags)
{
	return is_ours(at) ? 0 : NEXT(msync)(at, bytes, flags);
}

EXPORT int mlock(const void *at, size_t bytes)
{
	return is_ours(at) ? 0 : NEXT(mlock)(at, bytes);
}

EXPORT int munlock(const void *at, size_t bytes)
{
	return is_ours(at) ? 0 : NEXT(munlock)(at, bytes);
}
