/* SPDX-License-Identifier: BSD-2-Clause */
/* A job that loses the node whose rank is the argument: the others' next call says so. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dsm/dsm.h"

int main(int argc, char **argv)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	int victim = argc > 1 ? atoi(argv[1]) : 0, rc;
	dsm_t *dsm;

	alarm(40);
	rc = dsm_init(&config, &dsm);
	if (rc) {
		fprintf(stderr, "lost: %s: %s\n", dsm_strerror(rc), dsm_init_error());
		return 1;
	}
	rc = dsm_barrier(dsm);
	if (rc == 0 && dsm_rank(dsm) == victim)
		raise(SIGKILL);
	if (rc == 0)
		rc = dsm_barrier(dsm);
	fprintf(stderr, "lost: node %d: %s\n", dsm_rank(dsm), dsm_strerror(rc));
	dsm_fini(dsm);
	return rc == DSM_ERR_LOST ? 0 : 1;
}
