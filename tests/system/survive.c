/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that loses a node at some moment, and goes on:
 *
 *	survive FILE RANK kill SEED    rank RANK is killed
 *	survive FILE RANK stop SEED    it stands still for longer than the others wait, and goes on
 *	survive FILE RANK calls SEED   it is killed, and survivors then call what there is
 *	survive FILE RANK wait SEED    somebody else kills it
 *	survive FILE RANK two SEED     and once the others go on, so is the rank after it
 *	survive FILE RANK renew SEED   somebody else kills it, and what is lost is made anew
 *	survive FILE RANK renews SEED  and then the rank after it
 *	survive FILE RANK small SEED   it is killed, with more pages than a node's budget has room for
 *	survive FILE RANK huge-...     any of these but the last, with pages of 2 MiB
 *
 * Each page has one node that writes it, to a rising number in all its words, and all read. FILE, which
 * all map, tells beside the region what has been written: a number is noted there before and after. So
 * a page that is read must be as new as what was noted before, and not newer than what was after:
 * whatever happens, it is that, or lost. Half of the pages are written once, and read by all before
 * anybody dies: these must not be lost, nor any page whose writer lives; where nodes have room for them.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dsm/dsm_survive.h"
#include "tests/system/node.h"
#include "tests/system/survivor.h"
#include "tests/system/survive.h"

#define DIE_US 400000 /* the moment is within so much of the others' beginning */
#define MORE_MS 300   /* of work after it */
#define SHOW_MS 3000  /* the same where somebody else looks meanwhile */

/* --- dying --- */

static void note_death(void)
{
	atomic_store(&run.tally->died_ns, node_now_ns());
	atomic_fetch_or(&run.tally->dead, 1u << node.rank);
}

/* Another process has this one go on later. */
static void stop(void)
{
	const struct timespec pause = { .tv_sec = 3 * run.loss_ms / 1000 + 1 };
	const pid_t self = getpid();

	if (fork() == 0) {
		nanosleep(&pause, NULL);
		kill(self, SIGCONT);
		_exit(0);
	}
	note_death();
	raise(SIGSTOP);
}

static void *die(void *arg)
{
	uint64_t random = run.seed;
	const struct timespec moment = { .tv_nsec = (long)(node_random(&random) % DIE_US) * 1000 };

	nanosleep(&moment, NULL);
	if (run.stops) {
		stop();
		return NULL;
	}
	note_death();
	raise(SIGKILL);
	return NULL;
}

static void on_view(void *ctx, dsm_t *dsm, const struct dsm_view *view)
{
	CHECK(dsm == node.dsm && view->number > 1 && view->living == node.size + 1 - (int)view->number);
	CHECK(!(view->members >> run.victim & 1));
	if ((int)view->number == 1 + run.deaths)
		atomic_store((_Atomic int *)ctx, 1);
}

static void share(void)
{
	const size_t bytes = (size_t)(run.pages + COUNTERS) * run.page_bytes;
	void *at;

	if (node.rank == 0) {
		OK(dsm_alloc(node.dsm, bytes, run.page_bytes, node.huge_bytes ? DSM_HUGE : 0, &at));
		OK(dsm_publish(node.dsm, "pages", at));
	} else {
		OK(dsm_lookup(node.dsm, "pages", -1, &at));
	}
	run.at = at;
}

int main(int argc, char **argv)
{
	uint64_t random, end = 0, view_ns = 0;
	_Atomic int told = 0;
	int dying = 0, renews;
	const char *mode;
	struct dsm_view view;

	if (argc != 5)
		return 2;
	mode = argv[3];
	run.page_bytes = strncmp(mode, "huge-", 5) ? 4096 : HUGE_PAGE;
	mode += run.page_bytes == HUGE_PAGE ? 5 : 0;
	run.tally = survivor_tally(argv[1], sizeof *run.tally);
	run.victim = atoi(argv[2]);
	run.stops = !strcmp(mode, "stop");
	renews = !strncmp(mode, "renew", 5);
	run.waits = !strcmp(mode, "wait") || renews;
	run.small = !strcmp(mode, "small");
	run.deaths = strcmp(mode, "two") && strcmp(mode, "renews") ? 1 : 2;
	run.pages = run.small ? PAGES_MAX : PAGES;
	if (run.page_bytes == HUGE_PAGE) {
		run.pages = HUGE_PAGES;
		node.huge_bytes = (HUGE_PAGES + COUNTERS) * run.page_bytes;
	}
	run.loss_ms = getenv("DSM_LOSS_TIMEOUT") ? (unsigned)atoi(getenv("DSM_LOSS_TIMEOUT")) : 2000;
	run.seed = strtoull(argv[4], NULL, 10) | 1;
	survive_catch();
	node_join("survive", 30);
	random = run.seed * 77 + (unsigned)node.rank + 1;
	OK(dsm_on_view(node.dsm, on_view, &told));
	EXPECT(DSM_ERR_BUSY, dsm_on_view(node.dsm, on_view, &told));
	share();
	for (int p = 0; p < run.pages; p++)
		if (survive_writer_of(p) == node.rank)
			survive_store(p);
	for (int k = node.rank; k < COUNTERS; k += node.size)
		survive_add(k);
	survive_meet(0);
	for (int p = 0; p < run.pages; p++)
		survive_look(p, &random);
	survive_meet(1);
	if (run.waits && node.rank == 0)
		node_say("all have begun");
	if (renews) {
		survive_renew(&random);
		OK(dsm_fini(node.dsm));
		return 0;
	}
	if (node.rank == run.victim && !run.waits)
		survivor_end_by(die);
	while (!end || node_now_ns() < end) {
		survive_work(&random);
		survive_out();
		OK(dsm_view(node.dsm, &view));
		if (view.number == 1)
			continue;
		survive_is_dead(run.victim);
		if ((int)view.number < 1 + run.deaths) {
			if (node.rank == (run.victim + 1) % node.size && !dying)
				survivor_end_by(die);
			dying = 1;
			continue;
		}
		if (!view_ns)
			view_ns = node_now_ns();
		if (run.waits)
			end = view_ns + SHOW_MS * UINT64_C(1000000);
		else if (!run.stops)
			end = view_ns + MORE_MS * UINT64_C(1000000);
		else if (atomic_load(&run.tally->woke_ns))
			end = atomic_load(&run.tally->woke_ns) + MORE_MS * UINT64_C(1000000);
	}
	CHECK((int)view.number == 1 + run.deaths && view.living == node.size - run.deaths);
	CHECK(!(view.members >> run.victim & 1));
	OK(dsm_wait_view(node.dsm, 1, 0));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_wait_view(node.dsm, view.number, 1));
	if (!run.waits)
		node_say("goes on %llu ms after the death",
		         (unsigned long long)(view_ns - atomic_load(&run.tally->died_ns)) / 1000000);
	survive_compare_lost();
	survive_compare_counters();
	if (!strcmp(mode, "calls")) {
		survive_refused();
		survive_call_lost();
	}
	while (!atomic_load(&told))
		sched_yield();
	OK(dsm_fini(node.dsm));
	return 0;
}
