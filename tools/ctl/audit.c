/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl audit: whether every page of a job may be accessed as its nodes believe. */
#include "config.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "tools/ctl/show.h"

static json_int_t disagreements(const json_t *node)
{
	return member_int(node, "disagreements", -1);
}

static bool audit_is_bad(const json_t *node)
{
	return disagreements(node) != 0;
}

static void page_line(int rank, const json_t *page)
{
	printf("rank %d: page %" PRId64 " at %#" PRIx64 ": %s: should be %s, is %s\n", rank,
	       (int64_t)member_int(page, "page", -1), (uint64_t)member_int(page, "address", 0),
	       member_text(page, "what", "?"), member_text(page, "believed", "?"),
	       member_text(page, "found", "?"));
}

static void audit_node(const struct answer *a)
{
	const json_t *pages = json_object_get(a->json, "pages"), *page;
	json_int_t wrong = disagreements(a->json), changing = member_int(a->json, "changing", 0);
	size_t i;

	if (wrong < 0) {
		printf("rank %d: no audit in its answer\n", a->rank);
		return;
	}
	printf("rank %d: %" PRId64 " pages compared", a->rank,
	       (int64_t)member_int(a->json, "compared", -1));
	if (changing > 0)
		printf(" (%" PRId64 " of them just changing)", (int64_t)changing);
	printf(", %" PRId64 " wrong\n", (int64_t)wrong);
	json_array_foreach(pages, i, page)
		page_line(a->rank, page);
	if (wrong > (json_int_t)json_array_size(pages))
		printf("rank %d: and %" PRId64 " more\n", a->rank,
		       (int64_t)(wrong - (json_int_t)json_array_size(pages)));
}

static void audit_show(const char *dir, const struct answers *answers)
{
	show_head(dir, answers);
	for (int i = 0; i < answers->count; i++)
		if (answers->list[i].json)
			audit_node(&answers->list[i]);
}

static const struct show show = { .request = "audit", .print = audit_show,
	                          .is_bad = audit_is_bad };

const struct ctl_command ctl_audit = {
	.name = "audit",
	.args = "[JOB]",
	.help = "Compares what the pages of your jobs allow with what the nodes believe",
	.options = show_options,
	.run = show_run,
	.show = &show,
};
