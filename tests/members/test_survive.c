/* SPDX-License-Identifier: BSD-2-Clause */
/* Real processes that survive each other: killed, stopped, cut off, one after the other and at once. */
#include "config.h"

#include <CUnit/CUnit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/members/crew.h"
#include "tests/seed.h"
#include "tests/suite.h"

#define LOSS_MS 1500 /* on a machine that is busy with other tests */
#define ALL(n) ((UINT64_C(1) << (n)) - 1)

static struct crew crew;

static void open_crew(unsigned nodes, int by_starter)
{
	crew_open(&crew, nodes, by_starter, LOSS_MS);
}

static void close_crew(void)
{
	CU_ASSERT_EQUAL(crew_trespassers(&crew), 0);
	crew_close(&crew);
}

/* These live on, in one view. How long that took is told: nothing depends on it. */
static void expect(uint64_t living, const char *what, uint64_t since)
{
	CU_ASSERT_EQUAL(crew_wait(&crew, living), 0);
	printf("\n    %s: %llu ms ", what, (unsigned long long)(crew_now_ms() - since));
	fflush(stdout);
}

static void expect_end(unsigned rank, const char *text)
{
	CU_ASSERT_EQUAL(crew_wait_end(&crew, rank), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(crew.shared->seen[rank].why, text));
	if (!strstr(crew.shared->seen[rank].why, text))
		fprintf(stderr, "node %u: \"%s\"\n", rank, crew.shared->seen[rank].why);
}

static void die_one_by_one(int by_starter, unsigned nodes, unsigned last)
{
	uint64_t living = ALL(nodes);

	open_crew(nodes, by_starter);
	for (unsigned rank = 0; rank < last; rank++) {
		uint64_t since = crew_now_ms();

		crew_signal(&crew, rank, SIGKILL); /* the leader, each time */
		living &= ~(UINT64_C(1) << rank);
		expect(living, "killed", since);
	}
	CU_ASSERT_EQUAL(crew.shared->seen[nodes - 1].view, 1 + last);
	close_crew();
}

static void test_one_by_one_down_to_one(void)
{
	die_one_by_one(1, 4, 3);
}

static void test_one_by_one_while_a_majority_is_left(void)
{
	die_one_by_one(0, 5, 3);
}

static void test_two_at_once(void)
{
	for (int by_starter = 0; by_starter < 2; by_starter++) {
		uint64_t since;

		open_crew(5, by_starter);
		since = crew_now_ms();
		crew_signal(&crew, 0, SIGKILL);
		crew_signal(&crew, 3, SIGKILL);
		expect(ALL(5) & ~UINT64_C(9), "two killed", since);
		close_crew();
	}
}

/* The leader dies while it agrees with the others, more or less. */
static void test_leader_dies_meanwhile(void)
{
	for (int i = 0; i < 6; i++) {
		uint64_t since;

		open_crew(4, 1);
		since = crew_now_ms();
		crew_signal(&crew, 3, SIGKILL);
		crew_serve(&crew, (int)(rng() % 12));
		crew_signal(&crew, 0, SIGKILL);
		expect(6, "killed, then the leader", since);
		close_crew();
	}
}

static void test_starter_ends_who_is_stopped(void)
{
	uint64_t since;

	open_crew(3, 1);
	since = crew_now_ms();
	crew_signal(&crew, 1, SIGSTOP);
	expect(5, "stopped", since);
	CU_ASSERT_EQUAL(crew.pids[1], 0); /* not just left out: killed */
	close_crew();
}

/* Its lease has run out by its own clock when the others go on; then it learns that it is out. What a
 * program's threads do in the moment between SIGCONT and the library's first look at its clock nobody
 * can prevent: what they had used before counts here. */
static void stop_and_continue(unsigned rank)
{
	uint64_t since, used;

	open_crew(3, 0);
	since = crew_now_ms();
	crew_signal(&crew, rank, SIGSTOP);
	expect(ALL(3) & ~(UINT64_C(1) << rank), "stopped", since);
	used = crew.shared->seen[rank].used_ms;
	CU_ASSERT_EQUAL(crew_trespassers(&crew), 0);
	crew_signal(&crew, rank, SIGCONT);
	expect_end(rank, "without this node");
	CU_ASSERT_EQUAL(crew.shared->seen[rank].usable, 0);
	printf("\n    it used its window for %d ms more",
	       (int)(crew.shared->seen[rank].used_ms > used
	                     ? crew.shared->seen[rank].freed_ms -
	                               crew.shared->seen[rank].used_ms + 1 : 0));
	crew.shared->seen[rank].used_ms = used;
	expect(ALL(3) & ~(UINT64_C(1) << rank), "in all", since);
	close_crew();
}

