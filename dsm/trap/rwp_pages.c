/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables under RWP:
 *
 *	NONE	an entry that is present and protected, or none. No fault is lost between
 *		the two: what has no entry faults as missing or minor.
 *	WRITE	an entry that is not protected, or (the kernel took it away) none.
 *
 * RWPROTECT deals with a whole run in one call, but only with the entries that are there.
 * CONTINUE makes entries, and stops at the first that is there. extent.present says which
 * are, so that neither is asked page by page.
 */
#include <errno.h>

#include "dsm/trap/rwp.h"

static unsigned bit_of(const struct run *run, uint64_t index)
{
	return run->page_bytes == 4096 ? (run->first + index) % REGION_EXTENT_PAGES : 0;
}

static bool is_present(const struct rwp *rwp, const struct run *run, uint64_t index)
{
	return rwp_extent_of(rwp, run->first + index)->present >> bit_of(run, index) & 1;
}

static void set_present(struct rwp *rwp, const struct run *run, uint64_t index)
{
	rwp_extent_of(rwp, run->first + index)->present |= 1ull << bit_of(run, index);
}

static int protect(struct rwp *rwp, struct run run, bool on)
{
	unsigned tries = 0;
	int r;

	for (;;) {
		r = uffd_rwprotect(rwp->base.fd, run.at, run.n * run.page_bytes, on);
		if (r != -EAGAIN)
			return r;
		r = base_try_again(&rwp->base, &tries);
		if (r)
			return r;
	}
}

/* A page that is taken for protected only, as most are that come back. Should it have lost
 * its entry, with its frame or by the kernel's will, then it will fault once more; and as it
 * is WRITE by then, the answer looks for the entry. */
static bool was_protected(const struct rwp *rwp, const struct run *run, uint64_t index)
{
	return is_present(rwp, run, index) &&
	       access_map_get(&rwp->base.map, run->first + index) == TRAP_NONE;
}

static bool any_present(const struct rwp *rwp, const struct run *run)
{
	for (uint64_t i = 0; i < run->n; i++) {
		if (is_present(rwp, run, i))
			return true;
	}
	return false;
}

/*
 * One RWPROTECT lifts the protection of all that is there. Then CONTINUE maps the rest; at
 * an entry that is there it goes on behind all that are believed to be.
 */
int rwp_fill(struct rwp *rwp, struct run run, uint64_t *done)
{
	bool lifted = false;
	unsigned tries = 0;
	uint64_t at = 0;
	size_t got, most = run.n * run.page_bytes;
	int r = 0;

	if (any_present(rwp, &run)) {
		r = protect(rwp, run, false);
		lifted = true;
	}
	while (!r && at < run.n) {
		if (lifted && was_protected(rwp, &run, at)) {
			at++;
			continue;
		}
		struct run rest = run_after(run, at);
		size_t part = rest.n * rest.page_bytes;

		if (part > most)
			part = most;
		r = uffd_continue(rwp->base.fd, rest.at, part, false, &got);
		for (uint64_t i = 0; i < got / run.page_bytes; i++, at++)
			set_present(rwp, &run, at);
		if (!r) {
			most = run.n * run.page_bytes;
		} else if (r == -ENOENT && part > run.page_bytes) {
			most = base_halve(part, run.page_bytes);
			r = 0;
		} else if (r == -EAGAIN) {
			tries = got ? 0 : tries;
			r = got ? 0 : base_try_again(&rwp->base, &tries);
		} else if (r == -EEXIST) {
			r = lifted ? 0 : protect(rwp, rest, false);
			lifted = true;
			set_present(rwp, &run, at);
			while (!r && at < run.n && is_present(rwp, &run, at))
				at++;
		}
	}
	*done = at;
	return r;
}

/* The page has no access and no entry, unless it is the mark of a refusal. */
static bool may_be_refused(const struct rwp *rwp, const struct run *run)
{
	return run->n == 1 && !is_present(rwp, run, 0) &&
	       access_map_get(&rwp->base.map, run->first) == TRAP_NONE;
}

/* RWPROTECT does not take such a mark away. */
int rwp_take(struct rwp *rwp, struct run run)
{
	int r = may_be_refused(rwp, &run) ? base_zap(run) : 0;

	if (!r)
		r = protect(rwp, run, true);
	if (r)
		return r;
	access_map_set(&rwp->base.map, run.first, run.n, TRAP_NONE);
	base_count(&rwp->base.revokes, run.n);
	return 0;
}

int rwp_give(struct rwp *rwp, struct run run)
{
	uint64_t done;
	int r = rwp_fill(rwp, run, &done);

	/* The protection was lifted first: what is not to be given is taken back. */
	if (r && done < run.n)
		rwp_take(rwp, run_after(run, done));
	access_map_set(&rwp->base.map, run.first, done, TRAP_WRITE);
	base_count(&rwp->base.grants, done);
	return r;
}

void rwp_forget(struct trap *trap, uint64_t first, uint32_t n)
{
	struct rwp *rwp = rwp_of(trap);
	struct run run = base_run(&rwp->base, first, n);

	for (uint64_t i = 0; i < run.n; i++)
		rwp_extent_of(rwp, first + i)->present &= ~(1ull << bit_of(&run, i));
}
