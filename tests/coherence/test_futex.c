/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that wait for words: put to sleep where the word is, woken in order, or too late. */
#include <errno.h>
#include <string.h>

#include "tests/coherence/scene.h"
#include "tests/suite.h"

enum { HOME = 0, A = 1, B = 2 };

static void begin(uint16_t futex_slots)
{
	struct coh_config cfg = cluster_config(3, 2);

	cfg.zone[0].block_pages = 2;
	cfg.futex_slots = futex_slots;
	c = cluster_new(&cfg);
}

/* What the call has come to: its status, or 1 while it is under way. */
static int status(coh_node who, int cookie)
{
	const struct cluster_call *call = cluster_call_at(c, who, cookie);

	return call ? call->status : 1;
}

static uint32_t wake_all(coh_node who, uint32_t offset)
{
	int cookie = cluster_wake(c, who, 0, offset, UINT32_MAX);

	CU_ASSERT_EQUAL(cluster_run(c), 0);
	CU_ASSERT_EQUAL_FATAL(status(who, cookie), 0);
	return (uint32_t)cluster_call_at(c, who, cookie)->result;
}

static int wait(coh_node who, uint32_t offset, uint32_t expected)
{
	int cookie = cluster_wait(c, who, 0, offset, expected);

	CU_ASSERT_FATAL(cookie > 0);
	CU_ASSERT_EQUAL(cluster_run(c), 0);
	return cookie;
}

static void test_at_home(void)
{
	int waits, wakes;

	begin(4);
	waits = wait(A, 0, 0);
	EXPECT("1 waits: Futex-Wait>0\n"
	       "0 Futex-Wait<1: compare 0\n"
	       "0 compared: Futex-Resp>1\n"
	       "1 Futex-Resp<0:\n");
	CU_ASSERT_EQUAL(status(A, waits), 1);
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 0).touched, 0); /* a comparison writes nothing */
	CU_ASSERT_EQUAL(status(B, wait(B, 0, 7)), -EAGAIN);
	cluster_forget(c);
	wakes = cluster_wake(c, B, 0, 0, 1);
	cluster_run(c);
	EXPECT("2 wakes: Futex-Wake>0\n"
	       "0 Futex-Wake<2: Futex-Woken>1 Futex-Resp>2\n"
	       "1 Futex-Woken<0: done\n"
	       "2 Futex-Resp<0: done\n");
	CU_ASSERT_EQUAL(status(A, waits), 0);
	CU_ASSERT_EQUAL(cluster_call_at(c, B, wakes)->result, 1);
	CU_ASSERT_EQUAL(wake_all(HOME, 0), 0);
	finish();
}

/* The owner compares, and keeps the page; a wake that comes meanwhile waits. */
static void test_at_owner(void)
{
	int waits, wakes;

	begin(4);
	own(A, 0);
	waits = cluster_wait(c, B, 0, 0, (uint32_t)c->truth[0]);
	cluster_deliver(c, B, HOME);
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 0).dir_state, COH_D_COMPARE);
	cluster_deliver(c, HOME, A);
	wakes = cluster_wake(c, B, 0, 0, 9);
	cluster_deliver(c, B, HOME);
	CU_ASSERT_EQUAL(cluster_queued(c, HOME, B), 0);
	cluster_run(c);
	CU_ASSERT_EQUAL(status(B, waits), 0);
	CU_ASSERT_EQUAL(cluster_call_at(c, B, wakes)->result, 1);
	CU_ASSERT_EQUAL(state(A, 0), COH_C_M);
	/* Of the home's own page it is one step. */
	own(HOME, 0);
	cluster_forget(c);
	waits = wait(HOME, 0, (uint32_t)c->truth[0]);
	EXPECT("0 waits: compare 0\n0 compared:\n");
	CU_ASSERT_EQUAL(wake_all(A, 0), 1);
	CU_ASSERT_EQUAL(status(HOME, waits), 0);
	finish();
}

