/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joining and leaving a job. What can fail on one node is agreed on by all: each step
 * ends in an exchange that carries its outcome, so that all go on or all give up.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "coherence/mutant.h"
#include "config.h"
#include "dsm/node/node.h"

#define TENURE_US 200
#define SPIN_US 50

/* The one global: a process is a node at most once (one window, one set of threads). */
static atomic_flag active = ATOMIC_FLAG_INIT;

int node_become(void)
{
	if (!atomic_flag_test_and_set(&active))
		return 0;
	init_error_set("this process is a node already; dsm_fini comes first");
	return DSM_ERR_ACTIVE;
}

void node_cease(void)
{
	atomic_flag_clear(&active);
}

/* --- steps --- */

/* A process that a launcher has started as one of several, and that is a job of one node all
 * the same, has not got what was wanted. */
static void warn_alone(const struct dsm *d)
{
	static const struct {
		const char *variable, *remedy;
	} launcher[] = {
	        {"SLURM_STEP_NUM_TASKS", "srun --mpi=pmix makes the tasks one job"},
	        {"PMI_SIZE", "dsm_mpi_init, of dsm_mpi.h, makes the processes one job"},
	};

	if (d->boot->size > 1 || d->settings.allgather)
		return;
	for (size_t i = 0; i < sizeof launcher / sizeof *launcher; i++) {
		const char *value = getenv(launcher[i].variable);

		if (!value || atoi(value) < 2)
			continue;
		log_line(&d->log, DSM_LOG_WARN, "this is a job of one node, but %s is %.10s: %s",
		         launcher[i].variable, value, launcher[i].remedy);
		return;
	}
}

static int open_boot(struct dsm *d)
{
	const struct boot_config c = {.timeout_ms = d->settings.start_ms,
	                              .allgather = d->settings.allgather,
	                              .allgather_ctx = d->settings.allgather_ctx,
	                              .rank = d->settings.rank,
	                              .size = d->settings.nodes};
	char why[256] = "";
	int rc = boot_open(&c, &d->boot, why, sizeof why);

	if (rc == 0) {
		warn_alone(d);
		return 0;
	}
	init_error_set("%s", why);
	switch (rc) {
	case -EINVAL: return DSM_ERR_CONFIG;
	case -EPROTONOSUPPORT: return DSM_ERR_VERSION;
	case -ENOMEM: return DSM_ERR_NOMEM;
	case -EMFILE:
	case -ENFILE: return DSM_ERR_LIMIT;
	default: return DSM_ERR_BOOT;
	}
}

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

/* The core for a region of this shape, and whether there is one. */
static int configure_core(struct dsm *d)
{
	const struct settings *s = &d->settings;
	unsigned nodes = d->boot->size;
	int rc;

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
	        .locks = NODE_LOCKS,
	        .sync_slots = share(NODE_SYNC_SLOTS, COH_MAX_QUEUE, nodes),
	        .sharer_maps = NODE_SHARER_MAPS,
	        .migratory = NODE_MIGRATORY,
	};
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

/* Which engine, and which delivery, of those that work here. */
static int choose_trap(struct dsm *d)
{
	const char *name = d->settings.trap;
	char why[512] = "";
	int rc, ignored;

	d->signal = !strcmp(d->settings.faults, "signal");
	d->trap_ops = trap_choose(name, d->signal ? TRAP_SIGNAL : TRAP_EVENT, why, sizeof why, &rc);
	if (rc == -EPERM && !strcmp(d->settings.faults, "auto"))
		d->trap_ops = trap_choose(name, TRAP_SIGNAL, NULL, 0, &ignored);
	if (d->trap_ops && rc == -EPERM) {
		log_line(&d->log, DSM_LOG_WARN, "%s; until then faults come as signals, and system "
		         "calls on shared memory that is not here fail with EFAULT", why);
		d->signal = 1;
	}
	if (d->trap_ops)
		return 0;
	init_error_set("%s%s", why,
	               strcmp(name, "rwp") || rc == -EPERM ? "" : " for DSM_TRAP=rwp");
	return rc == -EPERM ? DSM_ERR_TRAP_PERM : error_limit_or(rc, DSM_ERR_KERNEL);
}

