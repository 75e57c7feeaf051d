/* SPDX-License-Identifier: BSD-2-Clause */
/* Where an instruction of another process is in its files, without libdw. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/code.h"

struct code {
	pid_t pid;
};

struct code *code_open(pid_t pid)
{
	struct code *code = malloc(sizeof *code);

	if (code)
		code->pid = pid;
	return code;
}

void code_close(struct code *code)
{
	free(code);
}

/* Lines of proc_pid_maps(5). A module begins where its first bytes are mapped. */
int code_find(struct code *code, uint64_t pc, struct code_place *out)
{
	char path[40], line[512], name[256];
	uint64_t from, to, offset, start = 0;
	int found = -1;
	FILE *f;

	memset(out, 0, sizeof *out);
	snprintf(path, sizeof path, "/proc/%d/maps", (int)code->pid);
	f = fopen(path, "re");
	while (f && found && fgets(line, sizeof line, f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %255[^\n]", &from,
		           &to, &offset, name) != 4)
			continue;
		if (offset == 0)
			start = from;
		if (pc < from || pc >= to)
			continue;
		memcpy(out->module, name, sizeof out->module);
		out->offset = pc - start;
		found = 0;
	}
	if (f)
		fclose(f);
	return found;
}
