/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program may ask about its job. */
#include "dsm/admin/admin.h"
#include "dsm/node/node.h"

int dsm_rank(const dsm_t *d)
{
	return d->boot->rank;
}

int dsm_size(const dsm_t *d)
{
	return d->boot->size;
}

const char *dsm_job_dir(const dsm_t *d)
{
	return admin_dir(d);
}

const char *dsm_provider(const dsm_t *d)
{
	return d->tr->ops->provider(d->tr);
}
