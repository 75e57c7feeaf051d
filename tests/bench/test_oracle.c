/* SPDX-License-Identifier: BSD-2-Clause */
/* The oracle of dsm-bench apps, on small traces whose least can be told by hand. */
#include "tools/bench/apps/oracle.h"
#include "tools/bench/apps/trace.h"

#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

#define MEMBERS 3
#define PAGES 4

/* What each member has seen; a lock is one more that learns and teaches. */
static uint32_t seen[MEMBERS][MEMBERS], at_lock[MEMBERS];
static struct trace_log *trace;

static void begin(void)
{
	trace = trace_open(MEMBERS, PAGES);
	memset(seen, 0, sizeof seen);
	memset(at_lock, 0, sizeof at_lock);
}

/* An interval of one access: "r0" or "w3"; or of several, "r0 w1". */
static void does(unsigned member, const char *what)
{
	struct trace_access access[PAGES];
	size_t n = 0;

	for (; *what; what += what[2] ? 3 : 2)
		access[n++] = (struct trace_access){ (uint32_t)(what[1] - '0'), *what == 'w' };
	CU_ASSERT_FATAL(trace_add(trace, member, seen[member], access, n));
	seen[member][member]++;
}

static void learn(uint32_t *to, const uint32_t *from)
{
	for (int i = 0; i < MEMBERS; i++)
		to[i] = to[i] > from[i] ? to[i] : from[i];
}

static void barrier(void)
{
	for (int i = 0; i < MEMBERS; i++)
		learn(at_lock, seen[i]);
	for (int i = 0; i < MEMBERS; i++)
		learn(seen[i], at_lock);
}

/* One critical section after the other. */
static void locked(unsigned member, const char *what)
{
	learn(seen[member], at_lock);
	does(member, what);
	learn(at_lock, seen[member]);
}

static void is(uint64_t faults, uint64_t moved)
{
	struct least least = { 99, 99 };

	CU_ASSERT_EQUAL_FATAL(oracle_least(trace_all(trace), &least), 0);
	CU_ASSERT_EQUAL(least.faults, faults);
	CU_ASSERT_EQUAL(least.moved, moved);
	trace_close(trace);
}

static void test_nothing(void)
{
	begin();
	barrier();
	does(1, "");
	is(0, 0);
}

static void test_pages_that_nobody_has_written_have_no_data(void)
{
	begin();
	does(0, "r0");
	does(1, "r0 w1");
	is(3, 0);
}

static void test_who_reads_what_another_has_written_fetches_it_once(void)
{
	begin();
	does(0, "w0 w1");
	barrier();
	does(1, "r0");
	does(1, "r0 r1");
	does(2, "r0");
	barrier();
	does(1, "r0");
	does(0, "r0 r1");
	is(2 + 2 + 1, 3);
}

static void test_readers_lose_it_to_a_writer(void)
{
	begin();
	does(0, "w0");
	for (int i = 0; i < 3; i++) {
		barrier();
		does(1, "r0");
		does(0, "r0"); /* at the same time, in vain */
		barrier();
		does(0, "w0"); /* has the data, and lost the right */
	}
	is(1 + 2 * 3, 3);
}

static void test_borders_that_are_read_and_written_in_turns(void)
{
	/* Two members, a page of each for the odd sweeps and one for the even. */
	begin();
	does(0, "w0 w2");
	does(1, "w1 w3");
	for (int i = 0; i < 2; i++) {
		barrier();
		does(0, "r0 r1 w2");
		does(1, "r0 r1 w3");
		barrier();
		does(0, "r2 r3 w0");
		does(1, "r2 r3 w1");
	}
	/* Four first writes; each sweep two reads, and then two writes of what the other has read
	 * in the sweep before, but for the first. */
	is(4 + 8 + 6, 8);
}

static void test_a_read_may_bring_the_right_to_write(void)
{
	begin();
	locked(0, "w0");
	for (unsigned i = 1; i < 6; i++) {
		locked(i % 2, "r0");
		locked(i % 2, "w0");
	}
	is(1 + 5, 5);
	begin();
	does(0, "w0");
	barrier();
	does(1, "r0");
	barrier();
	does(2, "r0"); /* in between: member 1 cannot have been alone */
	barrier();
	does(1, "w0");
	is(1 + 1 + 1 + 1, 2);
}

static void test_a_page_under_a_lock_goes_round_with_it(void)
{
	begin();
	for (unsigned i = 0; i < 9; i++)
		locked(i % 3, "w0 w1");
	is(18, 16);
	begin();
	for (unsigned i = 0; i < 9; i++)
		locked(i / 3, "w0");
	is(3, 2);
}

static void test_writers_at_the_same_time_share_a_page_in_the_best_order(void)
{
	begin();
	for (int i = 0; i < 4; i++) {
		does(0, "w0");
		does(1, "w0");
		barrier();
	}
	/* The last of one round is the first of the next. */
	is(2 + 3, 1 + 3);
	begin();
	does(0, "w0");
	barrier();
	does(2, "w0");
	does(1, "w0");
	does(0, "w0");
	barrier();
	does(0, "r0"); /* was the first, so it is not the last */
	is(1 + 2 + 1, 2 + 1);
}

