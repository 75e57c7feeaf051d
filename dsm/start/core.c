/* SPDX-License-Identifier: BSD-2-Clause */
/* The core of a node, and the frames behind it. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/checkpoint/checkpoint.h"
#include "dsm/dsm_survive.h"
#include "dsm/start/steps.h"

#define TENURE_US 200
#define SPIN_US 50
#define KEEP2_DEFAULT (UINT64_C(4) << 30) /* at most, and as much as the region is */

_Static_assert(NODE_HOLDS + PIN_HOME_PAGES <= TENURE_SLOTS, "a hold without a slot");

/* What each of so many nodes may have of a home's queues, which are as long for all. */
static uint16_t share(unsigned want, unsigned of, unsigned nodes)
{
	return want < of / nodes ? want : of / nodes;
}

/* Homes are spread in proportion to budgets, once these are known. */
static void weigh_homes(struct dsm *d)
{
	uint64_t weight[COH_MAX_NODES];

	for (int i = 0; d->memory.budgets && i < d->boot->size; i++)
		weight[i] = d->memory.budgets[i].bytes;
	if (d->memory.budgets)
		coh_config_weigh(&d->engine.cfg, weight);
}

/* Handles of a checkpoint's mutexes may name more homes than there are now: a node has a block of
 * them for each. */
static uint32_t locks(const struct dsm *d)
{
	const uint32_t nodes = (uint32_t)d->boot->size;
	const uint32_t homes = d->restored ? d->restored->manifest.handle_homes : nodes;

	return (homes + nodes - 1) / nodes * NODE_LOCKS;
}

/* What two nodes hold is beside what the program has asked for, as huge pages are: the last of the small
 * pages, in blocks that go to one home. */
int start_keep2(struct dsm *d)
{
	const uint64_t block = (uint64_t)REGION_EXTENT_PAGES * REGION_PTE_BYTES;
	struct settings *s = d->settings;
	const uint64_t region = (s->region_bytes + block - 1) / block * block;
	const uint64_t others = (region + block) / REGION_PTE_BYTES + s->huge_bytes / REGION_PMD_BYTES;
	/* Page writes tell these pages by two numbers each. */
	const uint64_t most = others < COH_TAG_PAGES ? (COH_TAG_PAGES - others) / 2 * REGION_PTE_BYTES : 0;

	if (!s->survives || d->boot->size < 2 || d->boot->size > DSM_VIEW_MAX)
		s->keep2_bytes = 0;
	if (s->keep2_bytes == UINT64_MAX) {
		s->keep2_bytes = region < KEEP2_DEFAULT ? region : KEEP2_DEFAULT;
		s->keep2_bytes = s->keep2_bytes < most ? s->keep2_bytes : most;
	}
	if (s->keep2_bytes == 0)
		return 0;
	if (s->keep2_bytes > most) {
		init_error_set("memory that two nodes hold (DSM_KEEP2) can be %llu MiB beside this region and its "
		               "huge pages: ask for less, or for a smaller DSM_REGION",
		               (unsigned long long)(most >> 20));
		return DSM_ERR_CONFIG;
	}
	s->keep2_bytes = (s->keep2_bytes + block - 1) / block * block;
	s->region_bytes = region + s->keep2_bytes;
	return 0;
}

/* What goes through a change of views. */
static int configure_survival(struct dsm *d)
{
	struct coh_config *c = &d->engine.cfg;
	uint64_t pages = 0;

	for (unsigned z = 0; z < c->n_zones; z++)
		pages += c->zone[z].count;
	if (c->nodes > DSM_VIEW_MAX || pages > COH_TAG_PAGES) {
		init_error_set("a job that goes on when nodes are lost has at most %d nodes, and %llu pages: "
		               "DSM_REGION may be %llu GiB", DSM_VIEW_MAX,
		               (unsigned long long)COH_TAG_PAGES,
		               (unsigned long long)(COH_TAG_PAGES * REGION_PTE_BYTES >> 30));
		return DSM_ERR_CONFIG;
	}
	d->view.on = 1;
	c->survive = 1;
	c->migratory = 0;
	c->slots = NODE_SLOTS;
	c->sync_slots = c->futex_slots = VIEW_WAITS;
	c->secure_pages = d->settings->keep2_bytes / REGION_PTE_BYTES;
	c->secure_first = c->zone[0].count - c->secure_pages;
	/* A home has room for twice as many requests of each node then. */
	if (c->secure_pages)
		c->slots = share(NODE_SLOTS, COH_MAX_QUEUE / 2 / 2, c->nodes);
	return 0;
}

