/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection to the other nodes. */
#include <errno.h>
#include <stdlib.h>

#include "dsm/start/steps.h"

/* A process that a launcher has started as one of several, and that is a job of one node all
 * the same, has not got what was wanted. */
static void warn_alone(const struct dsm *d)
{
	static const struct {
		const char *variable, *remedy;
	} launcher[] = {
	        {"SLURM_STEP_NUM_TASKS", "srun --mpi=pmix makes the tasks one job"},
	        {"PMI_SIZE", "dsm_mpi_init, of dsm_mpi.h, makes the processes one job"},
	};

	if (d->boot->size > 1 || d->settings->allgather)
		return;
	for (size_t i = 0; i < sizeof launcher / sizeof *launcher; i++) {
		const char *value = getenv(launcher[i].variable);

		if (!value || atoi(value) < 2)
			continue;
		log_start(&d->log, DSM_LOG_WARN, "this is a job of one node, but %s is %.10s: %s",
		         launcher[i].variable, value, launcher[i].remedy);
		return;
	}
}

/* Once, and for all nodes. */
static void warn_unguarded(const struct dsm *d)
{
	if (d->boot->unguarded && d->boot->rank == 0)
		log_start(&d->log, DSM_LOG_WARN, "without DSM_SECRET whoever reaches node 0 while "
		          "the job starts can take a node's place, and who reads the network then can "
		          "send in a node's name: set it, to the same text on all nodes");
}

int start_open_boot(struct dsm *d)
{
	const struct boot_config c = {.timeout_ms = d->settings->start_ms,
	                              .allgather = d->settings->allgather,
	                              .allgather_ctx = d->settings->allgather_ctx,
	                              .rank = d->settings->rank,
	                              .size = d->settings->nodes};
	char why[256] = "";
	int rc = boot_open(&c, &d->boot, why, sizeof why);

	if (rc == 0) {
		d->log.rank = d->boot->rank;
		warn_alone(d);
		warn_unguarded(d);
		settings_warn_unknown(&d->log);
		return 0;
	}
	init_error_set("%s", why);
	switch (rc) {
	case -EINVAL: return DSM_ERR_CONFIG;
	case -EPROTONOSUPPORT: return DSM_ERR_VERSION;
	case -ENOMEM: return DSM_ERR_NOMEM;
	case -EMFILE:
	case -ENFILE: return DSM_ERR_LIMIT;
	default: return DSM_ERR_BOOT;
	}
}
