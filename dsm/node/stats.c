/* SPDX-License-Identifier: BSD-2-Clause */
/* What a node has counted. */
#include "dsm/node/node.h"

void node_stats(struct dsm *d, struct dsm_stats *s)
{
	struct trap_stats trap;
	struct tr_stats t;

	d->tr->ops->stats(d->tr, &t);
	d->trap->ops->stats(d->trap, &trap);
	*s = (struct dsm_stats){
	        .faults = d->faults.count,
	        .read_misses = d->engine.count[COH_N_READ_MISS],
	        .write_misses = d->engine.count[COH_N_WRITE_MISS],
	        .upgrades = d->engine.count[COH_N_UPGRADE],
	        .pages_fetched = d->engine.count[COH_N_FETCH],
	        .grants_empty = d->engine.count[COH_N_GRANT_EMPTY],
	        .pages_supplied = d->engine.count[COH_N_SUPPLY],
	        .refreshes = d->engine.count[COH_N_REFRESH],
	        .write_backs = d->engine.count[COH_N_WRITE_BACK],
	        .invalidations = d->engine.count[COH_N_INV],
	        .downgrades = d->engine.count[COH_N_DOWNGRADE],
	        .deferred = d->engine.count[COH_N_DEFERRED],
	        .prefetched = d->engine.count[COH_N_PREFETCH],
	        .prefetch_wasted = d->streams.wasted,
	        .evictions = d->engine.count[COH_N_EVICT],
	        .atomics = d->engine.count[COH_N_ATOMIC],
	        .locks = d->engine.count[COH_N_LOCK],
	        .barriers = d->engine.count[COH_N_BARRIER],
	        .messages_sent = t.messages_sent,
	        .messages_received = t.messages_received,
	        .bytes_sent = t.bytes_sent + t.write_bytes,
	        .bytes_received = t.bytes_received,
	        .page_writes = t.writes,
	        .page_write_bytes = t.write_bytes,
	        .doorbells = t.doorbells,
	        .fault_ns_total = d->faults.ns,
	        .sleeps = d->progress.sleeps,
	        .pages_written = d->engine.pages_written,
	        .page_writes_landed = t.landed,
	        .registered_bytes = d->memory.chunks.registered_bytes,
	        .faults_rwp = trap.faults_rwp,
	        .extents_to_wp = trap.to_wp,
	        .extents_to_rwp = trap.to_rwp,
	        .extents_stayed_wp = trap.stayed_wp,
	        .memory_budget = d->memory.frames.pool[0].budget + d->memory.frames.pool[1].budget,
	        .memory_used = d->memory.frames.pool[0].used + d->memory.frames.pool[1].used,
	        .memory_home = d->memory.frames.pool[0].home + d->memory.frames.pool[1].home,
	        .evicted_shared = d->reclaim.shared,
	        .evicted_modified = d->reclaim.modified,
	        .frames_returned = d->memory.frames.returned,
	        .frame_waits = d->faults.frame_waits,
	        .pages_pinned = d->pins.held,
	        .refused = t.refused,
	        .futex_sleeps = d->engine.count[COH_N_SLEEP],
	        .futex_wakes = d->engine.count[COH_N_WOKEN],
	        .pages_restored = d->away.pages,
	        .restore_reads = d->away.reads,
	        .pages_away = d->away.left,
	        .keep2_waits = d->secures.times,
	        .keep2_pushes = d->engine.count[COH_N_PUSH],
	        .keep2_copies = d->engine.count[COH_N_COPY],
	};
}
