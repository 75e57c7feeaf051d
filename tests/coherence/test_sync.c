/* SPDX-License-Identifier: BSD-2-Clause */
/* The core's locks, conditions and barrier, message by message. */
#include <errno.h>
#include <unistd.h>

#include "tests/coherence/cluster.h"
#include "tests/suite.h"

enum { MUTEX = 1, COND = 2 };

static struct cluster *c;

static void start(coh_node nodes)
{
	struct coh_config config = cluster_config(nodes, 1);

	c = cluster_new(&config);
}

static void finish(void)
{
	CU_ASSERT_EQUAL(cluster_run(c), 0);
	CU_ASSERT(cluster_is_quiet(c));
	if (cluster_error(c))
		CU_FAIL_FATAL(cluster_error(c));
	cluster_free(c);
}

#define EXPECT(text) CU_ASSERT_TRUE_FATAL(cluster_expect(c, text))

static void settle(void)
{
	CU_ASSERT_EQUAL_FATAL(cluster_run(c), 0);
	cluster_forget(c);
}

static int is_done(coh_node node, int cookie)
{
	return cluster_call_at(c, node, cookie) != NULL;
}

static int status(coh_node node, int cookie)
{
	const struct cluster_call *call = cluster_call_at(c, node, cookie);

	CU_ASSERT_PTR_NOT_NULL_FATAL(call);
	return call->status;
}

/* A condition of mutex at home 0, made by node 0. */
static uint32_t make_cond(uint32_t mutex)
{
	int cookie = cluster_cond_create(c, 0, 0, mutex);

	CU_ASSERT_EQUAL_FATAL(status(0, cookie), 0);
	return (uint32_t)cluster_call_at(c, 0, cookie)->result;
}

static void test_lock_passes_on(void)
{
	int first, second, third;

	start(3);
	CU_ASSERT_EQUAL(cluster_mutex_create(c, 0), 0);
	first = cluster_lock(c, 1, 0, 0, 10);
	settle();
	CU_ASSERT_EQUAL(status(1, first), 0);
	second = cluster_lock(c, 2, 0, 0, 20);
	settle();
	third = cluster_lock(c, 0, 0, 0, 5);
	settle();
	CU_ASSERT(!is_done(2, second) && !is_done(0, third));
	CU_ASSERT_EQUAL(cluster_unlock(c, 1, 0, 0, 10), 0);
	cluster_deliver(c, 1, 0);
	EXPECT("1 unlocks: Unlock>0\n"
	       "0 Unlock<1: Sync-Resp>2\n"); /* the oldest waiter */
	settle();
	CU_ASSERT(is_done(2, second) && !is_done(0, third));
	cluster_unlock(c, 2, 0, 0, 20);
	settle();
	CU_ASSERT(is_done(0, third));
	cluster_unlock(c, 0, 0, 0, 5);
	finish();
}

static void test_threads_of_one_node(void)
{
	int second;

	start(2);
	cluster_mutex_create(c, 0);
	cluster_lock(c, 1, 0, 0, 1);
	second = cluster_lock(c, 1, 0, 0, 2);
	settle();
	CU_ASSERT_FALSE(is_done(1, second));
	cluster_unlock(c, 1, 0, 0, 1);
	settle();
	CU_ASSERT_TRUE(is_done(1, second));
	cluster_unlock(c, 1, 0, 0, 2);
	finish();
}

static void test_trylock(void)
{
	int cookie;

	start(2);
	cluster_mutex_create(c, 0);
	cluster_lock(c, 0, 0, 0, 1);
	cookie = cluster_trylock(c, 1, 0, 0, 2);
	settle();
	CU_ASSERT_EQUAL(status(1, cookie), -EBUSY);
	CU_ASSERT_EQUAL(cluster_unlock(c, 1, 0, 0, 2), -EPERM); /* it was refused */
	cluster_unlock(c, 0, 0, 0, 1);
	cookie = cluster_trylock(c, 1, 0, 0, 2);
	settle();
	CU_ASSERT_EQUAL(status(1, cookie), 0);
	CU_ASSERT_EQUAL(cluster_unlock(c, 1, 0, 0, 2), 0);
	finish();
}