static void test_what_is_at_the_same_time_costs_no_more_in_another_order(void)
{
	/* Member 0 writes again and again, nobody waits for it: member 1 once, whenever. */
	begin();
	does(0, "w0");
	does(1, "w0");
	for (int i = 0; i < 5; i++)
		does(0, "w0");
	is(2, 1);
}

static void test_a_reader_that_has_it_reads_before_the_writer(void)
{
	begin();
	does(0, "w0");
	barrier();
	does(1, "r0");
	barrier();
	does(0, "w0");
	does(1, "r0"); /* still has its copy */
	barrier();
	does(1, "r0");
	is(1 + 1 + 1 + 1, 2);
}

/* ------------------------------------------------- against all that there could be -- */

/* One page, and what members do with it in each phase between two barriers: 0, 'r' or 'w'. */
#define PHASES 4
static char act[PHASES][MEMBERS];

struct state {
	unsigned copies;
	bool exclusive, has_data;
};

static unsigned search(unsigned phase, unsigned left, struct state s, bool faults);

static unsigned least_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Member i acts next; whoever misses reading may be given the page for writing, or not. */
static unsigned search_from(unsigned phase, unsigned left, struct state s, bool faults, unsigned i)
{
	const unsigned me = 1u << i;
	const bool has = s.copies & me, writes = act[phase][i] == 'w';
	const unsigned cost = faults ? 1 : s.has_data && !has;
	struct state alone = { me, true, s.has_data || writes };
	struct state shared = { s.copies | me, false, s.has_data };

	if (has && (!writes || s.exclusive)) {
		s.has_data |= writes;
		return search(phase, left & ~me, s, faults);
	}
	if (writes)
		return cost + search(phase, left & ~me, alone, faults);
	return cost + least_of(search(phase, left & ~me, alone, faults),
	                       search(phase, left & ~me, shared, faults));
}

/* The fewest faults, or moves, when these members have yet to act in this phase. */
static unsigned search(unsigned phase, unsigned left, struct state s, bool faults)
{
	unsigned best = 1000;

	while (!left) {
		if (++phase == PHASES)
			return 0;
		for (unsigned i = 0; i < MEMBERS; i++)
			left |= act[phase][i] ? 1u << i : 0;
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		if (left & 1u << i)
			best = least_of(best, search_from(phase, left, s, faults, i));
	return best;
}

static bool is_exact;

static void compare(void)
{
	const struct state fresh = { 0, false, false };
	unsigned left = 0, faults, moved;
	struct least least;

	begin();
	for (unsigned phase = 0; phase < PHASES; phase++) {
		for (unsigned i = 0; i < MEMBERS; i++)
			does(i, !act[phase][i] ? "" : act[phase][i] == 'r' ? "r0" : "w0");
		barrier();
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		left |= act[0][i] ? 1u << i : 0;
	faults = search(0, left, fresh, true);
	moved = search(0, left, fresh, false);
	CU_ASSERT_EQUAL_FATAL(oracle_least(trace_all(trace), &least), 0);
	CU_ASSERT(least.faults <= faults);
	CU_ASSERT(least.moved <= moved);
	is_exact = least.faults == faults && least.moved == moved;
	trace_close(trace);
}

static void test_no_order_and_no_choice_costs_less(void)
{
	unsigned x = 1, n_exact = 0;
	const unsigned n = 20000;

	for (unsigned k = 0; k < n; k++) {
		for (unsigned i = 0; i < PHASES * MEMBERS; i++) {
			x = x * 1103515245 + 12345;
			act[i / MEMBERS][i % MEMBERS] = "\0\0rrw"[(x >> 16) % 5];
		}
		compare();
		n_exact += is_exact;
	}
	printf("exact in %u of %u ", n_exact, n);
	CU_ASSERT(n_exact > n * 9 / 10);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{ "nothing", test_nothing },
		{ "pages that nobody has written have no data",
		  test_pages_that_nobody_has_written_have_no_data },
		{ "who reads what another has written fetches it once",
		  test_who_reads_what_another_has_written_fetches_it_once },
		{ "readers lose it to a writer", test_readers_lose_it_to_a_writer },
		{ "borders that are read and written in turns",
		  test_borders_that_are_read_and_written_in_turns },
		{ "a read may bring the right to write", test_a_read_may_bring_the_right_to_write },
		{ "a page under a lock goes round with it",
		  test_a_page_under_a_lock_goes_round_with_it },
		{ "writers at the same time share a page in the best order",
		  test_writers_at_the_same_time_share_a_page_in_the_best_order },
		{ "what is at the same time costs no more in another order",
		  test_what_is_at_the_same_time_costs_no_more_in_another_order },
		{ "a reader that has it reads before the writer",
		  test_a_reader_that_has_it_reads_before_the_writer },
		{ "no order and no choice costs less", test_no_order_and_no_choice_costs_less },
		CU_TEST_INFO_NULL,
	};

	return suite_run("oracle", NULL, NULL, tests, 60);
}