/* What can be settled before the nodes meet; its outcome is told then. */
static int prepare(struct dsm *d)
{
	int rc = configure_core(d);

	if (rc == 0)
		rc = limits_of_space(d);
	return rc ? rc : choose_trap(d);
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

_Static_assert(NODE_HOLDS + PIN_HOME_PAGES <= TENURE_SLOTS, "a hold without a slot");

static int make_core(struct dsm *d)
{
	uint32_t cap;
	int rc = configure_core(d); /* again: the zone of huge pages may have been given up */

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
	cap = coh_effects_max(&d->engine.cfg);
	d->engine.fx =
		(struct coh_effects){ .list = calloc(cap, sizeof *d->engine.fx.list),
		                      .cap = cap,
		                      .self_queue = calloc(COH_SELF_MAX,
		                                           sizeof *d->engine.fx.self_queue) };
	if (!d->engine.fx.list || !d->engine.fx.self_queue || open_frames(d))
		return DSM_ERR_NOMEM;
	/* One thread that works and one that serves, for each node here. */
	d->progress.crowded = 2 * d->boot->nodes_here > sysconf(_SC_NPROCESSORS_ONLN);
	d->progress.spin_ns =
		(d->settings.spin_us < 0 ? SPIN_US : d->settings.spin_us) * UINT64_C(1000);
	tenure_init(&d->tenure,
	            (d->settings.tenure_us ? d->settings.tenure_us : TENURE_US) * UINT64_C(1000),
	            d->boot->rank);
	return 0;
}

/* What a node needs of its own; outcome to be agreed on. */
static int make_ready(struct dsm *d)
{
	struct trap_config tc = {.region = &d->memory.region,
	                         .delivery = d->signal ? TRAP_SIGNAL : TRAP_EVENT,
	                         .on_fault = node_fault_here,
	                         .fault_ctx = d,
	                         .log = log_text,
	                         .log_ctx = &d->log};
	int rc = make_core(d);

	if (rc)
		return rc;
	rc = d->trap_ops->attach(&tc, &d->trap);
	if (rc) {
		init_error_set("cannot trap accesses to the region: %s%s", strerror(-rc),
		               error_limit_hint(rc));
		return error_limit_or(rc, rc == -EPERM ? DSM_ERR_TRAP_PERM : DSM_ERR_KERNEL);
	}
	rc = limits_of_pinning(d);
	if (rc)
		return rc;
	rc = chunks_open(&d->memory.chunks);
	if (rc) {
		init_error_set("the provider cannot register the region: %s%s", strerror(-rc),
		               error_lock_hint(rc));
		return error_limit_or(rc, DSM_ERR_PROVIDER);
	}
	if (service_open(d))
		return DSM_ERR_NOMEM;
	rc = loop_start(d);
	if (rc) {
		init_error_set("cannot start the service thread: %s%s", strerror(-rc),
		               error_limit_hint(rc));
		return error_limit_or(rc, DSM_ERR_LIMIT);
	}
	return 0;
}

/* --- the whole --- */

static void dismantle(struct dsm *d)
{
	loop_stop(d);
	service_close(d);
	if (d->tr)
		d->tr->ops->close(d->tr);
	chunks_close(&d->memory.chunks);
	if (d->trap)
		d->trap->ops->detach(d->trap);
	pins_close(d);
	frames_close(&d->memory.frames);
	free(d->memory.budgets);
	free(d->engine.fx.list);
	free(d->engine.fx.self_queue);
	if (d->engine.coh)
		syscall(SYS_munmap, d->engine.coh, d->engine.bytes);
	if (d->memory.region.window)
		region_destroy(&d->memory.region);
	if (d->boot)
		d->boot->ops->close(d->boot);
	waits_close(&d->waits);
	pthread_mutex_destroy(&d->lock);
	free(d);
	node_cease();
}

static int plant_mutant(void)
{
#ifdef COH_MUTANTS
	const char *name = getenv("COH_MUTANT");
	int mutant = name && *name ? coh_mutant_by_name(name) : COH_MUT_NONE;

	if (mutant < 0) {
		init_error_set("COH_MUTANT is '%s', which is no planted bug", name);
		return DSM_ERR_CONFIG;
	}
	coh_mutant = mutant;
#endif
	return 0;
}

static int join(struct dsm *d, const struct dsm_config *config)
{
	int rc = settings_read(config, &d->settings, &d->log);

	if (rc == 0)
		rc = plant_mutant();

	if (rc == 0)
		rc = open_boot(d);
	if (rc)
		return rc;
	d->log.rank = d->boot->rank;
	rc = node_meet(d, prepare(d));
	if (rc)
		return rc;
	rc = node_place_region(d);
	if (rc)
		return rc;
	return node_agree(d, make_ready(d));
}

int dsm_init(const struct dsm_config *config, dsm_t **out)
{
	struct dsm *d;
	int rc;

	init_error_set("%s", "");
	if (!out)
		return DSM_ERR_INVAL;
	rc = node_become();
	if (rc)
		return rc;
	d = calloc(1, sizeof *d);
	if (!d) {
		node_cease();
		return DSM_ERR_NOMEM;
	}
	d->start_ns = clock_now_ns();
	pthread_mutex_init(&d->lock, NULL);
	waits_open(&d->waits);
	rc = join(d, config);
	if (rc) {
		if (!*dsm_init_error())
			init_error_set("%s", dsm_strerror(rc));
		log_line(&d->log, DSM_LOG_ERROR, "%s", dsm_init_error());
		dismantle(d);
		return rc;
	}
	log_line(&d->log, DSM_LOG_INFO,
	         "node %d of %d, provider %s, trap %s, region %llu bytes at %p", d->boot->rank,
	         d->boot->size, d->tr->ops->provider(d->tr), d->trap_ops->name,
	         (unsigned long long)d->settings.region_bytes, (void *)d->memory.region.window);
	*out = d;
	return 0;
}

/* Waits until what this node has sent has left it. */
static int drain(struct dsm *d)
{
	int rc;

	for (;;) {
		pthread_mutex_lock(&d->lock);
		node_progress(d);
		d->tr->ops->wake_peers(d->tr); /* nobody will look here for long */
		rc = d->members.lost ? d->members.lost : d->tr->ops->pending(d->tr);
		pthread_mutex_unlock(&d->lock);
		if (rc <= 0)
			return rc;
		sched_yield();
	}
}

int dsm_fini(dsm_t *d)
{
	sigset_t mask;
	int rc;

	if (!d)
		return 0;
	node_lock(d, &mask);
	pins_end(d);
	node_hand_over(d);
	node_unlock(d, &mask);
	rc = dsm_barrier(d);
	if (rc == 0)
		rc = drain(d);
	/* All have passed the barrier and have nothing more to send: nobody needs this node. */
	if (rc == 0)
		rc = node_agree(d, 0);
	dismantle(d);
	return rc ? DSM_ERR_LOST : 0;
}

int dsm_rank(const dsm_t *d)
{
	return d->boot->rank;
}

int dsm_size(const dsm_t *d)
{
	return d->boot->size;
}

const char *dsm_job_dir(const dsm_t *d)
{
	return d->job_dir;
}

const char *dsm_provider(const dsm_t *d)
{
	return d->tr->ops->provider(d->tr);
}
