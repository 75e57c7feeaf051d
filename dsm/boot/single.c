/* SPDX-License-Identifier: BSD-2-Clause */
/* The bootstrap of a job of one node: nobody to find. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/boot/ways.h"

static int single_allgather(struct boot *boot, const void *mine, size_t len, void *all,
                            size_t stride, uint32_t *lens, int timeout_ms, char *why,
                            size_t why_len)
{
	if (len > BOOT_BLOB_MAX || len > stride)
		return boot_why(why, why_len, -EMSGSIZE, "a blob of %zu bytes is too long", len);
	memcpy(all, mine, len);
	lens[0] = len;
	return 0;
}

static int single_fd(const struct boot *boot)
{
	return -1;
}

static int single_ended(struct boot *boot, char *why, size_t why_len)
{
	return 0;
}

static int single_fail(struct boot *boot, const char *why, int wait)
{
	return 0;
}

static void single_survive(struct boot *boot)
{
}

static int single_lost(struct boot *boot, int *rank, int *sure)
{
	return 0;
}

static int single_stop(struct boot *boot, int rank)
{
	return -ENOTSUP;
}

static int single_descriptors(const struct boot *boot, int *fds, int max)
{
	return 0;
}

static void single_close(struct boot *boot)
{
	free(boot);
}

static const struct boot_ops boot_single_ops = {
	.name = "single",
	.allgather = single_allgather,
	.fd = single_fd,
	.ended = single_ended,
	.fail = single_fail,
	.survive = single_survive,
	.lost_fd = single_fd,
	.lost = single_lost,
	.stop = single_stop,
	.descriptors = single_descriptors,
	.close = single_close,
};

int boot_single_open(struct boot **out)
{
	struct boot *boot = calloc(1, sizeof *boot);

	if (!boot)
		return -ENOMEM;
	boot->ops = &boot_single_ops;
	boot->size = 1;
	boot->one_machine = 1;
	boot->nodes_here = 1;
	*out = boot;
	return 0;
}
