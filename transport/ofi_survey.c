/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which providers work here, found by trying (ofi.h).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "transport/ofi.h"
#include "transport/ofi_impl.h"

struct survey_log {
	char last[160]; /* the last error or warning */
};

static void survey_on_log(void *ctx, int level, const char *text)
{
	struct survey_log *log = ctx;

	if (level <= 1)
		snprintf(log->last, sizeof(log->last), "%s", text);
}

/* Whether an endpoint opens. exactly: where another provider stands in for this one, which
 * has a name of its own, there is nothing to tell. */
static void survey_try(const char *name, int exactly, tr_ofi_survey_fn fn, void *ctx)
{
	struct survey_log log = {""};
	struct tr_config config = {.nodes = 2,
	                           .provider = name,
	                           .one_machine = 1,
	                           .log = survey_on_log,
	                           .log_ctx = &log};
	struct tr *tr;
	int rc = tr_ofi_ops.open(&config, &tr);

	if (rc) {
		fn(ctx, name, rc == -ENODEV ? "not here" : *log.last ? log.last : strerror(-rc));
		return;
	}
	if (!exactly || !strcmp(name, tr->ops->provider(tr)))
		fn(ctx, name, NULL);
	tr->ops->close(tr);
}

void tr_ofi_survey(const char *extra, tr_ofi_survey_fn fn, void *ctx, char *version, size_t len)
{
	const uint32_t v = fi_version();
	const char *name;
	unsigned n;

	snprintf(version, len, "%u.%u", FI_MAJOR(v), FI_MINOR(v));
	if (extra)
		extra = tr_ofi_name(extra);
	for (n = 0; (name = ofi_provider_nth(n)); n++) {
		int asked_for = extra && !strcmp(name, extra);

		if (tr_ofi_rank(name) < (int)n)
			continue; /* of two places */
		if (asked_for)
			extra = NULL;
		survey_try(name, !asked_for, fn, ctx);
	}
	if (extra)
		survey_try(extra, 0, fn, ctx);
}
