/* SPDX-License-Identifier: BSD-2-Clause */
/* The node: joining, failing, and telling each other things. */
#include "config.h"

#include "tools/bench/bench.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOIN_S 60
#define HUGE_PAGES 32 /* of a job; every node needs as many */
/* Tenures end after 200 us, and after a few ms where a thread waits for more pages. */
#define SETTLE_NS 5000000

struct slot {
	uint8_t bytes[BENCH_GIVE_MAX];
};

struct bench bench = { .running = "start" };

void bench_fail(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fprintf(stderr, "dsm-bench: node %d: %s: %s\n", bench.rank, bench.running, text);
	/* The other nodes may never come to dsm_fini. */
	_exit(BENCH_FAILED);
}

void bench_expect(int rc, const char *call)
{
	if (rc)
		bench_fail("%s: %s", call, dsm_strerror(rc));
}

static void out_of_time(int sig)
{
	static const char begin[] = "dsm-bench: ", end[] = ": no end in sight, giving up\n";
	char line[160];
	size_t len = strlen(bench.running);

	/* With none of the calls that a handler may not use. */
	if (len > sizeof line - sizeof begin - sizeof end)
		len = 0;
	memcpy(line, begin, sizeof begin);
	memcpy(line + sizeof begin - 1, bench.running, len);
	memcpy(line + sizeof begin - 1 + len, end, sizeof end);
	if (write(STDERR_FILENO, line, sizeof begin - 1 + len + sizeof end - 1) < 0)
		_exit(BENCH_FAILED);
	_exit(BENCH_FAILED);
}

void bench_begin(const char *test, unsigned seconds)
{
	bench.running = test;
	alarm(seconds);
}

static void log_line(void *ctx, enum dsm_log_level level, const char *text)
{
	/* Why dsm_init fails is told where it does. */
	if (bench.dsm)
		fprintf(stderr, "dsm-bench: node %d: %s\n", bench.rank, text);
}

void bench_join(const struct options *options)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	const char *rank = getenv("DSM_RANK");
	int rc;

	bench.options = options;
	bench.rank = rank ? atoi(rank) : 0; /* for messages until the library says */
	signal(SIGALRM, out_of_time);
	bench_begin("start", JOIN_S);
	setenv("DSM_FAULTS", options->faults, 1);
	if (options->provider)
		setenv("DSM_PROVIDER", options->provider, 1);
	config.log = log_line;
	if (options->pmd) {
		config.huge_bytes = HUGE_PAGES * (uint64_t)HUGE_PAGE;
		config.huge_optional = 1;
	}
	rc = dsm_init(&config, &bench.dsm);
	if (rc)
		bench_fail("dsm_init: %s: %s", dsm_strerror(rc), dsm_init_error());
	bench.rank = dsm_rank(bench.dsm);
	bench.size = dsm_size(bench.dsm);
	if (bench.size < 2)
		bench_fail("a job of one node has nothing to measure");
	bench.board = bench_alloc((size_t)bench.size * sizeof(struct slot));
}

void bench_leave(void)
{
	bench_begin("end", JOIN_S);
	OK(dsm_fini(bench.dsm));
	bench.dsm = NULL;
	alarm(0);
}

/* ----------------------------------------------------------- with each other -- */

void bench_barrier(void)
{
	OK(dsm_barrier(bench.dsm));
}

void bench_gather(const void *mine, size_t len, void *all)
{
	if (len > BENCH_GIVE_MAX)
		bench_fail("%zu bytes are more than a node can give", len);
	memcpy(bench.board[bench.rank].bytes, mine, len);
	bench_barrier();
	for (int i = 0; i < bench.size; i++)
		memcpy((uint8_t *)all + (size_t)i * len, bench.board[i].bytes, len);
	bench_barrier();
}

static double *gather_numbers(double mine)
{
	double *all = calloc((size_t)bench.size, sizeof *all);

	if (!all)
		bench_fail("out of memory");
	bench_gather(&mine, sizeof mine, all);
	return all;
}

double bench_sum(double mine)
{
	double *all = gather_numbers(mine), sum = 0;

	for (int i = 0; i < bench.size; i++)
		sum += all[i];
	free(all);
	return sum;
}

double bench_max(double mine)
{
	double *all = gather_numbers(mine), max = mine;

	for (int i = 0; i < bench.size; i++)
		max = all[i] > max ? all[i] : max;
	free(all);
	return max;
}

/* Gives node 0's address to all. */
static void *share(void *at)
{
	static unsigned n;
	char name[32];

	snprintf(name, sizeof name, "dsm-bench.%u", n++);
	if (bench.rank == 0)
		OK(dsm_publish(bench.dsm, name, at));
	OK(dsm_lookup(bench.dsm, name, JOIN_S * 1000, &at));
	return at;
}

/* Nothing is ever freed: what others have used before has its pages somewhere. */
void *bench_alloc(size_t bytes)
{
	void *at = NULL;

	if (bench.rank == 0)
		OK(dsm_alloc(bench.dsm, bytes, BENCH_PAGE, 0, &at));
	return share(at);
}

void *bench_alloc_huge(unsigned *pages)
{
	const size_t bytes = HUGE_PAGES * (size_t)HUGE_PAGE;
	void *at = NULL;
	double failed = bench.rank == 0 && dsm_alloc(bench.dsm, bytes, HUGE_PAGE, DSM_HUGE, &at);

	*pages = HUGE_PAGES;
	return bench_max(failed) > 0 ? NULL : share(at);
}

/* -------------------------------------------------------------------- helpers -- */

struct dsm_stats bench_stats(void)
{
	struct dsm_stats stats;

	OK(dsm_get_stats(bench.dsm, &stats, sizeof stats));
	return stats;
}

unsigned bench_count(unsigned full, unsigned few)
{
	return bench.options->brief ? few : full;
}

void bench_settle(void)
{
	uint64_t end = bench_now_ns() + SETTLE_NS;

	while (bench_now_ns() < end)
		bench_relax();
}

uint32_t *bench_shuffle(unsigned n)
{
	uint32_t *order = calloc(n, sizeof *order);
	uint64_t x = 0x9e3779b97f4a7c15u;

	if (!order)
		bench_fail("out of memory");
	for (uint32_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		uint32_t j = (uint32_t)(x % (i + 1));
		order[i] = order[j];
		order[j] = i;
	}
	return order;
}

uint64_t bench_add_up(const volatile void *at, size_t bytes)
{
	const volatile uint64_t *word = at;
	uint64_t sum = 0;

	for (size_t i = 0; i < bytes / sizeof *word; i++)
		sum += word[i];
	return sum;
}