/* Nobody else's copy goes for it, and a wake does not wait for a page on its way. */
static void test_beside(void)
{
	int waits, wakes;

	begin(4);
	own(A, 0);
	share(B, 0);
	waits = wait(HOME, 0, (uint32_t)c->truth[0]);
	CU_ASSERT_EQUAL(state(A, 0), COH_C_S);
	CU_ASSERT_EQUAL(state(B, 0), COH_C_S);
	cluster_write(c, B, 0);
	cluster_deliver(c, B, HOME); /* Inv to A */
	wakes = cluster_wake(c, HOME, 0, 0, 1);
	CU_ASSERT_EQUAL(status(HOME, waits), 0);
	CU_ASSERT_EQUAL(status(HOME, wakes), 0);
	finish();
}

static void test_words(void)
{
	int first, second, other;

	begin(4);
	first = wait(A, 8, 0);
	other = wait(A, 12, 0);
	second = wait(B, 8, 0);
	cluster_wake(c, B, 0, 8, 1);
	cluster_run(c);
	CU_ASSERT_EQUAL(status(A, first), 0);
	CU_ASSERT_EQUAL(status(B, second), 1);
	CU_ASSERT_EQUAL(wake_all(A, 8), 1);
	CU_ASSERT_EQUAL(status(B, second), 0);
	CU_ASSERT_EQUAL(status(A, other), 1);
	/* Words of an evicted page, and of one that is discarded, have their threads still. */
	own(B, 0);
	cluster_evict(c, B, 0);
	cluster_run(c);
	cluster_discard(c, B, 0, 1);
	cluster_run(c);
	CU_ASSERT_EQUAL(status(A, other), 1);
	CU_ASSERT_EQUAL(wake_all(B, 12), 1);
	finish();
}

static void test_cancel(void)
{
	int waits;

	begin(1);
	waits = wait(A, 0, 0);
	CU_ASSERT_EQUAL(cluster_wait(c, A, 0, 4, 0), -ENOSPC);
	cluster_forget(c);
	cluster_cancel(c, A, waits);
	cluster_run(c);
	EXPECT("1 cancels: Futex-Cancel>0\n"
	       "0 Futex-Cancel<1: Futex-Woken>1\n"
	       "1 Futex-Woken<0: done\n");
	CU_ASSERT_EQUAL(status(A, waits), -ETIMEDOUT);
	CU_ASSERT_EQUAL(wake_all(B, 0), 0);
	/* Before it sleeps; and when it was woken already, which is what counts. */
	waits = cluster_wait(c, A, 0, 0, 0);
	cluster_cancel(c, A, waits);
	cluster_run(c);
	CU_ASSERT_EQUAL(status(A, waits), -ETIMEDOUT);
	waits = wait(A, 0, 0);
	cluster_wake(c, B, 0, 0, 1);
	cluster_deliver(c, B, HOME);
	cluster_cancel(c, A, waits);
	cluster_run(c);
	CU_ASSERT_EQUAL(status(A, waits), 0);
	/* What comes too late does not end the next one in its place. */
	waits = wait(A, 0, 0);
	CU_ASSERT_EQUAL(status(A, waits), 1);
	CU_ASSERT_EQUAL(wake_all(B, 0), 1);
	finish();
}

/* A step wakes so many; the answer says how many are left. */
static void test_many(void)
{
	enum { MANY = COH_MAX_WOKEN + 6 };
	int waits[MANY], wakes;
	uint64_t result;

	begin(MANY);
	for (unsigned i = 0; i < MANY; i++)
		waits[i] = wait(i % 3, 0, 0);
	wakes = cluster_wake(c, A, 0, 0, UINT32_MAX);
	cluster_run(c);
	result = cluster_call_at(c, A, wakes)->result;
	CU_ASSERT_EQUAL((uint32_t)result, COH_MAX_WOKEN);
	CU_ASSERT_EQUAL(result >> 32, MANY - COH_MAX_WOKEN);
	for (unsigned i = 0; i < MANY; i++)
		CU_ASSERT_EQUAL(status(i % 3, waits[i]), i >= COH_MAX_WOKEN);
	CU_ASSERT_EQUAL(wake_all(A, 0), MANY - COH_MAX_WOKEN);
	finish();
}

