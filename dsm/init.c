/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joining and leaving a job. What can fail on one node is agreed on by all: each step
 * ends in an exchange that carries its outcome, so that all go on or all give up.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "coherence/mutant.h"
#include "coherence/wire.h"
#include "config.h"
#include "dsm/node.h"

#define HELLO_MAGIC 0x4d534432u /* "2DSM" */
#define TENURE_US 200
#define SPIN_US 50

/* What nodes tell each other first. All run on machines of one kind. */
struct hello {
	int32_t status; /* first */
	uint32_t magic, wire_version;
	char version[16];
	uint32_t address_len;
	uint64_t region_bytes, huge_bytes, page_bytes;
	struct budget_claim claim;
	struct post_name post; /* rank 0's counts */
	uint8_t address[TR_ADDRESS_MAX];
};

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

/* Window and alias each take the region's size in addresses. */
static int check_limits(const struct dsm *d)
{
	const uint64_t bytes = d->settings.region_bytes + d->settings.huge_bytes;
	struct rlimit space;

	if (getrlimit(RLIMIT_AS, &space) || space.rlim_cur == RLIM_INFINITY ||
	    space.rlim_cur / 2 > bytes)
		return 0;
	init_error_set("RLIMIT_AS (ulimit -v) is %llu bytes, too low for a region of %llu bytes, "
	               "which takes twice its size",
	               (unsigned long long)space.rlim_cur, (unsigned long long)bytes);
	return DSM_ERR_LIMIT;
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

	for (int i = 0; d->budgets && i < d->boot->size; i++)
		weight[i] = d->budgets[i].bytes;
	if (d->budgets)
		coh_config_weigh(&d->coh_cfg, weight);
}

