/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl audit: whether every page of a job may be accessed as its nodes believe. */
#include "config.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/query.h"
#include "tools/ctl/show.h"

static json_int_t disagreements(const json_t *node)
{
	return member_int(node, "disagreements", -1);
}

static bool audit_is_bad(const json_t *node)
{
	return disagreements(node) != 0;
}

static void audit_node(const struct answer *a)
{
	const json_t *pages = json_object_get(a->json, "pages"), *page;
	size_t i;

	if (disagreements(a->json) < 0) {
		printf("rank %d: %s\n", a->rank, member_text(a->json, "error", "no audit"));
		return;
	}
	printf("rank %d: %" PRId64 " pages that are not as they should be\n", a->rank,
	       (int64_t)disagreements(a->json));
	json_array_foreach(pages, i, page)
		printf("rank %d: page %" PRId64 ": %s: should be %s, bits 63 to 55 of pagemap %#"
		       PRIx64 "\n", a->rank, (int64_t)member_int(page, "page", -1),
		       member_text(page, "what", "?"), member_text(page, "believed", "?"),
		       (uint64_t)member_int(page, "pagemap", 0));
}

static void audit_show(const char *dir, const struct answers *answers)
{
	printf("job %s\n", job_name(dir));
	if (answers->count == 0)
		printf("no node has joined it yet\n");
	for (int i = 0; i < answers->count; i++)
		if (answers->list[i].json)
			audit_node(&answers->list[i]);
}

static const struct ctl_option options[] = {
	{ 'j', "json", NULL, "print JSON" },
	CTL_OPTION_HELP,
	{ 0 },
};

static int audit_run(const struct ctl_command *command, int argc, char **argv)
{
	static const struct show show = { "audit", audit_show, NULL, audit_is_bad };

	return show_run(command, &show, argc, argv);
}

const struct ctl_command ctl_audit = {
	.name = "audit",
	.args = "[JOB]",
	.help = "Compares what the pages of your jobs allow with what the nodes believe",
	.options = options,
	.run = audit_run,
};
