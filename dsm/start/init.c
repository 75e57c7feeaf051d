/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joining and leaving a job. What can fail on one node is agreed on by all: each step
 * ends in an exchange that carries its outcome, so that all go on or all give up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "coherence/mutant.h"
#include "config.h"
#include "dsm/checkpoint/checkpoint.h"
#include "dsm/dsm_checkpoint.h"
#include "dsm/heap/heap.h"
#include "dsm/start/steps.h"
#include "dsm/workers/workers.h"

/* --- steps --- */

/* Which engine, and which delivery, of those that work here. */
static int choose_trap(struct dsm *d)
{
	const char *name = d->settings->trap;
	char why[512] = "";
	int rc, ignored;

	d->signal = !strcmp(d->settings->faults, "signal");
	d->trap_ops = trap_choose(name, d->signal ? TRAP_SIGNAL : TRAP_EVENT, why, sizeof why, &rc);
	if (rc == -EPERM && !strcmp(d->settings->faults, "auto"))
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
	int rc = restore_open(d);

	if (rc == 0)
		rc = start_keep2(d);
	if (rc == 0)
		rc = start_configure_core(d);
	if (rc == 0)
		rc = limits_of_space(d);
	if (rc == 0)
		rc = limits_of_files(d);
	if (rc == 0)
		rc = limits_of_descriptors(d);
	return rc ? rc : choose_trap(d);
}

/* The service thread, and who is served on its loop. From here on it may be who says something, and
 * whoever listens may not keep it: the log gets its own. */
static int start_service(struct dsm *d, const struct post_name *post)
{
	int rc = log_open(&d->log);

	if (rc == 0)
		rc = loop_open(d);
	if (rc == 0)
		rc = admin_start(d, post);
	if (rc == 0)
		rc = loop_start(d);
	if (rc == 0)
		return 0;
	init_error_set("cannot start the service thread: %s%s", strerror(-rc), error_limit_hint(rc));
	return error_limit_or(rc, DSM_ERR_LIMIT);
}

/* What a node needs of its own; outcome to be agreed on. */
static int make_ready(struct dsm *d, const struct post_name *post)
{
	struct trap_config tc = {.region = &d->memory.region,
	                         .delivery = d->signal ? TRAP_SIGNAL : TRAP_EVENT,
	                         .on_fault = node_fault_here,
	                         .fault_ctx = d,
	                         .log = log_text,
	                         .log_ctx = &d->log};
	int rc = start_make_core(d);

	d->checks = d->settings->checks;
	if (rc == 0)
		rc = limits_of_descriptors(d);
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
	if ((d->view.on && view_open(d)) || heap_open(d) || workers_open(d) || (d->signal && stacks_fill(&d->fault_stacks)))
		return DSM_ERR_NOMEM;
	return start_service(d, post);
}

/* --- the whole --- */

static void dismantle(struct dsm *d)
{
	char left[BOOT_DIR_MAX + 1];

	start_survive_end(d);
	loop_stop(d);
	restore_pages_end(d);
	admin_stop(d, left);
	loop_close(d);
	workers_close(d);
	heap_close(d);
	if (d->tr)
		d->tr->ops->close(d->tr);
	chunks_close(&d->memory.chunks);
	view_close(d);
	if (d->trap)
		d->trap->ops->detach(d->trap);
	pins_close(d);
	frames_close(&d->memory.frames);
	free(d->memory.budgets);
	free(d->engine.fx.list);
	free(d->engine.fx.self_queue);
	free(d->engine.compared);
	if (d->engine.coh)
		syscall(SYS_munmap, d->engine.coh, d->engine.bytes);
	if (d->hot.count)
		syscall(SYS_munmap, d->hot.count, d->hot.pages * sizeof *d->hot.count);
	if (d->memory.region.window)
		region_destroy(&d->memory.region);
	if (d->boot)
		d->boot->ops->close(d->boot);
	admin_leave(left);
	stacks_close(&d->fault_stacks);
	stacks_close(&d->call_stacks);
	waits_close(&d->waits);
	log_close(&d->log);
	pthread_mutex_destroy(&d->lock);
	ckpt_close(d->restored);
	if (d->store.dir)
		close(d->store.fd);
	free(d->store.dir);
	free(d->settings);
	process_unmark(d->mark);
	free(d);
	descriptors_release();
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
	struct post_name post;
	int rc = settings_read(config, d->settings, &d->log);

	if (rc == 0)
		rc = plant_mutant();
	if (rc == 0)
		rc = start_open_boot(d);
	if (rc)
		return rc;
	members_open(&d->members, d->boot);
	rc = node_meet(d, prepare(d), &post);
	if (rc)
		return rc;
	rc = node_place_region(d);
	if (rc)
		return rc;
	rc = node_agree(d, make_ready(d, &post));
	if (rc == 0 && d->boot->size > 1)
		rc = node_agree(d, start_reach(d));
	if (rc == 0 && d->view.on)
		rc = node_agree(d, start_survive(d));
	if (rc || !d->restored)
		return rc;
	rc = restore_all(d);
	return node_agree(d, rc ? rc : restore_pages(d));
}

