/* SPDX-License-Identifier: BSD-2-Clause */
/* Puts together what the nodes of survive_history.c have noted, and has history.c look at it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/system/node.h"
#include "tests/system/survive_history.h"

#define NODES_MAX 8
#define DOUBT_NS 1000000000 /* before a node learns that it is out, what it reads may be old: docs/failures.md */

static struct history_file *file[NODES_MAX];
static uint64_t *seen; /* values, sorted */
static size_t n_seen;

static struct history_file *map(const char *dir, int rank)
{
	char path[4096];
	void *at;
	int fd;

	snprintf(path, sizeof path, "%s/history.%d", dir, rank);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return NULL;
	at = mmap(NULL, sizeof **file, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(at != MAP_FAILED);
	close(fd);
	return at;
}

/* In which nobody can rely on what he has read, nor others see what he has stored. */
static int is_doubtful(const struct history_file *f, const struct history_op *op)
{
	return f->out_ns && op->end + DOUBT_NS > f->out_ns;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void see(const struct history_file *f)
{
	for (int t = 0; t < HISTORY_THREADS; t++) {
		for (uint64_t i = 0; i < f->thread[t].used; i++) {
			const struct history_op *op = &f->thread[t].op[i];

			if (!op->end || is_doubtful(f, op) || op->kind == HISTORY_WRITE)
				continue;
			seen[n_seen++] = op->kind == HISTORY_READ ? op->value : op->old;
		}
	}
}

static int is_seen(uint64_t value)
{
	return bsearch(&value, seen, n_seen, sizeof *seen, compare) != NULL;
}

/* What was not done, or perhaps not, counts if somebody has seen it; what a swap has found nobody knows then. */
static size_t take(const struct history_file *f, const struct history_thread_log *log,
                   struct history_op *out)
{
	size_t n = 0;

	for (uint64_t i = 0; i < log->used; i++) {
		struct history_op op = log->op[i];

		if (!op.end || is_doubtful(f, &op)) {
			if (op.kind == HISTORY_READ || !op.begin || !is_seen(op.value))
				continue;
			op.kind = HISTORY_WRITE;
			op.end = UINT64_MAX;
		}
		out[n++] = op;
	}
	return n;
}

/* Makes somebody's last load but a few one of an earlier store that he has seen, of the same word. */
static int spoil(struct history_op *ops, size_t n)
{
	for (size_t i = n; i-- > 1;) {
		if (ops[i].kind != HISTORY_READ || !ops[i].value)
			continue;
		for (size_t k = 0; k < i; k++) {
			if (ops[k].word != ops[i].word || ops[k].kind != HISTORY_READ || ops[k].value == ops[i].value)
				continue;
			ops[i].value = ops[k].value;
			return 0;
		}
	}
	return -1;
}

int history_compare(const char *dir, int with_wrong)
{
	static const uint64_t initial[HISTORY_WORDS];
	struct history_thread threads[NODES_MAX * HISTORY_THREADS];
	struct history h = { .threads = threads, .words = HISTORY_WORDS, .initial = initial, .timed = 1,
		             .share_of = 1 };
	char why[HISTORY_WHY_MAX];
	size_t room = 0, accesses = 0;
	int nodes = 0, rc;

	for (; nodes < NODES_MAX && (file[nodes] = map(dir, nodes)); nodes++)
		for (int t = 0; t < HISTORY_THREADS; t++)
			room += file[nodes]->thread[t].used;
	if (!nodes)
		node_fail("%s has no histories in it", dir);
	seen = malloc((room + 1) * sizeof *seen);
	CHECK(seen);
	for (int i = 0; i < nodes; i++)
		see(file[i]);
	qsort(seen, n_seen, sizeof *seen, compare);
	for (int i = 0; i < nodes * HISTORY_THREADS; i++) {
		const struct history_file *f = file[i / HISTORY_THREADS];
		const struct history_thread_log *log = &f->thread[i % HISTORY_THREADS];
		struct history_op *ops = calloc(log->used + 1, sizeof *ops);

		CHECK(ops);
		threads[i] = (struct history_thread){ .ops = ops, .len = take(f, log, ops) };
		accesses += threads[i].len;
		if (with_wrong && spoil(ops, threads[i].len) == 0)
			with_wrong = 0;
	}
	h.n_threads = (unsigned)(nodes * HISTORY_THREADS);
	rc = history_check(&h, why);
	if (rc)
		printf("survive_history: WRONG: %s\n", rc > 0 ? why : strerror(-rc));
	else
		printf("survive_history: %zu accesses of %d nodes: one memory, 0 wrong answers\n", accesses, nodes);
	return rc != 0;
}
