/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wp engine (Linux 6.4 or later): userfaultfd in modes MISSING, MINOR and WP.
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
#include "dsm/trap/trap.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/dsm.h"
#include "dsm/mm.h"
#include "dsm/region.h"
#include "dsm/trap/access_map.h"
#include "dsm/trap/signal.h"
#include "dsm/trap/uffd.h"

#define MODES                                                                                      \
	(UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR | UFFDIO_REGISTER_MODE_WP)

/* How often the kernel may say EAGAIN without having done anything. */
#define RETRIES_MAX 10000

/*
 * map is guarded by the caller's lock. The counters have one writer each (faults*: who
 * calls next_fault; the others: who holds the lock) and are read by anyone; they order
 * nothing.
 */
struct wp {
	struct trap trap;
	struct region *region;
	trap_log_fn log;
	void *log_ctx;
	int fd;
	bool signal; /* faults come by SIGBUS */
	struct access_map map;
	_Atomic uint64_t faults, faults_write, grants, revokes, wakes, retries;
};

static struct wp *wp_of(const struct trap *trap)
{
	return (struct wp *)trap;
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
	                      memory_order_relaxed);
}

static void __attribute__((format(printf, 3, 4)))
say(const struct wp *wp, int level, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (!wp->log)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	wp->log(wp->log_ctx, level, text);
}

/* ------------------------------------------------------------- page tables -- */

/* A run of pages of one zone. */
struct run {
	uint64_t first, n;
	uint8_t *at;
	size_t page_bytes;
};

static struct run run_of(const struct wp *wp, uint64_t first, uint64_t n)
{
	const struct region_zone *zone = region_zone_of(wp->region, first);
	uint64_t room = zone->first + zone->count - first;

	return (struct run){ first, n < room ? n : room, region_window_at(wp->region, first),
		             zone->page_bytes };
}

/* Notes an EAGAIN without progress: 0, or -EIO when there were too many in a row. */
static int try_again(struct wp *wp, unsigned *tries)
{
	count(&wp->retries, 1);
	if (++*tries > RETRIES_MAX) {
		say(wp, DSM_LOG_ERROR, "userfaultfd refuses to go on, after %d retries", RETRIES_MAX);
		return -EIO;
	}
	sched_yield();
	return 0;
}

static int zap(struct run run)
{
	/* Plain MADV_DONTNEED refuses locked memory (mlockall). */
	int r = mm_advise(run.at, run.n * run.page_bytes, MADV_DONTNEED_LOCKED);

	if (r == -EINVAL)
		r = mm_advise(run.at, run.n * run.page_bytes, MADV_DONTNEED);
	return r;
}

static int protect(struct wp *wp, struct run run, enum trap_access access)
{
	unsigned tries = 0;
	int r;

	for (;;) {
		r = uffd_writeprotect(wp->fd, run.at, run.n * run.page_bytes, access == TRAP_READ);
		if (r != -EAGAIN)
			return r;
		r = try_again(wp, &tries);
		if (r)
			return r;
	}
}

/*
 * Maps every page of the run with this access; *done: pages that have it from the start
 * on. One CONTINUE does all that is not mapped up to the first page that is; what is
 * mapped is given the access by one WRITEPROTECT over all the rest, and stepped over.
 */
static int fill(struct wp *wp, struct run run, enum trap_access access, uint64_t *done)
{
	const size_t len = run.n * run.page_bytes;
	bool protected = false;
	unsigned tries = 0;
	size_t at = 0, got;
	int r = 0;

	while (at < len) {
		r = uffd_continue(wp->fd, run.at + at, len - at, access == TRAP_READ, &got);
		at += got;
		if (got)
			tries = 0;
		if (!r)
			continue;
		if (r == -EAGAIN) {
			r = got ? 0 : try_again(wp, &tries);
		} else if (r == -EEXIST) {
			uint64_t skip = at / run.page_bytes;

			r = 0;
			if (!protected)
				r = protect(wp, (struct run){ run.first + skip, run.n - skip, run.at + at,
				                              run.page_bytes },
				            access);
			protected = true;
			at += run.page_bytes;
		}
		if (r)
			break;
	}
	*done = at / run.page_bytes;
	return r;
}

