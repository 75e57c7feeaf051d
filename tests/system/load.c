/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load that is known: rank 1 misses so many pages of rank 0's to read, so many to write, and
 * upgrades some of those that it has read, and is woken so many times; both take a mutex and meet in
 * barriers so many times.
 * By dsm_get_latency each wait is counted once, and as what it is.
 *
 *	dsmctl run -n 2 load    says "ready", goes on with a line of its standard input, says
 *	                        "done", and ends when that does
 *	load tight              more pages than there is memory for: threads wait for evictions
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dsm/dsm_coll.h"
#include "dsm/dsm_futex.h"
#include "dsm/dsm_latency.h"
#include "tests/system/node.h"

#define PAGE 4096
#define READS 24
#define UPGRADES 10
#define WRITES 16
#define LOCKS 30
#define BARRIERS 20
#define WAKES 12
#define PAGES 2048 /* of which those are in no order that could be a stream's */
#define TIGHT_PAGES 600

static volatile uint8_t *area;
static uint32_t *word; /* of no page that is missed */
static dsm_mutex mutex;

static struct dsm_latency waits(int kind)
{
	struct dsm_latency h;

	OK(dsm_get_latency(node.dsm, kind, &h, sizeof h));
	return h;
}

static volatile uint8_t *read_page(unsigned i)
{
	return area + (uint64_t)i * i * PAGE;
}

static volatile uint8_t *write_page(unsigned i)
{
	return area + (uint64_t)(PAGES / 2 + i * i) * PAGE;
}

static void prepare(void)
{
	for (unsigned i = 0; i < READS; i++)
		*read_page(i) = 1;
	for (unsigned i = 0; i < WRITES; i++)
		*write_page(i) = 1;
}

static void miss(void)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < READS; i++)
		sum += *read_page(i);
	for (unsigned i = 0; i < UPGRADES; i++)
		*read_page(i) = 2;
	/* Downwards, a fault each: upwards it might ask for runs. */
	for (unsigned i = WRITES; i-- > 0;)
		*write_page(i) = 2;
	CHECK(sum == READS);
}

/* Rank 1 is woken by rank 0; waits that end otherwise are none. */
static void sleep_for_word(void)
{
	uint32_t woken;

	for (int i = 0; i < WAKES; i++) {
		if (node.rank == 1)
			OK(dsm_futex_wait(node.dsm, word, 0, -1));
		else
			do
				OK(dsm_futex_wake(node.dsm, word, 1, &woken));
			while (woken == 0);
	}
	if (node.rank == 1) {
		EXPECT(DSM_ERR_TIMEDOUT, dsm_futex_wait(node.dsm, word, 0, 0));
		EXPECT(DSM_ERR_CHANGED, dsm_futex_wait(node.dsm, word, 1, -1));
	}
}

/* The word's home, whichever that is, has counted them. */
static void expect_sleepers(const struct dsm_stats *before)
{
	struct dsm_stats s;
	uint64_t more[2];

	OK(dsm_get_stats(node.dsm, &s, sizeof s));
	more[0] = s.futex_sleeps - before->futex_sleeps;
	more[1] = s.futex_wakes - before->futex_wakes;
	OK(dsm_reduce(node.dsm, more, 2, DSM_UINT64, DSM_SUM));
	CHECK(more[0] == WAKES + 1 && more[1] == WAKES);
}

static void expect(int kind, const struct dsm_latency *before, uint64_t more)
{
	const struct dsm_latency now = waits(kind);
	uint64_t sum = 0;

	for (unsigned k = 0; k < DSM_LATENCY_BUCKETS; k++)
		sum += now.bucket[k];
	if (now.count - before->count != more)
		node_fail("%s: %llu waits, not %llu", dsm_latency_name(kind),
		          (unsigned long long)(now.count - before->count), (unsigned long long)more);
	CHECK(sum == now.count);
	CHECK(now.sum_ns >= before->sum_ns + more && now.max_ns <= now.sum_ns);
	CHECK(dsm_latency_quantile(&now, 1) == now.max_ns);
}

