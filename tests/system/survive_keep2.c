/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that loses nodes, one after the other, and nothing of memory that two nodes hold (DSM_KEEP2):
 *
 *	survive_keep2 FILE DEATHS SEED    those whom SEED names kill themselves, at some moment
 *	survive_keep2 FILE none SEED      there is no room for it
 *
 * Each node writes numbers to groups of pages, in order, under a mutex that is there, too. FILE, which all map
 * and which no node takes with it when it dies, tells what was acknowledged, as the unlock had returned, and what a
 * node has seen of another's: neither may ever fall back, whoever dies. Nor may a page be older than what was
 * written after it: to a page of the group, or to memory that nobody holds twice. Sums by atomics have all that
 * anybody was told is in them; and memory that is allocated meanwhile is zero.
 *
 * The next one dies when all have come through the death before: their unlock has returned in that view.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dsm/dsm_survive.h"
#include "dsm/dsm_sync.h"
#include "tests/system/survivor.h"

#define NODES_MAX 8
#define GROUPS 32
#define PAGES 8
#define PAGE 4096
#define SUMS 4
#define THREADS 2
#define SOON 100 /* things that one does before it dies, at most */
#define LAST 4 /* writes that are acknowledged just before */
#define MORE 60

struct tally {
	_Atomic uint64_t acked[GROUPS], seen[GROUPS][PAGES];
	_Atomic uint64_t begun[SUMS], done[SUMS]; /* what was to be added, and was */
	_Atomic uint32_t view[NODES_MAX];         /* in which a node's unlock has returned */
	_Atomic uint32_t stop;
};
/* A number, and above it who has written it. */
struct page {
	union {
		_Atomic uint64_t number;
		uint8_t bytes[PAGE];
	};
};
struct group {
	union {
		struct dsm_sync_mutex mutex;
		uint8_t bytes[PAGE];
	};
	struct page page[PAGES];
};

static struct tally *tally;
static struct group *group;
static struct page *sums;    /* SUMS of them, and they are not atomic for the processor alone */
static struct page *witness; /* of ordinary memory: one for each group */
static int victims[NODES_MAX], deaths;
static _Atomic uint64_t things, longest_ns; /* done, and the longest that one took */
static _Atomic unsigned orphans, witnessed;
static _Atomic uint32_t ends;

static struct dsm_view view(void)
{
	struct dsm_view v;

	OK(dsm_view(node.dsm, &v));
	return v;
}

static uint64_t count_of(uint64_t number)
{
	return number >> 8;
}

static void raise_to(_Atomic uint64_t *at, uint64_t to)
{
	uint64_t is = atomic_load(at);

	while (is < to && !atomic_compare_exchange_weak(at, &is, to))
		;
}

/* --- who dies, and when --- */

static void choose_victims(uint64_t seed)
{
	int next = (int)(seed % (unsigned)node.size);

	for (int i = 0; i < deaths; i++) {
		victims[i] = next;
		do
			next = (next + 1 + (int)(seed / (unsigned)node.size % (unsigned)(node.size - 1))) % node.size;
		while (i + 1 < deaths && next == victims[0]);
	}
}

static int all_are_through(const struct dsm_view *now)
{
	for (int r = 0; r < node.size; r++)
		if (now->members >> r & 1 && atomic_load(&tally->view[r]) < now->number)
			return 0;
	return 1;
}

/* Whether it is time for this node to. */
static int is_to_die(uint64_t *random)
{
	static _Atomic uint64_t soon;
	const struct dsm_view now = view();
	const int i = (int)now.number - 1;

	if (i >= deaths || victims[i] != node.rank || !all_are_through(&now))
		return 0;
	if (!atomic_load(&soon))
		atomic_store(&soon, atomic_load(&things) + 1 + node_random(random) % SOON);
	return atomic_load(&things) >= atomic_load(&soon);
}

/* At some place of what a thread does. */
static void may_die(uint64_t *random)
{
	if (node_random(random) % 16 == 0 && is_to_die(random))
		kill(getpid(), SIGKILL);
}

/* --- groups --- */

/* What a page holds is not less than it was when others than its writer knew of it. */
static uint64_t look(int g, int p)
{
	const uint64_t least = atomic_load(&tally->seen[g][p]);
	const uint64_t number = atomic_load(&group[g].page[p].number);

	if (count_of(number) < least)
		node_fail("page %d of group %d holds %llu, of which %llu was seen", p, g,
		          (unsigned long long)count_of(number), (unsigned long long)least);
	if (number && (int)(number & 0xff) != node.rank)
		raise_to(&tally->seen[g][p], count_of(number));
	return count_of(number);
}

/* Without the mutex: what was written last is looked at first. */
static void read_group(int g)
{
	uint64_t before = 0, is;

	for (int p = PAGES - 1; p >= 0; p--) {
		is = look(g, p);
		if (is < before)
			node_fail("group %d: %llu in page %d, and %llu was written to the next one later", g,
			          (unsigned long long)is, p, (unsigned long long)before);
		before = is;
	}
}

