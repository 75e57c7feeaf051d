/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that two checkpoints of a chain have, beside pages that the older one has alone; and pages
 * that only the older one has, for they have been freed.
 *
 *	layers DIR    saves all pages, writes some, and saves those; then frees others, writes one, and
 *	              saves that
 *	layers        goes on from there: an old page first, then a newer one of the same run
 */
#include "dsm/dsm_checkpoint.h"
#include "tests/system/node.h"

enum { PAGES = 64, WORDS = 512, APART = 5 };

static uint64_t *at, *freed; /* at[1] says where that was */

static void save(const char *dir)
{
	struct dsm_checkpoint_args args = DSM_CHECKPOINT_ARGS_INIT;

	args.dir = dir;
	args.flags = DSM_CHECKPOINT_INCREMENTAL;
	OK(dsm_checkpoint(node.dsm, &args));
}

static void make(const char *dir)
{
	if (node.rank == 0) {
		OK(dsm_alloc(node.dsm, PAGES * WORDS * sizeof *at, 4096, 0, (void **)&at));
		for (unsigned p = 0; p < PAGES; p++)
			at[p * WORDS] = 1;
		OK(dsm_alloc(node.dsm, PAGES * WORDS * sizeof *freed, 4096, 0, (void **)&freed));
		for (unsigned i = 0; i < PAGES * WORDS; i++)
			freed[i] = 3;
		at[1] = (uint64_t)(uintptr_t)freed;
		OK(dsm_publish(node.dsm, "layers", at));
	}
	save(dir);
	if (node.rank == 0)
		for (unsigned p = 0; p < PAGES; p += APART)
			at[p * WORDS] = 2;
	save(dir);
	if (node.rank == 0) {
		OK(dsm_free(node.dsm, freed));
		at[WORDS] = 1;
	}
	save(dir);
}

static void go_on(void)
{
	OK(dsm_lookup(node.dsm, "layers", 0, (void **)&at));
	CHECK(at[1 * WORDS] == 1);
	for (unsigned p = 0; p < PAGES; p++)
		CHECK(at[p * WORDS] == (p % APART ? 1 : 2));
	node_barrier();
	/* The next who has that memory does not see what was in it. */
	if (node.rank == 0) {
		OK(dsm_alloc(node.dsm, PAGES * WORDS * sizeof *freed, 4096, 0, (void **)&freed));
		CHECK((uintptr_t)freed == at[1]);
		for (unsigned i = 0; i < PAGES * WORDS; i++)
			CHECK(freed[i] == 0);
	}
	node_barrier();
}

int main(int argc, char **argv)
{
	node_join("layers", 60);
	if (argc > 1)
		make(argv[1]);
	else
		go_on();
	node_leave();
	return 0;
}
