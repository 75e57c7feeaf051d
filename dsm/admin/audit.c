/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The audit of a node: that core, trap and page tables agree on what every page of the
 * window allows. Under the node's lock, so that nothing changes meanwhile.
 */
#include "dsm/trap/trap.h"

#include <jansson.h>
#include <string.h>

#include "dsm/admin/answers.h"
#include "dsm/node/node.h"

#define LIST_MAX 20 /* disagreements that are named */

static const char *const access_name[] = {"none", "read", "write"};

struct findings {
	struct dsm *d;
	json_t *list;
	uint64_t compared, changing; /* pages; those of them that wait for something */
};

/* believed by core or trap; found: what the trap, or the page table, has instead. */
static void add(struct findings *f, uint64_t page, const char *what, const char *believed,
                const char *found, uint64_t entry)
{
	json_int_t address = (json_int_t)(uintptr_t)region_window_at(&f->d->memory.region, page);

	if (json_array_size(f->list) < LIST_MAX)
		json_array_append_new(f->list,
		                      json_pack("{s:I, s:I, s:s, s:s, s:s, s:I}", "page",
		                                (json_int_t)page, "address", address, "what", what,
		                                "believed", believed, "found", found, "pagemap",
		                                (json_int_t)(entry >> 55)));
}

static void on_mismatch(void *ctx, uint64_t page, enum trap_access believed, uint64_t entry)
{
	const int present = !!(entry & TRAP_AUDIT_PRESENT), protected = !!(entry & TRAP_AUDIT_WP);
	static const char *const found[2][2] = {{"not mapped", "a marker of protection"},
	                                        {"mapped", "mapped and protected"}};

	add(ctx, page, "page table against trap", access_name[believed], found[present][protected],
	    entry);
}

/* Pages whose access the core believes to be another than the trap does. */
static uint64_t compare_core(struct findings *f)
{
	struct dsm *d = f->d;
	uint64_t page = d->trap->ops->next_touched(d->trap, 0), wrong = 0;

	for (; page < d->memory.region.pages; page = d->trap->ops->next_touched(d->trap, page + 1)) {
		struct coh_page_info info;
		enum coh_access access;
		coh_page_info(d->engine.coh, page, &info);
		access = coh_access_of(info.cache_state);
		f->compared++;
		f->changing += info.cache_state > COH_C_M; /* behind it all wait for something */
		if ((int)access == (int)d->trap->ops->access(d->trap, page))
			continue;
		if (d->freeze.lowered && access == COH_WRITE &&
		    d->trap->ops->access(d->trap, page) == TRAP_READ)
			continue;
		wrong++;
		add(f, page, "trap against core", access_name[access],
		    access_name[d->trap->ops->access(d->trap, page)], 0);
	}
	return wrong;
}

json_t *audit_json(struct dsm *d)
{
	struct findings f = {.d = d, .list = json_array()};
	uint64_t wrong = compare_core(&f);
	int rc = trap_audit(d->trap, &d->memory.region, 0, d->memory.region.pages, on_mismatch, &f);

	if (rc < 0) {
		json_decref(f.list);
		return json_pack("{s:o}", "error",
		                 json_sprintf("cannot read /proc/self/pagemap: %s", strerror(-rc)));
	}
	return json_pack("{s:i, s:I, s:I, s:I, s:b, s:o}", "rank", d->boot->rank, "compared",
	                 (json_int_t)f.compared, "changing", (json_int_t)f.changing,
	                 "disagreements", (json_int_t)(wrong + rc), "quiet",
	                 coh_is_quiet(d->engine.coh), "pages", f.list);
}
