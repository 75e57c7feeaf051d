/* SPDX-License-Identifier: BSD-2-Clause */
/* What the children of test jobs do, and what is expected of them. */
#include "config.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/boot/job.h"
#include "tests/hang.h"

void set_env(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static size_t blob_fill(uint8_t *blob, int rank, int round)
{
	size_t len = (rank * 37u + round * 511u) % (BOOT_BLOB_MAX + 1);

	for (size_t i = 0; i < len; i++)
		blob[i] = (uint8_t)(rank * 7 + round * 13 + i);
	return len;
}

/* Nodes report the first thing that is wrong. */
int node_rounds(struct boot *boot, int rounds, struct job_report *r)
{
	static uint8_t all[BOOT_LOCAL_MAX * BOOT_BLOB_MAX];
	uint8_t mine[BOOT_BLOB_MAX], want[BOOT_BLOB_MAX];
	uint32_t lens[BOOT_LOCAL_MAX];

	memcpy(r->secret, boot->secret, sizeof r->secret);
	r->unguarded = boot->unguarded;
	for (int round = 0; round < rounds; round++) {
		size_t len = blob_fill(mine, boot->rank, round);

		r->code = boot->ops->allgather(boot, mine, len, all, BOOT_BLOB_MAX, lens, HANG_MS,
		                               r->why, sizeof r->why);
		for (int rank = 0; rank < boot->size && !r->code; rank++) {
			len = blob_fill(want, rank, round);
			if (lens[rank] != len || memcmp(all + rank * BOOT_BLOB_MAX, want, len)) {
				snprintf(r->why, sizeof r->why, "round %d: wrong blob of rank %d", round, rank);
				r->code = -EBADMSG;
			}
		}
		if (r->code)
			return r->code;
	}
	return 0;
}

void child_rounds(struct job *job, int rank, struct job_report *r)
{
	struct boot *boot;

	r->code = boot_open(NULL, &boot, r->why, sizeof r->why);
	if (r->code)
		return;
	r->joined = 1;
	if (boot->rank != rank || boot->size != job->nodes || !boot->one_machine ||
	    strcmp(boot->runtime_dir, job->dir) || strcmp(boot->job, strrchr(job->dir, '/') + 1))
		r->code = -EBADMSG;
	else if (!node_rounds(boot, 4, r))
		r->code = boot->ops->ended(boot, r->why, sizeof r->why);
	boot->ops->close(boot);
}

int is_secret(const uint8_t secret[BOOT_SECRET])
{
	static const uint8_t none[BOOT_SECRET];

	return memcmp(secret, none, sizeof none) != 0;
}

void expect_report(const struct job_report *r, int child, int code, const char *text)
{
	if (!r->done || r->code != code || !strstr(r->why, text))
		fprintf(stderr, "child %d: done %d, code %d, \"%s\"\n", child, r->done, r->code,
		        r->why);
	CU_ASSERT_EQUAL(r->done, 1);
	CU_ASSERT_EQUAL(r->code, code);
	CU_ASSERT_PTR_NOT_NULL(strstr(r->why, text));
}

void expect_reports(const struct job *job, int first, int end, int code, const char *text)
{
	for (int i = first; i < end; i++)
		expect_report(&job->reports[i], i, code, text);
}

void expect_invalid(const char *const (*bad)[3], size_t n, open_fn open_with)
{
	char why[512];

	for (size_t i = 0; i < n; i++) {
		int err = open_with(bad[i][0], bad[i][1], bad[i][2], why);

		if (err != -EINVAL || !why[0])
			fprintf(stderr, "case %zu: %d \"%s\"\n", i, err, why);
		CU_ASSERT_EQUAL(err, -EINVAL);
		CU_ASSERT_NOT_EQUAL(why[0], '\0');
	}
}

void child_open(struct job *job, int rank, struct job_report *r)
{
	struct boot *boot;

	r->code = boot_open(NULL, &boot, r->why, sizeof r->why);
	if (!r->code)
		boot->ops->close(boot);
}