/* ------------------------------------------------------------- set_access -- */

static int take(struct wp *wp, struct run run)
{
	int r = zap(run);

	if (r)
		return r;
	access_map_set(&wp->map, run.first, run.n, TRAP_NONE);
	count(&wp->revokes, run.n);
	return 0;
}

/*
 * READ or WRITE for a run, in as few calls as its pages' access until now allows:
 * all NONE, one CONTINUE; all the other of the two, one change of protection (an entry
 * that the kernel has taken away since is left to the next fault). A single page that
 * has the access already is the answer to a fault that found its entry gone, or to a
 * stale one; then it must not vanish under the threads that use it. A mixed run is
 * zapped first, so that one CONTINUE maps it all; who is at work there faults once more.
 */
static int give(struct wp *wp, struct run run, enum trap_access access)
{
	enum trap_access before = access_map_get(&wp->map, run.first);
	bool uniform = access_map_same(&wp->map, run.first, run.n) == run.n;
	uint64_t done = 0;
	int r = 0;

	if (uniform && before != TRAP_NONE && before != access) {
		r = protect(wp, run, access);
		done = r ? 0 : run.n;
	} else {
		if (run.n > 1 && !(uniform && before == TRAP_NONE))
			r = zap(run);
		if (!r)
			r = fill(wp, run, access, &done);
	}
	access_map_set(&wp->map, run.first, done, access);
	if (access >= before)
		count(&wp->grants, done);
	else
		count(&wp->revokes, done);
	return r;
}

static int wp_set_access(struct trap *trap, uint64_t first, uint32_t n, enum trap_access access)
{
	struct wp *wp = wp_of(trap);
	uint64_t end = first + n;

	assert(end <= wp->region->pages);
	while (first < end) {
		struct run run = run_of(wp, first, end - first);
		int r = access == TRAP_NONE ? take(wp, run) : give(wp, run, access);

		if (r) {
			if (r != -EFAULT)
				say(wp, DSM_LOG_ERROR, "pages %llu to %llu cannot be given access %d: %s",
				    (unsigned long long)first, (unsigned long long)end - 1, access,
				    strerror(-r));
			return r;
		}
		first += run.n;
	}
	return 0;
}

static enum trap_access wp_access(const struct trap *trap, uint64_t page)
{
	return access_map_get(&wp_of(trap)->map, page);
}

static uint64_t wp_next_touched(const struct trap *trap, uint64_t from)
{
	return access_map_next_touched(&wp_of(trap)->map, from);
}

/* ------------------------------------------------------------------ faults -- */

static int wp_next_fault(struct trap *trap, struct trap_fault *out)
{
	struct wp *wp = wp_of(trap);
	struct uffd_msg msg;

	if (wp->signal)
		return 0;
	for (;;) {
		ssize_t n = read(wp->fd, &msg, sizeof msg);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n != sizeof msg)
			return -EIO;
		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue; /* no other event was asked for */

		const uint64_t write = UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP;
		void *addr = (void *)(uintptr_t)msg.arg.pagefault.address;
		int64_t page = region_page_of(wp->region, addr);

		assert(page >= 0);
		*out = (struct trap_fault){
			.page = page,
			.address = msg.arg.pagefault.address,
			.thread = msg.arg.pagefault.feat.ptid,
			.write = !!(msg.arg.pagefault.flags & write),
		};
		count(&wp->faults, 1);
		count(&wp->faults_write, out->write);
		return 1;
	}
}

static int wp_wake(struct trap *trap, uint64_t first, uint32_t n)
{
	struct wp *wp = wp_of(trap);
	uint64_t end = first + n;

	assert(end <= wp->region->pages);
	if (wp->signal)
		return 0; /* nobody is blocked in the kernel */
	while (first < end) {
		struct run run = run_of(wp, first, end - first);
		int r = uffd_wake(wp->fd, run.at, run.n * run.page_bytes);

		if (r)
			return r;
		count(&wp->wakes, run.n);
		first += run.n;
	}
	return 0;
}

static int wp_fd(const struct trap *trap)
{
	return wp_of(trap)->signal ? -1 : wp_of(trap)->fd;
}