static void test_lock_errors(void)
{
	int cookie;

	start(2);
	cookie = cluster_lock(c, 1, 0, 0, 1); /* no such mutex */
	settle();
	CU_ASSERT_EQUAL(status(1, cookie), -EINVAL);
	CU_ASSERT_EQUAL(cluster_lock(c, 1, 2, 0, 1), -EINVAL); /* no such node */
	CU_ASSERT_EQUAL(cluster_lock(c, 1, 0, 4, 1), -EINVAL); /* no such index */
	CU_ASSERT_EQUAL(cluster_unlock(c, 1, 0, 0, 1), -EPERM);
	cluster_mutex_create(c, 0);
	cluster_lock(c, 1, 0, 0, 1);
	settle();
	CU_ASSERT_EQUAL(cluster_lock(c, 1, 0, 0, 1), -EBUSY);   /* it holds it */
	CU_ASSERT_EQUAL(cluster_unlock(c, 1, 0, 0, 2), -EPERM); /* another thread */
	CU_ASSERT_EQUAL(cluster_unlock(c, 0, 0, 0, 1), -EPERM); /* another node */
	cluster_unlock(c, 1, 0, 0, 1);
	finish();
}

static void test_condition(void)
{
	uint32_t cond;
	int w1, w2, lock;

	start(3);
	cluster_mutex_create(c, 0);
	cond = make_cond(0);
	cluster_lock(c, 1, 0, 0, 1);
	settle();
	w1 = cluster_cond_wait(c, 1, 0, cond, 0, 1);
	settle();
	cluster_lock(c, 2, 0, 0, 2); /* free while node 1 waits */
	settle();
	w2 = cluster_cond_wait(c, 2, 0, cond, 0, 2);
	settle();
	lock = cluster_lock(c, 0, 0, 0, 3);
	CU_ASSERT(is_done(0, lock));
	cluster_cond_signal(c, 0, 0, cond, 0);
	settle();
	CU_ASSERT(!is_done(1, w1)); /* signalled, but the mutex is held */
	cluster_unlock(c, 0, 0, 0, 3);
	settle();
	CU_ASSERT(is_done(1, w1) && !is_done(2, w2));
	cluster_cond_signal(c, 1, 0, cond, 1);
	settle();
	CU_ASSERT(!is_done(2, w2));
	CU_ASSERT_EQUAL(cluster_unlock(c, 1, 0, 0, 1), 0); /* node 1 holds it again */
	settle();
	CU_ASSERT(is_done(2, w2));
	cluster_unlock(c, 2, 0, 0, 2);
	finish();
}

static void test_broadcast(void)
{
	uint32_t cond;
	int w[2];

	start(3);
	cluster_mutex_create(c, 0);
	cond = make_cond(0);
	for (coh_node i = 1; i < 3; i++) {
		cluster_lock(c, i, 0, 0, i);
		settle();
		w[i - 1] = cluster_cond_wait(c, i, 0, cond, 0, i);
		settle();
	}
	cluster_cond_signal(c, 0, 0, cond, 1); /* the first takes the free mutex */
	settle();
	CU_ASSERT(is_done(1, w[0]) && !is_done(2, w[1]));
	cluster_unlock(c, 1, 0, 0, 1);
	settle();
	CU_ASSERT(is_done(2, w[1]));
	cluster_unlock(c, 2, 0, 0, 2);
	finish();
}

/* --- who is woken, and who only wants the mutex --- */

static void start_with_overtakes(coh_node nodes, uint8_t overtakes)
{
	struct coh_config config = cluster_config(nodes, 1);

	config.sync_slots = 8;
	config.overtakes = overtakes;
	c = cluster_new(&config);
	cluster_mutex_create(c, 0);
}

static int lock(coh_node node, uint32_t thread)
{
	int cookie = cluster_lock(c, node, 0, 0, thread);

	settle();
	return cookie;
}

static void unlock(coh_node node, uint32_t thread)
{
	CU_ASSERT_EQUAL(cluster_unlock(c, node, 0, 0, thread), 0);
	settle();
}

