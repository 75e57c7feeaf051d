/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Would the explorer see a broken protocol? The core is built with planted bugs
 * (coherence/mutant.h) and without assertions. Each bug must violate what the explorer
 * checks, in the smallest exploration of a list that shows it; and again when refused
 * messages, which often betray a bug first, are taken for lost. The core as it is must
 * pass all of them, in which nothing is refused.
 *
 *	mutants [NAME [EXPLORATION]]    all of them, or one with its trace
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coherence/mutant.h"
#include "tests/explore/explore.h"
#include "tests/hang.h"

static const char *const names[] = {
#define NAME(name, text) [COH_MUT_##name] = #name ": " text,
	[COH_MUT_NONE] = "the core as it is", COH_MUTANT_LIST(NAME)
#undef NAME
};

#define BUG(name) COH_MUT_##name

#define LOOK_S 600
/* The smallest explorations that show the bugs; those that are in none, the first does. */
static const struct {
	const char *run;
	int bugs[16];
} shows[] = {
	{ "nodes=2 slots=1", { 0 } },
	{ "nodes=2 slots=1 holds=1", { BUG(TENURE_FOR_EVER), BUG(TENURE_DROPS) } },
	{ "nodes=2 slots=2 atomics=1",
	  { BUG(GRANT_BEFORE_LAST_ACK), BUG(UNTOUCHED_AFTER_ATOMIC), BUG(ATOMIC_WITHOUT_INV) } },
	{ "nodes=3 slots=1", { BUG(SERVE_BEFORE_REFRESH), BUG(NO_REFRESH) } },
	{ "nodes=2 slots=1 futex=2 threads=1",
	  { BUG(WAKE_DURING_COMPARE), BUG(COMPARE_AT_HOME), BUG(SLEEP_ANYWAY), BUG(WAKE_NEWEST),
	    BUG(WOKEN_UNTOLD), BUG(CANCELLED_STAYS), BUG(CANCEL_AT_ONCE), BUG(CANCEL_FORGOTTEN) } },
	{ "nodes=2 slots=1 futex=2 own=1 threads=1", { BUG(OWN_COMPARED) } },
	{ "nodes=2 pages=2 block=2 slots=2 runs=2 threads=1",
	  { BUG(RUN_OVER_BUSY), BUG(RUN_OVER_OWNED), BUG(RUN_DONE_ONE), BUG(RUN_TAIL_STUCK) } },
	{ "nodes=2 pages=2 block=2 slots=2 writes=2 threads=1",
	  { BUG(WRITE_RUN_OVER_SHARED), BUG(RUN_OWNER_OF_ONE) } },
	{ "nodes=3 slots=1 per_home=1 crashes=1 live=0",
	  { BUG(NOTHING_KEPT), BUG(OLD_VIEW_TAKEN), BUG(DONE_IS_REFRESH), BUG(DEAD_GRANTED_NOTHING),
	    BUG(CLAIM_UNCHECKED), BUG(LOST_FALLS_BACK), BUG(REPORTS_NOT_AWAITED),
	    BUG(SALVAGE_SKIPPED), BUG(DEAD_HOMES_ONLY), BUG(KEPT_DROPPED), BUG(WANTED_UNTOLD),
	    BUG(REQUEST_SURVIVES) } },
	{ "nodes=3 slots=2 per_home=2 crashes=1 atomics=1 evict=0 threads=1 live=0",
	  { BUG(RESULT_FORGOTTEN), BUG(ATOMIC_RENUMBERED), BUG(ANSWERED_IN_TURN),
	    BUG(ATOMIC_NOT_BLOCKING), BUG(CLAIM_OF_ATOMIC) } },
	{ "nodes=3 slots=1 per_home=1 crashes=1 holds=1 threads=1 evict=0 live=0",
	  { BUG(DEFERRED_SURVIVES) } },
	{ "nodes=3 slots=1 per_home=1 crashes=2 threads=1 purge live=0",
	  { BUG(RECORD_FORGOTTEN), BUG(AWAY_IS_CURRENT) } },
	{ "nodes=3 sync=1 only=1 crashes=2 live=0",
	  { BUG(HOLDER_UNTOLD), BUG(GRANTED_HOLDS), BUG(OWNER_DEATH_UNTOLD), BUG(INHERITED_UNMARKED),
	    BUG(DEAD_WAITER_KEPT), BUG(LOCK_BEFORE_REPORTS), BUG(LOCK_ASKED_ONCE) } },
	{ "nodes=4 sync=1 only=4 crashes=2 purge live=0", { BUG(MARK_FORGOTTEN) } },
	{ "nodes=3 sync=1 only=2 crashes=1 live=0", { BUG(COND_SLEEPS_ON) } },
	{ "nodes=3 sync=1 only=3 crashes=1 live=0",
	  { BUG(DEAD_AWAITED), BUG(ARRIVAL_FORGOTTEN), BUG(EPISODE_IGNORED) } },
	{ "nodes=3 sync=2 only=5 crashes=1 purge live=0 max_states=300000", { BUG(BARRIER_BEFORE_REPORTS) } },
	{ "nodes=2 slots=1 futex=2 faults=0 evict=0 crashes=1 live=0",
	  { BUG(SLEEP_SURVIVES), BUG(SLEEPERS_KEPT), BUG(WAKE_FORGOTTEN), BUG(OLD_OUTCOME) } },
	{ "nodes=2 slots=2 discards=1 crashes=1 live=0", { BUG(DISCARD_ASKED_ONCE) } },
	{ "nodes=3 slots=1 per_home=1 discards=1 evict=0 threads=1 crashes=1 purge live=0",
	  { BUG(DROPPED_IS_CURRENT), BUG(LOST_KEEPS_FRAME) } },
	{ "nodes=2 pages=2 block=2 slots=1 runs=2 threads=1 evict=0 discards=1 crashes=1 live=0",
	  { BUG(RUN_OVER_LOST) } },
	{ "nodes=3 slots=1 per_home=1 renews=1 threads=1 evict=0 crashes=1 purge live=0",
	  { BUG(RENEWAL_UNTOLD), BUG(RENEWAL_OF_ALL), BUG(RENEWAL_FORGOTTEN),
	    BUG(RENEWAL_ASKED_AGAIN), BUG(RENEWED_BEFORE_ALL_KNOW) } },
	{ "nodes=3 slots=1 per_home=1 secure=1 threads=1 crashes=1 live=0",
	  { BUG(COPY_SKIPPED), BUG(COPY_NOT_AWAITED), BUG(COPY_DROPPED),
	    BUG(PUSHED_SHARED), BUG(RESTORE_SKIPPED), BUG(RESTORED_SOON), BUG(RESTORE_NOT_AWAITED) } },
	{ "nodes=2 pages=2 slots=1 secure=2 threads=1 evict=0 crashes=1 live=0",
	  { BUG(SEEN_AT_ONCE), BUG(RELEASED_EACH), BUG(UNLOGGED), BUG(PLACE_NOT_TAKEN),
	    BUG(SEEN_BEFORE_END) } },
	{ "nodes=2 pages=2 slots=1 secure=1 threads=1 evict=0 crashes=1 live=0",
	  { BUG(SEEN_WHILE_DIRTY) } },
	{ "nodes=3 slots=1 per_home=1 secure=1 threads=1 evict=0 crashes=2 purge live=0",
	  { BUG(ABSENCE_TRUSTED) } },
	{ "nodes=3 pages=2 slots=1 per_home=1 secure=2 threads=1 evict=0 crashes=2 purge live=0 asks=4",
	  { BUG(SEAL_FORGOTTEN) } },
	{ "nodes=2 slots=1 migratory=1", { BUG(MIGRATORY_SHARED) } },
	{ "nodes=2 slots=1 discards=1",
	  { BUG(DROP_KEEPS_ACCESS), BUG(DISCARD_BEFORE_LAST_ACK), BUG(DISCARD_KEEPS_FRAME),
	    BUG(ZERO_SKIPPED) } },
	{ "nodes=2 slots=1 discards=1 holds=1", { BUG(KEPT_FORGOTTEN) } },
	{ "nodes=2 pages=2 block=2 slots=1 per_home=1 runs=2 threads=1 holds=1 pins=1",
	  { BUG(RUN_OVER_TENURE) } },
	{ "nodes=2 pages=2 block=2 slots=1 per_home=1 runs=2 threads=1 holds=1 pins=2 pinner=1",
	  { BUG(RUN_WAITS_AT_OWNER) } },
	{ "nodes=2 pages=2 block=2 slots=1 per_home=1 runs=2 threads=1 atomics=1 holds=1 pins=2 "
	  "pinner=1 evict=0",
	  { BUG(RUN_WAITS_IN_QUEUE) } },
};
#define RUNS (sizeof shows / sizeof *shows)

