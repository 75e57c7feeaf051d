/* SPDX-License-Identifier: BSD-2-Clause */
/* What ours stand before, and how a node gives up. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/threads/threads.h"

struct here here;
TLS int private_depth;
TLS uintptr_t load_at;
TLS bool loading;
TLS struct thread *mine;

void *next_symbol(const char *name)
{
	void *found;

	private_depth++; /* dlsym may allocate */
	found = dlsym(RTLD_NEXT, name);
	private_depth--;
	if (!found)
		threads_die("libc has no %s", name);
	return found;
}

/* libc's, and not those that ours stand before. */
ssize_t __write(int fd, const void *at, size_t bytes);

static _Noreturn void end_process(void)
{
	for (;;)
		__asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(1) : "rcx", "r11", "memory");
}

/* By write(2): stdio may be in memory that is no more. */
void threads_die(const char *format, ...)
{
	char text[512] = "libdsm-threads: ";
	const size_t start = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + start, sizeof text - start - 1, format, args);
	va_end(args);
	strcat(text, "\n");
	if (__write(STDERR_FILENO, text, strlen(text)) < 0)
		end_process();
	end_process();
}

int threads_check(int rc, const char *what)
{
	if (rc < 0)
		threads_die("%s: %s", what, dsm_strerror(rc));
	return rc;
}