/* Who holds the mutex waits for the condition. */
static int await(coh_node node, uint32_t cond, uint32_t thread)
{
	int cookie = cluster_cond_wait(c, node, 0, cond, 0, thread);

	settle();
	return cookie;
}

static void test_woken_go_first(void)
{
	int plain, woken[2];
	uint32_t cond;

	start_with_overtakes(4, 2);
	cond = make_cond(0);
	for (uint32_t i = 0; i < 2; i++) {
		lock(i + 2, i);
		woken[i] = await(i + 2, cond, i);
	}
	lock(0, 9);
	plain = lock(1, 9);
	cluster_cond_signal(c, 0, 0, cond, 0); /* both, one after the other */
	cluster_cond_signal(c, 0, 0, cond, 0);
	unlock(0, 9);
	CU_ASSERT(is_done(2, woken[0]) && !is_done(3, woken[1]) && !is_done(1, plain));
	unlock(2, 0);
	CU_ASSERT(is_done(3, woken[1]) && !is_done(1, plain));
	unlock(3, 1);
	CU_ASSERT(is_done(1, plain));
	unlock(1, 9);
	finish();
}

/* Two who wake each other for ever, and a third: so many go before it, and no more. */
static void test_woken_go_first_so_often(void)
{
	enum { OVERTAKES = 5 };
	int plain, turn[2] = { 0, 0 }, turns = 0;
	uint32_t cond, last = 0;

	start_with_overtakes(3, OVERTAKES);
	cond = make_cond(0);
	lock(1, 0);
	turn[0] = await(1, cond, 0);
	turn[1] = lock(1, 1);
	plain = lock(2, 9);
	for (uint32_t i = 1; !is_done(2, plain) && turns < 100; i = !i, turns++) {
		CU_ASSERT(is_done(1, turn[i]));
		cluster_cond_signal(c, 1, 0, cond, 0);
		turn[i] = await(1, cond, i);
		last = i;
	}
	CU_ASSERT_EQUAL(turns, OVERTAKES + 1);
	unlock(2, 9);
	cluster_cond_signal(c, 0, 0, cond, 1);
	settle();
	unlock(1, !last);
	unlock(1, last);
	finish();
}

enum { PRODUCERS = 5, PUTS = 250, WAKES = 16 };

/* Producers, and a consumer (the last), with room for one thing; whoever had a turn wants the
 * next at once. */
struct market {
	uint32_t not_full, not_empty;
	int cookie[PRODUCERS + 1], full, puts, put_by[PRODUCERS];
};

/* i has the mutex. */
static void turn(struct market *m, uint32_t i)
{
	const int consumes = i == PRODUCERS;

	if (m->full == !consumes) {
		m->cookie[i] = await(1, consumes ? m->not_empty : m->not_full, i);
		return;
	}
	m->full = !consumes;
	if (!consumes) {
		m->puts++;
		m->put_by[i]++;
	}
	cluster_cond_signal(c, 1, 0, consumes ? m->not_full : m->not_empty, 0);
	unlock(1, i);
	m->cookie[i] = lock(1, i);
}

/* Those who were not served go on waiting when their turn comes too late: with woken threads at
 * the end of the queue the first producer would have all turns. */
static void test_producers_take_turns(void)
{
	struct market m = { 0 };

	start_with_overtakes(2, WAKES);
	m.not_full = make_cond(0);
	m.not_empty = make_cond(0);
	for (uint32_t i = 0; i <= PRODUCERS; i++)
		m.cookie[i] = lock(1, i);
	while (m.puts < PUTS) {
		uint32_t i = 0;
		while (i <= PRODUCERS && !is_done(1, m.cookie[i]))
			i++;
		CU_ASSERT_FATAL(i <= PRODUCERS);
		turn(&m, i);
	}
	for (unsigned i = 0; i < PRODUCERS; i++)
		CU_ASSERT(m.put_by[i] >= PUTS / PRODUCERS - WAKES &&
		          m.put_by[i] <= PUTS / PRODUCERS + WAKES);
	cluster_free(c);
}

