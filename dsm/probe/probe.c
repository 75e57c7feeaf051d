/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_probe: what a node could do here. Its parts are probe_kernel.c and so on. */
#include "dsm/probe/probe.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/base/base.h"

static void tell(struct probe *p, const char *name, enum dsm_probe_state state,
                 const char *advice, const char *format, va_list args)
{
	char text[512];
	struct dsm_finding finding = {.name = name, .state = state, .text = text, .advice = advice};

	vsnprintf(text, sizeof text, format, args);
	p->fn(p->ctx, &finding);
}

void probe_ok(struct probe *p, const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(p, name, DSM_PROBE_OK, "", format, args);
	va_end(args);
}

void probe_less(struct probe *p, const char *name, const char *advice, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(p, name, DSM_PROBE_LESS, advice, format, args);
	va_end(args);
}

void probe_bad(struct probe *p, int code, const char *name, const char *advice,
               const char *format, ...)
{
	va_list args;

	if (!p->code)
		p->code = code;
	va_start(args, format);
	tell(p, name, DSM_PROBE_BAD, advice, format, args);
	va_end(args);
}

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

int dsm_probe(const struct dsm_config *config, dsm_probe_fn fn, void *ctx)
{
	struct probe p = {.fn = fn, .ctx = ctx};
	struct log log = {0};
	int rc;

	init_error_set("%s", "");
	if (!fn)
		return DSM_ERR_INVAL;
	rc = node_become();
	if (rc)
		return rc;
	rc = settings_read(config, &p.settings, &log);
	if (rc == 0) {
		probe_kernel(&p);
		probe_memory(&p);
		probe_network(&p);
		rc = p.code;
	}
	node_cease();
	return rc;
}
