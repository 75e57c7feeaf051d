/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that saves itself after each round, and checks all of its memory when it begins again:
 *
 *	checkpoint DIR ROUNDS [kill RANK MICROSECONDS [begun]] [background] [incremental] [compress|mixed] [huge]
 *
 * In a round each node writes words of its own choice, all over the memory; what a word holds after
 * a round is known without looking, whatever the number of nodes. Half of the pages are full of
 * something from the start on, the others are zero; the environment says how much of each:
 * CHECKPOINT_MIB (1). Where it is much each node looks at a part of it. Beside that, threads never stop
 * to write: each copies on what the one before has, so that a set that is not of one moment is found
 * by a copy that is ahead of where it is from. With "kill" that node ends by SIGKILL that time after
 * it was started or, with "begun", after it has checked all and goes on. With "mixed" what odd rounds
 * save is compressed.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dsm/dsm_checkpoint.h"
#include "dsm/dsm_coll.h"
#include "tests/system/node.h"

#define MIB_WORDS (1u << 17)
#define MUCH 64          /* MiB */
#define STRIDE 16        /* of the words of a page a round writes one in so many */
#define PAGE_WORDS 512
#define CHAIN 16         /* as many nodes at most */
#define LINK (64 * PAGE_WORDS) /* from one place to the next, all of which takes time to save */

struct state {
	uint64_t *self;  /* where it lies */
	dsm_mutex mutex;
	dsm_cond cond;
	uint64_t total;  /* added to by dsm_fetch_add64, before each step of a chain */
};

static struct state *state;
static uint64_t words;
static uint64_t *word, *chain; /* chain: a page for each, and others that are full of something */
static uint64_t *now_and_then; /* a page that is full after odd rounds, and zero after others */
static int stop; /* atomic */
static unsigned how, how_odd; /* DSM_CHECKPOINT_*; after odd rounds these, too */

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 32;
}

/* Of much memory a round writes one page in so many: a power of two, for whoever looks at all words. */
static uint64_t period(void)
{
	return words > 2 * MUCH * MIB_WORDS ? 64 : 1;
}

/* Every other page; of much memory in pieces, so that whoever fills it can go on in a row. */
static int is_empty(uint64_t page)
{
	return (period() > 1 ? page / 64 : page) % 2 == 1;
}

/* Word i is written in the rounds that have this number, but for multiples of STRIDE * period(). */
static uint64_t phase_of(uint64_t i)
{
	return (mix(i / PAGE_WORDS) & (period() - 1)) + period() * (mix(i) % STRIDE);
}

/* What word i holds after a round. */
static uint64_t expected(uint64_t i, uint64_t round)
{
	uint64_t back;

	if (is_empty(i / PAGE_WORDS))
		return 0;
	back = (round + phase_of(i)) & (STRIDE * period() - 1);
	return (round > back ? round - back : 0) << 40 | (i + 1);
}

static void write_round(uint64_t round)
{
	for (uint64_t i = 0; i < PAGE_WORDS && node.rank == 0; i++)
		now_and_then[i] = round % 2 ? round : 0;
	for (uint64_t p = 0; p < words / PAGE_WORDS; p++) {
		if (is_empty(p) || (mix(p) + round) & (period() - 1))
			continue;
		for (uint64_t i = p * PAGE_WORDS; i < (p + 1) * PAGE_WORDS; i++)
			if (((phase_of(i) + round) & (STRIDE * period() - 1)) == 0 &&
			    mix(i + round) % (uint64_t)node.size == (uint64_t)node.rank)
				word[i] = round << 40 | (i + 1);
	}
}

/* The words that this node looks at: all of them, unless they are many. */
static void part_of_mine(uint64_t *first, uint64_t *end)
{
	const uint64_t size = (uint64_t)node.size, rank = (uint64_t)node.rank;
	const int all = words <= 2 * MUCH * MIB_WORDS;

	*first = all ? 0 : words / size * rank;
	*end = all || rank == size - 1 ? words : words / size * (rank + 1);
}

static void fill(void)
{
	const uint64_t pages = words / PAGE_WORDS, size = (uint64_t)node.size;

	for (uint64_t p = pages * (uint64_t)node.rank / size; p < pages * ((uint64_t)node.rank + 1) / size;
	     p++)
		for (uint64_t i = p * PAGE_WORDS; i < (p + 1) * PAGE_WORDS && !is_empty(p); i++)
			word[i] = expected(i, 0);
}

static void check_words(uint64_t round)
{
	uint64_t wrong = 0, first, end;

	part_of_mine(&first, &end);
	for (uint64_t i = first; i < end; i++) {
		if (word[i] == expected(i, round))
			continue;
		if (wrong++ == 0)
			fprintf(stderr, "node %d: word %llu after round %llu is %llx, not %llx\n",
			        node.rank, (unsigned long long)i, (unsigned long long)round,
			        (unsigned long long)word[i],
			        (unsigned long long)expected(i, round));
	}
	CHECK(wrong == 0);
	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		CHECK(now_and_then[i] == (round % 2 ? round : 0));
}

