/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of which each has one writer, and who reads them: survive.c says what must hold. */
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "dsm/dsm_survive.h"
#include "dsm/dsm_sync.h"
#include "tests/hang.h"
#include "tests/system/node.h"
#include "tests/system/survive.h"

struct run run = { .deaths = 1, .pages = PAGES };

static sigjmp_buf way_out;
static volatile sig_atomic_t has_way_out;
static void *volatile bus_address;

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	bus_address = info->si_addr;
	if (has_way_out)
		siglongjmp(way_out, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

void survive_catch(void)
{
	const struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	CHECK(sigaction(SIGBUS, &action, NULL) == 0);
}

int survive_writer_of(int p)
{
	return p / 2 % node.size;
}

int survive_is_dead(int rank)
{
	struct dsm_view view;

	if (run.waits) {
		OK(dsm_view(node.dsm, &view));
		atomic_fetch_or(&run.tally->dead, ~view.members & ((1u << node.size) - 1));
	}
	return atomic_load(&run.tally->dead) >> rank & 1;
}

int survive_first_living(void)
{
	int rank = 0;

	while (survive_is_dead(rank))
		rank++;
	return rank;
}

void survive_meet(int point)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	const uint64_t end = node_now_ns() + HANG_S * UINT64_C(1000000000);

	atomic_fetch_or(&run.tally->here[point], 1u << node.rank);
	while ((atomic_load(&run.tally->here[point]) | atomic_load(&run.tally->dead)) != (1u << node.size) - 1) {
		if (node_now_ns() > end)
			node_fail("the others have not come to point %d", point);
		nanosleep(&moment, NULL);
	}
}

/* Calls say so, also of memory that this node could read when it was left out. */
static void learn_by_objects(void)
{
	void *at = survive_page(0); /* all have read it, and nobody writes it any more: a plain mutex, say */
	uint32_t value;

	EXPECT(DSM_ERR_LOST, dsm_sync_mutex_trylock(node.dsm, at));
	EXPECT(DSM_ERR_LOST, dsm_sync_mutex_lock(node.dsm, at));
	EXPECT(DSM_ERR_LOST, dsm_sync_mutex_unlock(node.dsm, at));
	EXPECT(DSM_ERR_LOST, dsm_sync_cond_signal(node.dsm, at));
	EXPECT(DSM_ERR_LOST, dsm_sync_sem_value(node.dsm, at, &value));
}

/* It was left out meanwhile: it learns so, and nothing of its is read by others, who look. */
static _Noreturn void learn(void)
{
	uint64_t old;
	int rc;

	atomic_store(&run.tally->woke_ns, node_now_ns());
	do {
		rc = dsm_fetch_add64(node.dsm, survive_counter(0), 0, &old);
	} while (rc == 0);
	EXPECT(DSM_ERR_LOST, rc);
	learn_by_objects();
	EXPECT(DSM_ERR_LOST, dsm_wait_view(node.dsm, 99, -1));
	EXPECT(DSM_ERR_LOST, dsm_fini(node.dsm));
	node_say("is out, and knows");
	exit(0);
}

void survive_out(void)
{
	if (node.rank == run.victim && survive_is_dead(run.victim))
		learn();
}

static void took(uint64_t since_ns)
{
	const uint64_t ns = node_now_ns() - since_ns;

	if (ns > run.worst_ns)
		run.worst_ns = ns;
}

int survive_load(int p, int first, int second, uint64_t value[2])
{
	volatile uint64_t *at = survive_page(p);
	const size_t step = survive_step();
	const uint64_t since = node_now_ns();
	volatile int rc = -1;

	if (!sigsetjmp(way_out, 1)) {
		has_way_out = 1;
		value[0] = at[(size_t)first * step];
		value[1] = at[(size_t)second * step];
		rc = 0;
	} else if ((uint8_t *)bus_address < (uint8_t *)survive_page(p) ||
	           (uint8_t *)bus_address >= (uint8_t *)survive_page(p + 1)) {
		node_fail("SIGBUS at %p, which is not in page %d", (void *)bus_address, p);
	}
	has_way_out = 0;
	took(since);
	return rc;
}

