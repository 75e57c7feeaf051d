/* SPDX-License-Identifier: BSD-2-Clause */
/* Which instruction has faulted, for dsmctl hot. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/node/node.h"

/* What proc_pid_syscall(5) says of a thread that waits in a fault: "-1 SP PC", or the number of
 * the system call that has faulted, its arguments, SP and PC. 0: it does not wait any more. */
static uint64_t pc_of(uint32_t thread)
{
	char path[48], text[256], *last;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof path, "/proc/self/task/%u/syscall", thread);
	descriptors_hold();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	descriptors_release();
	if (n <= 0)
		return 0;
	text[n] = 0;
	last = strrchr(text, ' ');
	return last ? strtoull(last, NULL, 16) : 0;
}

void node_sample_fault(struct dsm *d, const struct trap_fault *f)
{
	const uint64_t at = f->address - (uintptr_t)region_window_at(&d->memory.region, f->page);
	uint64_t pc;

	if (!lines_due(&d->lines, clock_now_ns()))
		return;
	pc = f->pc ? f->pc : pc_of(f->thread);
	if (pc && at < region_zone_of(&d->memory.region, f->page)->page_bytes)
		lines_note(&d->lines, pc, f->page, (uint32_t)at, f->write);
}
