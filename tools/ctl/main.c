/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl: starts jobs on this machine, watches them, and clears up after them. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctl/ctl.h"

static const struct ctl_command *const commands[] = {
	&ctl_run, &ctl_status, &ctl_stats, &ctl_audit, &ctl_hot, &ctl_top, &ctl_metrics,
	&ctl_trace, &ctl_heatmap, &ctl_checkpoint, &ctl_kill, &ctl_clean, &ctl_doctor,
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static void help(void)
{
	printf("usage: dsmctl COMMAND [ARGUMENTS]\n"
	       "       dsmctl help [COMMAND] | version\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-10s  %s\n", commands[i]->name, commands[i]->help);
	printf("\n'dsmctl COMMAND --help' tells more.\n");
}

/* Descriptors 0 to 2 must not become a pipe or socket of ours. */
static void keep_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* argv[1] names a command. */
static int command_run(int argc, char **argv)
{
	static char name[64];

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i]->name) != 0)
			continue;
		snprintf(name, sizeof name, "dsmctl %s", commands[i]->name);
		argv[1] = name; /* getopt's messages begin with it */
		return commands[i]->run(commands[i], argc - 1, argv + 1);
	}
	fprintf(stderr, "dsmctl: there is no command '%s'\nTry 'dsmctl --help'.\n", argv[1]);
	return CTL_USAGE;
}

/* "help COMMAND" is "COMMAND --help". */
static int help_of(int argc, char **argv)
{
	static char option[] = "--help";
	char *words[] = { argv[0], argc == 3 ? argv[2] : NULL, option, NULL };

	if (argc > 3) {
		fputs("dsmctl: help of one command at a time\n", stderr);
		return CTL_USAGE;
	}
	if (argc == 3)
		return command_run(3, words);
	help();
	return CTL_OK;
}

int main(int argc, char **argv)
{
	keep_descriptors();
	if (argc < 2) {
		fputs("dsmctl: which command?\nTry 'dsmctl --help'.\n", stderr);
		return CTL_USAGE;
	}
	if (strcmp(argv[1], "help") == 0)
		return help_of(argc, argv);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help();
		return CTL_OK;
	}
	if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0 ||
	    strcmp(argv[1], "-V") == 0) {
		printf("dsmctl %s\n", PACKAGE_VERSION);
		return CTL_OK;
	}
	return command_run(argc, argv);
}
