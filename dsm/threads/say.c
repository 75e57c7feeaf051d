/* SPDX-License-Identifier: BSD-2-Clause */
/* What the program is told, on node 0's standard error: what it cannot have. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dsm/threads/threads.h"

#define LINES_MAX 20

void threads_say(const char *text)
{
	static uint32_t said;
	char line[256];

	if (__atomic_fetch_add(&said, 1, __ATOMIC_RELAXED) >= LINES_MAX)
		return;
	snprintf(line, sizeof line, "libdsm-threads: node %d: %s\n", here.rank, text);
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		return;
}
