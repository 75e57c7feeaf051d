/* SPDX-License-Identifier: BSD-2-Clause */
/* Options from tables, so that what is parsed and what --help shows are one thing. */
#include "config.h"

#include <ctype.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/ctl/ctl.h"

#define OPTIONS_MAX 24
#define SECONDS_MAX 1e8

int ctl_getopt(const struct ctl_command *command, int argc, char **argv)
{
	struct option longs[OPTIONS_MAX + 1] = { { 0 } };
	char letters[2 + 2 * OPTIONS_MAX] = "+"; /* what follows the command is not ours */
	size_t n = 0, l = 1;
	int c;

	for (const struct ctl_option *o = command->options; o->name && n < OPTIONS_MAX; o++, n++) {
		longs[n].name = o->name;
		longs[n].has_arg = o->arg ? required_argument : no_argument;
		longs[n].val = o->letter;
		if (o->letter < 256) {
			letters[l++] = (char)o->letter;
			if (o->arg)
				letters[l++] = ':';
		}
	}
	c = getopt_long(argc, argv, letters, longs, NULL);
	if (c == '?')
		fprintf(stderr, "Try 'dsmctl %s --help'.\n", command->name);
	return c;
}

bool ctl_seconds(const char *text, double *seconds)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return false;
	*seconds = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*seconds) && *seconds > 0 &&
	       *seconds <= SECONDS_MAX;
}

void ctl_help(const struct ctl_command *command)
{
	char left[60];

	printf("usage: dsmctl %s [OPTIONS]%s%s\n%s.\n\n", command->name, command->args[0] ? " " : "",
	       command->args, command->help);
	for (const struct ctl_option *o = command->options; o->name; o++) {
		char letter[] = { '-', (char)o->letter, ',', '\0' };

		snprintf(left, sizeof left, "%-3s --%s%s%s", o->letter < 256 ? letter : "", o->name,
		         o->arg ? " " : "", o->arg ? o->arg : "");
		printf("  %-24s  %s\n", left, o->help);
	}
}

int ctl_usage(const struct ctl_command *command, const char *format, ...)
{
	va_list args;

	fputs("dsmctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry 'dsmctl %s --help'.\n", command->name);
	return CTL_USAGE;
}

void ctl_error(const char *format, ...)
{
	va_list args;

	fputs("dsmctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}
