/* SPDX-License-Identifier: BSD-2-Clause */
/* Conformance: threads at work on pages that are granted and revoked all the time. */
#include "config.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dsm/trap/rwp.h"
#include "tests/trap/conf.h"
#include "tests/trap/fixture.h"

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ------------------------------------------------------------ no late store -- */

#define STORE_ROUNDS 20000
#define STORE_SECONDS 4 /* the machine may be slow or busy: fewer rounds then */
#define STORE_ROUNDS_MIN 200

struct storer {
	uint64_t *word;
	_Atomic bool stop;
};

static void *store(void *arg)
{
	struct storer *s = arg;
	uint64_t value = 0;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		for (int i = 0; i < 50; i++) {
			__atomic_store_n(s->word, ++value, __ATOMIC_RELAXED);
#if defined(__x86_64__)
			/* Past the caches: these wait in buffers of their own. */
			__asm__ volatile("movnti %1, %0" : "=m"(s->word[64]) : "r"(value));
#endif
		}
	}
	return NULL;
}

/*
 * Takes the page away, just granted or about to be, and watches its frame. seen: what
 * the frame held last time. True when there were stores since.
 */
static bool revoke_and_watch(struct fx *fx, uint64_t *seen, unsigned *late)
{
	const uint64_t *frame = fx_frame(fx, 0);

	pthread_mutex_lock(&fx->lock);
	fx->n_faults = 0;
	CU_ASSERT(!fx->ops->set_access(fx->trap, 0, 1, TRAP_NONE));
	uint64_t a = __atomic_load_n(frame, __ATOMIC_SEQ_CST);
	uint64_t b = __atomic_load_n(frame + 64, __ATOMIC_SEQ_CST);
	bool stored = a != *seen;

	for (int i = 0; i < 2000; i++) {
		if (__atomic_load_n(frame, __ATOMIC_RELAXED) != a ||
		    __atomic_load_n(frame + 64, __ATOMIC_RELAXED) != b) {
			++*late;
			break;
		}
	}
	*seen = a;
	pthread_mutex_unlock(&fx->lock);
	return stored;
}

static void test_no_late_store(void)
{
	struct storer storer = { .stop = false };
	unsigned rounds = 0, late = 0, seed = 3;
	uint64_t seen = 0;
	pthread_t thread;
	double end;
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 4));
	storer.word = fx_window(&fx, 0);
	CU_ASSERT_FATAL(!pthread_create(&thread, NULL, store, &storer));
	end = seconds() + STORE_SECONDS;
	while (rounds < STORE_ROUNDS && (seconds() < end || rounds < STORE_ROUNDS_MIN)) {
		/* The fault is known now, its answer under way or done. Now, or soon. */
		if (!fx_wait_faults(&fx, 1)) {
			CU_FAIL("the thread stores where no store can be");
			break;
		}
		for (volatile unsigned spin = rand_r(&seed) % 2 * (rand_r(&seed) % 4000); spin;
		     spin--)
			;
		if (revoke_and_watch(&fx, &seen, &late))
			rounds++;
	}
	atomic_store(&storer.stop, true);
	pthread_join(thread, NULL);
	printf("     %u rounds, %u late stores\n", rounds, late);
	CU_ASSERT(late == 0);
	CU_ASSERT(!fx_close(&fx));
}

/* ----------------------------------------------------------- no lost update -- */

#define HAMMERS 4
#define PAGES 4
#define WORDS (HAMMERS + 1) /* of a page: one that all share, one for each thread */
#define REVOKES 6000
#define REVOKE_SECONDS 4
#define SWITCHES 1000

/* What the service knows of a page: a page that is away has its data here, and its
 * frame is full of rubbish, as that of a page whose owner is another node; one that is
 * READ must stay as it was. */
struct page {
	bool away, frozen;
	uint64_t data[WORDS];
};

struct hammering {
	struct fx fx;
	struct page page[PAGES];     /* under fx.lock */
	unsigned changed_while_read; /* under fx.lock */
	_Atomic bool stop;
	struct hammer {
		struct hammering *all;
		unsigned index;
		uint64_t counted[PAGES];
		pthread_t thread;
	} hammer[HAMMERS];
};

static void copy_words(uint64_t *to, const uint64_t *from)
{
	for (int i = 0; i < WORDS; i++)
		__atomic_store_n(&to[i], __atomic_load_n(&from[i], __ATOMIC_RELAXED),
		                 __ATOMIC_RELAXED);
}

static void thaw(struct hammering *h, uint64_t index)
{
	struct page *page = &h->page[index];

	if (page->frozen && memcmp(page->data, fx_frame(&h->fx, index), sizeof page->data))
		h->changed_while_read++;
	page->frozen = false;
}

static void fetch(struct hammering *h, uint64_t index)
{
	if (h->page[index].away)
		copy_words(fx_frame(&h->fx, index), h->page[index].data);
	h->page[index].away = false;
}

static void answer_hammer(struct fx *fx, const struct trap_fault *fault)
{
	struct hammering *h = fx->ctx;

	thaw(h, fault->page);
	if (region_frame_prepare(&fx->region, fault->page, 1))
		fx->error = -1;
	fetch(h, fault->page);
	fx_answer_grant(fx, fault);
	if (fx->ops->access(fx->trap, fault->page) == TRAP_READ) {
		copy_words(h->page[fault->page].data, fx_frame(fx, fault->page));
		h->page[fault->page].frozen = true;
	}
}

/* Threads that never sleep leave the processor to those that answer them: where there are
 * few, each round would otherwise take as long as all of them have their turn. */
static void step_back(void)
{
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
}

