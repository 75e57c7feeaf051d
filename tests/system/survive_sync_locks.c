/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes and the like among nodes that die: survive_sync.c says what must hold. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>

#include "dsm/dsm_survive.h"
#include "tests/hang.h"
#include "tests/system/node.h"
#include "tests/system/survivor.h"
#include "tests/system/survive_sync.h"

#define PAGE 4096
#define SHORT_NS 20000000 /* a wait for a place, which a dead node may have */

static _Thread_local uint32_t me;

/* --- where they are: each in a page of its own --- */

static void *at(int k, unsigned page)
{
	return run.block + (size_t)k * SYNC_BLOCK + (size_t)page * PAGE;
}

struct dsm_sync_mutex *sync_mutex(int k)
{
	return at(k, 0);
}

struct dsm_sync_cond *sync_cond(int k)
{
	return at(k, 1);
}

uint32_t *sync_word(int k)
{
	return at(k, 2);
}

struct dsm_sync_sem *sync_sem(void)
{
	return at((run.victim + 1) % node.size, 3);
}

/* What a mutex guards. */
static volatile uint64_t *sum_of(int k)
{
	return at(k % node.size, k < node.size ? 4 : 5);
}

void sync_catch(void)
{
	survivor_catch();
}

static uint32_t who(void)
{
	static _Atomic uint32_t threads;

	if (!me)
		me = (uint32_t)node.rank * 2 + 1 + (atomic_fetch_add(&threads, 1) & 1);
	return me;
}

static int is_dead(uint32_t whose)
{
	return atomic_load(&run.tally->dead) >> (whose - 1) / 2 & 1;
}

void sync_took(uint64_t since_ns)
{
	const uint64_t ns = node_now_ns() - since_ns;
	uint64_t worst = atomic_load(&run.worst_ns);

	while (ns > worst && !atomic_compare_exchange_weak(&run.worst_ns, &worst, ns))
		;
}

/* --- mutexes --- */

/* What calls that take one may return. */
static int got_of(int k, int rc)
{
	if (rc == DSM_ERR_LOST_DATA && k >= node.size && atomic_load(&run.tally->dead)) {
		atomic_store(&run.tally->lock[k].lost, 1);
		return rc;
	}
	if (rc != DSM_ERR_OWNER_DEAD)
		OK(rc);
	else if (!atomic_load(&run.tally->dead))
		node_fail("mutex %d has an owner who is dead, and nobody is", k);
	return rc;
}

int sync_lock(int k)
{
	const uint64_t since = node_now_ns();
	int rc;

	if (k < node.size)
		rc = dsm_mutex_lock(node.dsm, run.tally->mutex[k]);
	else
		rc = dsm_sync_mutex_lock(node.dsm, sync_mutex(k - node.size));
	sync_took(since);
	return got_of(k, rc);
}

static int try(int k)
{
	int rc;

	if (k < node.size)
		rc = dsm_mutex_trylock(node.dsm, run.tally->mutex[k]);
	else
		rc = dsm_sync_mutex_trylock(node.dsm, sync_mutex(k - node.size));
	return rc == DSM_ERR_BUSY ? rc : got_of(k, rc);
}

static void unlock(int k)
{
	int rc;

	if (k < node.size)
		rc = dsm_mutex_unlock(node.dsm, run.tally->mutex[k]);
	else
		rc = dsm_sync_mutex_unlock(node.dsm, sync_mutex(k - node.size));
	if (rc)
		OK(got_of(k, rc) == DSM_ERR_LOST_DATA ? 0 : rc);
}

/* In shared memory, as beside it; whoever was killed between the two has left one more there. */
static void count(int k, int got)
{
	const uint64_t sum = atomic_load(&run.tally->lock[k].sum);

	if (sigsetjmp(way_out, 1)) {
		has_way_out = 0;
		if (!atomic_load(&run.tally->dead))
			node_fail("what mutex %d guards is lost, and nobody has died", k);
		return;
	}
	has_way_out = 1;
	if (*sum_of(k) != sum && !(got && *sum_of(k) == sum + 1))
		node_fail("what mutex %d guards is %llu, and %llu beside it", k,
		          (unsigned long long)*sum_of(k), (unsigned long long)sum);
	*sum_of(k) = sum + 1;
	has_way_out = 0;
}

