/* SPDX-License-Identifier: BSD-2-Clause */
/* Chooses how the nodes find each other, by the environment, which it checks. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/boot/bootmsg.h"

/* Plain decimal digits only. -1 when text is anything else, or above 9999. */
static int boot_number(const char *text)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 4 || text[n] != '\0')
		return -1;
	return atoi(text);
}

int boot_open(struct boot **out, char *why, size_t why_len)
{
	const char *dir = getenv("DSM_JOB"), *rank_text = getenv("DSM_RANK");
	const char *size_text = getenv("DSM_SIZE");
	int rank, size;

	if (!dir && !rank_text && !size_text) {
		if (boot_single_open(out))
			return boot_why(why, why_len, -ENOMEM, "out of memory");
		return 0;
	}
	if (!dir || !rank_text || !size_text)
		return boot_why(why, why_len, -EINVAL,
		                "DSM_JOB, DSM_RANK and DSM_SIZE go together, but %s is not set",
		                !dir ? "DSM_JOB" : !rank_text ? "DSM_RANK" : "DSM_SIZE");
	if (dir[0] != '/')
		return boot_why(why, why_len, -EINVAL, "DSM_JOB is not an absolute path: \"%.80s\"",
		                dir);
	if (strlen(dir) > BOOT_DIR_MAX)
		return boot_why(why, why_len, -EINVAL,
		                "DSM_JOB is %zu bytes long, but at most %d fit a socket's path",
		                strlen(dir), BOOT_DIR_MAX);
	size = boot_number(size_text);
	if (size < 1 || size > BOOT_LOCAL_MAX)
		return boot_why(why, why_len, -EINVAL, "DSM_SIZE is not a number from 1 to %d: \"%.20s\"",
		                BOOT_LOCAL_MAX, size_text);
	rank = boot_number(rank_text);
	if (rank < 0 || rank >= size)
		return boot_why(why, why_len, -EINVAL,
		                "DSM_RANK is not a number from 0 to DSM_SIZE-1 (%d): \"%.20s\"",
		                size - 1, rank_text);
	return boot_local_open(dir, rank, size, out, why, why_len);
}