/* NULL: no memory. */
static struct dsm *make_node(void)
{
	struct dsm *d = calloc(1, sizeof *d);
	struct settings *settings = calloc(1, sizeof *settings);

	if (d)
		d->mark = process_mark();
	if (!d || !settings || !d->mark) {
		if (d)
			process_unmark(d->mark);
		free(d);
		free(settings);
		return NULL;
	}
	descriptors_hold(); /* until the end: peers connect, and are connected to, all the time */
	d->settings = settings;
	d->start_ns = clock_now_ns();
	pthread_mutex_init(&d->lock, NULL);
	waits_open(&d->waits, &d->trace);
	cohorts_open(&d->cohorts);
	progress_init(&d->progress);
	return d;
}

/* Says why this process does not become a node. Returns code. */
static int refuse(const struct log *log, int code)
{
	if (!*dsm_init_error())
		init_error_set("%s", dsm_strerror(code));
	limits_explain(code);
	log_start(log, DSM_LOG_ERROR, "%s", dsm_init_error());
	return code;
}

/* For copies of what is written while it is being saved: by default one byte in so many. */
#define COPIES_SHARE 8
static uint64_t copies_room(const struct dsm *d)
{
	const uint64_t share = d->memory.budgets[d->boot->rank].bytes / COPIES_SHARE;

	return d->settings->copies_bytes != UINT64_MAX ? d->settings->copies_bytes : share;
}

int dsm_init(const struct dsm_config *config, dsm_t **out)
{
	sigset_t mask;
	struct log log;
	struct dsm *d;
	int rc;
	CANCEL_OFF;

	init_error_set("%s", "");
	rc = settings_log(config, &log);
	if (rc == 0 && !out)
		rc = DSM_ERR_INVAL;
	if (rc == 0)
		rc = node_become();
	if (rc)
		return refuse(&log, rc);
	d = make_node();
	if (!d) {
		node_cease();
		return refuse(&log, DSM_ERR_NOMEM);
	}
	rc = join(d, config);
	if (rc) {
		loop_stop(d);
		log_close(&d->log); /* so this comes last, and before we return */
		refuse(&d->log, rc);
		dismantle(d);
		return rc;
	}
	node_lock(d, &mask); /* which looks at the mask that threads made later inherit */
	node_unlock(d, &mask);
	log_line(&d->log, DSM_LOG_INFO,
	         "node %d of %d, provider %s, trap %s, region %llu bytes at %p", d->boot->rank,
	         d->boot->size, d->tr->ops->provider(d->tr), d->trap_ops->name,
	         (unsigned long long)d->settings->region_bytes, (void *)d->memory.region.window);
	d->wanted.since_ns = clock_now_ns();
	d->wanted.every_ns = (uint64_t)d->settings->checkpoint_s * 1000000000;
	d->wanted.always_packed = d->settings->checkpoint_packed;
	d->moment.room = copies_room(d);
	node_set_current(d);
	*out = d;
	return 0;
}

int dsm_fini(dsm_t *d)
{
	sigset_t mask;
	int rc;
	CANCEL_OFF;

	if (!d)
		return 0;
	if (node_is_copy(d))
		return DSM_ERR_INVAL;
	if (log_is_listener())
		return DSM_ERR_BUSY; /* it would wait for itself */
	if (d->view.has_teller && pthread_equal(d->view.teller, pthread_self()))
		return DSM_ERR_BUSY; /* likewise */
	if (entry_in_window(d, &mask))
		return DSM_ERR_INVAL; /* there would be nothing to return to */
	if (workers_self())
		return DSM_ERR_BUSY; /* likewise */
	dsm_checkpoint_wait(d); /* while all are there */
	rc = d->view.on ? start_part_survive(d) : start_part(d);
	dsm_checkpoint_wait(d); /* one that a thread of dsm_thread_create has begun meanwhile */
	node_set_current(NULL);
	if (rc && workers_rest(d))
		return DSM_ERR_LOST; /* what they use stays */
	/* The service thread may not have come to it; and others may wait for us although
	 * nothing is lost. */
	start_survive_end(d);
	loop_stop(d);
	if (rc && !d->view.on)
		members_tell(&d->members, d->members.lost ? d->members.why : dsm_strerror(rc));
	dismantle(d);
	return rc ? DSM_ERR_LOST : 0;
}