static void test_refused(void)
{
	struct coh_msg m = { .type = COH_MSG_COMPARED, .n = 1, .futex.value = 1 };

	begin(4);
	CU_ASSERT_EQUAL(cluster_wait(c, A, 0, 2, 0), -EINVAL);
	CU_ASSERT_EQUAL(cluster_wake(c, A, 0, 2, 1), -EINVAL);
	CU_ASSERT_EQUAL(cluster_forge(c, A, HOME, &m), -EPROTO);
	own(A, 0);
	cluster_wait(c, B, 0, 0, 1);
	cluster_deliver(c, B, HOME);
	CU_ASSERT_EQUAL(cluster_forge(c, B, HOME, &m), -EPROTO); /* it is the owner's to say */
	cluster_run(c);
	m.type = COH_MSG_FUTEX_WOKEN;
	CU_ASSERT_EQUAL(cluster_forge(c, HOME, B, &m), -EPROTO);
	m.type = COH_MSG_FUTEX_RESP;
	CU_ASSERT_EQUAL(cluster_forge(c, HOME, B, &m), -EPROTO);
	wait(B, 0, (uint32_t)c->truth[0]);
	m.type = COH_MSG_FUTEX_WAIT; /* for a thread that sleeps */
	CU_ASSERT_EQUAL(cluster_forge(c, B, HOME, &m), -EPROTO);
	m.type = COH_MSG_FUTEX_WOKEN;
	m.futex.value = 0; /* nobody has cancelled it */
	CU_ASSERT_EQUAL(cluster_forge(c, HOME, B, &m), -EPROTO);
	CU_ASSERT_EQUAL(wake_all(A, 0), 1);
	finish();
}

/* Those whom the library's own objects wake are not among the program's, nor these among those. */
static void test_two_queues(void)
{
	int own_one, of_program, cookie;

	begin(4);
	own(A, 0);
	own_one = cluster_wait(c, B, 0, COH_FUTEX_OWN, (uint32_t)c->truth[0] + 1);
	cluster_forget(c);
	cluster_run(c);
	EXPECT("0 Futex-Wait<2: Futex-Resp>2\n"
	       "2 Futex-Resp<0:\n");
	of_program = wait(A, 0, (uint32_t)c->truth[0]);
	CU_ASSERT_EQUAL(cluster_wait(c, B, 0, 2, 0), -EINVAL);
	cookie = cluster_wake(c, HOME, 0, COH_FUTEX_OWN, 1);
	CU_ASSERT_EQUAL(cluster_run(c), 0);
	CU_ASSERT_EQUAL(cluster_call_at(c, HOME, cookie)->result, 1);
	CU_ASSERT_EQUAL(status(B, own_one), 0);
	CU_ASSERT_EQUAL(status(A, of_program), 1);
	CU_ASSERT_EQUAL(wake_all(HOME, COH_FUTEX_OWN), 0);
	CU_ASSERT_EQUAL(wake_all(HOME, 0), 1);
	CU_ASSERT_EQUAL(status(A, of_program), 0);
	finish();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "at the home", test_at_home },
		{ "at the owner", test_at_owner },
		{ "beside a page on its way", test_beside },
		{ "words, and what becomes of their page", test_words },
		{ "the end of the time", test_cancel },
		{ "more than a step wakes", test_many },
		{ "two queues of a word", test_two_queues },
		{ "what is refused", test_refused },
		CU_TEST_INFO_NULL,
	};

	return suite_run("waits for words", NULL, NULL, tests, 60);
}