static void test_condition_errors(void)
{
	uint32_t cond;
	int wait;

	start(2);
	cluster_mutex_create(c, 0);
	cluster_mutex_create(c, 0);
	cond = make_cond(0);
	CU_ASSERT_EQUAL(cluster_cond_wait(c, 1, 0, cond, 0, 1), -EPERM);
	cluster_lock(c, 1, 0, 1, 1);
	settle();
	wait = cluster_cond_wait(c, 1, 0, cond, 1, 1); /* of another mutex */
	settle();
	CU_ASSERT_EQUAL(status(1, wait), -EINVAL);
	CU_ASSERT_EQUAL(cluster_unlock(c, 1, 0, 1, 1), 0); /* still held */
	wait = cluster_cond_create(c, 1, 0, 3);            /* no such mutex */
	settle();
	CU_ASSERT_EQUAL(status(1, wait), -EINVAL);
	CU_ASSERT_EQUAL(cluster_cond_signal(c, 1, 0, 3, 1), 0); /* nobody can wait there */
	finish();
}

static void test_objects_run_out(void)
{
	int cookie;

	start(2);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(cluster_mutex_create(c, 0), i);
	CU_ASSERT_EQUAL(make_cond(1), 3);
	CU_ASSERT_EQUAL(cluster_mutex_create(c, 0), -ENOSPC);
	cookie = cluster_cond_create(c, 1, 0, 0);
	settle();
	CU_ASSERT_EQUAL(status(1, cookie), -ENOSPC);
	cookie = cluster_destroy(c, 1, 0, 2, MUTEX);
	settle();
	CU_ASSERT_EQUAL(status(1, cookie), 0);
	CU_ASSERT_EQUAL(cluster_mutex_create(c, 0), 2);
	finish();
}

static void test_destroy(void)
{
	uint32_t cond;
	int cookie;

	start(2);
	cluster_mutex_create(c, 0);
	cond = make_cond(0);
	cookie = cluster_destroy(c, 1, 0, 0, MUTEX); /* it has a condition */
	settle();
	CU_ASSERT_EQUAL(status(1, cookie), -EBUSY);
	cookie = cluster_destroy(c, 1, 0, cond, MUTEX); /* it is none */
	settle();
	CU_ASSERT_EQUAL(status(1, cookie), -EINVAL);
	cookie = cluster_destroy(c, 1, 0, cond, COND);
	settle();
	CU_ASSERT_EQUAL(status(1, cookie), 0);
	cluster_lock(c, 0, 0, 0, 1);
	cluster_lock(c, 1, 0, 0, 1);
	settle();
	cookie = cluster_destroy(c, 1, 0, 0, MUTEX); /* it is waited for */
	settle();
	CU_ASSERT_EQUAL(status(1, cookie), -EBUSY);
	cluster_unlock(c, 0, 0, 0, 1);
	settle();
	cluster_unlock(c, 1, 0, 0, 1);
	settle();
	finish();
}

/* A mutex that is held goes when it is unlocked: the unlock may be on its way. */
static void test_destroy_of_held(void)
{
	int cookie, other;

	start(3);
	cluster_mutex_create(c, 0);
	cluster_lock(c, 2, 0, 0, 1);
	settle();
	cookie = cluster_destroy(c, 1, 0, 0, MUTEX);
	settle();
	CU_ASSERT_PTR_NULL(cluster_call_at(c, 1, cookie));
	other = cluster_lock(c, 1, 0, 0, 7);
	settle();
	CU_ASSERT_EQUAL(status(1, other), -EINVAL);
	other = cluster_destroy(c, 0, 0, 0, MUTEX);
	settle();
	CU_ASSERT_EQUAL(status(0, other), -EINVAL);
	other = cluster_cond_create(c, 1, 0, 0);
	settle();
	CU_ASSERT_EQUAL(status(1, other), -EINVAL);
	cluster_unlock(c, 2, 0, 0, 1);
	settle();
	CU_ASSERT_EQUAL(status(1, cookie), 0);
	CU_ASSERT_EQUAL(cluster_mutex_create(c, 0), 0); /* its place is free */
	finish();
}

