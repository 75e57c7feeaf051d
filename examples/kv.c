/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key-value store in shared memory that goes on when nodes die, down to one node, and clients that check
 * every answer:
 *
 *	dsmctl run --survive -n 4 kv --seconds=10 & dsmctl kill JOB 0
 *
 * Each node's threads put, get and delete keys, some far more often than others. Two nodes hold the store's memory,
 * so that no single death loses anything of it. Where two die at once, or with --once, buckets of which no
 * current copy lives are lost, known to be, and answered so; and what somebody wrote by half who has died is cleared
 * (kv_store.c). What each node was answered is in its log (kv_log.c): in the end a node compares its own
 * (kv_check.c), and with --log=DIR another process those of all, the dead among them: kv --check=DIR.
 */
#include <dsm_survive.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "kv_check.h"
#include "kv_client.h"

#define OUT_STATUS 3

struct kv_run run = { .operations = 100000, .seconds = 5, .threads = 2, .keys = 2000, .groups = 192,
	              .seed = 1, .drill_rank = UINT64_MAX };

/* --- the run --- */

/* The time begins when enough have died. */
static void note_deaths(uint32_t deaths)
{
	__atomic_store_n(&run.log.head->deaths, deaths, __ATOMIC_RELAXED);
	if (deaths >= run.deaths && !run.end_ns)
		__atomic_store_n(&run.end_ns, kv_now_ns() + run.seconds * UINT64_C(1000000000), __ATOMIC_RELAXED);
}

/* Looks at the store after each view. */
static void *keep(void *arg)
{
	struct dsm_view view = { .number = 1 };

	while (!__atomic_load_n(&run.leaving, __ATOMIC_ACQUIRE)) {
		const int rc = dsm_wait_view(run.dsm, view.number, 50);

		if (rc == DSM_ERR_TIMEDOUT)
			continue;
		if (rc || dsm_view(run.dsm, &view)) {
			__atomic_store_n(&run.kv.out, 1, __ATOMIC_RELAXED);
			break;
		}
		note_deaths((uint32_t)(run.size - view.living));
		if (kv_after_view(&run.kv))
			break;
		printf("kv: node %d has come through view %u\n", run.rank, view.number);
		fflush(stdout);
	}
	return arg;
}

/* 0, or -1: this node is out. */
static int meet(void)
{
	const int rc = dsm_barrier(run.dsm);

	if (rc != DSM_ERR_LOST)
		ex_must(rc, "dsm_barrier");
	return rc ? -1 : 0;
}

/* All keys, when nobody writes any more: what was acknowledged is there, or lost. */
static int read_all(struct client *c)
{
	for (uint64_t key = 0; key < run.keys; key++)
		if (client_operate(c, KV_GET, key) == KV_OUT)
			return -1;
	return 0;
}

/* All of it, with the last look. 0, or -1: this node is out. */
static int serve(void)
{
	pthread_t keeper;
	int rc = 0;

	note_deaths(0);
	if (pthread_create(&keeper, NULL, keep, NULL))
		ex_fail("no thread");
	for (uint64_t i = 0; i < run.threads; i++) {
		struct client *c = &run.client[i];

		c->number = (int)i;
		c->random = kv_mix(run.seed * 1000003 + (uint64_t)run.rank * 1009 + i) | 1;
		if (pthread_create(&c->thread, NULL, client_work, c))
			ex_fail("no thread");
	}
	for (uint64_t i = 0; i < run.threads; i++)
		pthread_join(run.client[i].thread, NULL);
	rc = __atomic_load_n(&run.kv.out, __ATOMIC_RELAXED) || meet() || read_all(&run.client[0]) ||
	     meet() ? -1 : 0;
	__atomic_store_n(&run.leaving, 1, __ATOMIC_RELEASE);
	pthread_join(keeper, NULL);
	return rc || kv_after_view(&run.kv) ? -1 : 0;
}

/* --- what came of it --- */

static uint64_t tell(int is_out)
{
	struct client all = { 0 };
	struct kv_verdict v;

	for (uint64_t i = 0; i < run.threads; i++) {
		const struct client *c = &run.client[i];

		all.operations += c->operations;
		all.acknowledged += c->acknowledged;
		all.wrong += c->wrong;
		if (c->longest_ns > all.longest_ns)
			all.longest_ns = c->longest_ns;
	}
	if (is_out)
		run.log.head->out_ns = kv_now_ns();
	if (kv_check(&run.log, 1, run.kept, &v))
		ex_fail("out of memory for the comparison");
	if (v.wrong)
		fprintf(stderr, "kv: node %d: WRONG: %s\n", run.rank, v.why);
	all.wrong += v.wrong;
	printf("kv: node %d: %" PRIu64 " operations, %" PRIu64 " acknowledged writes, %u deaths seen, %"
	       PRIu64 " buckets lost, %" PRIu64 " wrong answers; %" PRIu64
	       " mutexes of dead owners, %" PRIu64 " half writes cleared, longest operation %" PRIu64 " ms%s\n",
	       run.rank, all.operations, all.acknowledged, run.log.head->deaths,
	       kv_lost_buckets(&run.kv), all.wrong, run.kv.orphans, run.kv.repaired,
	       all.longest_ns / 1000000, is_out ? "; it is out, the others go on without it" : "");
	return all.wrong;
}