static uint64_t load(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

/* The last one first: what it has copied the others had before. */
static void check_chain(void)
{
	uint64_t sum = 0, total;

	for (int i = CHAIN - 1; i > 0; i--)
		CHECK(load(&chain[i * LINK]) <= load(&chain[(i - 1) * LINK]));
	for (int i = 0; i < CHAIN; i++)
		sum += load(&chain[i * LINK + 1]);
	total = load(&state->total);
	CHECK(sum <= total && total <= sum + (uint64_t)CHAIN);
}

/* Places of the chain are dealt out to the nodes, however many these are, in a row: most are copied
 * without a fault. */
static void *work_on_chain(void *unused)
{
	const int first = CHAIN * node.rank / node.size, end = CHAIN * (node.rank + 1) / node.size;
	uint64_t steps = 0;

	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		for (int i = first; i < end && !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
			uint64_t *mine = &chain[i * LINK];
			const uint64_t next = i ? load(mine - LINK) : load(mine) + 1;

			/* Seldom: it waits where stores may not. */
			if (steps++ % 10007 == 0) {
				OK(dsm_fetch_add64(node.dsm, &state->total, 1, NULL));
				__atomic_store_n(&mine[1], mine[1] + 1, __ATOMIC_SEQ_CST);
			}
			__atomic_store_n(mine, next, __ATOMIC_SEQ_CST);
		}
		sched_yield(); /* those who save are not to wait for these */
	}
	return NULL;
}

static void *kill_later(void *us)
{
	const uint64_t wait = (uint64_t)(uintptr_t)us;
	const struct timespec t = {.tv_sec = (time_t)(wait / 1000000),
	                           .tv_nsec = (long)(wait % 1000000) * 1000};

	nanosleep(&t, NULL);
	kill(getpid(), SIGKILL);
	return NULL;
}

/* --- begin, and begin again --- */

static void begin_anew(unsigned flags)
{
	OK(dsm_shared(node.dsm, "state", sizeof *state, 0, (void **)&state));
	OK(dsm_shared(node.dsm, "word", words * sizeof *word, flags, (void **)&word));
	OK(dsm_shared(node.dsm, "now and then", PAGE_WORDS * sizeof *word, 0,
	              (void **)&now_and_then));
	OK(dsm_shared(node.dsm, "chain", CHAIN * LINK * sizeof *chain, 0, (void **)&chain));
	if (node.rank == node.size - 1) {
		for (uint64_t i = 0; i < CHAIN * LINK; i++)
			chain[i] = i % LINK < PAGE_WORDS ? 0 : i;
		state->self = &state->total;
		OK(dsm_mutex_create(node.dsm, &state->mutex));
		OK(dsm_cond_create(node.dsm, state->mutex, &state->cond));
		/* Nobody holds it in what is saved. */
		OK(dsm_mutex_lock(node.dsm, state->mutex));
	}
	fill();
	node_barrier();
}

/* What one node cannot do all are told, and nothing is there afterwards. Not where the directory is
 * what is refused. */
static void check_refusals(const char *dir)
{
	struct dsm_checkpoint_args a = DSM_CHECKPOINT_ARGS_INIT;
	const int last = node.rank == node.size - 1;

	if (getenv("BAD_DIRECTORY"))
		return;
	EXPECT(DSM_ERR_INVAL, dsm_checkpoint(node.dsm, &a));
	CHECK(*dsm_checkpoint_error());
	a.dir = dir;
	a.flags = last ? 64 : 0;
	EXPECT(DSM_ERR_INVAL, dsm_checkpoint(node.dsm, &a));
	a.flags = 0;
	if (last)
		OK(dsm_pin(node.dsm, word, 64, DSM_PIN_WRITE));
	EXPECT(DSM_ERR_BUSY, dsm_checkpoint(node.dsm, &a));
	CHECK(*dsm_checkpoint_error());
	if (last)
		OK(dsm_unpin(node.dsm, word, 64));
	node_barrier();
}

/* Mutex and condition are as good as new ones. */
static void check_objects(void)
{
	dsm_cond cond;

	OK(dsm_mutex_lock(node.dsm, state->mutex));
	OK(dsm_cond_signal(node.dsm, state->cond));
	OK(dsm_cond_create(node.dsm, state->mutex, &cond));
	CHECK(cond.id != state->cond.id && cond.id != state->mutex.id);
	OK(dsm_cond_destroy(node.dsm, cond));
	OK(dsm_mutex_unlock(node.dsm, state->mutex));
}

