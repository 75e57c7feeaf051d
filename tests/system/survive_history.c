/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plain loads, stores and swaps of words that all write, in a job that loses nodes: was it one memory?
 *
 *	survive_history DIR SECONDS DEATHS SEED   a node, which notes in DIR what it does; so many seconds
 *	                                          from when it has seen so many deaths
 *	survive_history check DIR [wrong]         compares what all have noted, the dead among them; wrong: after
 *	                                          one of the values is made that of an earlier store
 *
 * Each access is noted when it begins, and again when it is done, with its times; all are of one machine. What
 * a node had begun when it died was done if anybody has seen it. A page that is lost is left alone: nothing is
 * seen of it any more, and what was seen before must still be right. Exit status 4: this node is out.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dsm/dsm_survive.h"
#include "tests/system/history.h"
#include "tests/system/node.h"
#include "tests/system/survivor.h"
#include "tests/system/survive_history.h"

#define PAGE_WORDS 512
#define OUT_STATUS 4

static struct {
	uint64_t (*page)[PAGE_WORDS];
	struct history_file *file;
	uint64_t seed, seconds, deaths;
	uint64_t end_ns; /* atomic; 0: not known yet */
	int out, leaving, lost[HISTORY_PAGES]; /* atomic */
	pthread_t thread[HISTORY_THREADS];
} run;

static int note_lost(void *ctx, void *ptr, size_t bytes)
{
	const int first = (int)((uint64_t (*)[PAGE_WORDS])ptr - run.page);

	(void)ctx;
	for (int p = first; p < first + (int)(bytes / sizeof *run.page); p++)
		__atomic_store_n(&run.lost[p], 1, __ATOMIC_RELAXED);
	return 0;
}

static int is_out(void)
{
	return __atomic_load_n(&run.out, __ATOMIC_RELAXED);
}

static void go_out(void)
{
	if (!__atomic_exchange_n(&run.out, 1, __ATOMIC_RELAXED))
		run.file->out_ns = node_now_ns();
}

/* A page is SIGBUS: it is lost, or this node is out. */
static void find_out(int p)
{
	const int rc = dsm_lost(node.dsm, run.page[p], sizeof *run.page, note_lost, NULL);

	if (rc == DSM_ERR_LOST) {
		go_out();
		return;
	}
	OK(rc);
	if (!__atomic_load_n(&run.lost[p], __ATOMIC_RELAXED))
		node_fail("SIGBUS in page %d, which is not lost", p);
}

/* --- accesses --- */

static SURVIVOR_ATOMICS void access_word(struct history_op *op, uint64_t *word)
{
	__atomic_store_n(&op->begin, node_now_ns(), __ATOMIC_SEQ_CST);
	switch (op->kind) {
	case HISTORY_READ: op->value = __atomic_load_n(word, __ATOMIC_SEQ_CST); break;
	case HISTORY_WRITE: __atomic_store_n(word, op->value, __ATOMIC_SEQ_CST); break;
	default: op->old = __atomic_exchange_n(word, op->value, __ATOMIC_SEQ_CST);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&op->end, node_now_ns(), __ATOMIC_SEQ_CST);
}

/* 0, or -1: this node is out. */
static int access_some(struct history_thread_log *log, int thread, uint32_t word, uint32_t kind)
{
	const int p = (int)word / HISTORY_PAGE_WORDS;
	/* A word has 64 bytes. */
	uint64_t *at = &run.page[p][word % HISTORY_PAGE_WORDS * 8];
	struct history_op *op = &log->op[log->used];

	if (__atomic_load_n(&run.lost[p], __ATOMIC_RELAXED))
		return 0;
	*op = (struct history_op){ .word = word, .kind = kind };
	if (kind != HISTORY_READ)
		op->value = (uint64_t)(node.rank + 1) << 48 | (uint64_t)thread << 40 | (log->used + 1);
	log->used++; /* in a file that outlives this */
	if (sigsetjmp(way_out, 1)) {
		has_way_out = 0;
		find_out(p);
		return is_out() ? -1 : 0;
	}
	has_way_out = 1;
	access_word(op, at);
	has_way_out = 0;
	if (op->end - op->begin > log->longest_ns)
		log->longest_ns = op->end - op->begin;
	return 0;
}

static int is_over(void)
{
	const uint64_t end_ns = __atomic_load_n(&run.end_ns, __ATOMIC_RELAXED);

	return (end_ns && node_now_ns() >= end_ns) || is_out();
}

static void *work(void *arg)
{
	const int thread = (int)(intptr_t)arg;
	struct history_thread_log *log = &run.file->thread[thread];
	uint64_t random = (run.seed * 97 + (uint64_t)node.rank * HISTORY_THREADS + (unsigned)thread + 1) | 1;

	while (log->used < HISTORY_OPS - HISTORY_WORDS && !is_over()) {
		/* Some are of all accesses, others are seldom met. */
		const uint64_t r = node_random(&random);
		const uint32_t word = r >> 8 & 1 ? (uint32_t)(r >> 32) % HISTORY_WORDS
		                                 : (uint32_t)(r >> 32) % 8 * (HISTORY_WORDS / 8);

		if (access_some(log, thread, word, r % 8 < 5 ? HISTORY_READ : r % 8 < 7 ? HISTORY_WRITE : HISTORY_RMW))
			break;
	}
	return NULL;
}