static void test_waiting_threads_run_out(void)
{
	start(2);
	cluster_mutex_create(c, 0);
	cluster_lock(c, 0, 0, 0, 99);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT(cluster_lock(c, 1, 0, 0, i) > 0);
	CU_ASSERT_EQUAL(cluster_lock(c, 1, 0, 0, 4), -EAGAIN);
	settle();
	cluster_unlock(c, 0, 0, 0, 99);
	for (uint32_t i = 0; i < 4; i++) {
		settle();
		CU_ASSERT_EQUAL(cluster_unlock(c, 1, 0, 0, i), 0);
	}
	finish();
}

static void test_barrier(void)
{
	int at[3], again;

	start(3);
	at[1] = cluster_barrier(c, 1);
	at[0] = cluster_barrier(c, 0);
	settle();
	CU_ASSERT(!is_done(0, at[0]) && !is_done(1, at[1]));
	CU_ASSERT_EQUAL(cluster_barrier(c, 1), -EBUSY);
	at[2] = cluster_barrier(c, 2);
	cluster_deliver(c, 2, 0);
	CU_ASSERT(is_done(0, at[0]));
	/* The home is in the next one before the others have heard of this one's end. */
	again = cluster_barrier(c, 0);
	settle();
	CU_ASSERT(is_done(1, at[1]) && is_done(2, at[2]) && !is_done(0, again));
	cluster_barrier(c, 1);
	cluster_barrier(c, 2);
	settle();
	CU_ASSERT(is_done(0, again));
	finish();
}

static void test_unexpected_messages(void)
{
	struct coh_msg m = { .type = COH_MSG_UNLOCK, .n = 1 };

	start(3);
	cluster_mutex_create(c, 0);
	CU_ASSERT_EQUAL(cluster_forge(c, 1, 0, &m), -EPROTO); /* does not hold it */
	m.type = COH_MSG_COND_WAIT;
	CU_ASSERT_EQUAL(cluster_forge(c, 1, 0, &m), -EPROTO);
	m.type = COH_MSG_SYNC_RESP;
	CU_ASSERT_EQUAL(cluster_forge(c, 1, 0, &m), -EPROTO); /* nobody asked */
	m.type = COH_MSG_BARRIER_RELEASE;
	CU_ASSERT_EQUAL(cluster_forge(c, 0, 1, &m), -EPROTO); /* nobody waits */
	m.type = COH_MSG_BARRIER_ARRIVE;
	CU_ASSERT_EQUAL(cluster_forge(c, 0, 1, &m), -EPROTO); /* node 0 keeps the barrier */
	m.type = COH_MSG_SVC_REQ;
	CU_ASSERT_EQUAL(cluster_forge(c, 0, 1, &m), -EPROTO); /* the node's own */
	cluster_barrier(c, 1);
	settle();
	m.type = COH_MSG_BARRIER_ARRIVE;
	CU_ASSERT_EQUAL(cluster_forge(c, 1, 0, &m), -EPROTO); /* twice */
	m.type = COH_MSG_BARRIER_RELEASE;
	CU_ASSERT_EQUAL(cluster_forge(c, 2, 1, &m), -EPROTO); /* not node 0 */
	cluster_barrier(c, 0);
	cluster_barrier(c, 2);
	finish();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "a lock passes on in order", test_lock_passes_on },
		{ "threads of one node", test_threads_of_one_node },
		{ "trylock", test_trylock },
		{ "lock: errors", test_lock_errors },
		{ "condition", test_condition },
		{ "broadcast", test_broadcast },
		{ "condition: errors", test_condition_errors },
		{ "the woken go first", test_woken_go_first },
		{ "the woken go first, so often", test_woken_go_first_so_often },
		{ "producers take turns", test_producers_take_turns },
		{ "objects run out", test_objects_run_out },
		{ "destroy", test_destroy },
		{ "destroy of a held mutex", test_destroy_of_held },
		{ "waiting threads run out", test_waiting_threads_run_out },
		{ "barrier", test_barrier },
		{ "messages without sense", test_unexpected_messages },
		CU_TEST_INFO_NULL,
	};

	return suite_run("sync", NULL, NULL, tests, 60);
}
