/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that the nodes of the floors write into each other. */
#include "tools/bench/bare_impl.h"

#include <stdlib.h>

#include "tools/bench/bench.h"

void bare_area_open(struct bare *b, void *at, size_t bytes, struct bare_area *out)
{
	struct {
		uint64_t base, key;
	} mine = { 0 }, *all = calloc((size_t)bench.size, sizeof *all);

	*out = (struct bare_area){ .at = at, .bytes = bytes };
	out->base = calloc((size_t)bench.size, sizeof *out->base);
	out->key = calloc((size_t)bench.size, sizeof *out->key);
	if (!all || !out->base || !out->key)
		bench_fail("out of memory");
	bare_check(fi_mr_reg(b->domain, at, bytes, FI_WRITE | FI_REMOTE_WRITE, 0, b->next_key++, 0,
	                     &out->mr, NULL),
	           "registering memory");
	out->desc = fi_mr_desc(out->mr);
	mine.key = fi_mr_key(out->mr);
	if (b->info->domain_attr->mr_mode & FI_MR_VIRT_ADDR)
		mine.base = (uintptr_t)at;
	bench_gather(&mine, sizeof mine, all);
	for (int i = 0; i < bench.size; i++) {
		out->base[i] = all[i].base;
		out->key[i] = all[i].key;
	}
	free(all);
}

void bare_area_close(struct bare_area *area)
{
	if (area->mr)
		fi_close(&area->mr->fid);
	free(area->base);
	free(area->key);
	*area = (struct bare_area){ 0 };
}
