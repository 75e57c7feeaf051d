/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of a run, and what is said about its outcome. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tests/explore/explore.h"

static const struct {
	const char *name;
	size_t at;
	const char *help;
} option[] = {
#define OPTION(name, help)                                    \
	{                                                     \
#name, offsetof(struct x_options, name), help \
	}
	OPTION(nodes, "nodes, up to 6"),
	OPTION(pages, "pages, up to 4"),
	OPTION(block, "pages of a block: homes in turn, so many pages at a time"),
	OPTION(slots, "requests a node may have outstanding"),
	OPTION(per_home, "... at one home"),
	OPTION(refreshes, "refreshes a home has under way at once; 0: as many as requests"),
	OPTION(migratory, "reads of a migratory page granted as writes, in a row; 0: none"),
	OPTION(pointers, "sharers kept by number; 0: one bit a node"),
	OPTION(maps, "... pages with more that a home can know exactly"),
	OPTION(group, "... nodes that share a bit of an inexact set"),
	OPTION(holds, "pages in tenure at once; 0: no tenure"),
	OPTION(evict, "1: pages are evicted at any time"),
	OPTION(atomics, "atomics outstanding in all; at most one per node and page"),
	OPTION(discards, "discards outstanding in all; at most one per node, of runs if there are"),
	OPTION(renews, "renewals of lost pages outstanding in all, likewise"),
	OPTION(futex, "threads that wait for a word at once, one of a node at most; and one wake"),
	OPTION(own, "... 1: in the queue of the library's own objects, whatever the word is"),
	OPTION(sync, "threads of a node that use mutex, condition and barrier; no pages then"),
	OPTION(only, "... 1: the mutex alone; 2: with the condition; 3: the barrier alone; 4: as 1, and nobody tries; 5: that and the barrier"),
	OPTION(faults, "0: nobody reads or writes pages"),
	OPTION(overtakes, "... threads woken from the condition that go before one that only locks"),
	OPTION(crashes, "nodes that die, at any time"),
	OPTION(secure, "the first so many pages are secure: two nodes hold what anybody may have seen"),
	OPTION(asks, "what threads ask for in all; 0: without end"),
	OPTION(exact, "... 1: requests keep their numbers, and claims to what is over stay; with renumber=0"),
	OPTION(outcomes, "... 1: count what is reached, but for such numbers"),
	OPTION(purge, "... 1: nothing from an older view arrives in a newer one, where it would be dropped"),
	OPTION(runs, "prefetches of up to so many pages at any time"),
	OPTION(writes, "faults writing that ask for up to so many pages"),
	OPTION(pins, "1: one node keeps what it holds as long as it waits for another page; 2: or another node does"),
	OPTION(pinner, "which node"),
	OPTION(threads, "pages a node's threads wait for at once; 0: any, and stale faults"),
	OPTION(one, "1: each effect is an event of its own"),
	OPTION(renumber, "0: states that differ in the numbers of transactions are different"),
	OPTION(symmetry, "0: states that differ in names only are different"),
	OPTION(lenient, "1: an honest event may be refused, and is lost then"),
	OPTION(live, "1: check for livelock"),
	OPTION(max_seconds, "give up after so long; 0: never"),
#undef OPTION
};
#define OPTIONS (sizeof option / sizeof *option)

static unsigned *value(struct x_options *o, unsigned i)
{
	return (unsigned *)((char *)o + option[i].at);
}

struct x_options x_defaults(void)
{
	return (struct x_options){
		.nodes = 2,
		.pages = 1,
		.block = 1,
		.slots = 4,
		.per_home = 4,
		.evict = 1,
		.faults = 1,
		.renumber = 1,
		.symmetry = 1,
		.live = 1,
		.max_states = 200000000,
	};
}

int x_option(struct x_options *o, const char *arg)
{
	if (strncmp(arg, "--", 2))
		return -1;
	arg += 2;
	if (!strncmp(arg, "max_states=", 11)) {
		o->max_states = strtoull(arg + 11, NULL, 0);
		return 0;
	}
	for (unsigned i = 0; i < OPTIONS; i++) {
		size_t len = strlen(option[i].name);
		if (strncmp(arg, option[i].name, len) || (arg[len] && arg[len] != '='))
			continue;
		*value(o, i) = arg[len] ? (unsigned)strtoul(arg + len + 1, NULL, 0) : 1;
		return 0;
	}
	return -1;
}

