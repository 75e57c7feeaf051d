/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl run: its arguments. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/job/job.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/run.h"
#include "tools/ctl/threads.h"

enum { OPT_NO_PREFIX = 256, OPT_RESTORE, OPT_RESTORE_PAGES, OPT_THREADS, OPT_PLACE, OPT_SURVIVE };

static const struct ctl_option options[] = {
	{ 'n', "nodes", "N", "how many nodes to start, 1 to 64; must be given" },
	{ 'p', "provider", "P", "libfabric provider, e.g. tcp (DSM_PROVIDER)" },
	{ 'r', "region", "SIZE", "size of the shared region, with K, M, G or T (DSM_REGION)" },
	{ 'f', "faults", "MODE", "how faults are delivered: event, signal or auto (DSM_FAULTS)" },
	{ 'l', "log", "LEVEL", "log: none, error, warn, info, debug or trace (DSM_LOG)" },
	{ 't', "timeout", "SECONDS", "end the job after that time, with status 124" },
	{ OPT_RESTORE, "restore", "DIR", "go on from the checkpoint in DIR (DSM_RESTORE)" },
	{ OPT_RESTORE_PAGES, "restore-pages", "SIZE", "in which pages: small, huge or auto (DSM_RESTORE_PAGES)" },
	{ OPT_SURVIVE, "survive", NULL, "keep the others running when a node is lost (DSM_ON_LOSS=continue)" },
	{ OPT_THREADS, "threads", NULL, "COMMAND is one program with threads, which the nodes share" },
	{ OPT_PLACE, "place", "LIST", "with --threads: round-robin, pack, or nodes such as 0,1,1" },
	{ OPT_NO_PREFIX, "no-prefix", NULL, "no \"[RANK] \" in front of the nodes' lines" },
	CTL_OPTION_HELP,
	{ 0 },
};

static bool one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

static bool is_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	const char *units = "KMGT", *unit = NULL;
	unsigned long long value;
	int shift = 0;

	if (digits == 0)
		return false;
	if (text[digits]) {
		unit = strchr(units, text[digits]);
		if (!unit || text[digits + 1])
			return false;
		shift = 10 * (int)(unit - units + 1);
	}
	errno = 0;
	value = strtoull(text, NULL, 10);
	return errno == 0 && value > 0 && value <= UINT64_MAX >> shift;
}

static bool parse_nodes(const char *text, int *nodes)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 4 || text[digits])
		return false;
	*nodes = atoi(text);
	return *nodes >= 1 && *nodes <= BOOT_LOCAL_MAX;
}

/* Checks what only the nodes would find otherwise, each for itself. 0 or CTL_USAGE. */
static int option_take(const struct ctl_command *command, int c, struct run_options *o)
{
	static const char *const levels[] = { "none", "error", "warn", "info", "debug", "trace", NULL };
	static const char *const faults[] = { "auto", "event", "signal", NULL };
	static const char *const pages[] = { "auto", "small", "huge", NULL };

	switch (c) {
	case 'n':
		if (!parse_nodes(optarg, &o->nodes))
			return ctl_usage(command, "-n takes a number from 1 to %d, not '%s'",
			                 BOOT_LOCAL_MAX, optarg);
		return 0;
	case 'p':
		o->provider = optarg;
		return *optarg ? 0 : ctl_usage(command, "--provider is empty");
	case 'r':
		o->region = optarg;
		return is_size(optarg) ? 0
		                       : ctl_usage(command, "--region takes a size such as 512M, not '%s'",
		                                   optarg);
	case 'f':
		o->faults = optarg;
		return one_of(optarg, faults)
		           ? 0
		           : ctl_usage(command, "--faults is event, signal or auto, not '%s'", optarg);
	case 'l':
		o->log = optarg;
		return one_of(optarg, levels)
		           ? 0
		           : ctl_usage(command, "--log is none, error, warn, info, debug or trace, not '%s'",
		                       optarg);
	case 't':
		return ctl_seconds(optarg, &o->limit_s)
		           ? 0
		           : ctl_usage(command, "-t takes a number of seconds, not '%s'", optarg);
	case OPT_RESTORE:
		o->restore = optarg;
		return *optarg ? 0 : ctl_usage(command, "--restore is empty");
	case OPT_RESTORE_PAGES:
		o->restore_pages = optarg;
		return one_of(optarg, pages)
		           ? 0
		           : ctl_usage(command, "--restore-pages is small, huge or auto, not '%s'", optarg);
	case OPT_SURVIVE:
		o->survive = true;
		return 0;
	case OPT_THREADS:
		o->threads = true;
		o->prefix = false; /* it is one program */
		return 0;
	case OPT_PLACE:
		o->place = optarg;
		return threads_is_place(optarg, 0)
		           ? 0
		           : ctl_usage(command, "--place takes round-robin, pack or nodes such as 0,1,1, "
		                       "not '%s'", optarg);
	case OPT_NO_PREFIX:
		o->prefix = false;
		return 0;
	default:
		return CTL_USAGE; /* told already */
	}
}

static int run_run(const struct ctl_command *command, int argc, char **argv)
{
	struct run_options o = { .prefix = true };
	int c;

	while ((c = ctl_getopt(command, argc, argv)) != -1) {
		if (c == 'h') {
			ctl_help(command);
			return CTL_OK;
		}
		if (option_take(command, c, &o))
			return CTL_USAGE;
	}
	if (o.nodes == 0)
		return ctl_usage(command, "how many nodes? -n N tells");
	if (!argv[optind])
		return ctl_usage(command, "which command is each node to run?");
	if (o.place && !o.threads)
		return ctl_usage(command, "--place is for --threads");
	if (o.place && !threads_is_place(o.place, o.nodes))
		return ctl_usage(command, "--place names a node that is not there: '%s'", o.place);
	if (o.threads && o.restore)
		return ctl_usage(command, "threads cannot be restored: --restore is not for --threads");
	if (o.restore_pages && !o.restore)
		return ctl_usage(command, "--restore-pages is for --restore");
	if (o.threads && o.faults && strcmp(o.faults, "event"))
		return ctl_usage(command, "--threads needs faults as events");
	o.argv = argv + optind;
	return crew_run(&o);
}

const struct ctl_command ctl_run = {
	.name = "run",
	.args = "-n N [--] COMMAND [ARGUMENTS]",
	.help = "Starts a job of N nodes on this machine, each running COMMAND",
	.options = options,
	.run = run_run,
};
