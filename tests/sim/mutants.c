/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Would the simulator see a broken protocol? The core is built with planted bugs
 * (coherence/mutant.h), and each of them must end in a violation or an assertion,
 * while the core as it is runs through the same simulations without one. Bugs that harm nobody
 * but who pins pages are the explorer's: here nobody does.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coherence/mutant.h"
#include "tests/sim/sim.h"

static const char *const mutant_name[] = {
#define NAME(name, text) [COH_MUT_##name] = #name ": " text,
	COH_MUTANT_LIST(NAME)
#undef NAME
};

static const struct sim_config small = {
	.events = 60000,
	.nodes = 4,
	.threads = 2,
	.pages = 24,
	.block_pages = 8,
	.epoch = 15000,
	.mean_ns = 3000,
	.think_ns = 500,
	.wake_ns = 500,
	.tenure_ns = 4000,
	.budget = 8,
	.atomic_in = 20,
	.prefetch_in = 20,
	.evict_in = 20,
	.pair_in = 20,
	.discard_in = 20,
	.futex_in = 10,
	.per_home = 4,
	.slots = 16,
	.holds = 16,
	.migratory = 3,
	.locks = 8,
};

/* Simulates until something is seen. Returns 1 when it was, after telling the parent. */
static int look(int out)
{
	static const char *const works[] = { "uniform", "migratory", "scan", "hot", "producer" };

	for (uint64_t seed = 1; seed <= 10; seed++)
		for (unsigned w = 0; w < sizeof works / sizeof *works; w++) {
			struct sim_config cfg = small;
			struct sim s;
			int rc;
			cfg.seed = seed;
			cfg.latency = seed % LAT_KINDS;
			cfg.work = workload_find(works[w]);
			sim_init(&s, &cfg);
			rc = sim_run(&s);
			if (rc && write(out, s.violation, strlen(s.violation)) < 0)
				perror("mutants: write");
			sim_free(&s);
			if (rc)
				return 1;
		}
	return 0;
}

/* Runs a mutant in a child, which it may well crash. Returns 1 when it was seen, else 0. */
static int seen(int mutant, char *how, size_t room)
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(fds) != 0 || (pid = fork()) < 0) {
		perror("mutants");
		exit(2);
	}
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
		if (!freopen("/dev/null", "w", stderr)) /* assertions are expected */
			_exit(2);
		sim_watchdog(60);
		coh_mutant = mutant;
		_exit(look(fds[1]));
	}
	close(fds[1]);
	n = read(fds[0], how, room - 1);
	how[n > 0 ? n : 0] = 0;
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		snprintf(how, room, "%s",
		         WTERMSIG(status) == SIGABRT ? "an assertion"
		                                     : strsignal(WTERMSIG(status)));
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGPROF))
		return mutant == COH_MUT_NONE;
	return WIFSIGNALED(status) || WEXITSTATUS(status) == 1;
}

/* They harm who pins pages, and here nobody does. */
static int is_of_pins(int mutant)
{
	return mutant == COH_MUT_RUN_OVER_TENURE || mutant == COH_MUT_RUN_WAITS_AT_OWNER ||
	       mutant == COH_MUT_RUN_WAITS_IN_QUEUE;
}

/* Nor does anybody die: tests/explore/mutants has these. */
static int is_of_views(int mutant)
{
	return mutant >= COH_MUT_VIEWS_FIRST && mutant <= COH_MUT_VIEWS_LAST;
}

int main(void)
{
	char how[256];
	int missed = 0, looked = 0;

	if (seen(COH_MUT_NONE, how, sizeof how)) {
		printf("the core as it is: %s\n", how);
		return 1;
	}
	for (int m = COH_MUT_NONE + 1; m < COH_MUTANTS_END; m++) {
		int ok;
		if (is_of_pins(m) || is_of_views(m))
			continue;
		ok = seen(m, how, sizeof how);
		printf("%s %s\n\t%s\n", ok ? "seen  " : "MISSED", mutant_name[m], ok ? how : "");
		missed += !ok;
		looked++;
	}
	printf("%d of %d planted bugs missed\n", missed, looked);
	return missed ? 1 : 0;
}