static void test_who_was_stopped_is_out(void)
{
	stop_and_continue(0);
	stop_and_continue(2);
}

static void test_a_short_stop_is_nothing(void)
{
	open_crew(3, 0);
	for (unsigned i = 0; i < 3; i++) {
		crew_signal(&crew, i, SIGSTOP);
		crew_serve(&crew, LOSS_MS / 4);
		crew_signal(&crew, i, SIGCONT);
		crew_serve(&crew, LOSS_MS / 4);
	}
	CU_ASSERT_EQUAL(crew_wait(&crew, 7), 0);
	CU_ASSERT_EQUAL(crew.shared->seen[0].view, 1);
	close_crew();
}

static void test_of_two(void)
{
	uint64_t since;

	open_crew(2, 0);
	since = crew_now_ms();
	crew_signal(&crew, 1, SIGKILL);
	expect(1, "the second of two killed", since);
	close_crew();
	open_crew(2, 0);
	crew_signal(&crew, 0, SIGKILL);
	expect_end(1, "of the 2 nodes of view 1 this one reaches 1");
	close_crew();
}

/* The fabric between two is dead, while everything else lives. */
static void test_one_pair_is_cut(void)
{
	uint64_t since;

	open_crew(4, 0);
	since = crew_now_ms();
	__atomic_store_n(&crew.shared->seen[1].cut, 1 + 2, __ATOMIC_RELEASE);
	expect(ALL(4) & ~UINT64_C(4), "1 takes 2 for gone", since);
	expect_end(2, "without this node");
	close_crew();
}

/* The boot connections end while all nodes live, and the network between them. Node 0 had one to each:
 * it has to go, and takes one with it when it knows of that one first. */
static void test_hub_is_cut_off(void)
{
	open_crew(4, 0);
	if (crew_cut_hub(&crew) == 0) {
		uint64_t living;

		CU_ASSERT_EQUAL(crew_wait_end(&crew, 0), 0);
		living = crew_settle(&crew);
		CU_ASSERT((living & 14) && !(living & 1));
	} else {
		printf("\n    skipped: ss -K ends no connections here ");
	}
	close_crew();
}

/* Many more busy processes than processors: nobody is suspected. LOAD_S makes it longer. */
static void test_no_false_alarm_under_load(void)
{
	const char *text = getenv("LOAD_S");
	int ms = (text ? atoi(text) : 4) * 1000;
	pid_t busy[20];

	for (unsigned i = 0; i < 20; i++) {
		busy[i] = fork();
		if (busy[i] == 0) {
			alarm((unsigned)ms / 1000 + 60);
			for (volatile unsigned n = 0;; n++)
				;
		}
	}
	crew_open(&crew, 6, 0, 2000);
	crew_serve(&crew, ms);
	CU_ASSERT_EQUAL(crew_wait(&crew, ALL(6)), 0);
	for (unsigned i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(crew.shared->seen[i].view, 1);
	for (unsigned i = 0; i < 20; i++) {
		kill(busy[i], SIGKILL);
		waitpid(busy[i], NULL, 0);
	}
	close_crew();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "one by one, down to one", test_one_by_one_down_to_one },
		{ "one by one, while a majority is left", test_one_by_one_while_a_majority_is_left },
		{ "two at once", test_two_at_once },
		{ "the leader dies while all agree", test_leader_dies_meanwhile },
		{ "a starter ends who is stopped", test_starter_ends_who_is_stopped },
		{ "who was stopped for long is out", test_who_was_stopped_is_out },
		{ "a short stop is nothing", test_a_short_stop_is_nothing },
		{ "of two nodes the lower goes on", test_of_two },
		{ "one pair is cut", test_one_pair_is_cut },
		{ "the hub is cut off", test_hub_is_cut_off },
		{ "no false alarm under load", test_no_false_alarm_under_load },
		CU_TEST_INFO_NULL,
	};

	seed_start((uint64_t)getpid());
	return suite_run("survive", NULL, NULL, tests, 90);
}