/* --- the job --- */

static void note_deaths(uint64_t deaths)
{
	run.file->deaths = (uint32_t)deaths;
	if (deaths >= run.deaths && !run.end_ns)
		__atomic_store_n(&run.end_ns, node_now_ns() + run.seconds * 1000000000, __ATOMIC_RELAXED);
}

static void *keep(void *arg)
{
	struct dsm_view view = { .number = 1 };

	while (!__atomic_load_n(&run.leaving, __ATOMIC_RELAXED)) {
		const int rc = dsm_wait_view(node.dsm, view.number, 50);

		if (rc == DSM_ERR_TIMEDOUT)
			continue;
		if (rc) {
			EXPECT(DSM_ERR_LOST, rc);
			go_out();
			break;
		}
		OK(dsm_view(node.dsm, &view));
		note_deaths((uint64_t)(node.size - view.living));
	}
	return arg;
}

static void *map(const char *dir, int rank)
{
	char path[4096];
	void *at;
	int fd;

	snprintf(path, sizeof path, "%s/history.%d", dir, rank);
	fd = open(path, O_RDWR | O_CREAT, 0666);
	CHECK(fd >= 0 && ftruncate(fd, sizeof *run.file) == 0);
	at = mmap(NULL, sizeof *run.file, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(at != MAP_FAILED);
	close(fd);
	return at;
}

static void meet(void)
{
	const int rc = dsm_barrier(node.dsm);

	if (rc == DSM_ERR_LOST)
		go_out();
	else
		OK(rc);
}

static void share(void)
{
	void *at;

	if (node.rank == 0) {
		OK(dsm_alloc(node.dsm, HISTORY_PAGES * sizeof *run.page, 4096, 0, &at));
		OK(dsm_publish(node.dsm, "history", at));
	}
	OK(dsm_lookup(node.dsm, "history", -1, &at));
	run.page = at;
	/* Touched, by anybody, or it is lost with its home. */
	for (int p = node.rank; p < HISTORY_PAGES; p += node.size)
		run.page[p][PAGE_WORDS - 1] = 1;
}

static void tell(void)
{
	uint64_t accesses = 0, longest_ns = 0;
	int lost = 0;

	for (int i = 0; i < HISTORY_THREADS; i++) {
		accesses += run.file->thread[i].used;
		if (run.file->thread[i].longest_ns > longest_ns)
			longest_ns = run.file->thread[i].longest_ns;
	}
	for (int p = 0; p < HISTORY_PAGES; p++)
		lost += run.lost[p];
	printf("survive_history: node %d: %llu accesses, %u deaths seen, %d of %d pages lost, longest operation %llu ms%s\n",
	       node.rank, (unsigned long long)accesses, run.file->deaths, lost, HISTORY_PAGES,
	       (unsigned long long)longest_ns / 1000000, is_out() ? "; it is out" : "");
}

int main(int argc, char **argv)
{
	pthread_t keeper;

	node.program = "survive_history";
	if ((argc == 3 || argc == 4) && !strcmp(argv[1], "check"))
		return history_compare(argv[2], argc == 4);
	if (argc != 5)
		return 2;
	run.seconds = strtoull(argv[2], NULL, 10);
	run.deaths = strtoull(argv[3], NULL, 10);
	run.seed = strtoull(argv[4], NULL, 10);
	survivor_catch();
	node_join("survive_history", 60);
	run.file = map(argv[1], node.rank);
	share();
	meet();
	printf("survive_history: node %d of %d, process %d, over %s has begun\n", node.rank, node.size,
	       (int)getpid(), dsm_provider(node.dsm));
	note_deaths(0);
	CHECK(pthread_create(&keeper, NULL, keep, NULL) == 0);
	for (intptr_t i = 0; i < HISTORY_THREADS; i++)
		CHECK(pthread_create(&run.thread[i], NULL, work, (void *)i) == 0);
	for (int i = 0; i < HISTORY_THREADS; i++)
		CHECK(pthread_join(run.thread[i], NULL) == 0);
	meet();
	for (uint32_t word = 0; word < HISTORY_WORDS && !is_out(); word++)
		access_some(&run.file->thread[0], 0, word, HISTORY_READ);
	if (!is_out())
		meet();
	__atomic_store_n(&run.leaving, 1, __ATOMIC_RELAXED);
	CHECK(pthread_join(keeper, NULL) == 0);
	tell();
	if (!is_out())
		OK(dsm_fini(node.dsm));
	else
		dsm_fini(node.dsm);
	return is_out() ? OUT_STATUS : 0;
}