static SURVIVOR_ATOMICS uint64_t load_witness(int g)
{
	return atomic_load(&witness[g].number);
}

static SURVIVOR_ATOMICS void store_witness(int g, uint64_t number)
{
	atomic_store(&witness[g].number, number);
}

/* What it says was written after the group's last page. It is lost now and then. */
static void read_witness(int g)
{
	uint64_t said, is;

	if (sigsetjmp(way_out, 1)) {
		has_way_out = 0;
		return;
	}
	has_way_out = 1;
	said = load_witness(g);
	has_way_out = 0;
	is = look(g, PAGES - 1);
	if (said && (int)(said & 0xff) != node.rank && is < count_of(said))
		node_fail("group %d: %llu was written before others saw %llu", g, (unsigned long long)is,
		          (unsigned long long)count_of(said));
	atomic_fetch_add(&witnessed, said != 0);
}

static void tell_witness(int g, uint64_t number)
{
	if (sigsetjmp(way_out, 1) == 0) {
		has_way_out = 1;
		store_witness(g, number);
	}
	has_way_out = 0;
}

/* All of it was written when that was acknowledged. */
static void check_acked(int g, uint64_t acked)
{
	for (int p = 0; p < PAGES; p++)
		if (look(g, p) < acked)
			node_fail("page %d of group %d holds %llu, of which %llu was acknowledged", p, g,
			          (unsigned long long)look(g, p), (unsigned long long)acked);
}

static void write_group(int g, uint64_t *random)
{
	const uint64_t acked = atomic_load(&tally->acked[g]);
	int rc = dsm_sync_mutex_lock(node.dsm, &group[g].mutex), told = rc == DSM_ERR_OWNER_DEAD;
	uint64_t is, next, number;

	if (told)
		atomic_fetch_add(&orphans, 1);
	else
		OK(rc);
	is = look(g, 0);
	check_acked(g, acked);
	for (int p = 1; p < PAGES; p++)
		if (told ? look(g, p) > is : look(g, p) != is)
			node_fail("group %d: %llu in page 0, %llu in page %d%s", g, (unsigned long long)is,
			          (unsigned long long)look(g, p), p, told ? ", whose writer has died" : "");
	next = is + 1;
	number = next << 8 | (unsigned)node.rank;
	for (int p = 0; p < PAGES; p++) {
		atomic_store(&group[g].page[p].number, number);
		may_die(random);
	}
	if (node_random(random) % 4 == 0)
		tell_witness(g, number);
	OK(dsm_sync_mutex_unlock(node.dsm, &group[g].mutex));
	raise_to(&tally->acked[g], next);
}

/* --- the rest --- */

static void add(uint64_t *random)
{
	const unsigned i = (unsigned)(node_random(random) % SUMS);
	uint64_t old, done = atomic_load(&tally->done[i]);

	atomic_fetch_add(&tally->begun[i], 1);
	may_die(random);
	OK(dsm_fetch_add64(node.dsm, (uint64_t *)&sums[i].number, 1, &old));
	if (old < done)
		node_fail("sum %u was %llu, and all were told of %llu", i, (unsigned long long)old,
		          (unsigned long long)done);
	atomic_fetch_add(&tally->done[i], 1);
	may_die(random);
}

static void allocate(uint64_t *random)
{
	const size_t bytes = node_random(random) % 3 ? 1 + node_random(random) % 2000 : 3 * PAGE;
	uint8_t *at;
	int rc = dsm_alloc(node.dsm, bytes, 0, DSM_KEEP2, (void **)&at);

	if (rc == DSM_ERR_NOMEM && getenv("DSM_MEMORY"))
		return; /* of which there is just enough for the rest */
	OK(rc);
	for (size_t i = 0; i < bytes; i++)
		if (at[i])
			node_fail("byte %zu of %zu is %u, and not zero", i, bytes, at[i]);
	memset(at, 0xff, bytes);
	may_die(random);
	OK(dsm_free(node.dsm, at));
}

static void *work(void *arg)
{
	uint64_t random = (uintptr_t)arg;
	uint32_t number;

	while (!atomic_load(&ends)) {
		const int g = (int)(node_random(&random) % GROUPS);
		const uint64_t begin_ns = node_now_ns();

		number = view().number;
		switch (node_random(&random) % 8) {
		case 0: add(&random); break;
		case 1: allocate(&random); break;
		case 2:
		case 3: read_group(g); break;
		case 4: read_witness(g); break;
		default:
			write_group(g, &random);
			if (atomic_load(&tally->view[node.rank]) < number)
				atomic_store(&tally->view[node.rank], number);
			break;
		}
		raise_to(&longest_ns, node_now_ns() - begin_ns);
		atomic_fetch_add(&things, 1);
		if (!is_to_die(&random))
			continue;
		for (int i = 0; i < LAST; i++) /* so that nobody else has seen them, mostly */
			write_group((int)(node_random(&random) % GROUPS), &random);
		kill(getpid(), SIGKILL);
	}
	return NULL;
}