static void wp_stats(const struct trap *trap, struct trap_stats *out)
{
	const struct wp *wp = wp_of(trap);

	*out = (struct trap_stats){
		.faults = atomic_load_explicit(&wp->faults, memory_order_relaxed),
		.faults_write = atomic_load_explicit(&wp->faults_write, memory_order_relaxed),
		.grants = atomic_load_explicit(&wp->grants, memory_order_relaxed),
		.revokes = atomic_load_explicit(&wp->revokes, memory_order_relaxed),
		.wakes = atomic_load_explicit(&wp->wakes, memory_order_relaxed),
		.retries = atomic_load_explicit(&wp->retries, memory_order_relaxed),
	};
}

/* --------------------------------------------------------- begin and end -- */

static int wp_probe(enum trap_delivery delivery, char *why, size_t len)
{
	struct uffd_caps caps;

	uffd_caps_read(&caps, delivery == TRAP_SIGNAL);
	return uffd_caps_check(&caps, UFFD_NEED_SHMEM, why, len);
}

static void wp_detach(struct trap *trap)
{
	struct wp *wp = wp_of(trap);

	if (!wp)
		return;
	if (wp->signal)
		trap_signal_stop();
	/* Closing is not enough: a child of fork may still hold the descriptor. */
	for (int kind = 0; kind < REGION_ZONES && wp->fd >= 0; kind++) {
		const struct region_zone *zone = &wp->region->zone[kind];

		if (zone->count)
			uffd_unregister(wp->fd, zone->window, zone->count * zone->page_bytes);
	}
	if (wp->fd >= 0)
		close(wp->fd);
	access_map_close(&wp->map);
	free(wp);
}

/* Everything that was mapped before is gone afterwards: registered first, zapped then,
 * so that nothing can come back in between. */
static int control(struct wp *wp, const struct region_zone *zone)
{
	int r = uffd_register(wp->fd, zone->window, zone->count * zone->page_bytes, MODES);

	if (r)
		return r;
	return zap(run_of(wp, zone->first, zone->count));
}

static int wp_attach(const struct trap_config *config, struct trap **out)
{
	struct region *region = config->region;
	uint64_t need = UFFD_NEED_SHMEM | (region->zone[REGION_PMD].count ? UFFD_NEED_HUGETLB : 0);
	struct uffd_caps caps;
	char why[256];
	struct wp *wp = calloc(1, sizeof *wp);
	int r;

	if (!wp)
		return -ENOMEM;
	wp->trap.ops = &trap_wp_ops;
	wp->region = region;
	wp->signal = config->delivery == TRAP_SIGNAL;
	wp->log = config->log;
	wp->log_ctx = config->log_ctx;
	wp->fd = -1;

	uffd_caps_read(&caps, wp->signal);
	r = uffd_caps_check(&caps, need, why, sizeof why);
	if (r) {
		say(wp, DSM_LOG_ERROR, "%s", why);
		goto err_detach;
	}
	r = access_map_open(&wp->map, region->pages);
	if (r)
		goto err_detach;
	wp->fd = r = uffd_open(need | (wp->signal ? UFFD_FEATURE_SIGBUS : caps.features & UFFD_WANT),
	                       wp->signal);
	for (int kind = 0; kind < REGION_ZONES && r >= 0; kind++) {
		if (region->zone[kind].count)
			r = control(wp, &region->zone[kind]);
	}
	if (r < 0) {
		say(wp, DSM_LOG_ERROR, "the window cannot be trapped: %s", strerror(-r));
		goto err_detach;
	}
	if (wp->signal) {
		r = trap_signal_start(config);
		if (r)
			goto err_detach;
	}
	*out = &wp->trap;
	return 0;

err_detach:
	wp_detach(&wp->trap);
	return r;
}

const struct trap_ops trap_wp_ops = {
	.name = "wp",
	.probe = wp_probe,
	.attach = wp_attach,
	.set_access = wp_set_access,
	.access = wp_access,
	.next_touched = wp_next_touched,
	.next_fault = wp_next_fault,
	.wake = wp_wake,
	.fd = wp_fd,
	.stats = wp_stats,
	.detach = wp_detach,
};
