/* SPDX-License-Identifier: BSD-2-Clause */
/* What a node has counted, for dsmctl. */
#include <jansson.h>

#include "dsm/admin/answers.h"
#include "dsm/node/node.h"

static json_t *waits_json(const struct dsm *d, unsigned kind)
{
	return json_integer((json_int_t)d->waits.latency.of[kind].count);
}

json_t *stats_json(struct dsm *d)
{
	struct dsm_stats s;
	json_t *o = json_object();

	node_stats(d, &s);
#define PUT(member) json_object_set_new(o, #member, json_integer((json_int_t)s.member))
	PUT(faults);
	PUT(read_misses);
	PUT(write_misses);
	PUT(upgrades);
	PUT(pages_fetched);
	PUT(grants_empty);
	PUT(pages_supplied);
	PUT(refreshes);
	PUT(write_backs);
	PUT(invalidations);
	PUT(downgrades);
	PUT(deferred);
	PUT(prefetched);
	PUT(prefetch_wasted);
	PUT(evictions);
	PUT(atomics);
	PUT(locks);
	PUT(barriers);
	PUT(messages_sent);
	PUT(messages_received);
	PUT(bytes_sent);
	PUT(bytes_received);
	PUT(page_writes);
	PUT(page_write_bytes);
	PUT(doorbells);
	PUT(fault_ns_total);
	PUT(sleeps);
	PUT(pages_written);
	PUT(page_writes_landed);
	PUT(registered_bytes);
	PUT(faults_rwp);
	PUT(extents_to_wp);
	PUT(extents_to_rwp);
	PUT(extents_stayed_wp);
	PUT(memory_budget);
	PUT(memory_used);
	PUT(memory_home);
	PUT(evicted_shared);
	PUT(evicted_modified);
	PUT(frames_returned);
	PUT(pages_pinned);
	PUT(frame_waits);
	PUT(refused);
	PUT(futex_sleeps);
	PUT(futex_wakes);
	PUT(pages_restored);
	PUT(restore_reads);
	PUT(pages_away);
	PUT(keep2_waits);
	PUT(keep2_pushes);
	PUT(keep2_copies);
#undef PUT
	/* These are in dsm_get_latency(). */
	json_object_set_new(o, "lock_waits", waits_json(d, DSM_LATENCY_LOCK));
	json_object_set_new(o, "barrier_waits", waits_json(d, DSM_LATENCY_BARRIER));
	return o;
}
