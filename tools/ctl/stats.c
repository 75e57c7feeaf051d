/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl stats: what the nodes of a job have counted. */
#include "config.h"

#include <getopt.h>

#include "tools/ctl/counts.h"
#include "tools/ctl/latency.h"
#include "tools/ctl/rates.h"
#include "tools/ctl/show.h"

enum { OPT_ALL = 256, OPT_EVERY, OPT_LATENCY };

static const struct ctl_option options[] = {
	{ OPT_ALL, "all", NULL, "all counters, not just those that matter most" },
	{ OPT_EVERY, "every", "SECONDS", "rates a second, so often, until the job ends" },
	{ OPT_LATENCY, "latency", NULL, "how long threads have waited, and for what" },
	{ 'j', "json", NULL, "print JSON, with all counters" },
	CTL_OPTION_HELP,
	{ 0 },
};

static void print_main(const char *dir, const struct answers *answers)
{
	show_head(dir, answers);
	counts_table(answers, false);
}

static void print_all(const char *dir, const struct answers *answers)
{
	show_head(dir, answers);
	counts_table(answers, true);
}

static const struct show show_main = { .request = "stats", .print = print_main,
	                               .total = counts_total };
static const struct show show_all = { .request = "stats", .print = print_all,
	                              .total = counts_total };

static int run(const struct ctl_command *command, int argc, char **argv)
{
	struct rates_options o = { 0 };
	bool latency = false;
	int c;

	while ((c = ctl_getopt(command, argc, argv)) != -1) {
		switch (c) {
		case OPT_ALL: o.all = true; break;
		case OPT_EVERY:
			if (!ctl_seconds(optarg, &o.every_s))
				return ctl_usage(command, "--every takes a number of seconds, not '%s'",
				                 optarg);
			break;
		case OPT_LATENCY: latency = true; break;
		case 'j': o.json = true; break;
		case 'h': ctl_help(command); return CTL_OK;
		default: return CTL_USAGE;
		}
	}
	if (latency && (o.all || o.every_s > 0))
		return ctl_usage(command, "--latency goes with neither --all nor --every");
	if (o.every_s > 0)
		return rates_run(command, &o, argc, argv);
	return show_jobs(command, latency ? &latency_show : o.all ? &show_all : &show_main, o.json,
	                 0, argc, argv);
}

const struct ctl_command ctl_stats = {
	.name = "stats",
	.args = "[JOB]",
	.help = "Shows what the nodes of your jobs have counted",
	.options = options,
	.run = run,
};
