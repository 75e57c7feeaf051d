/* SPDX-License-Identifier: BSD-2-Clause */
/* The node's small parts: settings, tenures, error texts, the log. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/start/settings.h"
#include "dsm/node/tenure.h"
#include "tests/suite.h"

/* --- settings --- */

static int read_with(const char *name, const char *value, struct settings *out)
{
	struct log log = {0};
	int rc;

	setenv(name, value, 1);
	rc = settings_read(NULL, out, &log);
	unsetenv(name);
	return rc;
}

static void test_region_sizes(void)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t bytes;
	} cases[] = {
	        {"4096", 0, 4096},
	        {"1", 0, 4096},
	        {"5000", 0, 8192},
	        {"64K", 0, 64 << 10},
	        {"3M", 0, 3 << 20},
	        {"2G", 0, UINT64_C(2) << 30},
	        {"1T", 0, UINT64_C(1) << 40},
	        {"", 0, UINT64_C(64) << 30},
	        {"0", DSM_ERR_CONFIG, 0},
	        {"0G", DSM_ERR_CONFIG, 0},
	        {"-1", DSM_ERR_CONFIG, 0},
	        {"+5", DSM_ERR_CONFIG, 0},
	        {"much", DSM_ERR_CONFIG, 0},
	        {"4096x", DSM_ERR_CONFIG, 0},
	        {"4KK", DSM_ERR_CONFIG, 0},
	        {"65T", DSM_ERR_CONFIG, 0},
	        {"99999999999999999999", DSM_ERR_CONFIG, 0},
	        {"18446744073709551615", DSM_ERR_CONFIG, 0},
	        {"18014398509481985K", DSM_ERR_CONFIG, 0}, /* wraps to 1 KiB unless checked */
	};

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct settings s;
		init_error_set("%s", "");
		CU_ASSERT_EQUAL(read_with("DSM_REGION", cases[i].text, &s), cases[i].rc);
		if (cases[i].rc == 0) {
			CU_ASSERT_EQUAL(s.region_bytes, cases[i].bytes);
		} else {
			CU_ASSERT_TRUE(strlen(dsm_init_error()) > 10);
		}
	}
}