/* Which of them shows this bug. */
static unsigned run_for(int mutant)
{
	for (unsigned i = 0; i < RUNS; i++)
		for (unsigned k = 0; shows[i].bugs[k]; k++)
			if (shows[i].bugs[k] == mutant)
				return i;
	return 0;
}

/* Explores; says what was seen, if anything, and returns 1 then. */
static int look_in(const char *run, int lenient, FILE *tell, FILE *trace)
{
	struct x_options o = x_defaults();
	struct x_result r;

	x_options_parse(&o, run);
	o.mutated = coh_mutant != COH_MUT_NONE;
	o.lenient = (unsigned)lenient;
	if (o.max_states > 5000000)
		o.max_states = 5000000;
	if (!x_explore(&o, trace, &r))
		return 0;
	fprintf(tell, "%s (%s; %u events)", r.why, run, r.trace_len);
	fflush(tell);
	return 1;
}

static const char *asked_for; /* the exploration that was named, or NULL */

/* In the child: a bug in its exploration, the core as it is in all. Exit status 1 when something
 * was seen. */
static int look(int lenient, FILE *tell, FILE *trace)
{
	if (asked_for)
		return look_in(asked_for, lenient, tell, trace);
	if (coh_mutant != COH_MUT_NONE)
		return look_in(shows[run_for(coh_mutant)].run, lenient, tell, trace);
	for (unsigned i = 0; i < RUNS; i++)
		if (look_in(shows[i].run, lenient, tell, trace))
			return 1;
	return 0;
}

