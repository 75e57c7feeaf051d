/* SPDX-License-Identifier: BSD-2-Clause */
/* Processor, cores, kernel and versions. */
#include "config.h"

#include "tools/bench/machine.h"

#include <rdma/fabric.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

int machine_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		return CPU_COUNT(&set);
	return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static void processor(char *text, size_t len)
{
	char line[256];
	FILE *f = fopen("/proc/cpuinfo", "re");
	const char *at;

	snprintf(text, len, "unknown processor");
	while (f && fgets(line, sizeof line, f)) {
		if (strncmp(line, "model name", 10) || !(at = strchr(line, ':')))
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, len, "%s", at + 1 + strspn(at + 1, " \t"));
		break;
	}
	if (f)
		fclose(f);
}

void machine_describe(char *text, size_t len)
{
	const uint32_t fabric = fi_version();
	const int cores = machine_cores();
	struct utsname kernel = { 0 };
	char name[128];

	processor(name, sizeof name);
	uname(&kernel);
	snprintf(text, len, "%s, %d core%s, %s %s, libdsm " PACKAGE_VERSION ", libfabric %u.%u",
	         name, cores, cores == 1 ? "" : "s", kernel.sysname, kernel.release,
	         FI_MAJOR(fabric), FI_MINOR(fabric));
}

double machine_load(void)
{
	double load;

	return getloadavg(&load, 1) == 1 ? load : -1;
}
