/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of threads for other nodes: who is told what they leave, and when they are forgotten. */
#include "dsm/workers/table.h"

#include <errno.h>

#include "tests/suite.h"

static const struct asker one = { 3, 17 }, two = { 3, 18 };

/* A thread that has ended, on both accounts. */
static void end(struct table *t, struct worker *w, uint64_t value)
{
	struct asker joiner;

	CU_ASSERT_EQUAL(table_over(t, w, value, &joiner), 0);
	table_gone(t, w);
}

static void test_limit(void)
{
	struct worker *w[3];
	struct table t;

	table_open(&t, 5, 3);
	for (int i = 0; i < 3; i++) {
		w[i] = table_take(&t);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w[i]);
	}
	CU_ASSERT_PTR_NULL(table_take(&t));
	end(&t, w[1], 0);
	CU_ASSERT_PTR_NULL(table_take(&t)); /* it may be joined */
	CU_ASSERT_EQUAL(table_detach(&t, w[1]), 0);
	CU_ASSERT_PTR_EQUAL(table_take(&t), w[1]);
	table_drop(&t, w[0]);
	CU_ASSERT_PTR_EQUAL(table_take(&t), w[0]);
	CU_ASSERT_EQUAL(t.living, 3);
	CU_ASSERT_EQUAL(t.taken, 5);
	table_close(&t);
}

static void test_names(void)
{
	struct table t;
	struct worker *w;
	uint64_t id;

	table_open(&t, 5, 3);
	CU_ASSERT_PTR_NULL(table_find(&t, 0));
	w = table_take(&t);
	id = table_id(&t, w);
	CU_ASSERT_NOT_EQUAL(id, 0);
	CU_ASSERT_EQUAL(id >> 16 & 0xffff, 5);
	CU_ASSERT_PTR_EQUAL(table_find(&t, id), w);
	CU_ASSERT_PTR_NULL(table_find(&t, id + 1));
	CU_ASSERT_PTR_NULL(table_find(&t, id ^ 0x60000)); /* another node's */
	table_drop(&t, w);
	CU_ASSERT_PTR_NULL(table_find(&t, id));
	CU_ASSERT_PTR_EQUAL(table_take(&t), w);
	CU_ASSERT_NOT_EQUAL(table_id(&t, w), id);
	CU_ASSERT_PTR_NULL(table_find(&t, id));
	table_close(&t);
}

/* However its last word, its end and its joiner follow each other. */
static void test_join(void)
{
	struct asker joiner;
	struct table t;
	struct worker *w;
	uint64_t value = 0, id;

	table_open(&t, 0, 1);
	w = table_take(&t);
	end(&t, w, 11);
	CU_ASSERT_EQUAL(table_join(&t, w, one, &value), 0);
	CU_ASSERT_EQUAL(value, 11);

	w = table_take(&t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_EQUAL(table_join(&t, w, one, &value), 1);
	CU_ASSERT_EQUAL(table_join(&t, w, two, &value), -EBUSY);
	CU_ASSERT_EQUAL(table_detach(&t, w), -EBUSY);
	CU_ASSERT_EQUAL(table_over(&t, w, 12, &joiner), 1);
	CU_ASSERT_EQUAL(joiner.slot, one.slot);
	CU_ASSERT_EQUAL(table_join(&t, w, two, &value), -ENOENT);
	CU_ASSERT_EQUAL(table_detach(&t, w), -ENOENT);
	CU_ASSERT_PTR_NULL(table_take(&t)); /* the system has it still */
	table_gone(&t, w);

	w = table_take(&t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	id = table_id(&t, w);
	CU_ASSERT_EQUAL(table_over(&t, w, 13, &joiner), 0);
	CU_ASSERT_EQUAL(table_join(&t, w, two, &value), 0);
	CU_ASSERT_EQUAL(value, 13);
	CU_ASSERT_EQUAL(table_join(&t, w, two, &value), -ENOENT);
	table_gone(&t, w);
	CU_ASSERT_PTR_NULL(table_find(&t, id));
	CU_ASSERT_EQUAL(t.living, 0);
	table_close(&t);
}

static void test_time_over(void)
{
	struct asker joiner;
	struct table t;
	struct worker *w;
	uint64_t value = 0;

	table_open(&t, 0, 1);
	w = table_take(&t);
	CU_ASSERT_EQUAL(table_unjoin(w, one), -ENOENT);
	CU_ASSERT_EQUAL(table_join(&t, w, one, &value), 1);
	CU_ASSERT_EQUAL(table_unjoin(w, two), -ENOENT);
	CU_ASSERT_EQUAL(table_unjoin(w, one), 0);
	CU_ASSERT_EQUAL(table_join(&t, w, two, &value), 1);
	CU_ASSERT_EQUAL(table_over(&t, w, 1, &joiner), 1);
	CU_ASSERT_EQUAL(joiner.slot, two.slot);
	CU_ASSERT_EQUAL(table_unjoin(w, two), -ENOENT);
	table_close(&t);
}

static void test_detach(void)
{
	struct table t;
	struct worker *w;
	uint64_t value, id;

	table_open(&t, 0, 1);
	w = table_take(&t);
	id = table_id(&t, w);
	CU_ASSERT_EQUAL(table_detach(&t, w), 0);
	CU_ASSERT_EQUAL(table_detach(&t, w), -ENOENT);
	CU_ASSERT_EQUAL(table_join(&t, w, one, &value), -ENOENT);
	CU_ASSERT_PTR_EQUAL(table_find(&t, id), w);
	end(&t, w, 0);
	CU_ASSERT_PTR_NULL(table_find(&t, id));
	table_close(&t);
}

static void test_queue(void)
{
	struct worker_queue q;
	struct worker w[2];

	worker_queue_open(&q);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_PTR_NULL(worker_queue_get(&q));
		worker_queue_put(&q, &w[0]);
		worker_queue_put(&q, &w[1]);
		CU_ASSERT_EQUAL(q.n, 2);
		CU_ASSERT_PTR_EQUAL(worker_queue_get(&q), &w[0]);
		CU_ASSERT_PTR_EQUAL(worker_queue_get(&q), &w[1]);
	}
	CU_ASSERT_PTR_NULL(worker_queue_get(&q));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "as many as there is room for", test_limit },
		{ "names are good once", test_names },
		{ "one is told what a thread leaves", test_join },
		{ "who waits no more makes room for another", test_time_over },
		{ "what is detached is forgotten at its end", test_detach },
		{ "queues", test_queue },
		CU_TEST_INFO_NULL,
	};

	return suite_run("table", NULL, NULL, tests, 10);
}
