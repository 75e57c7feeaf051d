/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring of a trace: the newest stay, the others are counted, times go up, and it ends. */
#include <string.h>

#include "dsm/base/base.h"
#include "dsm/node/trace.h"
#include "tests/suite.h"

#define RECORDS 1024

static struct trace trace;

static void begin(uint64_t ns)
{
	struct trace_record *ring = trace_ring_new(RECORDS);

	CU_ASSERT_PTR_NOT_NULL_FATAL(ring);
	memset(&trace, 0, sizeof trace);
	trace_begin(&trace, ring, RECORDS, 7, clock_now_ns() + ns);
}

static void end(void)
{
	trace_end(&trace);
	trace_ring_free(trace.ring, trace.records);
}

static void test_off(void)
{
	memset(&trace, 0, sizeof trace);
	TRACE_NOTE(&trace, .kind = TRACE_COUNT);
	CU_ASSERT_EQUAL(trace.written, 0);
	CU_ASSERT_PTR_NULL(trace_at(&trace, 0));
}

static void test_newest_stay(void)
{
	uint64_t last = 0;

	begin(UINT64_C(3600) * 1000000000);
	for (uint64_t i = 0; i < RECORDS; i++)
		TRACE_NOTE(&trace, .kind = TRACE_COUNT, .page = i, .at_ns = trace.began_ns);
	CU_ASSERT_EQUAL(trace_overwritten(&trace), 0);
	for (uint64_t i = RECORDS; i < 3 * RECORDS / 2; i++)
		TRACE_NOTE(&trace, .kind = TRACE_COUNT, .page = i);
	CU_ASSERT_EQUAL(trace_overwritten(&trace), RECORDS / 2);
	for (uint64_t i = 0; i < RECORDS; i++) {
		const struct trace_record *r = trace_at(&trace, i);
		CU_ASSERT_PTR_NOT_NULL_FATAL(r);
		CU_ASSERT_EQUAL(r->page, i + RECORDS / 2);
		CU_ASSERT(r->at_ns > last); /* however many came at one time */
		last = r->at_ns;
	}
	CU_ASSERT_PTR_NULL(trace_at(&trace, RECORDS));
	end();
}

static void test_ends_by_itself(void)
{
	begin(0);
	TRACE_NOTE(&trace, .kind = TRACE_COUNT, .at_ns = trace.until_ns + 1);
	CU_ASSERT_EQUAL(trace.on, 0);
	CU_ASSERT_EQUAL(trace.written, 0);
	end();
}

static void test_names(void)
{
	static const char many[2 * TRACE_NAMES];
	const char *name = "dsm_barrier";

	memset(&trace, 0, sizeof trace);
	CU_ASSERT_EQUAL(trace_name(&trace, name), 0);
	CU_ASSERT_EQUAL(trace_name(&trace, "dsm_mutex_lock"), 1);
	CU_ASSERT_EQUAL(trace_name(&trace, name), 0);
	for (unsigned i = 0; i < 2 * TRACE_NAMES; i++)
		CU_ASSERT(trace_name(&trace, &many[i]) < TRACE_NAMES);
	CU_ASSERT_EQUAL(trace.names, TRACE_NAMES);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "off", test_off },
		{ "newest stay", test_newest_stay },
		{ "ends by itself", test_ends_by_itself },
		{ "names", test_names },
		CU_TEST_INFO_NULL,
	};

	return suite_run("trace", NULL, NULL, tests, 60);
}