/* Explores in a child, which a bug may well crash. Returns 1 when it was seen. */
static int seen(int mutant, int lenient, char *how, size_t room, FILE *trace)
{
	int fds[2], status;
	size_t n;
	FILE *in;
	pid_t pid;

	fflush(stdout);
	if (pipe(fds) != 0 || (pid = fork()) < 0) {
		perror("mutants");
		exit(2);
	}
	if (pid == 0) {
		alarm(LOOK_S);
		coh_mutant = mutant;
		_exit(look(lenient, fdopen(fds[1], "w"), trace));
	}
	close(fds[1]);
	in = fdopen(fds[0], "r");
	n = fread(how, 1, room - 1, in);
	how[n] = 0;
	fclose(in);
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status) && WEXITSTATUS(status) < 2)
		return WEXITSTATUS(status);
	snprintf(how, room, "did not end properly, status %#x", (unsigned)status);
	return -1;
}

static int try(int mutant)
{
	char how[2][512] = { "", "" };
	int rc[2] = { 0, 0 }, want = mutant != COH_MUT_NONE;

	for (int lenient = 0; lenient <= want; lenient++)
		rc[lenient] = seen(mutant, lenient, how[lenient], sizeof how[0], NULL);
	printf("%s %s\n", rc[0] == want && rc[1] == want ? "ok    " : "FAILED", names[mutant]);
	for (int lenient = 0; lenient < 2; lenient++)
		if (how[lenient][0] && (!lenient || strcmp(how[0], how[1])))
			printf("\t%s%s\n", lenient ? "else: " : "", how[lenient]);
	return rc[0] == want && rc[1] == want;
}

/* They mix a word's two queues up, and here all threads are in one of them: tests/sim/mutants has
 * both. */
static int is_of_two_queues(int mutant)
{
	return mutant == COH_MUT_WAKES_OWN;
}

int main(int argc, char **argv)
{
	char how[512];
	int failed = 0, looked = 0;

	if (argc == 2 || argc == 3) {
		int mutant = coh_mutant_by_name(argv[1]);
		if (mutant < 0)
			return 2;
		asked_for = argv[2];
		for (int lenient = 0; lenient < 2; lenient++)
			if (seen(mutant, lenient, how, sizeof how, stdout))
				printf("%s\n", how);
		return 0;
	}
	if (HANG_ONE_THREAD) {
		printf("skipped: searches by one thread: ThreadSanitizer sees nothing in them\n");
		return 77;
	}
	alarm(3600);
	failed += !try(COH_MUT_NONE);
	for (int m = COH_MUT_NONE + 1; m < COH_MUTANTS_END; m++) {
		if (is_of_two_queues(m))
			continue;
		failed += !try(m);
		looked++;
	}
	printf("%d of %d planted bugs seen\n", looked - failed, looked);
	return failed != 0;
}
