/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * False sharing: each node counts on its own, but the counters are neighbours in one page, which the
 * nodes take from each other. docs/tracing.md finds that. With a page for each there is none.
 *
 *	dsmctl run -n 2 examples/neighbours [apart]     until interrupted
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <dsm.h>
#include <dsm_coll.h>

#define NODES_MAX 64
#define PAGE 4096

int main(int argc, char **argv)
{
	const int apart = argc > 1 && strcmp(argv[1], "apart") == 0;
	const size_t stride = apart ? PAGE : sizeof(uint64_t);
	volatile uint64_t *mine;
	void *counters;
	dsm_t *dsm;

	if (dsm_init(NULL, &dsm)) {
		fprintf(stderr, "dsm_init: %s\n", dsm_init_error());
		return 1;
	}
	if (dsm_size(dsm) > NODES_MAX ||
	    dsm_shared(dsm, "counters", NODES_MAX * PAGE, 0, &counters))
		return 1;
	mine = (uint64_t *)((char *)counters + (size_t)dsm_rank(dsm) * stride);
	for (;;)
		++*mine;
}
