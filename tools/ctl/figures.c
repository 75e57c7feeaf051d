/* SPDX-License-Identifier: BSD-2-Clause */
/* What dsmctl knows of the counters that nodes answer "stats" with. */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "tools/ctl/figures.h"

/* A counter whose metric is called as it is. */
#define COUNT(name, help) { #name, #name, help, NULL, false, NULL, false }
#define MAIN(name, head, help) { #name, #name, help, head, false, NULL, false }

const struct figure figures[] = {
	MAIN(read_misses, "R-MISSES", "Pages asked for to be read"),
	MAIN(write_misses, "W-MISSES", "Pages asked for to be written"),
	MAIN(upgrades, "UPGRADES", "Pages that could be read asked for to be written"),
	MAIN(invalidations, "INVALS", "Copies taken away from this node"),
	MAIN(pages_fetched, "PAGES-IN", "Pages that arrived with data"),
	MAIN(pages_written, "PAGES-OUT", "Pages that this node sent to others"),
	MAIN(evictions, "EVICTS", "Pages given up to make room"),
	{ "lock_waits", NULL, NULL, "LOCKS", false, NULL, false },
	{ "barrier_waits", NULL, NULL, NULL, false, NULL, false },
	COUNT(faults, "Accesses that were trapped"),
	{ "fault_ns_total", "fault_seconds", "Time from reading a fault to waking its thread", NULL,
	  false, "seconds", true },
	COUNT(grants_empty, "Pages granted without data"),
	COUNT(pages_supplied, "Pages written to nodes that asked for them"),
	COUNT(refreshes, "Pages written back to their home because another node reads them"),
	COUNT(write_backs, "Pages written back to their home to make room"),
	COUNT(downgrades, "Copies for writing that became copies for reading"),
	COUNT(deferred, "Requests that waited because this node held the page for its time"),
	COUNT(prefetched, "Pages asked for ahead of use"),
	COUNT(prefetch_wasted, "Pages fetched for threads that read on, and not used"),
	COUNT(atomics, "Atomic operations carried out here"),
	COUNT(locks, "Mutexes granted by this node as their home"),
	COUNT(barriers, "Barriers passed by this node as their home"),
	COUNT(futex_sleeps, "Threads put to sleep for words by this node as their home"),
	COUNT(futex_wakes, "Threads that waited for words woken by this node as their home"),
	COUNT(messages_sent, "Messages sent"),
	COUNT(messages_received, "Messages received"),
	{ "bytes_sent", "sent_bytes", "Bytes of messages and pages sent", NULL, false, "bytes", false },
	{ "bytes_received", "received_bytes", "Bytes of messages received", NULL, false, "bytes",
	  false },
	COUNT(page_writes, "RDMA writes of pages started"),
	{ "page_write_bytes", "page_write_bytes", "Bytes of RDMA writes of pages", NULL, false, "bytes",
	  false },
	COUNT(page_writes_landed, "RDMA writes of pages by other nodes that arrived"),
	COUNT(doorbells, "Times that a sleeping peer was woken"),
	COUNT(sleeps, "Times that the service thread went to sleep"),
	COUNT(faults_rwp, "Faults on pages that were mapped, under read-write protection"),
	COUNT(extents_to_wp, "Extents that went from read-write protection to write protection"),
	COUNT(extents_to_rwp, "Extents that went back to read-write protection"),
	COUNT(extents_stayed_wp, "Extents that did not, to keep the number of mappings low"),
	COUNT(evicted_shared, "Copies given up for lack of memory that were only read"),
	COUNT(evicted_modified, "Copies given up for lack of memory that were written"),
	COUNT(frames_returned, "Pages whose memory went back to the system"),
	COUNT(frame_waits, "Faults that waited for memory"),
	COUNT(pages_restored, "Pages read from a checkpoint, for they were asked for"),
	COUNT(restore_reads, "Runs of pages read from a checkpoint"),
	COUNT(keep2_waits, "Times that what was written to DSM_KEEP2 memory was put on two nodes"),
	COUNT(keep2_pushes, "Pages of it that were, which this node had written"),
	COUNT(keep2_copies, "Second copies that were made of such pages of this home"),
	COUNT(refused, "Messages and page writes that no node of the job has sent"),
	{ "registered_bytes", "registered_bytes", "Bytes of the region that the provider knows", NULL,
	  true, "bytes", false },
	{ "memory_budget", "memory_budget_bytes", "Memory for pages", NULL, true, "bytes", false },
	{ "memory_used", "memory_used_bytes", "Memory for pages that is used", NULL, true, "bytes",
	  false },
	{ "memory_home", "memory_home_bytes", "Memory used for pages whose home this node is", NULL,
	  true, "bytes", false },
	{ "pages_away", "pages_away", "Pages that are in a checkpoint alone", NULL, true, NULL, false },
	{ "pages_pinned", "pages_pinned", "Pages that dsm_pin holds", NULL, true, NULL, false },
	{ 0 },
};

const struct figure *figure_of(const char *name)
{
	for (const struct figure *f = figures; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}
