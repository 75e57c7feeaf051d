/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program cannot have here, said by name when it asks for it. */
#include <errno.h>
#include <unistd.h>

#include "dsm/threads/threads.h"

/* The child would have no shared memory, so neither variables nor a stack. */
EXPORT pid_t fork(void)
{
	if (!is_program())
		return NEXT(fork)();
	threads_say("fork: " THREADS_NO_FORK);
	errno = ENOSYS;
	return -1;
}

/* Its memory would be this node's. */
EXPORT void *sbrk(intptr_t more)
{
	if (more > 0 && here.size > 1 && is_program())
		threads_say("sbrk: its memory is this node's own, and not of threads elsewhere");
	return NEXT(sbrk)(more);
}