static void inside(int k, int got)
{
	uint32_t was = atomic_exchange(&run.tally->lock[k].inside, who());

	if (was && !is_dead(was))
		node_fail("%u is inside mutex %d, beside %u", was, k, who());
	if (was && got != DSM_ERR_OWNER_DEAD)
		node_fail("%u has died inside mutex %d, and nothing is said of it", was, k);
	if (got == DSM_ERR_OWNER_DEAD)
		atomic_fetch_add(&run.tally->lock[k].told, 1);
	count(k, got);
	atomic_fetch_add(&run.tally->lock[k].sum, 1);
	was = atomic_exchange(&run.tally->lock[k].inside, 0);
	if (was != who())
		node_fail("%u has come into mutex %d, beside %u", was, k, who());
}

void sync_section(int k, int got)
{
	if (got == DSM_ERR_LOST_DATA || got == DSM_ERR_BUSY)
		return;
	inside(k, got);
	unlock(k);
}

/* --- what others have to end --- */

static void wait_for_cond(int k)
{
	int got = sync_lock(k);

	if (got == DSM_ERR_LOST_DATA)
		return;
	inside(k, got);
	if (k < node.size)
		got = dsm_cond_wait(node.dsm, run.tally->cond[k], run.tally->mutex[k]);
	else
		got = dsm_sync_cond_wait(node.dsm, sync_cond(k - node.size), sync_mutex(k - node.size));
	got = got_of(k, got);
	if (got == DSM_ERR_LOST_DATA && k >= node.size) {
		unlock(k); /* it may be the condition's page alone */
		return;
	}
	sync_section(k, got);
}

static void wait_for_word(int k)
{
	uint32_t is;
	int rc = dsm_fetch_add32(node.dsm, sync_word(k), 0, &is);

	if (rc == DSM_ERR_LOST_DATA)
		return;
	OK(rc);
	rc = dsm_futex_wait(node.dsm, sync_word(k), is, -1);
	if (rc != DSM_ERR_CHANGED && rc != DSM_ERR_VIEW)
		OK(rc);
}

static void take_place(void)
{
	int rc = dsm_sync_sem_timedwait(node.dsm, sync_sem(), node_now_ns() + SHORT_NS);

	if (rc == 0)
		rc = dsm_sync_sem_post(node.dsm, sync_sem());
	if (rc != DSM_ERR_TIMEDOUT && rc != DSM_ERR_LOST_DATA)
		OK(rc);
}

void sync_some(int waits, uint64_t *random)
{
	const int k = (int)(node_random(random) % (2 * (unsigned)node.size));

	switch (node_random(random) % (waits ? 12 : 8)) {
	case 0: sync_section(k, try(k)); break;
	case 1: take_place(); break;
	case 8:
	case 9: wait_for_cond(k); break;
	case 10: wait_for_word(k % node.size); break;
	default: sync_section(k, sync_lock(k));
	}
}

/* --- the end --- */

void sync_compare(void)
{
	unsigned told = 0, lost = 0;
	uint64_t sum = 0;

	for (int k = 0; k < 2 * node.size; k++) {
		const int is_lost = (int)atomic_load(&run.tally->lock[k].lost);

		if (atomic_load(&run.tally->lock[k].left_held) && !is_lost &&
		    !atomic_load(&run.tally->lock[k].told))
			node_fail("a dead node held mutex %d, and nobody was told", k);
		told += atomic_load(&run.tally->lock[k].told);
		lost += (unsigned)is_lost;
		sum += atomic_load(&run.tally->lock[k].sum);
	}
	if (lost > (unsigned)run.deaths)
		node_fail("%u mutexes are lost, of as many homes", lost);
	if (atomic_load(&run.worst_ns) / 1000000 > (run.loss_ms + GO_ON_MS) * (uint64_t)HANG_TIMES)
		node_fail("has waited for %llu ms", (unsigned long long)atomic_load(&run.worst_ns) / 1000000);
	node_say("%llu times inside, %u told of a dead owner, %u mutexes lost, worst wait %llu ms",
	         (unsigned long long)sum, told, lost,
	         (unsigned long long)atomic_load(&run.worst_ns) / 1000000);
}