static uint64_t begin_again(void)
{
	uint64_t kept[2] = {0}, first = 0;
	void *fresh;
	int64_t n;
	int old = 0;

	for (; (n = dsm_restored(node.dsm, old, kept, sizeof kept)) != DSM_ERR_INVAL; old++) {
		CHECK(n == sizeof kept && kept[0] == (uint64_t)old);
		CHECK(old == 0 || kept[1] == first);
		first = kept[1];
	}
	CHECK(old > 0);
	OK(dsm_lookup(node.dsm, "state", 0, (void **)&state));
	OK(dsm_lookup(node.dsm, "word", 0, (void **)&word));
	OK(dsm_lookup(node.dsm, "now and then", 0, (void **)&now_and_then));
	OK(dsm_lookup(node.dsm, "chain", 0, (void **)&chain));
	CHECK(state->self == &state->total);
	check_chain();
	check_words(first);
	/* Blocks are taken, and what is free is zero. */
	OK(dsm_alloc(node.dsm, 3 * 4096, 0, 0, &fresh));
	CHECK((uint8_t *)fresh + 3 * 4096 <= (uint8_t *)word || fresh >= (void *)(word + words));
	for (int i = 0; i < 3 * PAGE_WORDS; i++)
		CHECK(((uint64_t *)fresh)[i] == 0);
	OK(dsm_free(node.dsm, fresh));
	check_objects();
	node_barrier();
	if (node.rank == node.size - 1) {
		OK(dsm_mutex_lock(node.dsm, state->mutex));
		state->total = 0; /* of a step that was half done nothing is known later */
		for (int i = 0; i < CHAIN; i++)
			state->total += chain[i * LINK + 1];
	}
	node_barrier();
	return first;
}

static void save(const char *dir, uint64_t round)
{
	const uint64_t kept[2] = {(uint64_t)node.rank, round};
	struct dsm_checkpoint_args a = DSM_CHECKPOINT_ARGS_INIT;
	int rc;

	a.dir = dir;
	a.flags = how | (round % 2 ? how_odd : 0);
	a.private_data = kept;
	a.private_bytes = sizeof kept;
	rc = dsm_checkpoint(node.dsm, &a);
	if (rc == 0)
		return;
	/* All are told, and the job is as it was. */
	node_say("%s: %s", dsm_strerror(rc), dsm_checkpoint_error());
	CHECK(rc == DSM_ERR_LOST || *dsm_checkpoint_error());
	node_barrier();
	node_fail("not saved");
}

int main(int argc, char **argv)
{
	const char *dir = argc > 2 ? argv[1] : "";
	uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, round;
	pthread_t thread, killer;
	void *kill_us = NULL;
	int begun = 0;
	const char *mib = getenv("CHECKPOINT_MIB"), *rank = getenv("DSM_RANK");
	unsigned flags = 0;

	words = 2 * MIB_WORDS * (mib ? strtoull(mib, NULL, 10) : 1);
	node.huge_bytes = argc > 3 && !strcmp(argv[argc - 1], "huge")
	                          ? words * sizeof *word + 3 * HUGE_PAGE
	                          : 0;
	for (int i = 3; i < argc; i++) {
		if (!strcmp(argv[i], "huge"))
			flags = DSM_HUGE;
		if (!strcmp(argv[i], "background"))
			how |= DSM_CHECKPOINT_BACKGROUND;
		if (!strcmp(argv[i], "incremental"))
			how |= DSM_CHECKPOINT_INCREMENTAL;
		if (!strcmp(argv[i], "compress"))
			how |= DSM_CHECKPOINT_COMPRESS;
		if (!strcmp(argv[i], "mixed"))
			how_odd = DSM_CHECKPOINT_COMPRESS;
		if (!strcmp(argv[i], "begun"))
			begun = 1;
		if (!strcmp(argv[i], "kill") && i + 2 < argc && rank && !strcmp(argv[i + 1], rank))
			kill_us = (void *)(uintptr_t)strtoull(argv[i + 2], NULL, 10);
	}
	/* Joining, and restoring, are moments like others. */
	if (kill_us && !begun)
		pthread_create(&killer, NULL, kill_later, kill_us);
	node_join("checkpoint", 120);
	if (dsm_restored(node.dsm, 0, NULL, 0) == DSM_ERR_NOENT) {
		begin_anew(flags);
		if (access(dir, F_OK))
			check_refusals(dir);
		round = 0;
	} else {
		round = begin_again();
	}
	if (node.rank == 0)
		printf("begins after round %llu\n", (unsigned long long)round);
	fflush(stdout);
	if (kill_us && begun)
		pthread_create(&killer, NULL, kill_later, kill_us);
	pthread_create(&thread, NULL, work_on_chain, NULL);
	while (round < rounds) {
		write_round(++round);
		node_barrier();
		save(dir, round);
	}
	OK(dsm_checkpoint_wait(node.dsm));
	if (rounds)
		check_words(round);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	node_barrier();
	check_chain();
	node_barrier();
	if (node.rank == node.size - 1)
		OK(dsm_mutex_unlock(node.dsm, state->mutex));
	node_leave();
	return 0;
}
