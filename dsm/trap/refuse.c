/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page that nobody is to get any more. A thread that waits for it in the kernel hears of no
 * signal but SIGKILL where that was a system call's access, and of none that it blocks: so it is
 * the page that has to answer.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "dsm/memory/memory.h"
#include "dsm/trap/base.h"

static int poison(struct base *base, struct run run)
{
	unsigned tries = 0;
	int r;

	for (;;) {
		r = uffd_poison(base->fd, run.at, run.page_bytes);
		if (r != -EAGAIN)
			return r;
		r = base_try_again(base, &tries);
		if (r)
			return r;
	}
}

/* Before Linux 6.6: what lies behind the end of an empty file answers alike. */
static int map_nothing(struct run run)
{
	int fd = memfd_create("dsm-nothing", MFD_CLOEXEC), r;
	void *got;

	if (fd < 0)
		return -errno;
	r = mm_map(run.at, run.page_bytes, PROT_READ | PROT_WRITE,
	           MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0, &got);
	close(fd);
	if (!r)
		mm_advise(run.at, run.page_bytes, MADV_DONTFORK);
	return r;
}

/* Its frame again. Whoever accesses it until that is trapped finds memory without access. */
static int map_frame(struct base *base, struct run run)
{
	const struct region_zone *zone = region_zone_of(base->region, run.first);
	void *got;
	int r = mm_map(run.at, run.page_bytes, PROT_NONE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED,
	               zone->memfd, (run.first - zone->first) * run.page_bytes, &got);

	if (!r)
		r = mm_unlock(run.at, run.page_bytes);
	if (!r)
		r = mm_advise(run.at, run.page_bytes, MADV_DONTFORK);
	if (!r)
		r = mm_advise(run.at, run.page_bytes, MADV_DONTDUMP);
	if (!r) {
		mm_advise(run.at, run.page_bytes, MADV_NOHUGEPAGE); /* see region_map() */
		r = uffd_register(base->fd, run.at, run.page_bytes, BASE_MODES_WP);
	}
	return r ? r : mm_protect(run.at, run.page_bytes, PROT_READ | PROT_WRITE);
}

int base_admit(struct base *base, struct run run)
{
	return base->no_poison ? map_frame(base, run) : 0;
}

int base_refuse(struct base *base, struct run run, int for_ever)
{
	int r = base_zap(run);

	if (r)
		return r;
	/* A marker of the protection that was there would keep the poison out. Whichever of the
	 * two this mapping has, the other one is refused. */
	if (uffd_writeprotect(base->fd, run.at, run.page_bytes, false))
		uffd_rwprotect(base->fd, run.at, run.page_bytes, false);
	r = base->no_poison ? -EOPNOTSUPP : poison(base, run);
	if (r && for_ever) {
		base->no_poison = true;
		r = map_nothing(run);
	}
	return r ? r : uffd_wake(base->fd, run.at, run.page_bytes);
}
