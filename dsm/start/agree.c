/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can fail on one node while a job starts is agreed on by all: a step ends in an exchange
 * that carries its outcome, so that all go on or all give up.
 */
#include <errno.h>
#include <string.h>

#include "config.h"
#include "dsm/start/steps.h"

int node_exchange(struct dsm *d, const void *mine, size_t len, void *all)
{
	uint32_t lens[COH_MAX_NODES];
	char why[256] = "";
	int rc = d->boot->ops->allgather(d->boot, mine, len, all, len, lens, d->settings->start_ms,
	                                 why, sizeof why);

	progress_kick(&d->progress); /* a service thread that runs has left the connection to us */
	if (rc) {
		init_error_set("%s", why);
		return rc == -EPROTONOSUPPORT ? DSM_ERR_VERSION : DSM_ERR_BOOT;
	}
	for (int i = 0; i < d->boot->size; i++)
		if (lens[i] != len) {
			init_error_set("node %d runs another version of libdsm", i);
			return DSM_ERR_VERSION;
		}
	return 0;
}

int node_agree_with(struct dsm *d, const void *mine, size_t len, void *all)
{
	int32_t status;
	char kept[512];
	int rc;

	memcpy(&status, mine, sizeof status);
	strncpy(kept, dsm_init_error(), sizeof kept - 1);
	kept[sizeof kept - 1] = 0;
	rc = node_exchange(d, mine, len, all);
	if (status) {
		init_error_set("%s", kept); /* the first reason is the one that counts */
		return status;
	}
	for (int i = 0; i < d->boot->size && rc == 0; i++) {
		memcpy(&status, (const char *)all + i * len, sizeof status);
		if (!status)
			continue;
		init_error_set("node %d could not start: %s", i, dsm_strerror(status));
		rc = DSM_ERR_BOOT;
	}
	return rc;
}

int node_agree(struct dsm *d, int mine)
{
	int32_t status = mine, all[COH_MAX_NODES];

	return node_agree_with(d, &status, sizeof status, all);
}