static int check(void)
{
	struct kv_log log[KV_LOGS_MAX];
	const unsigned logs = kv_log_load(log, run.check_dir);
	struct kv_verdict v;

	if (kv_check(log, logs, run.kept, &v))
		ex_fail("out of memory for the comparison");
	for (unsigned i = 0; i < logs; i++)
		kv_log_close(&log[i]);
	if (v.wrong)
		fprintf(stderr, "kv: WRONG: %s\n", v.why);
	printf("kv: logs of %u nodes, %u of which were cut off: %" PRIu64 " operations, %" PRIu64
	       " acknowledged writes, %" PRIu64 " answers that it is lost, %" PRIu64 " wrong answers\n",
	       v.logs, v.dead, v.operations, v.acknowledged, v.lost, v.wrong);
	return v.wrong ? 1 : 0;
}

static const char usage[] =
	"Usage: kv [OPTION]...\n"
	"A key-value store in shared memory that goes on when nodes die\n"
	"(dsmctl run --survive -n 4 kv), and clients that check every answer.\n\n"
	"  -o, --operations=N  of each thread, at most (default 100000)\n"
	"  -t, --seconds=N     so long, at most (default 5)\n"
	"  -d, --deaths=N      count the seconds from then on when so many nodes have died (default 0)\n"
	"  -T, --threads=N     clients of each node, 1 to 64 (default 2)\n"
	"  -k, --keys=N        1 to 2^24 (default 2000)\n"
	"  -g, --groups=N      pages of 4 buckets with a mutex, 1 to 2^20 (default 192)\n"
	"  -s, --seed=N        other operations for other seeds (default 1)\n"
	"  -l, --log=DIR       keep each node's log there, in a file\n"
	"      --check=DIR     compare the logs in DIR, and do nothing else\n"
	"      --once          keep the store in memory that is lost with the node that has it\n"
	"      --kept          nothing may be lost: each is to die after all have come through the view before\n"
	"      --drill=RANK    have this one die in the middle of a put\n"
	"      --wrong=KIND    answer wrongly: \"value\" or \"stale\", to see it found\n"
	"  -h, --help          show this\n\n"
	"Exit status: 0, 1 when an answer was wrong, 3 on a node that the others go on without.\n";

static void parse(int argc, char **argv)
{
	const struct ex_option table[] = {
		{ 'o', "operations", .count = &run.operations, .min = 1, .max = 1u << 28 },
		{ 't', "seconds", .count = &run.seconds, .max = 1u << 20 },
		{ 'd', "deaths", .count = &run.deaths, .max = KV_LOGS_MAX - 1 },
		{ 'T', "threads", .count = &run.threads, .min = 1, .max = KV_THREADS_MAX },
		{ 'k', "keys", .count = &run.keys, .min = 1, .max = 1u << 24 },
		{ 'g', "groups", .count = &run.groups, .min = 1, .max = 1u << 20 },
		{ 's', "seed", .count = &run.seed, .max = UINT64_MAX },
		{ 'l', "log", .text = &run.log_dir },
		{ 0, "check", .text = &run.check_dir },
		{ 0, "once", .flag = &run.once },
		{ 0, "kept", .flag = &run.kept },
		{ 0, "drill", .count = &run.drill_rank, .max = KV_LOGS_MAX - 1 },
		{ 0, "wrong", .text = &run.wrong },
		{ 0 },
	};

	ex_options(argc, argv, table, 0, usage);
	if (run.wrong && strcmp(run.wrong, "value") && strcmp(run.wrong, "stale"))
		ex_fail("--wrong wants \"value\" or \"stale\", not \"%s\"", run.wrong);
}

/* Memory beside the store, for the drill. */
static void open_drill(void)
{
	void *at;

	if (run.drill_rank == UINT64_MAX)
		return;
	if (run.rank == 0) {
		ex_must(dsm_alloc(run.dsm, sizeof *run.drill, 4096, run.kv.flags, &at), "dsm_alloc");
		ex_must(dsm_publish(run.dsm, "kv.drill", at), "dsm_publish");
	}
	ex_must(dsm_lookup(run.dsm, "kv.drill", -1, &at), "dsm_lookup");
	run.drill = at;
}

int main(int argc, char **argv)
{
	struct dsm_view view;
	uint64_t wrong;
	int is_out;

	ex_name = "kv";
	parse(argc, argv);
	if (run.check_dir)
		return check();
	kv_catch();
	run.dsm = ex_init();
	run.rank = dsm_rank(run.dsm);
	run.size = dsm_size(run.dsm);
	ex_must(dsm_view(run.dsm, &view), "dsm_view");
	if (!view.number)
		ex_fail("this is for jobs of two nodes and more that go on when one is lost: dsmctl run "
		        "--survive, or DSM_ON_LOSS=continue");
	kv_log_open(&run.log, run.log_dir, run.rank, run.size, run.threads * run.operations + 2 * run.keys);
	run.key_lost = calloc(run.keys, 1);
	if (!run.key_lost)
		ex_fail("out of memory");
	kv_open(&run.kv, run.dsm, run.groups, run.once ? 0 : DSM_KEEP2);
	open_drill();
	is_out = meet();
	printf("kv: node %d of %d, process %d, over %s has begun\n", run.rank, run.size, (int)getpid(),
	       dsm_provider(run.dsm));
	fflush(stdout);
	if (!is_out)
		is_out = serve();
	wrong = tell(is_out);
	fflush(stdout);
	if (!is_out)
		ex_must(dsm_fini(run.dsm), "dsm_fini");
	else
		dsm_fini(run.dsm);
	run.log.head->ended = 1;
	kv_log_close(&run.log);
	return wrong ? 1 : is_out ? OUT_STATUS : 0;
}
