/* SPDX-License-Identifier: BSD-2-Clause */
/* What all teams have. */
#include "tools/bench/apps/team.h"

#include <stdlib.h>

#include "tools/bench/bench.h"

void *team_take(struct team *t, size_t bytes)
{
	void *at = t->memory + t->taken;

	t->taken += (bytes + TEAM_PAGE - 1) / TEAM_PAGE * TEAM_PAGE;
	if (t->taken > t->bytes)
		bench_fail("a kernel takes more memory than it says");
	return at;
}

void *team_private(size_t bytes)
{
	void *at = calloc(1, bytes);

	if (!at)
		bench_fail("out of memory");
	return at;
}
