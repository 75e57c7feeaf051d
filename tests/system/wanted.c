/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that looks whether it is to save itself, for checkpoint_wanted.sh:
 *
 *	wanted asks STOP      and does so; to the directory "own" where nobody has said which
 *	wanted ignores STOP   and does not
 *	wanted computes STOP  it never looks
 *
 * until the file STOP is there. All nodes hear the same in each turn.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dsm/dsm_checkpoint.h"
#include "dsm/dsm_coll.h"
#include "tests/system/node.h"

static void save(const char *dir, uint64_t turn)
{
	struct dsm_checkpoint_args a = DSM_CHECKPOINT_ARGS_INIT;
	int rc;

	a.dir = dir;
	a.private_data = &turn;
	a.private_bytes = sizeof turn;
	rc = dsm_checkpoint(node.dsm, &a);
	if (node.rank == 0)
		printf("%s %s\n", rc ? "cannot save to" : "saved to", dir);
	fflush(stdout);
}

/* One turn; whether it was told to save itself. */
static int look(const char *stop, int asks, const char **dir, int32_t *ends)
{
	int32_t all[2];
	int wanted = asks ? dsm_checkpoint_wanted(node.dsm, dir) : 0;

	CHECK(wanted >= 0);
	all[0] = wanted;
	all[1] = -wanted;
	OK(dsm_reduce(node.dsm, all, 2, DSM_INT32, DSM_MAX));
	CHECK(all[0] == -all[1]);
	*ends = node.rank == 0 && access(stop, F_OK) == 0;
	OK(dsm_broadcast(node.dsm, ends, sizeof *ends, 0));
	return wanted;
}

int main(int argc, char **argv)
{
	const char *dir;
	int32_t ends = 0;
	int asks, saves;

	node_join("wanted", 60);
	CHECK(argc == 3);
	asks = strcmp(argv[1], "computes") != 0;
	saves = strcmp(argv[1], "ignores") != 0;
	EXPECT(DSM_ERR_INVAL, dsm_checkpoint_wanted(node.dsm, NULL));
	node_barrier();
	if (node.rank == 0)
		printf("begins\n");
	fflush(stdout);
	for (uint64_t turn = 1; !ends; turn++) {
		dir = "own";
		if (look(argv[2], asks, &dir, &ends) && saves)
			save(dir, turn);
	}
	node_leave();
	return 0;
}
