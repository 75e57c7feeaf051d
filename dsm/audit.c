/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The audit of a node: that core, trap and page tables agree on what every page of the
 * window allows. Under the node's lock, so that nothing changes meanwhile.
 */
#include "dsm/trap/audit.h"

#include <jansson.h>

#include "dsm/node.h"

#define LIST_MAX 20 /* disagreements that are named */

static const char *const access_name[] = {"none", "read", "write"};

struct findings {
	struct dsm *d;
	json_t *list;
};

static void add(struct findings *f, uint64_t page, const char *what, const char *believed,
                uint64_t entry)
{
	if (json_array_size(f->list) < LIST_MAX)
		json_array_append_new(f->list,
		                      json_pack("{s:I, s:s, s:s, s:I}", "page", (json_int_t)page,
		                                "what", what, "believed", believed, "pagemap",
		                                (json_int_t)(entry >> 55)));
}

static void on_mismatch(void *ctx, uint64_t page, enum trap_access believed, uint64_t entry)
{
	add(ctx, page, "page tables against trap", access_name[believed], entry);
}

/* Pages whose access the core believes to be another than the trap does. */
static uint64_t compare_core(struct findings *f)
{
	struct dsm *d = f->d;
	uint64_t page = d->trap->ops->next_touched(d->trap, 0), wrong = 0;

	for (; page < d->region.pages; page = d->trap->ops->next_touched(d->trap, page + 1)) {
		struct coh_page_info info;
		enum coh_access access;
		coh_page_info(d->coh, page, &info);
		access = coh_access_of(info.cache_state);
		if ((int)access == (int)d->trap->ops->access(d->trap, page))
			continue;
		wrong++;
		add(f, page, "trap against core", access_name[access], 0);
	}
	return wrong;
}

json_t *audit_json(struct dsm *d)
{
	struct findings f = {.d = d, .list = json_array()};
	uint64_t wrong = compare_core(&f);
	int rc = trap_audit(d->trap, &d->region, 0, d->region.pages, on_mismatch, &f);

	if (rc < 0) {
		json_decref(f.list);
		return json_pack("{s:s}", "error", dsm_strerror(rc));
	}
	return json_pack("{s:i, s:I, s:b, s:o}", "rank", d->boot->rank, "disagreements",
	                 (json_int_t)(wrong + rc), "quiet", coh_is_quiet(d->coh), "pages", f.list);
}