/* The core for a region of this shape, and whether there is one. */
static int configure_core(struct dsm *d)
{
	const struct settings *s = &d->settings;
	unsigned nodes = d->boot->size;
	int rc;

	d->coh_cfg = (struct coh_config){
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
	rc = coh_config_check(&d->coh_cfg);
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

static int check_hello(struct dsm *d, const struct hello *mine, const struct hello *h, int i)
{
	if (h->magic != mine->magic || h->wire_version != mine->wire_version ||
	    strncmp(h->version, mine->version, sizeof h->version)) {
		init_error_set("node %d runs version %.16s of libdsm, this one %s", i, h->version,
		               mine->version);
		return DSM_ERR_VERSION;
	}
	if (h->region_bytes != mine->region_bytes || h->huge_bytes != mine->huge_bytes ||
	    h->page_bytes != mine->page_bytes) {
		init_error_set("node %d has a region of %llu bytes and %llu in huge pages, this one "
		               "%llu and %llu: DSM_REGION and DSM_HUGE must be the same on all nodes", i, (unsigned long long)h->region_bytes,
		               (unsigned long long)h->huge_bytes,
		               (unsigned long long)mine->region_bytes,
		               (unsigned long long)mine->huge_bytes);
		return DSM_ERR_CONFIG;
	}
	return 0;
}

/* What each node has for frames. */
static int share_memory(struct dsm *d, const struct hello *all)
{
	struct budget_claim *claim = calloc(d->boot->size, sizeof *claim);

	d->budgets = calloc(d->boot->size, sizeof *d->budgets);
	if (!claim || !d->budgets) {
		free(claim);
		return DSM_ERR_NOMEM;
	}
	for (int i = 0; i < d->boot->size; i++)
		claim[i] = all[i].claim;
	budget_agree(claim, d->boot->size, d->budgets);
	chunks_init(&d->chunks, &d->region, d->tr, d->settings.by_chunk);
	for (int i = 0; d->chunks.pinned && i < d->boot->size; i++)
		d->budgets[i].chunk = chunks_pages(&d->chunks, REGION_PTE) * REGION_PTE_BYTES;
	free(claim);
	return 0;
}

static void set_address(struct dsm *d, struct hello *mine)
{
	int len = d->tr->ops->address(d->tr, mine->address);

	if (len >= 0) {
		mine->address_len = len;
		return;
	}
	init_error_set("provider %s does not tell this node's address: %s",
	               d->tr->ops->provider(d->tr), strerror(-len));
	mine->status = DSM_ERR_PROVIDER;
}

/* Local preparations, then all tell how it went and where they are reached. */
static int meet(struct dsm *d)
{
	struct hello mine = {.magic = HELLO_MAGIC,
	                     .wire_version = COH_WIRE_VERSION,
	                     .version = PACKAGE_VERSION,
	                     .region_bytes = d->settings.region_bytes,
	                     .huge_bytes = d->settings.huge_bytes,
	                     .page_bytes = sysconf(_SC_PAGESIZE),
	                     .claim = {.machine = budget_machine(),
	                               .available = budget_available(""),
	                               .memory = d->settings.memory_bytes}};
	struct hello *all = calloc(d->boot->size, sizeof *all);
	uint32_t lens[COH_MAX_NODES];
	int rc;

	if (!all)
		return DSM_ERR_NOMEM;
	post_name_new(&mine.post);
	rc = configure_core(d);
	if (rc == 0)
		rc = check_limits(d);
	if (rc == 0)
		rc = choose_trap(d);
	rc = provider_agree(d, rc);
	if (rc == 0) {
		set_address(d, &mine);
		rc = node_agree_with(d, &mine, sizeof mine, all);
	}
	for (int i = 0; i < d->boot->size && rc == 0; i++) {
		rc = check_hello(d, &mine, &all[i], i);
		lens[i] = all[i].address_len;
	}
	if (rc == 0)
		rc = share_memory(d, all);
	d->post = all[0].post;
	if (rc == 0 && d->tr->ops->connect(d->tr, all[0].address, sizeof *all, lens)) {
		init_error_set("the nodes cannot reach each other: %s", log_last_error());
		rc = DSM_ERR_PROVIDER;
	}
	free(all);
	return rc;
}

/* Tries one address after the other until one is free on all nodes. */
static int find_address(struct dsm *d, size_t len, void **out)
{
	int32_t all[COH_MAX_NODES];

	for (unsigned n = 0;; n++) {
		void *at = region_candidate(n, len);
		int32_t mine;
		int taken = 0, rc;
		if (!at) {
			init_error_set("no address is free on all nodes for a region of %zu bytes; a "
			               "smaller one (DSM_REGION, DSM_HUGE) may find its place", len);
			return DSM_ERR_ADDRESS;
		}
		mine = region_reserve(at, len);
		rc = node_exchange(d, &mine, sizeof mine, all);
		for (int i = 0; i < d->boot->size; i++)
			taken |= rc ? rc : all[i];
		if (!taken) {
			*out = at;
			return 0;
		}
		if (mine == 0)
			region_unreserve(at, len);
		if (rc)
			return rc;
	}
}

/* Huge pages: for all of their zone, or as many as this node's budget has room for. */
static int set_aside(struct dsm *d, uint64_t *pages)
{
	const struct region_zone *zone = &d->region.zone[REGION_PMD];
	const struct budget *mine = &d->budgets[d->boot->rank];
	uint64_t room = mine->bytes / zone->page_bytes;

	if (!zone->count)
		return 0;
	*pages = mine->both && room < zone->count ? room : zone->count;
	return mine->both ? region_pool_open(&d->region, *pages)
	                  : region_commit(&d->region, REGION_PMD);
}

static int make_region(struct dsm *d)
{
	struct region_config c = {.pte_bytes = d->settings.region_bytes,
	                          .pmd_bytes = d->settings.huge_bytes};
	size_t len = region_window_bytes(&c);
	uint64_t huge = 0;
	void *at;
	int rc = find_address(d, len, &at);

	if (rc)
		return rc;
	rc = region_create(&c, at, &d->region);
	if (rc == 0)
		rc = set_aside(d, &huge);
	if (rc == 0)
		return 0;
	if (d->region.window)
		region_destroy(&d->region);
	else
		region_unreserve(at, len);
	if (rc == -ENOSPC) {
		const unsigned long long need = huge ? huge : c.pmd_bytes / REGION_PMD_BYTES;

		init_error_set("%llu huge pages of 2 MiB are needed here for each node, and %ld are "
		               "left: this job alone takes sysctl vm.nr_hugepages=%llu, as root; or ask "
		               "for less by DSM_HUGE", need,
		               region_huge_pages("free_hugepages") -
		                       region_huge_pages("resv_hugepages"),
		               need * (d->boot->one_machine ? d->boot->size : 1));
		return DSM_ERR_LIMIT;
	}
	init_error_set("cannot map a shared region of %zu bytes: %s%s", len, strerror(-rc),
	               error_lock_hint(rc));
	return error_limit_or(rc, DSM_ERR_NOMEM);
}

static int open_frames(struct dsm *d)
{
	const struct budget *mine = &d->budgets[d->boot->rank];
	const uint64_t page_bytes[] = {d->region.zone[REGION_PTE].page_bytes,
	                               d->region.zone[REGION_PMD].page_bytes};

	log_line(&d->log, DSM_LOG_DEBUG, "memory for pages: %llu bytes%s",
	         (unsigned long long)mine->bytes, mine->both ? "" : ", and huge pages beside it");
	return frames_open(&d->frames, &d->region, &d->chunks, &d->coh_cfg, mine->bytes, mine->both,
	                   budget_home_bytes(&d->coh_cfg, mine, page_bytes));
}

_Static_assert(NODE_HOLDS + PIN_HOME_PAGES <= TENURE_SLOTS, "a hold without a slot");

static int make_core(struct dsm *d)
{
	uint32_t cap;
	int rc = configure_core(d); /* again: the zone of huge pages may have been given up */

	if (rc)
		return rc;
	d->coh_bytes = coh_size(&d->coh_cfg);
	void *state = (void *)syscall(SYS_mmap, NULL, d->coh_bytes, PROT_READ | PROT_WRITE,
	                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (state == MAP_FAILED) {
		init_error_set("no address space for the directory: %zu bytes", d->coh_bytes);
		return DSM_ERR_NOMEM;
	}
	d->coh = coh_init(state, &d->coh_cfg);
	cap = coh_effects_max(&d->coh_cfg);
	d->fx = (struct coh_effects){.list = calloc(cap, sizeof *d->fx.list),
	                             .cap = cap,
	                             .self_queue = calloc(COH_SELF_MAX, sizeof *d->fx.self_queue)};
	if (!d->fx.list || !d->fx.self_queue || open_frames(d))
		return DSM_ERR_NOMEM;
	/* One thread that works and one that serves, for each node here. */
	d->crowded = 2 * d->boot->nodes_here > sysconf(_SC_NPROCESSORS_ONLN);
	d->spin_ns = (d->settings.spin_us < 0 ? SPIN_US : d->settings.spin_us) * UINT64_C(1000);
	tenure_init(&d->tenure,
	            (d->settings.tenure_us ? d->settings.tenure_us : TENURE_US) * UINT64_C(1000),
	            d->boot->rank);
	return 0;
}

/* CAP_IPC_LOCK: no limit counts. */
static int may_lock_all(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return !syscall(SYS_capget, &head, data) &&
	       (data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK));
}

/* Where what is registered is pinned, that may become the whole region, or all that the
 * budget allows. Told now, for later it would end the job. */
static int check_memlock(const struct dsm *d)
{
	const struct budget *mine = &d->budgets[d->boot->rank];
	uint64_t small = mine->bytes + (uint64_t)BUDGET_FLOOR_PAGES * mine->chunk;
	uint64_t want = d->settings.region_bytes + d->settings.huge_bytes;
	struct rlimit lock;

	if (!mine->both)
		small += d->settings.huge_bytes;
	if (want > small)
		want = small;

	if (!d->tr->ops->pins_memory(d->tr) || getrlimit(RLIMIT_MEMLOCK, &lock) ||
	    lock.rlim_cur == RLIM_INFINITY || lock.rlim_cur >= want || may_lock_all())
		return 0;
	init_error_set("RLIMIT_MEMLOCK (ulimit -l) is %llu KiB, but provider %s pins the memory of "
	               "pages that it moves, up to %llu KiB: raise it, or ask for a smaller region "
	               "by DSM_REGION, or for a smaller part of it here by DSM_MEMORY",
	               (unsigned long long)lock.rlim_cur >> 10, d->tr->ops->provider(d->tr),
	               (unsigned long long)want >> 10);
	return DSM_ERR_LIMIT;
}

/* What a node needs of its own; outcome to be agreed on. */
static int make_ready(struct dsm *d)
{
	struct trap_config tc = {.region = &d->region,
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
	rc = check_memlock(d);
	if (rc)
		return rc;
	rc = chunks_open(&d->chunks);
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
	chunks_close(&d->chunks);
	if (d->trap)
		d->trap->ops->detach(d->trap);
	pins_close(d);
	frames_close(&d->frames);
	free(d->budgets);
	free(d->fx.list);
	free(d->fx.self_queue);
	if (d->coh)
		syscall(SYS_munmap, d->coh, d->coh_bytes);
	if (d->region.window)
		region_destroy(&d->region);
	if (d->boot)
		d->boot->ops->close(d->boot);
	pthread_cond_destroy(&d->room);
	pthread_mutex_destroy(&d->lock);
	free(d);
	node_cease();
}

/* The region; without its zone of huge pages where that is optional and one node has not
 * enough of them, or no addresses for it. */
static int make_region_or_less(struct dsm *d)
{
	int32_t mine = make_region(d), all[COH_MAX_NODES];
	int short_of = 0, rc;

	if (!d->settings.huge_bytes || !d->settings.huge_optional)
		return node_agree(d, mine);
	rc = node_exchange(d, &mine, sizeof mine, all);
	if (rc)
		return rc;
	for (int i = 0; i < d->boot->size; i++)
		short_of |= all[i] == DSM_ERR_LIMIT || all[i] == DSM_ERR_ADDRESS;
	if (!short_of)
		return node_agree(d, mine);
	log_line(&d->log, DSM_LOG_WARN, "going on without huge pages: %s",
	         mine ? dsm_init_error() : "another node has no room for them");
	region_destroy(&d->region);
	d->settings.huge_bytes = 0;
	return node_agree(d, make_region(d));
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
	rc = meet(d);
	if (rc)
		return rc;
	rc = make_region_or_less(d);
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
	d->start_ns = node_now_ns();
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->room, NULL);
	rc = join(d, config);
	if (rc) {
		if (!*dsm_init_error())
			init_error_set("%s", dsm_strerror(rc));
		log_line(&d->log, DSM_LOG_ERROR, "%s", dsm_init_error());
		dismantle(d);
		return rc;
	}
	log_line(&d->log, DSM_LOG_INFO, "node %d of %d, provider %s, trap %s, region %llu bytes at %p",
	         d->boot->rank, d->boot->size, d->tr->ops->provider(d->tr), d->trap_ops->name,
	         (unsigned long long)d->settings.region_bytes, (void *)d->region.window);
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
		rc = d->lost ? d->lost : d->tr->ops->pending(d->tr);
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