static void known_load(void)
{
	struct dsm_latency before[DSM_LATENCY_FUTEX + 1];
	struct dsm_stats stats;

	for (int kind = 1; kind <= DSM_LATENCY_FUTEX; kind++)
		before[kind] = waits(kind);
	OK(dsm_get_stats(node.dsm, &stats, sizeof stats));
	if (node.rank == 1)
		miss();
	sleep_for_word();
	for (int i = 0; i < LOCKS; i++) {
		OK(dsm_mutex_lock(node.dsm, mutex));
		OK(dsm_mutex_unlock(node.dsm, mutex));
		if (dsm_mutex_trylock(node.dsm, mutex) == 0) /* waits for nobody */
			OK(dsm_mutex_unlock(node.dsm, mutex));
	}
	for (int i = 0; i < BARRIERS; i++)
		node_barrier();
	expect(DSM_LATENCY_READ_MISS, &before[DSM_LATENCY_READ_MISS], node.rank ? READS : 0);
	expect(DSM_LATENCY_WRITE_MISS, &before[DSM_LATENCY_WRITE_MISS], node.rank ? WRITES : 0);
	expect(DSM_LATENCY_UPGRADE, &before[DSM_LATENCY_UPGRADE], node.rank ? UPGRADES : 0);
	expect(DSM_LATENCY_LOCK, &before[DSM_LATENCY_LOCK], LOCKS);
	expect(DSM_LATENCY_BARRIER, &before[DSM_LATENCY_BARRIER], BARRIERS);
	expect(DSM_LATENCY_EVICTION, &before[DSM_LATENCY_EVICTION], 0);
	expect(DSM_LATENCY_FUTEX, &before[DSM_LATENCY_FUTEX], node.rank ? WAKES : 0);
	expect_sleepers(&stats);
}

static void wrong_arguments(void)
{
	struct dsm_latency h = { .bucket[0] = 4711 };

	EXPECT(DSM_ERR_INVAL, dsm_get_latency(node.dsm, 0, &h, sizeof h));
	EXPECT(DSM_ERR_INVAL, dsm_get_latency(node.dsm, 1000, &h, sizeof h));
	EXPECT(DSM_ERR_INVAL, dsm_get_latency(node.dsm, DSM_LATENCY_LOCK, NULL, sizeof h));
	/* What an older program knows of it. */
	OK(dsm_get_latency(node.dsm, DSM_LATENCY_LOCK, &h, offsetof(struct dsm_latency, bucket)));
	CHECK(h.bucket[0] == 4711);
}

/* Every node writes all pages, so that most of them are other nodes' and have to go again. */
static int tight(void)
{
	struct dsm_stats s;

	node_join("load", 120);
	area = node_shared("area", (size_t)TIGHT_PAGES * PAGE, PAGE);
	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < TIGHT_PAGES; i++)
			area[(size_t)i * PAGE + node.rank] = (uint8_t)i;
		node_barrier();
	}
	OK(dsm_get_stats(node.dsm, &s, sizeof s));
	if (waits(DSM_LATENCY_EVICTION).count != s.frame_waits)
		node_fail("%llu waits for memory, but %llu are known",
		          (unsigned long long)s.frame_waits,
		          (unsigned long long)waits(DSM_LATENCY_EVICTION).count);
	printf("waited %llu\n", (unsigned long long)s.frame_waits);
	node_barrier();
	node_leave();
	return 0;
}

/* Rank 0 has the standard input. */
static void next_line(const char *said)
{
	char byte;

	node_barrier();
	if (node.rank == 0) {
		puts(said);
		while (read(0, &byte, 1) > 0 && byte != '\n')
			;
	}
	node_barrier();
}

int main(int argc, char **argv)
{
	dsm_mutex *shared;

	if (argc > 1 && !strcmp(argv[1], "tight"))
		return tight();
	node_join("load", 60);
	CHECK(node.size == 2);
	area = node_shared("area", (size_t)PAGES * PAGE, PAGE);
	word = node_shared("word", sizeof *word, PAGE);
	shared = node_shared("mutex", sizeof *shared, PAGE);
	if (node.rank == 0) {
		OK(dsm_mutex_create(node.dsm, shared));
		prepare();
	}
	node_barrier();
	mutex = *shared;
	wrong_arguments();
	next_line("ready");
	known_load();
	next_line("done");
	node_leave();
	return 0;
}
