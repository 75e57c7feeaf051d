/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the system say. */
#include "dsm/probe/probe.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int probe_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int n = 0;

	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

void probe_line(const char *path, char *out, int len)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(out, len, f))
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (f)
		fclose(f);
}

long long probe_number(const char *path, long long otherwise)
{
	char line[32], *end;
	long long n;

	probe_line(path, line, sizeof line);
	n = strtoll(line, &end, 10);
	return end == line ? otherwise : n;
}
