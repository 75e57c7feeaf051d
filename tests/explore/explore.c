/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explore              the short standard runs, for make check
 * explore long         the same, and the long ones
 * explore --nodes=3 .. one run; without a --option there are its defaults
 *
 * Exits 0 when all was complete and nothing was violated.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/explore/explore.h"
#include "tests/hang.h"

static int usage(void)
{
	fprintf(stderr, "usage: explore [long | --option=N ...]\n");
	x_options_help(stderr);
	return 2;
}

static int one_run(int argc, char **argv)
{
	struct x_options o = x_defaults();
	struct x_result r;

	for (int i = 1; i < argc; i++)
		if (x_option(&o, argv[i]))
			return usage();
	x_explore(&o, stdout, &r);
	x_result_print(&o, &r, stdout);
	return r.violated ? 1 : r.complete ? 0 : 2;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 1 && HANG_ONE_THREAD) {
		printf("skipped: a search by one thread: ThreadSanitizer sees nothing in it\n");
		return 77;
	}
	if (argc == 1) {
		alarm(1800);
		return x_standard(0, stdout) != 0;
	}
	if (argc == 2 && !strcmp(argv[1], "long"))
		return x_standard(1, stdout) != 0;
	return one_run(argc, argv);
}
