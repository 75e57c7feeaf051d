/* SPDX-License-Identifier: BSD-2-Clause */
/* Explores the standard configurations; or one: explore NODES RULE DEATHS ALARMS CUTS SILENCE ROUNDS. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/views/explore.h"

static int explore(const struct v_options *o)
{
	struct v_explorer x = { .o = *o, .out = stdout };
	struct timespec a, b;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &a);
	rc = v_search(&x);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%-40s %10llu states %11llu edges %8llu steps %6.1f s%s\n", o->name,
	       (unsigned long long)x.states, (unsigned long long)x.edges,
	       (unsigned long long)x.steps,
	       (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec),
	       rc ? "  VIOLATED" : x.truncated ? "  cut" : "");
	fflush(stdout);
	return rc;
}

int main(int argc, char **argv)
{
	int is_long = argc == 2 && strcmp(argv[1], "long") == 0, failures = 0;

	if (argc >= 8) {
		struct v_options o = { .name = "as asked", .nodes = (unsigned)atoi(argv[1]),
			               .rule = strcmp(argv[2], "starter") ? VIEWS_MAJORITY
			                                                  : VIEWS_STARTER,
			               .deaths = (unsigned)atoi(argv[3]),
			               .alarms = (unsigned)atoi(argv[4]),
			               .cuts = (unsigned)atoi(argv[5]),
			               .silence = (unsigned)atoi(argv[6]),
			               .rounds = (unsigned)atoi(argv[7]),
			               .max_states = argc > 8 ? strtoull(argv[8], NULL, 10) : 0 };

		if (o.nodes < 1 || o.nodes > V_NODES) {
			fprintf(stderr, "explore: 1 to %d nodes\n", V_NODES);
			return 2;
		}
		return explore(&o) != 0;
	}
	for (unsigned i = 0; i < v_standards_n; i++)
		if (is_long || !v_standards[i].is_long)
			failures += explore(&v_standards[i].o) != 0;
	return failures != 0;
}
