/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_probe: what a node could do here. Its parts are kernel.c and so on. */
#include "dsm/probe/probe.h"

#include "dsm/base/base.h"

int dsm_probe(const struct dsm_config *config, dsm_probe_fn fn, void *ctx)
{
	struct probe p = {.fn = fn, .ctx = ctx, .container = container_here()};
	struct log log = {0};
	int rc;
	CANCEL_OFF;

	init_error_set("%s", "");
	if (!fn)
		return DSM_ERR_INVAL;
	rc = node_become();
	if (rc)
		return rc;
	descriptors_hold();
	rc = settings_read(config, &p.settings, &log);
	if (rc == 0) {
		probe_kernel(&p);
		probe_memory(&p);
		probe_network(&p);
		rc = p.code;
	}
	descriptors_release();
	node_cease();
	return rc;
}
