/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables under WP:
 *
 *	NONE	no page table entry; the page cache keeps the data. Zapped by
 *		MADV_DONTNEED_LOCKED, entered again by a missing or minor fault.
 *	READ	an entry with the write-protect bit: CONTINUE with MODE_WP, or
 *		WRITEPROTECT where there is a writable entry.
 *	WRITE	an entry without it: CONTINUE, or the protection lifted.
 *
 * The kernel may take any entry away at any time (reclaim). That costs a fault, never an
 * access too many: an empty entry, and the marker that a write-protected one leaves
 * behind, trap. So what is here for a page may be less than the access map says, and
 * set_access acts on the page tables even where the map says that nothing changes.
 */
#include <errno.h>

#include "dsm/memory/memory.h"
#include "dsm/trap/base.h"

int base_zap(struct run run)
{
	/* Plain MADV_DONTNEED refuses locked memory (mlockall). */
	int r = mm_advise(run.at, run.n * run.page_bytes, MADV_DONTNEED_LOCKED);

	if (r == -EINVAL)
		r = mm_advise(run.at, run.n * run.page_bytes, MADV_DONTNEED);
	return r;
}

static int protect(struct base *base, struct run run, enum trap_access access)
{
	unsigned tries = 0;
	int r;

	for (;;) {
		r = uffd_writeprotect(base->fd, run.at, run.n * run.page_bytes,
		                      access == TRAP_READ);
		if (r != -EAGAIN)
			return r;
		r = base_try_again(base, &tries);
		if (r)
			return r;
	}
}

/*
 * One CONTINUE does all that is not mapped up to the first page that is; what is
 * mapped is given the access by one WRITEPROTECT over all the rest, and stepped over.
 */
int base_fill(struct base *base, struct run run, enum trap_access access, uint64_t *done)
{
	const size_t len = run.n * run.page_bytes;
	bool protected = false;
	unsigned tries = 0;
	size_t at = 0, got, most = len;
	int r = 0;

	while (at < len) {
		size_t part = len - at < most ? len - at : most;

		r = uffd_continue(base->fd, run.at + at, part, access == TRAP_READ, &got);
		at += got;
		if (got)
			tries = 0;
		if (!r) {
			most = len;
		} else if (r == -ENOENT && part > run.page_bytes) {
			most = base_halve(part, run.page_bytes);
			r = 0;
		} else if (r == -EAGAIN) {
			r = got ? 0 : base_try_again(base, &tries);
		} else if (r == -EEXIST) {
			r = protected ? 0
			              : protect(base, run_after(run, at / run.page_bytes), access);
			protected = true;
			at += run.page_bytes;
		}
		if (r)
			break;
	}
	*done = at / run.page_bytes;
	return r;
}

int base_take(struct base *base, struct run run)
{
	int r = base_zap(run);

	if (r)
		return r;
	access_map_set(&base->map, run.first, run.n, TRAP_NONE);
	base_count(&base->revokes, run.n);
	return 0;
}

/*
 * In as few calls as the pages' access until now allows: all NONE, one CONTINUE; all the
 * other of the two, one change of protection (an entry that the kernel has taken away
 * since is left to the next fault). A single page that has the access already is the
 * answer to a fault that found its entry gone, or to a stale one; then it must not vanish
 * under the threads that use it. A mixed run is zapped first, so that one CONTINUE maps it
 * all; who is at work there faults once more.
 */
int base_give(struct base *base, struct run run, enum trap_access access)
{
	enum trap_access before = access_map_get(&base->map, run.first);
	bool uniform = access_map_same(&base->map, run.first, run.n) == run.n;
	uint64_t done = 0;
	int r = 0;

	if (uniform && before != TRAP_NONE && before != access) {
		r = protect(base, run, access);
		done = r ? 0 : run.n;
	} else {
		if (run.n > 1 && !(uniform && before == TRAP_NONE))
			r = base_zap(run);
		if (!r)
			r = base_fill(base, run, access, &done);
	}
	access_map_set(&base->map, run.first, done, access);
	if (access >= before)
		base_count(&base->grants, done);
	else
		base_count(&base->revokes, done);
	return r;
}