int start_configure_core(struct dsm *d)
{
	const struct settings *s = d->settings;
	unsigned nodes = d->boot->size;
	int rc = 0;

	d->engine.cfg = (struct coh_config){
	        .nodes = nodes,
	        .self = d->boot->rank,
	        .n_zones = s->huge_bytes ? 2 : 1,
	        .zone = {{.count = s->region_bytes / REGION_PTE_BYTES,
	                  .block_pages = REGION_EXTENT_PAGES},
	                 {.first = s->region_bytes / REGION_PTE_BYTES,
	                  .count = s->huge_bytes / REGION_PMD_BYTES,
	                  .block_pages = 1}},
	        .per_home = share(NODE_PER_HOME, COH_MAX_QUEUE / 2, nodes),
	        .slots = NODE_SLOTS,
	        .holds = NODE_HOLDS + PIN_HOME_PAGES,
	        .locks = locks(d),
	        .sync_slots = share(NODE_SYNC_SLOTS, COH_MAX_WAITERS, nodes),
	        .futex_slots = share(NODE_FUTEX_SLOTS, COH_MAX_WAITERS, nodes),
	        .sharer_maps = NODE_SHARER_MAPS,
	        .migratory = NODE_MIGRATORY,
	        .overtakes = NODE_OVERTAKES,
	};
	if (s->survives && nodes > 1)
		rc = configure_survival(d);
	if (rc)
		return rc;
	weigh_homes(d);
	rc = coh_config_check(&d->engine.cfg);
	if (rc == -EFBIG)
		init_error_set("the region has %llu GiB in pages of 4 KiB; it may have %llu for "
		               "each node at most: ask for less by DSM_REGION, or start more nodes",
		               (unsigned long long)(s->region_bytes >> 30),
		               (unsigned long long)(COH_MAX_HOME_PAGES * REGION_PTE_BYTES >> 30));
	else if (rc)
		init_error_set("a job has at most %d nodes", COH_MAX_NODES);
	return rc ? DSM_ERR_CONFIG : 0;
}

static int open_frames(struct dsm *d)
{
	const struct budget *mine = &d->memory.budgets[d->boot->rank];
	const uint64_t page_bytes[] = {d->memory.region.zone[REGION_PTE].page_bytes,
	                               d->memory.region.zone[REGION_PMD].page_bytes};

	log_line(&d->log, DSM_LOG_DEBUG, "memory for pages: %llu bytes%s",
	         (unsigned long long)mine->bytes, mine->both ? "" : ", and huge pages beside it");
	return frames_open(&d->memory.frames, &d->memory.region, &d->memory.chunks, &d->engine.cfg,
	                   mine->bytes, mine->both,
	                   budget_home_bytes(&d->engine.cfg, mine, page_bytes));
}

/* A counter for each page, which takes memory where pages fault. A node does without. */
static void count_faults(struct dsm *d)
{
	struct hot *hot = &d->hot;
	void *at;

	hot->pages = d->memory.region.pages;
	at = (void *)syscall(SYS_mmap, NULL, hot->pages * sizeof *hot->count, PROT_READ | PROT_WRITE,
	                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	hot->count = at == MAP_FAILED ? NULL : at;
}

int start_make_core(struct dsm *d)
{
	unsigned processors = processors_available();
	uint32_t cap;
	int rc = start_configure_core(d); /* again: the zone of huge pages may have been given up */

	if (rc)
		return rc;
	d->engine.bytes = coh_size(&d->engine.cfg);
	void *state = (void *)syscall(SYS_mmap, NULL, d->engine.bytes, PROT_READ | PROT_WRITE,
	                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (state == MAP_FAILED) {
		init_error_set("no address space for the directory: %zu bytes", d->engine.bytes);
		return DSM_ERR_NOMEM;
	}
	d->engine.coh = coh_init(state, &d->engine.cfg);
	count_faults(d);
	cap = coh_effects_max(&d->engine.cfg);
	d->engine.fx =
		(struct coh_effects){ .list = calloc(cap, sizeof *d->engine.fx.list),
		                      .cap = cap,
		                      .self_queue = calloc(COH_SELF_MAX,
		                                           sizeof *d->engine.fx.self_queue) };
	d->engine.compared = calloc(cap, sizeof *d->engine.compared);
	if (!d->engine.fx.list || !d->engine.fx.self_queue || !d->engine.compared || open_frames(d))
		return DSM_ERR_NOMEM;
	/* One thread that works and one that serves, for each node here. */
	d->progress.crowded = 2 * d->boot->nodes_here > (int)processors;
	log_line(&d->log, DSM_LOG_DEBUG, "nodes on this machine: %d, processors for them: %u",
	         d->boot->nodes_here, processors);
	d->progress.spin_ns =
		(d->settings->spin_us < 0 ? SPIN_US : d->settings->spin_us) * UINT64_C(1000);
	tenure_init(&d->tenure,
	            (d->settings->tenure_us ? d->settings->tenure_us : TENURE_US) * UINT64_C(1000),
	            d->boot->rank);
	return 0;
}
