/* SPDX-License-Identifier: BSD-2-Clause */
/* Rank 1 gives root's rights up when it is in the job, and then reads what rank 0 has written. */
#include <grp.h>
#include <unistd.h>

#include "tests/system/node.h"

#define PAGES 64
#define NOBODY 65534

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *shared;

	node_join("user", 30);
	shared = node_shared("shared", PAGES * page, page);
	for (size_t i = 0; node.rank == 0 && i < PAGES; i++)
		shared[i * page] = (char)(i + 1);
	node_barrier();
	if (node.rank == 1)
		CHECK(!setgroups(0, NULL) && !setgid(NOBODY) && !setuid(NOBODY));
	for (size_t i = 0; node.rank == 1 && i < PAGES; i++)
		CHECK(shared[i * page] == (char)(i + 1));
	node_barrier();
	OK(dsm_fini(node.dsm)); /* nobody may ask for an audit */
	return 0;
}
