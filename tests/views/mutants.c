/* SPDX-License-Identifier: BSD-2-Clause */
/* Each planted bug must be found by one of the standard configurations, or by one of its own. */
#include <string.h>

#include "tests/views/explore.h"

int views_mutant;

static const struct {
	int mutant;
	const char *name, *text;
} mutants[] = {
#define ROW(name, text) { VIEWS_MUT_##name, #name, text },
	VIEWS_MUTANT_LIST(ROW)
#undef ROW
};

/* Those that the short ones do not find: what it takes. */
static const struct {
	int mutant;
	struct v_options o;
} larger[] = {
	{ VIEWS_MUT_NO_PROMISE_ON_ENTRY,
	  { .name = "4 nodes, one lags, 2 alarms", .nodes = 4, .rule = VIEWS_MAJORITY, .alarms = 2,
	    .rounds = 1, .before = v_laggard, .victims = 8 } },
	{ VIEWS_MUT_BELIEVE_IN_SPITE,
	  { .name = "4 nodes, one lags, 2 alarms, nobody dead", .nodes = 4, .rule = VIEWS_MAJORITY,
	    .alarms = 2, .rounds = 1, .before = v_laggard_alarm, .victims = 8 } },
	{ VIEWS_MUT_OLDEST_BEST,
	  { .name = "3 nodes of two minds", .nodes = 3, .rule = VIEWS_MAJORITY, .alarms = 1, .rounds = 3,
	    .before = v_two_minds, .victims = V_NOBODY } },
};

static int finds(const struct v_options *o, const char *name)
{
	struct v_explorer x = { .o = *o };

	if (v_search(&x) == 0)
		return 0;
	printf("%-20s found: %s, in %u events, of %llu states (%s)\n", name, x.why, x.trace_len,
	       (unsigned long long)x.states, o->name);
	fflush(stdout);
	return 1;
}

static int is_found(int mutant, const char *name)
{
	views_mutant = mutant;
	for (unsigned i = 0; i < sizeof larger / sizeof *larger; i++)
		if (larger[i].mutant == mutant)
			return finds(&larger[i].o, name);
	for (unsigned i = 0; i < v_standards_n; i++)
		if (!v_standards[i].is_long && finds(&v_standards[i].o, name))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned missed = 0, n = sizeof mutants / sizeof *mutants, tried = 0;

	for (unsigned i = 0; i < n; i++) {
		if (argc > 1 && strcmp(argv[1], mutants[i].name))
			continue;
		tried++;
		if (is_found(mutants[i].mutant, mutants[i].name))
			continue;
		printf("%-20s MISSED: %s\n", mutants[i].name, mutants[i].text);
		fflush(stdout);
		missed++;
	}
	printf("%u of %u planted bugs found\n", tried - missed, tried);
	return missed || !tried;
}
