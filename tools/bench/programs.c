/* SPDX-License-Identifier: BSD-2-Clause */
/* Where our other programs are, and running them. */
#include "tools/bench/programs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/bench.h"

/* Where dsm-bench is: installed, or in the build directory, perhaps in libtool's below that. */
static void own_directory(char path[PATH_MAX])
{
	const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		bench_fail("/proc/self/exe: %s", strerror(errno));
	*slash = '\0';
	slash = strrchr(path, '/');
	if (slash && strcmp(slash, "/.libs") == 0)
		*slash = '\0';
}

void program_path(char out[PROGRAM_MAX], const char *name)
{
	char dir[PATH_MAX], path[PATH_MAX + NAME_MAX];

	own_directory(dir);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	if (access(path, X_OK))
		snprintf(path, sizeof path, "%s/%s", PKGLIBEXECDIR, name);
	snprintf(out, PROGRAM_MAX, "'%s'", path);
}

void program_dsmctl(char out[PROGRAM_MAX])
{
	char dir[PATH_MAX];

	own_directory(dir);
	snprintf(out, PROGRAM_MAX, "'%s/dsmctl'", dir);
}

void program_job(char *out, size_t room, const char *options, const char *name, const char *arguments)
{
	char dsmctl[PROGRAM_MAX], program[PROGRAM_MAX];
	const struct options *o = bench.options;

	program_path(program, name);
	program_dsmctl(dsmctl);
	snprintf(out, room, "%s run --no-prefix -f %s%s%s %s -- %s %s", dsmctl, o->faults, o->provider ? " -p " : "",
	         o->provider ? o->provider : "", options, program, arguments);
}

FILE *program_begin(const char *line)
{
	static const char *const ours[] = { "DSM_JOB", "DSM_RANK", "DSM_SIZE", "DSM_RENDEZVOUS",
		                            "DSM_SECRET", "DSM_FAULTS" };
	char *kept[sizeof ours / sizeof *ours];
	FILE *out;

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		const char *value = getenv(ours[i]);

		kept[i] = value ? strdup(value) : NULL;
		unsetenv(ours[i]);
	}
	out = popen(line, "r");
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		if (kept[i])
			setenv(ours[i], kept[i], 1);
		free(kept[i]);
	}
	if (!out)
		bench_fail("popen: %s", strerror(errno));
	return out;
}
