/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of the process that a region must keep to, with a sentence when it does not. */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/start/steps.h"

int limits_of_space(const struct dsm *d)
{
	const uint64_t bytes = d->settings->region_bytes + d->settings->huge_bytes;
	struct rlimit space;

	if (getrlimit(RLIMIT_AS, &space) || space.rlim_cur == RLIM_INFINITY ||
	    space.rlim_cur / 2 > bytes)
		return 0;
	init_error_set("RLIMIT_AS (ulimit -v) is %llu bytes, too low for a region of %llu bytes, "
	               "which takes twice its size",
	               (unsigned long long)space.rlim_cur, (unsigned long long)bytes);
	return DSM_ERR_LIMIT;
}

int limits_of_files(const struct dsm *d)
{
	const struct settings *s = d->settings;
	uint64_t want = s->region_bytes > s->huge_bytes ? s->region_bytes : s->huge_bytes;
	struct rlimit files;

	if (want < LIMITS_PROVIDER_FILE)
		want = LIMITS_PROVIDER_FILE;
	if (getrlimit(RLIMIT_FSIZE, &files) || files.rlim_cur == RLIM_INFINITY ||
	    files.rlim_cur >= want)
		return 0;
	init_error_set("RLIMIT_FSIZE (ulimit -f) is %llu KiB, but the region is a file in memory, "
	               "empty at first, and needs %llu KiB: raise it, or ask for a smaller region "
	               "by DSM_REGION",
	               (unsigned long long)files.rlim_cur >> 10, (unsigned long long)want >> 10);
	return DSM_ERR_LIMIT;
}

/* What a node opens itself: 17 to 22, and a few more for a moment; before the transport is open,
 * and after. */
#define DESCRIPTORS_ALL 28
#define DESCRIPTORS_REST 16

int limits_of_descriptors(const struct dsm *d)
{
	unsigned connections = d->tr ? d->tr->ops->descriptors(d->tr) : 0;
	unsigned need = descriptors_want((d->tr ? DESCRIPTORS_REST : DESCRIPTORS_ALL) + connections);

	if (!need)
		return 0;
	if (d->tr)
		init_error_set(DESCRIPTORS_TOO_FEW "a node of %d over provider %s: raise it to %u",
		               d->boot->size, d->tr->ops->provider(d->tr), need);
	else
		init_error_set(DESCRIPTORS_TOO_FEW "a node: raise it to %u, and for a job over a "
		               "network by 2 for each other node", need);
	return DSM_ERR_LIMIT;
}

void limits_explain(int code)
{
	static const struct { int resource; const char *name; } limits[] = {
		{ RLIMIT_DATA, "RLIMIT_DATA (ulimit -d)" }, { RLIMIT_AS, "RLIMIT_AS (ulimit -v)" },
	};
	char said[512];
	struct rlimit limit;

	for (unsigned i = 0; code == DSM_ERR_NOMEM && i < sizeof limits / sizeof *limits; i++) {
		if (getrlimit(limits[i].resource, &limit) || limit.rlim_cur == RLIM_INFINITY)
			continue;
		snprintf(said, sizeof said, "%s", dsm_init_error());
		init_error_set("%s; %s is %llu KiB", said, limits[i].name,
		               (unsigned long long)limit.rlim_cur >> 10);
	}
	if (!strstr(dsm_init_error(), "RLIMIT_NOFILE") && descriptors_used_up()) {
		snprintf(said, sizeof said, "%s", dsm_init_error());
		init_error_set("%s; RLIMIT_NOFILE (ulimit -n) is %llu, and no descriptor is left", said,
		               descriptors_limit());
	}
}

/* CAP_IPC_LOCK: no limit counts. */
static int may_lock_all(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return !syscall(SYS_capget, &head, data) &&
	       (data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK));
}

int limits_of_pinning(const struct dsm *d)
{
	const struct budget *mine = &d->memory.budgets[d->boot->rank];
	uint64_t small = mine->bytes + (uint64_t)BUDGET_FLOOR_PAGES * mine->chunk;
	uint64_t want = d->settings->region_bytes + d->settings->huge_bytes;
	struct rlimit lock;

	if (!mine->both)
		small += d->settings->huge_bytes;
	if (want > small)
		want = small;
	if (d->view.on)
		want += view_landing_bytes(d);
	if (!d->tr->ops->pins_memory(d->tr) || getrlimit(RLIMIT_MEMLOCK, &lock) ||
	    lock.rlim_cur == RLIM_INFINITY || lock.rlim_cur >= want || may_lock_all())
		return 0;
	init_error_set("RLIMIT_MEMLOCK (ulimit -l) is %llu KiB, but provider %s pins the memory of "
	               "pages that it moves, up to %llu KiB: raise it, or ask for a smaller region "
	               "by DSM_REGION, or for a smaller part of it here by DSM_MEMORY",
	               (unsigned long long)lock.rlim_cur >> 10, d->tr->ops->provider(d->tr),
	               (unsigned long long)want >> 10);
	return DSM_ERR_LIMIT;
}