/* --- the run --- */

static int on_lost(void *ctx, void *ptr, size_t bytes)
{
	node_fail("%zu bytes at %p are lost", bytes, ptr);
	return ctx != NULL;
}

/* When nobody writes any more. */
static void check_all(void)
{
	OK(dsm_lost(node.dsm, group, GROUPS * sizeof *group, on_lost, NULL));
	OK(dsm_lost(node.dsm, sums, SUMS * sizeof *sums, on_lost, NULL));
	for (int g = 0; g < GROUPS; g++) {
		read_group(g);
		check_acked(g, atomic_load(&tally->acked[g]));
	}
	for (int i = 0; i < SUMS; i++) {
		const uint64_t is = atomic_load(&sums[i].number);

		if (is < atomic_load(&tally->done[i]) || is > atomic_load(&tally->begun[i]))
			node_fail("sum %d is %llu, of which %llu were done, and %llu begun", i, (unsigned long long)is,
			          (unsigned long long)atomic_load(&tally->done[i]),
			          (unsigned long long)atomic_load(&tally->begun[i]));
	}
}

/* Until those have died who are to, and all others have gone on for a while. */
static void wait_for_deaths(void)
{
	uint64_t end = 0;
	struct dsm_view now = view();

	while ((int)now.number < 1 + deaths) {
		OK(dsm_wait_view(node.dsm, now.number, -1));
		now = view();
	}
	while (!atomic_load(&tally->stop)) {
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		now = view();
		if (!all_are_through(&now))
			continue;
		if (!end)
			end = atomic_load(&things) + MORE;
		if (atomic_load(&things) >= end)
			atomic_store(&tally->stop, 1);
	}
}

/* Where there is no room for it: it is refused, and all else goes on. */
static int refused(void)
{
	void *at = NULL, *small;

	EXPECT(DSM_ERR_INVAL, dsm_alloc(node.dsm, PAGE, 0, DSM_KEEP2 | DSM_HUGE, &at));
	EXPECT(DSM_ERR_NOMEM, dsm_alloc(node.dsm, GROUPS * sizeof *group, 0, DSM_KEEP2, &at));
	EXPECT(DSM_ERR_NOMEM, dsm_alloc(node.dsm, GROUPS * sizeof *group, 0, DSM_KEEP2 | DSM_HUGE_PREFERRED, &at));
	CHECK(at == NULL);
	OK(dsm_alloc(node.dsm, PAGE, 0, 0, &small));
	OK(dsm_secure(node.dsm));
	OK(dsm_free(node.dsm, small));
	OK(dsm_barrier(node.dsm));
	OK(dsm_fini(node.dsm));
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS];
	struct dsm_stats stats;
	uint64_t seed;

	if (argc != 4)
		return 2;
	tally = survivor_tally(argv[1], sizeof *tally);
	deaths = atoi(argv[2]);
	seed = strtoull(argv[3], NULL, 10);
	survivor_catch();
	node_join("survive_keep2", 30);
	if (!strcmp(argv[2], "none"))
		return refused();
	choose_victims(seed);
	group = node_shared_in("groups", GROUPS * sizeof *group, PAGE, DSM_KEEP2);
	sums = node_shared_in("sums", SUMS * sizeof *sums, PAGE, DSM_KEEP2);
	witness = node_shared_in("witness", GROUPS * sizeof *witness, PAGE, 0);
	OK(dsm_barrier(node.dsm));
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&thread[i], NULL, work,
		                     (void *)(seed * 1009 + (unsigned)node.rank * THREADS + i + 1)) == 0);
	wait_for_deaths();
	atomic_store(&ends, 1);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
	OK(dsm_barrier(node.dsm));
	check_all();
	OK(dsm_get_stats(node.dsm, &stats, sizeof stats));
	if (!stats.keep2_waits || !stats.keep2_pushes)
		node_fail("nothing was put on two nodes");
	node_say("%llu things, told of %u dead owners, %u looks at witnesses; %llu waits, %llu pages pushed, "
	         "%llu copies, %llu pages given up; worst wait %llu ms", (unsigned long long)atomic_load(&things), atomic_load(&orphans),
	         atomic_load(&witnessed), (unsigned long long)stats.keep2_waits,
	         (unsigned long long)stats.keep2_pushes, (unsigned long long)stats.keep2_copies,
	         (unsigned long long)stats.evictions, (unsigned long long)atomic_load(&longest_ns) / 1000000);
	OK(dsm_barrier(node.dsm));
	OK(dsm_fini(node.dsm));
	return 0;
}