int survive_fill(int p, uint64_t value)
{
	volatile uint64_t *at = survive_page(p);
	const size_t step = survive_step();
	volatile int rc = -1;

	if (!sigsetjmp(way_out, 1)) {
		has_way_out = 1;
		for (size_t i = 0; i < WORDS; i++)
			at[i * step] = value;
		rc = 0;
	}
	has_way_out = 0;
	return rc;
}

static void lose(int p)
{
	if (!survive_is_dead(run.victim))
		node_fail("page %d is lost while nobody has died", p);
	if (p % 2 == 0 && !run.small)
		node_fail("page %d is lost, of which all have had a copy", p);
	if (!survive_is_dead(survive_writer_of(p)) && !run.small)
		node_fail("page %d is lost, whose writer lives", p);
	run.page_lost[p] = 1;
}

void survive_look(int p, uint64_t *random)
{
	const int upward = (int)(node_random(random) & 1);
	int a = (int)(node_random(random) % WORDS), b = (int)(node_random(random) % WORDS);
	const int low = a < b ? a : b, high = a < b ? b : a;
	uint64_t done, begun, v[2];

	if (run.page_lost[p])
		return;
	done = atomic_load(&run.tally->done[p]);
	if (survive_load(p, upward ? low : high, upward ? high : low, v)) {
		survive_out();
		lose(p);
		return;
	}
	begun = atomic_load(&run.tally->begun[p]);
	survive_out();
	for (int i = 0; i < 2; i++)
		if (v[i] < done || v[i] > begun)
			node_fail("page %d holds %llu, and %llu to %llu was written", p,
			          (unsigned long long)v[i], (unsigned long long)done,
			          (unsigned long long)begun);
	/* It is written from low to high. */
	if (!upward && v[1] < v[0])
		node_fail("page %d is torn: %llu behind %llu", p, (unsigned long long)v[0],
		          (unsigned long long)v[1]);
}

void survive_store(int p)
{
	const uint64_t next = atomic_load(&run.tally->done[p]) + 1, since = node_now_ns();
	volatile uint64_t *at = survive_page(p);
	const size_t step = survive_step();

	if (sigsetjmp(way_out, 1)) {
		has_way_out = 0;
		survive_out();
		lose(p);
		return;
	}
	has_way_out = 1;
	if (next > 1 && (at[0] != next - 1 || at[(WORDS - 1) * step] != next - 1))
		node_fail("page %d holds %llu, %llu where %llu was stored", p, (unsigned long long)at[0],
		          (unsigned long long)at[(WORDS - 1) * step], (unsigned long long)next - 1);
	atomic_store(&run.tally->begun[p], next);
	for (size_t i = 0; i < WORDS; i++)
		at[i * step] = next;
	atomic_thread_fence(memory_order_seq_cst);
	has_way_out = 0;
	atomic_store(&run.tally->done[p], next);
	took(since);
}

void survive_add(int k)
{
	static uint64_t last[COUNTERS];
	const uint64_t since = node_now_ns();
	uint64_t old;
	int rc;

	if (run.counter_lost[k])
		return;
	atomic_fetch_add(&run.tally->add_begun[node.rank][k], 1);
	rc = dsm_fetch_add64(node.dsm, survive_counter(k), 1, &old);
	survive_out();
	took(since);
	if (rc == DSM_ERR_LOST_DATA && survive_is_dead(run.victim)) {
		run.counter_lost[k] = 1;
		return;
	}
	OK(rc);
	if (old < last[k])
		node_fail("counter %d was %llu, after %llu", k, (unsigned long long)old,
		          (unsigned long long)last[k]);
	last[k] = old + 1;
	atomic_fetch_add(&run.tally->add_done[node.rank][k], 1);
}

void survive_work(uint64_t *random)
{
	const int p = (int)(node_random(random) % run.pages);

	switch (node_random(random) % 8) {
	case 0: survive_add((int)(node_random(random) % COUNTERS)); break;
	case 1:
	case 2:
		if (p % 2 && survive_writer_of(p) == node.rank && !run.page_lost[p])
			survive_store(p);
		break;
	default: survive_look(p, random);
	}
}