static void *hammer(void *arg)
{
	struct hammer *me = arg;
	unsigned seed = 77 + me->index;

	step_back();
	while (!atomic_load_explicit(&me->all->stop, memory_order_relaxed)) {
		unsigned index = rand_r(&seed) % PAGES;
		uint64_t *word = fx_window(&me->all->fx, index);

		/* Half of the time by way of a read first, so that it is an upgrade. */
		if (rand_r(&seed) & 1)
			(void)__atomic_load_n(word, __ATOMIC_RELAXED);
		__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
		word[1 + me->index]++;
		me->counted[index]++;
	}
	return NULL;
}

static void take_away(struct hammering *h, uint64_t index)
{
	struct fx *fx = &h->fx;

	thaw(h, index);
	CU_ASSERT(!fx->ops->set_access(fx->trap, index, 1, TRAP_NONE));
	copy_words(h->page[index].data, fx_frame(fx, index));
	memset(fx_frame(fx, index), 0xa5, sizeof h->page[index].data);
	h->page[index].away = true;
}

/* True when there was something to revoke. */
static bool revoke_some(struct hammering *h, unsigned *seed)
{
	uint64_t index = rand_r(seed) % PAGES;
	struct fx *fx = &h->fx;

	pthread_mutex_lock(&fx->lock);
	enum trap_access before = fx->ops->access(fx->trap, index);

	if (before == TRAP_WRITE && rand_r(seed) & 1) {
		CU_ASSERT(!fx->ops->set_access(fx->trap, index, 1, TRAP_READ));
		copy_words(h->page[index].data, fx_frame(fx, index));
		h->page[index].frozen = true;
	} else if (before != TRAP_NONE) {
		take_away(h, index);
	}
	pthread_mutex_unlock(&fx->lock);
	return before != TRAP_NONE;
}

static void start_hammers(struct hammering *h)
{
	memset(h, 0, sizeof *h);
	CU_ASSERT_FATAL(!fx_open(&h->fx, PAGES));
	pthread_mutex_lock(&h->fx.lock);
	h->fx.answer = answer_hammer;
	h->fx.ctx = h;
	pthread_mutex_unlock(&h->fx.lock);
	for (unsigned i = 0; i < HAMMERS; i++) {
		h->hammer[i].all = h;
		h->hammer[i].index = i;
		CU_ASSERT_FATAL(!pthread_create(&h->hammer[i].thread, NULL, hammer, &h->hammer[i]));
	}
}

/* Stops them, and counts: the updates that were made and are there. */
static uint64_t stop_hammers(struct hammering *h)
{
	uint64_t updates = 0;

	atomic_store(&h->stop, true);
	for (unsigned i = 0; i < HAMMERS; i++)
		pthread_join(h->hammer[i].thread, NULL);
	pthread_mutex_lock(&h->fx.lock);
	for (unsigned index = 0; index < PAGES; index++) {
		uint64_t sum = 0;

		thaw(h, index);
		fetch(h, index);
		for (unsigned i = 0; i < HAMMERS; i++) {
			CU_ASSERT(fx_frame(&h->fx, index)[1 + i] == h->hammer[i].counted[index]);
			sum += h->hammer[i].counted[index];
		}
		CU_ASSERT(fx_frame(&h->fx, index)[0] == sum);
		updates += sum;
	}
	pthread_mutex_unlock(&h->fx.lock);
	CU_ASSERT(h->changed_while_read == 0);
	CU_ASSERT(!fx_close(&h->fx));
	return updates;
}

static struct hammering hammering;

static void test_no_lost_update(void)
{
	double end = seconds() + REVOKE_SECONDS;
	unsigned seed = 5, rounds = 0;
	uint64_t updates;

	start_hammers(&hammering);
	while (rounds < REVOKES && seconds() < end) {
		if (revoke_some(&hammering, &seed))
			rounds++;
		sched_yield();
	}
	updates = stop_hammers(&hammering);
	printf("     %u revokes, %llu updates\n", rounds, (unsigned long long)updates);
	CU_ASSERT(updates > rounds / 8);
}

/* An extent takes the other mode; what is READ would forbid RWP, and is taken away. */
static void switch_some(struct hammering *h, unsigned *seed)
{
	const uint64_t index = rand_r(seed) % PAGES;
	const bool wp = h->fx.ops->mode(h->fx.trap, index) == TRAP_MODE_WP;

	pthread_mutex_lock(&h->fx.lock);
	for (uint64_t i = 0; i < PAGES && wp; i++) {
		if (h->fx.ops->access(h->fx.trap, i) == TRAP_READ)
			take_away(h, i);
	}
	CU_ASSERT(!rwp_force(h->fx.trap, index, !wp));
	pthread_mutex_unlock(&h->fx.lock);
}

static void test_switches(void)
{
	struct trap_stats stats;
	uint64_t updates;
	unsigned seed = 6;

	if (the_case->ops != &trap_rwp_ops)
		return;
	start_hammers(&hammering);
	do {
		switch_some(&hammering, &seed);
		revoke_some(&hammering, &seed);
		sched_yield();
		hammering.fx.ops->stats(hammering.fx.trap, &stats);
	} while (stats.to_wp + stats.to_rwp < SWITCHES);
	updates = stop_hammers(&hammering);
	printf("     %llu switches to WP, %llu back, %llu updates\n",
	       (unsigned long long)stats.to_wp, (unsigned long long)stats.to_rwp,
	       (unsigned long long)updates);
	CU_ASSERT(stats.to_rwp > SWITCHES / 4);
	CU_ASSERT(updates > SWITCHES / 8);
}

CU_TestInfo conf_race_tests[] = {
	{ "no store after the page is gone", test_no_late_store },
	{ "no update is lost", test_no_lost_update },
	{ "no update is lost while modes change", test_switches },
	CU_TEST_INFO_NULL,
};