void x_options_parse(struct x_options *o, const char *run)
{
	char word[64] = "--";
	int used;

	for (; sscanf(run, " %61s%n", word + 2, &used) == 1; run += used)
		if (x_option(o, word)) {
			fprintf(stderr, "explore: no option %s\n", word);
			abort();
		}
}

void x_options_help(FILE *out)
{
	for (unsigned i = 0; i < OPTIONS; i++)
		fprintf(out, "  --%s=N\t%s\n", option[i].name, option[i].help);
	fprintf(out, "  --max_states=N\tgive up after so many\n");
}

void x_options_print(const struct x_options *o, FILE *out)
{
	static const char *const only[] = { "", " (the mutex)", " (no barrier)", " (the barrier)",
		                            " (the mutex, no tries)", " (the mutex, no tries, and the barrier)" };

	fprintf(out, "%u nodes x %u pages", o->nodes, o->pages);
	fprintf(out, " (blocks of %u; %u slots, %u a home):", o->block, o->slots, o->per_home);
	fprintf(out, "%s", o->evict && !o->sync ? " evictions" : "");
	if (o->atomics)
		fprintf(out, " atomics=%u", o->atomics);
	if (o->discards)
		fprintf(out, " discards=%u", o->discards);
	if (o->renews)
		fprintf(out, " renewals=%u", o->renews);
	if (o->futex)
		fprintf(out, " futex=%u%s", o->futex, o->own ? " of objects" : "");
	if (o->sync)
		fprintf(out, " locks, condition and barrier by %u threads each", o->sync);
	if (o->only)
		fprintf(out, "%s", only[o->only % 6]);
	if (!o->faults)
		fprintf(out, " no faults");
	if (o->overtakes)
		fprintf(out, " overtakes=%u", o->overtakes);
	if (o->refreshes)
		fprintf(out, " refreshes=%u", o->refreshes);
	if (o->migratory)
		fprintf(out, " migratory=%u", o->migratory);
	if (o->pointers)
		fprintf(out, " sharers by number=%u maps=%u group=%u", o->pointers, o->maps,
		        o->group);
	if (o->runs)
		fprintf(out, " runs of %u", o->runs);
	if (o->writes)
		fprintf(out, " runs for writing of %u", o->writes);
	if (o->crashes)
		fprintf(out, " crashes=%u%s", o->crashes, o->purge ? " purged" : "");
	if (o->secure)
		fprintf(out, " secure=%u", o->secure);
	if (o->asks)
		fprintf(out, " asks=%u%s", o->asks, o->exact ? " numbered" : "");
	if (o->holds)
		fprintf(out, " tenure");
	if (o->pins)
		fprintf(out, " pins=%u of %u", o->pins, o->pinner);
	if (o->threads)
		fprintf(out, " threads=%u", o->threads);
	fprintf(out, "%s%s%s%s%s\n", o->lenient ? " lenient" : "",
	        o->one ? " effects-one-by-one" : "", o->renumber ? "" : " no-renumbering",
	        o->symmetry ? "" : " no-symmetry", o->live ? " livelock" : "");
}

void x_result_print(const struct x_options *o, const struct x_result *r, FILE *out)
{
	/* Two of n states with the same hash of 64 bits: at most n^2 / 2^65. */
	double n = (double)r->states, missed = n * n / 36893488147419103232.0;

	x_options_print(o, out);
	fprintf(out,
	        "  %s: %llu states, %llu transitions, depth %u, %.2f s, %.0f states/s, %.2f GB\n",
	        r->violated   ? "VIOLATED"
	        : r->complete ? "complete"
	                      : "UNFINISHED",
	        (unsigned long long)r->states, (unsigned long long)r->transitions, r->depth,
	        r->seconds, n / (r->seconds + 1e-9), (double)r->memory_bytes * 1e-9);
	fprintf(out,
	        "  a core has %u states, %llu steps; at most %u messages and %u page writes "
	        "under way; a state was missed with probability < %.1e\n",
	        r->locals, (unsigned long long)r->steps, r->most_msgs, r->most_moves, missed);
	if (o->outcomes)
		fprintf(out, "  %u outcomes, %#llx\n", r->outcomes, (unsigned long long)r->outcomes_sum);
	if (r->violated)
		fprintf(out, "  %s (after %u events)\n", r->why, r->trace_len);
}