static void test_huge(void)
{
	struct settings s;

	CU_ASSERT_EQUAL(read_with("DSM_HUGE", "5M", &s), 0);
	CU_ASSERT_EQUAL(s.huge_bytes, 6 << 20);
	CU_ASSERT_EQUAL(s.huge_optional, 0);
	CU_ASSERT_EQUAL(read_with("DSM_HUGE", "many", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(read_with("DSM_HUGE_OPTIONAL", "1", &s), 0);
	CU_ASSERT_EQUAL(s.huge_bytes, 0);
	CU_ASSERT_EQUAL(s.huge_optional, 1);
}

static void test_words(void)
{
	struct settings s;

	CU_ASSERT_EQUAL(read_with("DSM_FAULTS", "event", &s), 0);
	CU_ASSERT_EQUAL(read_with("DSM_FAULTS", "sometimes", &s), DSM_ERR_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(dsm_init_error(), "DSM_FAULTS"));
	CU_ASSERT_EQUAL(read_with("DSM_TRAP", "wp", &s), 0);
	CU_ASSERT_EQUAL(read_with("DSM_TRAP", "rwp", &s), 0);
	CU_ASSERT_STRING_EQUAL(s.trap, "rwp");
	CU_ASSERT_EQUAL(read_with("DSM_TRAP", "auto", &s), 0);
	CU_ASSERT_STRING_EQUAL(s.trap, "auto");
	CU_ASSERT_EQUAL(read_with("DSM_TRAP", "mouse", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(read_with("DSM_LOG", "loud", &s), DSM_ERR_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(dsm_init_error(), "loud"));
	CU_ASSERT_EQUAL(read_with("DSM_LOG", "none", &s), 0);
	CU_ASSERT_EQUAL(read_with("DSM_TENURE_US", "50", &s), 0);
	CU_ASSERT_EQUAL(s.tenure_us, 50);
	CU_ASSERT_EQUAL(read_with("DSM_TENURE_US", "0", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(read_with("DSM_TENURE_US", "100001", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(read_with("DSM_CHUNKS", "yes", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(read_with("DSM_CHUNKS", "1", &s), 0);
	CU_ASSERT_EQUAL(s.by_chunk, 1);
	CU_ASSERT_EQUAL(read_with("DSM_SPIN_US", "0", &s), 0);
	CU_ASSERT_EQUAL(s.by_chunk, 0);
	CU_ASSERT_EQUAL(s.spin_us, 0);
	CU_ASSERT_EQUAL(read_with("DSM_SPIN_US", "10001", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(read_with("DSM_CHECKPOINT_COMPRESS", "yes", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(read_with("DSM_CHECKPOINT_COMPRESS", "1", &s), 0);
	CU_ASSERT_EQUAL(s.checkpoint_packed, 1);
	CU_ASSERT_EQUAL(s.copies_bytes, UINT64_MAX);
	CU_ASSERT_EQUAL(read_with("DSM_CHECKPOINT_COPIES", "some", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(read_with("DSM_CHECKPOINT_COPIES", "64K", &s), 0);
	CU_ASSERT_EQUAL(s.checkpoint_packed, 0);
	CU_ASSERT_EQUAL(s.copies_bytes, 64 << 10);
	CU_ASSERT_EQUAL(read_with("DSM_PEER_TIMEOUT", "0", &s), 0);
	CU_ASSERT_EQUAL(s.silent_ms, 0);
	CU_ASSERT_EQUAL(read_with("DSM_PEER_TIMEOUT", "86401", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(read_with("DSM_ON_LOSS", "end", &s), 0);
	CU_ASSERT_EQUAL(s.loss_ms, 2000);
	CU_ASSERT_EQUAL(read_with("DSM_ON_LOSS", "perhaps", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(s.survives, 0);
	CU_ASSERT_EQUAL(read_with("DSM_ON_LOSS", "continue", &s), 0);
	CU_ASSERT_EQUAL(s.survives, 1);
	setenv("DSM_CHECK", "1", 1);
	CU_ASSERT_EQUAL(read_with("DSM_ON_LOSS", "continue", &s), DSM_ERR_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(dsm_init_error(), "DSM_CHECK is not to be had"));
	unsetenv("DSM_CHECK");
	CU_ASSERT_EQUAL(read_with("DSM_LOSS_TIMEOUT", "500", &s), 0);
	CU_ASSERT_EQUAL(s.loss_ms, 500);
	CU_ASSERT_EQUAL(read_with("DSM_LOSS_TIMEOUT", "50", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(read_with("DSM_LOSS_TIMEOUT", "2s", &s), DSM_ERR_CONFIG);
	CU_ASSERT_EQUAL(read_with("DSM_PROVIDER", "tcp", &s), 0);
	CU_ASSERT_EQUAL(s.silent_ms, 10000);
	CU_ASSERT_EQUAL(s.spin_us, -1);
	CU_ASSERT_STRING_EQUAL(s.provider, "tcp");
	CU_ASSERT_EQUAL(read_with("DSM_PROVIDER",
	                          "a-provider-whose-name-is-far-too-long-for-any-provider-"
	                          "that-was-ever-made", &s), DSM_ERR_CONFIG);
}

static void test_config(void)
{
	struct dsm_config c = DSM_CONFIG_INIT;
	struct settings s;
	struct log log = {0};

	c.region_bytes = 1 << 20;
	c.provider = "shm";
	CU_ASSERT_EQUAL(settings_read(&c, &s, &log), 0);
	CU_ASSERT_EQUAL(s.region_bytes, 1 << 20);
	CU_ASSERT_STRING_EQUAL(s.provider, "shm");
	setenv("DSM_REGION", "2M", 1); /* the environment wins */
	CU_ASSERT_EQUAL(settings_read(&c, &s, &log), 0);
	CU_ASSERT_EQUAL(s.region_bytes, 2 << 20);
	unsetenv("DSM_REGION");
	c.size = 0;
	CU_ASSERT_EQUAL(settings_read(&c, &s, &log), DSM_ERR_INVAL);
	c.size = sizeof c + 1;
	CU_ASSERT_EQUAL(settings_read(&c, &s, &log), DSM_ERR_INVAL);
	/* A program built against an older header, with fewer members. */
	c.size = offsetof(struct dsm_config, provider);
	CU_ASSERT_EQUAL(settings_read(&c, &s, &log), 0);
	CU_ASSERT_EQUAL(s.region_bytes, 1 << 20);
	CU_ASSERT_STRING_EQUAL(s.provider, "");
}

/* --- tenures --- */

static struct tenure tenure;

static void test_tenure_order(void)
{
	tenure_init(&tenure, 100, 0);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 1000), -1);
	tenure_start(&tenure, 5, 1, NULL, 1200);
	tenure_start(&tenure, 9, 1, NULL, 1000);
	tenure_start(&tenure, 7, 1, NULL, 1100);
	CU_ASSERT_EQUAL(tenure.next_ns, 1100);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 1099), -1);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 1100), 9);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 1100), -1);
	CU_ASSERT_EQUAL(tenure.next_ns, 1200);
	tenure.deferred = 1;
	CU_ASSERT_NOT_EQUAL(tenure_due(&tenure, 5000), -1);
	CU_ASSERT_EQUAL(tenure.deferred, 1);
	CU_ASSERT_NOT_EQUAL(tenure_due(&tenure, 5000), -1);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 5000), -1);
	CU_ASSERT_EQUAL(tenure.running, 0);
	CU_ASSERT_EQUAL(tenure.deferred, 0);
	CU_ASSERT_EQUAL(tenure.next_ns, UINT64_MAX);
}

/* A call of the thread ends what it holds, and nothing else. */
static void test_tenure_done(void)
{
	tenure_init(&tenure, 100, 0);
	tenure_start(&tenure, 3, 11, NULL, 1000);
	tenure_start(&tenure, 4, 22, NULL, 1010);
	tenure_start(&tenure, 200, 11, NULL, 1020);
	tenure.deferred = 1;
	CU_ASSERT_EQUAL(tenure_thread_done(&tenure, 33), -1);
	CU_ASSERT_EQUAL(tenure_thread_done(&tenure, 0), -1);
	CU_ASSERT_EQUAL(tenure_thread_done(&tenure, 11), 3);
	CU_ASSERT_EQUAL(tenure_thread_done(&tenure, 11), 200);
	CU_ASSERT_EQUAL(tenure_thread_done(&tenure, 11), -1);
	CU_ASSERT_EQUAL(tenure.running, 1);
	CU_ASSERT_EQUAL(tenure.deferred, 1);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 1109), -1);
	CU_ASSERT_EQUAL(tenure_thread_done(&tenure, 22), 4);
	CU_ASSERT_EQUAL(tenure.deferred, 0);
	CU_ASSERT_EQUAL(tenure.next_ns, UINT64_MAX);
	tenure_start(&tenure, 0, 11, NULL, 2000);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 2100), 0);
}

static void test_tenure_waiting(void)
{
	tenure_init(&tenure, 100, 0);
	tenure_start(&tenure, 1, 11, NULL, 1000);
	tenure.slot[1].limit_ns = 800; /* no matter what was drawn */
	tenure_start(&tenure, 2, 22, NULL, 1000);
	tenure_thread_waits(&tenure, 11, 1000); /* for another page */
	CU_ASSERT_EQUAL(tenure_due(&tenure, 1100), 2);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 1799), -1);
	CU_ASSERT_EQUAL(tenure.next_ns, 1800);
	tenure_thread_runs(&tenure, 11, 1300); /* it has that page: both for the base time */
	tenure_start(&tenure, 3, 11, NULL, 1300);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 1399), -1);
	CU_ASSERT_NOT_EQUAL(tenure_due(&tenure, 1400), -1);
	CU_ASSERT_NOT_EQUAL(tenure_due(&tenure, 1400), -1);
	CU_ASSERT_EQUAL(tenure.running, 0);
}

static void test_tenure_limit(void)
{
	tenure_init(&tenure, 100, 0);
	tenure_start(&tenure, 1, 11, NULL, 1000);
	tenure.slot[1].limit_ns = 800;
	for (uint64_t now = 1050; now < 1900; now += 50) { /* a thread that never has enough */
		tenure_thread_waits(&tenure, 11, now);
		if (now < 1800) {
			CU_ASSERT_EQUAL(tenure_due(&tenure, now), -1);
		}
		tenure_thread_runs(&tenure, 11, now);
	}
	CU_ASSERT_EQUAL(tenure_due(&tenure, 1800), 1);
}

/* Of threads that hold what others wait for, all but one give way sooner or later. */
static void test_tenure_chance(void)
{
	unsigned shorter = 0, longer = 0, same = 0;
	uint64_t other[1000];

	for (unsigned rank = 0; rank < 2; rank++) {
		tenure_init(&tenure, 1280, rank);
		for (unsigned i = 0; i < 1000; i++) {
			uint64_t limit;
			tenure_start(&tenure, i % TENURE_SLOTS, 1, NULL, 1000);
			limit = tenure.slot[i % TENURE_SLOTS].limit_ns;
			CU_ASSERT_TRUE(limit >= 1280 && limit <= 128 * 1280);
			shorter += limit < 3 * 1280;
			longer += limit > 32 * 1280;
			same += rank && limit == other[i];
			other[i] = limit;
		}
	}
	CU_ASSERT_TRUE(shorter > 1000 && shorter < 1900);
	CU_ASSERT_TRUE(longer > 20 && longer < 100);
	CU_ASSERT_TRUE(same < 50); /* ranks draw for themselves */
}

/* --- texts --- */

static void test_errors(void)
{
	static const int ours[] = {DSM_OK, DSM_ERR_INVAL, DSM_ERR_NOMEM, DSM_ERR_BUSY, DSM_ERR_PERM,
	                           DSM_ERR_NOENT, DSM_ERR_EXIST, DSM_ERR_TIMEDOUT, DSM_ERR_ACTIVE,
	                           DSM_ERR_CONFIG, DSM_ERR_KERNEL, DSM_ERR_TRAP_PERM,
	                           DSM_ERR_PROVIDER, DSM_ERR_BOOT, DSM_ERR_VERSION, DSM_ERR_ADDRESS,
	                           DSM_ERR_NOT_OURS, DSM_ERR_LIMIT, DSM_ERR_LOST};

	for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++)
		CU_ASSERT_STRING_NOT_EQUAL(dsm_strerror(ours[i]), "unknown error");
	CU_ASSERT_STRING_EQUAL(dsm_strerror(-999), "unknown error");
	CU_ASSERT_STRING_EQUAL(dsm_strerror(-5000), "unknown error");
	CU_ASSERT_STRING_EQUAL(dsm_strerror(5), "unknown error");
	CU_ASSERT_EQUAL(DSM_ERR_NOMEM, -ENOMEM);
	CU_ASSERT_EQUAL(DSM_ERR_TIMEDOUT, -ETIMEDOUT);
}

static int lines;
static void count_line(void *ctx, enum dsm_log_level level, const char *text)
{
	lines++;
	CU_ASSERT_EQUAL(level, DSM_LOG_WARN);
	CU_ASSERT_STRING_EQUAL(text, "page 7");
}

static void test_log(void)
{
	struct log log = {.fn = count_line, .level = DSM_LOG_WARN};

	lines = 0;
	log_line(&log, DSM_LOG_WARN, "page %d", 7);
	log_line(&log, DSM_LOG_INFO, "not wanted");
	log_text(&log, DSM_LOG_WARN, "page 7");
	log_text(&log, DSM_LOG_DEBUG, "not wanted");
	log_start(&log, DSM_LOG_WARN, "page %d", 7);
	log_start(&log, DSM_LOG_INFO, "not wanted");
	CU_ASSERT_EQUAL(lines, 3);
	log.level = LOG_NONE;
	log_line(&log, DSM_LOG_ERROR, "not wanted");
	log_text(&log, DSM_LOG_ERROR, "not wanted");
	log_start(&log, DSM_LOG_ERROR, "not wanted");
	CU_ASSERT_EQUAL(lines, 3);
	log.fn = NULL;
	log_line(&log, DSM_LOG_ERROR, "nobody listens");
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "region sizes", test_region_sizes },
		{ "huge pages", test_huge },
		{ "words", test_words },
		{ "config", test_config },
		{ "tenures end in order", test_tenure_order },
		{ "tenure ended by a call", test_tenure_done },
		{ "tenures last while their thread waits", test_tenure_waiting },
		{ "tenures have a limit", test_tenure_limit },
		{ "limits differ by chance", test_tenure_chance },
		{ "errors", test_errors },
		{ "log", test_log },
		CU_TEST_INFO_NULL,
	};

	return suite_run("node parts", NULL, NULL, tests, 60);
}
