/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program cannot have here, said by name when it asks for it. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
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

/* What the loader keeps of an object is this process's, and its own threads look at it. Other nodes do
 * not have the object, nor its variables. */
EXPORT void *dlopen(const char *file, int mode)
{
	void *object, *there = NULL;
	char line[200];

	private_depth++;
	if (file && here.ready && here.size > 1)
		there = NEXT(dlopen)(file, RTLD_NOLOAD | RTLD_LAZY);
	object = NEXT(dlopen)(file, mode);
	private_depth--;
	if (there)
		dlclose(there);
	else if (file && object && here.ready && here.size > 1) {
		snprintf(line, sizeof line, "dlopen: %s is there for threads of this node only: "
		                            "one elsewhere that calls it fails", file);
		threads_say(line);
	}
	return object;
}

/* Its memory would be this node's. */
EXPORT void *sbrk(intptr_t more)
{
	if (more > 0 && here.size > 1 && is_program())
		threads_say("sbrk: its memory is this node's own, and not of threads elsewhere");
	return NEXT(sbrk)(more);
}
