/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What we ask of libfabric as a whole, which takes such things from environment variables only,
 * once, when it is first called.
 *
 * Threads of the program may be in getenv(3) then, and setenv(3) would move the array of
 * variables under their eyes: they would read freed memory. So environ is made to point at a copy
 * with more in it. The array before it stays as it is, for who is reading it; the copy stays for
 * good, for it is the program's environment then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/ofi.h"
#include "transport/ofi_impl.h"

#define ENVIRONMENT_BYTES 64

/* The variable of NAME=VALUE. What is set already stays. */
static int environment_has(const char *text)
{
	size_t len = strcspn(text, "=") + 1;

	for (char **at = environ; at && *at; at++)
		if (!strncmp(*at, text, len))
			return 1;
	return 0;
}

/* In one block: the array, and behind it the text. */
static int environment_add(const char *text)
{
	size_t n = 0;
	char **made;

	if (environment_has(text))
		return 0;
	while (environ && environ[n])
		n++;
	made = malloc((n + 2) * sizeof(*made) + strlen(text) + 1);
	if (!made)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		made[i] = environ[i];
	made[n] = strcpy((char *)(made + n + 2), text);
	made[n + 1] = NULL;
	/* Whoever reads the pointer finds what it points at. */
	__atomic_store_n(&environ, made, __ATOMIC_RELEASE);
	return 0;
}

int ofi_environment(unsigned nodes)
{
	char text[ENVIRONMENT_BYTES];
	/* Its registration cache would watch our memory with a userfaultfd of its own. */
	int rc = environment_add("FI_MR_CACHE_MONITOR=disabled");

	/* Sizes queues by it; the default is too large for some completion queues. */
	snprintf(text, sizeof(text), "FI_UNIVERSE_SIZE=%u", nodes < 2 ? 2 : nodes);
	return rc ? rc : environment_add(text);
}
