/* SPDX-License-Identifier: BSD-2-Clause */
/* What the engines of the trap have in common: state, runs, and faults. */
#include "config.h"

#include "dsm/trap/base.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dsm/dsm.h"

/* How often the kernel may say EAGAIN without having done anything. */
#define RETRIES_MAX 10000

struct base *base_of(const struct trap *trap)
{
	return (struct base *)trap;
}

void base_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
	                      memory_order_relaxed);
}

void base_say(const struct base *base, int level, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (!base->log)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	base->log(base->log_ctx, level, text);
}

struct run base_run(const struct base *base, uint64_t first, uint64_t n)
{
	return (struct run){ first, region_run(base->region, first, n),
		             region_window_at(base->region, first),
		             region_zone_of(base->region, first)->page_bytes };
}

struct run run_after(struct run run, uint64_t pages)
{
	assert(pages <= run.n);
	return (struct run){ run.first + pages, run.n - pages, run.at + pages * run.page_bytes,
		             run.page_bytes };
}

size_t base_halve(size_t len, size_t page_bytes)
{
	return len / page_bytes / 2 * page_bytes;
}

int base_try_again(struct base *base, unsigned *tries)
{
	base_count(&base->retries, 1);
	if (++*tries > RETRIES_MAX) {
		base_say(base, DSM_LOG_ERROR, "userfaultfd refuses to go on, after %d retries",
		         RETRIES_MAX);
		return -EIO;
	}
	sched_yield();
	return 0;
}

/* ------------------------------------------------------------------ faults -- */

int base_read(struct base *base, struct uffd_msg *msg)
{
	for (;;) {
		ssize_t n = read(base->fd, msg, sizeof *msg);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		return n == sizeof *msg ? 1 : -EIO;
	}
}

struct trap_fault base_fault(const struct base *base, const struct uffd_msg *msg)
{
	const uint64_t write = UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP;
	void *addr = (void *)(uintptr_t)msg->arg.pagefault.address;
	int64_t page = region_page_of(base->region, addr);

	assert(page >= 0);
	return (struct trap_fault){
		.page = page,
		.address = msg->arg.pagefault.address,
		.thread = msg->arg.pagefault.feat.ptid,
		.write = !!(msg->arg.pagefault.flags & write),
	};
}

void base_count_fault(struct base *base, const struct trap_fault *fault)
{
	base_count(&base->faults, 1);
	base_count(&base->faults_write, fault->write);
}

int base_wake(struct trap *trap, uint64_t first, uint32_t n)
{
	struct base *base = base_of(trap);
	uint64_t end = first + n;

	assert(end <= base->region->pages);
	if (base->signal)
		return 0; /* nobody is blocked in the kernel */
	while (first < end) {
		struct run run = base_run(base, first, end - first);
		int r = uffd_wake(base->fd, run.at, run.n * run.page_bytes);

		if (r)
			return r;
		base_count(&base->wakes, run.n);
		first += run.n;
	}
	return 0;
}

/* ------------------------------------------------------------------- others -- */

enum trap_access base_access(const struct trap *trap, uint64_t page)
{
	return access_map_get(&base_of(trap)->map, page);
}

uint64_t base_next_touched(const struct trap *trap, uint64_t from)
{
	return access_map_next_touched(&base_of(trap)->map, from);
}

void base_stats(const struct trap *trap, struct trap_stats *out)
{
	const struct base *base = base_of(trap);

	*out = (struct trap_stats){
		.faults = atomic_load_explicit(&base->faults, memory_order_relaxed),
		.faults_write = atomic_load_explicit(&base->faults_write, memory_order_relaxed),
		.grants = atomic_load_explicit(&base->grants, memory_order_relaxed),
		.revokes = atomic_load_explicit(&base->revokes, memory_order_relaxed),
		.wakes = atomic_load_explicit(&base->wakes, memory_order_relaxed),
		.retries = atomic_load_explicit(&base->retries, memory_order_relaxed),
	};
}
