/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of bytes in configuration and environment. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/start/settings.h"

/* A number with an optional suffix K, M, G or T. */
int settings_bytes(const char *text, uint64_t *out)
{
	static const char suffix[] = "KMGT";
	const char *at;
	char *end;
	unsigned shift = 0;
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	if (*end && (at = strchr(suffix, *end))) {
		shift = 10 * (at - suffix + 1);
		end++;
	}
	if (*end)
		return -EINVAL;
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	*out = (uint64_t)value << shift;
	return 0;
}

int settings_not_a_size(const char *name, const char *text)
{
	init_error_set(
		"%s is '%s'; it must be a whole number of bytes, or of KiB, MiB, GiB or TiB with "
		"K, M, G or T right behind it, such as 512M",
		name, text);
	return DSM_ERR_CONFIG;
}
