/* SPDX-License-Identifier: BSD-2-Clause */
/* A page that a child does not get (process.h). */
#include "config.h"

#include "dsm/base/process.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By syscall(2), as all memory calls of ours: MPI libraries patch those of libc. */
const uint8_t *process_mark(void)
{
	const size_t len = sysconf(_SC_PAGESIZE);
	long at = syscall(SYS_mmap, NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	                  -1, 0);

	if (at == -1)
		return NULL;
	/* Every kernel with what the trap needs has it. */
	syscall(SYS_madvise, at, len, MADV_WIPEONFORK);
	*(uint8_t *)at = 1;
	return (uint8_t *)at;
}

void process_unmark(const uint8_t *mark)
{
	if (mark)
		syscall(SYS_munmap, mark, sysconf(_SC_PAGESIZE));
}
