/* SPDX-License-Identifier: BSD-2-Clause */
/* How long this node's threads have waited, for dsmctl stats --latency and dsmctl metrics. */
#include <jansson.h>

#include "dsm/admin/answers.h"
#include "dsm/node/node.h"

/* Pairs of a bucket's bound and its count, of those that have one. */
static json_t *buckets_json(const struct dsm_latency *h)
{
	json_t *list = json_array();

	for (unsigned k = 0; k < DSM_LATENCY_BUCKETS; k++)
		if (h->bucket[k])
			json_array_append_new(list,
			                      json_pack("[I, I]", (json_int_t)dsm_latency_bound(k),
			                                (json_int_t)h->bucket[k]));
	return list;
}

json_t *latency_json(struct dsm *d)
{
	json_t *o = json_object();

	for (int kind = 1; kind <= LATENCY_KINDS; kind++) {
		const struct dsm_latency *h = &d->waits.latency.of[kind];
		json_object_set_new(o, dsm_latency_name(kind),
		                    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "count",
		                              (json_int_t)h->count, "sum_ns", (json_int_t)h->sum_ns,
		                              "p50_ns", (json_int_t)dsm_latency_quantile(h, 0.5),
		                              "p90_ns", (json_int_t)dsm_latency_quantile(h, 0.9),
		                              "p99_ns", (json_int_t)dsm_latency_quantile(h, 0.99),
		                              "max_ns", (json_int_t)h->max_ns, "buckets",
		                              buckets_json(h)));
	}
	return o;
}
