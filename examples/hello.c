/* SPDX-License-Identifier: BSD-2-Clause */
/* Every node adds to one number, and sees what all have added: dsmctl run -n 4 ./hello */
#include <dsm.h>
#include <dsm_coll.h>
#include <stdatomic.h>
#include <stdio.h>

int main(void)
{
	_Atomic long *sum;
	void *ptr;
	dsm_t *dsm;

	if (dsm_init(NULL, &dsm)) {
		fprintf(stderr, "hello: %s\n", dsm_init_error());
		return 1;
	}
	int rc = dsm_shared(dsm, "sum", sizeof *sum, 0, &ptr); /* all get the same block, zeroed */
	if (rc) {
		fprintf(stderr, "hello: %s\n", dsm_strerror(rc));
		return 1;
	}
	sum = ptr;
	atomic_fetch_add(sum, dsm_rank(dsm) + 1); /* plain memory: loads, stores, C's atomics */
	dsm_barrier(dsm);
	printf("hello from node %d of %d: the sum is %ld\n", dsm_rank(dsm), dsm_size(dsm), *sum);
	return dsm_fini(dsm) != 0;
}
