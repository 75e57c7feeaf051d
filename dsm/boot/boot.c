/* SPDX-License-Identifier: BSD-2-Clause */
/* Chooses how the nodes find each other, by the environment, which it checks. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/boot/keeper.h"
#include "dsm/boot/tcp.h"
#include "dsm/boot/ways.h"

/* Plain decimal digits only. -1 when text is anything else, or above 9999. */
static int boot_number(const char *text)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 4 || text[n] != '\0')
		return -1;
	return atoi(text);
}

static int boot_check_dir(const char *dir, char *why, size_t why_len)
{
	if (dir[0] != '/')
		return boot_why(why, why_len, -EINVAL, "DSM_JOB is not an absolute path: \"%.80s\"",
		                dir);
	if (strlen(dir) > BOOT_DIR_MAX)
		return boot_why(why, why_len, -EINVAL,
		                "DSM_JOB is %zu bytes long, but at most %d fit a socket's path",
		                strlen(dir), BOOT_DIR_MAX);
	return 0;
}

/* Where the job is: one of dir and place, with rank and size. */
static int boot_check(const char *dir, const char *place, const char *rank, const char *size,
                      char *why, size_t why_len)
{
	if (dir && place)
		return boot_why(why, why_len, -EINVAL,
		                "DSM_JOB and DSM_RENDEZVOUS are two ways of starting: set one");
	if (place && (!rank || !size))
		return boot_why(why, why_len, -EINVAL,
		                "DSM_RENDEZVOUS, DSM_RANK and DSM_SIZE go together, but %s is not set",
		                !rank ? "DSM_RANK" : "DSM_SIZE");
	if (place)
		return 0;
	if (!dir || !rank || !size)
		return boot_why(why, why_len, -EINVAL,
		                "DSM_JOB, DSM_RANK and DSM_SIZE go together, but %s is not set",
		                !dir ? "DSM_JOB (or DSM_RENDEZVOUS)" : !rank ? "DSM_RANK" : "DSM_SIZE");
	return boot_check_dir(dir, why, why_len);
}

static int open_way(const struct boot_config *config, struct boot **out, char *why,
                    size_t why_len)
{
	const char *dir = getenv("DSM_JOB"), *place = getenv("DSM_RENDEZVOUS");
	const char *rank_text = getenv("DSM_RANK"), *size_text = getenv("DSM_SIZE");
	int timeout_ms = config && config->timeout_ms ? config->timeout_ms : BOOT_TIMEOUT_MS;
	int rank, size, err, size_max = place ? TCP_NODES_MAX : BOOT_LOCAL_MAX;

	if (config && config->allgather)
		return boot_exchange_open(config, timeout_ms, out, why, why_len);
	if (!dir && !place && !rank_text && !size_text) {
		if (getenv("PMIX_NAMESPACE") && getenv("PMIX_RANK"))
			return boot_pmix_open(timeout_ms, out, why, why_len);
		if (boot_single_open(out))
			return boot_why(why, why_len, -ENOMEM, "out of memory");
		return 0;
	}
	err = boot_check(dir, place, rank_text, size_text, why, why_len);
	if (err)
		return err;
	size = boot_number(size_text);
	if (size < 1 || size > size_max)
		return boot_why(why, why_len, -EINVAL, "DSM_SIZE is not a number from 1 to %d: \"%.20s\"",
		                size_max, size_text);
	rank = boot_number(rank_text);
	if (rank < 0 || rank >= size)
		return boot_why(why, why_len, -EINVAL,
		                "DSM_RANK is not a number from 0 to DSM_SIZE-1 (%d): \"%.20s\"",
		                size - 1, rank_text);
	if (place)
		return boot_hand_open(place, rank, size, timeout_ms, out, why, why_len);
	return boot_local_open(dir, rank, size, out, why, why_len);
}

int boot_open(const struct boot_config *config, struct boot **out, char *why, size_t why_len)
{
	int err = open_way(config, out, why, why_len);

	if (!err)
		*out = boot_keep(*out);
	return err;
}
