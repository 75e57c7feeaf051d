/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sample sort of random 64-bit keys.
 *
 * Each node makes and sorts a part of the keys in shared memory and leaves a sample of
 * them there. From all samples every node finds the same splitters, and so which keys
 * of each part go to which node. Then each node merges what is for it, straight out of
 * the parts of the others: the exchange of all with all is nothing but reading.
 */
#include "common.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NODES 64
#define SAMPLE 256                     /* keys of each node, half a page */
#define REFERENCE_LIMIT (32ull << 20) /* keys that node 0 also sorts with qsort */

/* What the nodes tell each other. Each writes its own entry, which has pages of its own. */
struct notice {
	uint64_t sample[SAMPLE];
	uint64_t end[MAX_NODES]; /* keys of this part that go to the nodes 0..i */
	uint64_t out_first, out_last;
	uint64_t pad[512 - SAMPLE - MAX_NODES - 2];
};
_Static_assert(sizeof(struct notice) == 4096, "a page for each node");

/* Sums over all nodes that tell whether the keys are the same before and after. */
struct digest {
	uint64_t count, sum, mix, unsorted;
};

struct sort {
	uint64_t keys, seed, distinct;
	int nodes, rank;
	uint64_t *in, *out; /* shared */
	struct notice *notice; /* shared, by node */
	struct digest *before, *after; /* shared */
};

static uint64_t mix64(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* The ith key of the input: any node can tell it. */
static uint64_t key_at(const struct sort *s, uint64_t i)
{
	uint64_t key = mix64(s->seed + (i + 1) * 0x9e3779b97f4a7c15u);

	return s->distinct ? key % s->distinct : key;
}

static int compare_keys(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Adds what this node found in its keys to the sums of all. */
static void digest_add(dsm_t *dsm, struct digest *total, const uint64_t *key, uint64_t n)
{
	struct digest d = { .count = n };

	for (uint64_t i = 0; i < n; i++) {
		d.sum += key[i];
		d.mix += mix64(key[i]);
		d.unsorted += i && key[i - 1] > key[i];
	}
	ex_must(dsm_fetch_add64(dsm, &total->count, d.count, NULL), "dsm_fetch_add64");
	ex_must(dsm_fetch_add64(dsm, &total->sum, d.sum, NULL), "dsm_fetch_add64");
	ex_must(dsm_fetch_add64(dsm, &total->mix, d.mix, NULL), "dsm_fetch_add64");
	ex_must(dsm_fetch_add64(dsm, &total->unsorted, d.unsorted, NULL), "dsm_fetch_add64");
}

static struct ex_part part(const struct sort *s, int node)
{
	return ex_part_of(s->keys, s->nodes, node);
}

static void say(const struct sort *s, uint64_t phases)
{
	if (s->rank == 0)
		ex_progress("sort", phases, 4);
}

/* Makes this node's keys, sorts them, and leaves a sample at even distances. */
static void sort_part(dsm_t *dsm, struct sort *s)
{
	struct ex_part mine = part(s, s->rank);
	uint64_t n = mine.end - mine.first, *key = s->in + mine.first;

	for (uint64_t i = 0; i < n; i++)
		key[i] = key_at(s, mine.first + i);
	digest_add(dsm, s->before, key, n);
	say(s, 1);
	qsort(key, n, sizeof *key, compare_keys);
	for (uint64_t i = 0; n && i < SAMPLE; i++)
		s->notice[s->rank].sample[i] = key[n * i / SAMPLE];
}

/* splitter[i]: keys below it, and not below splitter[i - 1], go to node i. */
static void find_splitters(const struct sort *s, uint64_t splitter[MAX_NODES])
{
	uint64_t sample[MAX_NODES * SAMPLE];
	size_t n = 0;

	for (int i = 0; i < s->nodes; i++) {
		struct ex_part p = part(s, i);

		if (p.first == p.end)
			continue; /* no keys, no sample */
		memcpy(sample + n, s->notice[i].sample, sizeof s->notice[i].sample);
		n += SAMPLE;
	}
	qsort(sample, n, sizeof *sample, compare_keys);
	for (int i = 0; i + 1 < s->nodes; i++)
		splitter[i] = sample[n * (size_t)(i + 1) / (size_t)s->nodes];
}

/* How many of n sorted keys are less than limit. */
static uint64_t count_below(const uint64_t *key, uint64_t n, uint64_t limit)
{
	uint64_t low = 0, high = n;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (key[middle] < limit)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Tells the others where in this node's part their keys lie. */
static void cut_part(const struct sort *s)
{
	struct ex_part mine = part(s, s->rank);
	uint64_t splitter[MAX_NODES], n = mine.end - mine.first;

	find_splitters(s, splitter);
	for (int i = 0; i < s->nodes; i++)
		s->notice[s->rank].end[i] =
			i + 1 < s->nodes ? count_below(s->in + mine.first, n, splitter[i]) : n;
}

struct run {
	const uint64_t *next, *end;
};

/* Lets run i sink to its place in a heap with the least key on top. */
static void heap_sink(struct run *heap, int n, int i)
{
	for (;;) {
		int least = i, child = 2 * i + 1;
		struct run moved = heap[i];

		if (child < n && *heap[child].next < *heap[least].next)
			least = child;
		if (child + 1 < n && *heap[child + 1].next < *heap[least].next)
			least = child + 1;
		if (least == i)
			return;
		heap[i] = heap[least];
		heap[least] = moved;
		i = least;
	}
}

static void merge(struct run *heap, int n, uint64_t *out)
{
	for (int i = n / 2; i-- > 0;)
		heap_sink(heap, n, i);
	while (n) {
		*out++ = *heap[0].next++;
		if (heap[0].next == heap[0].end)
			heap[0] = heap[--n];
		heap_sink(heap, n, 0);
	}
}

/* Merges the keys for this node out of all parts, to where they belong in the output. */
static void merge_parts(dsm_t *dsm, struct sort *s)
{
	struct run run[MAX_NODES];
	uint64_t out_first = 0, out_end = 0;
	int runs = 0;

	for (int k = 0; k < s->nodes; k++) {
		int i = (s->rank + k) % s->nodes; /* not everybody to the same node at once */
		const uint64_t *key = s->in + part(s, i).first;
		uint64_t first = s->rank ? s->notice[i].end[s->rank - 1] : 0;
		uint64_t end = s->notice[i].end[s->rank];

		out_first += first;
		out_end += end;
		if (first == end)
			continue;
		run[runs++] = (struct run){ key + first, key + end };
		ex_must(dsm_prefetch(dsm, key + first, (end - first) * sizeof *key),
		        "dsm_prefetch");
	}
	/* Neighbours meet within a page, which then goes to and fro a few times. Padding would
	 * avoid that; one array without gaps is worth more here. */
	merge(run, runs, s->out + out_first);
	s->notice[s->rank].out_first = out_first;
	s->notice[s->rank].out_last = out_end;
}

/* Each node checks that its piece is sorted and begins no lower than the one before. */
static void check_piece(dsm_t *dsm, struct sort *s)
{
	uint64_t first = s->notice[s->rank].out_first, end = s->notice[s->rank].out_last;

	digest_add(dsm, s->after, s->out + first, end - first);
	if (first && first < end && s->out[first - 1] > s->out[first])
		ex_must(dsm_fetch_add64(dsm, &s->after->unsorted, 1, NULL), "dsm_fetch_add64");
}

/* The same keys sorted by qsort in plain memory: true when the output equals them. */
static int equals_qsort(const struct sort *s, double *seconds)
{
	uint64_t *key = malloc(s->keys * sizeof *key);
	double start = ex_seconds();
	int equal;

	if (!key)
		ex_fail("out of memory for the reference");
	for (uint64_t i = 0; i < s->keys; i++)
		key[i] = key_at(s, i);
	qsort(key, s->keys, sizeof *key, compare_keys);
	*seconds = ex_seconds() - start;
	equal = !memcmp(key, s->out, s->keys * sizeof *key);
	free(key);
	return equal;
}

static int verify(const struct sort *s, double seconds)
{
	const struct digest *b = s->before, *a = s->after;
	double plain_seconds;
	int ok = 1;

	printf("shared %.3f s\n", seconds);
	if (a->unsorted) {
		printf("WRONG: %" PRIu64 " keys are lower than the key before\n", a->unsorted);
		ok = 0;
	}
	if (a->count != s->keys || b->count != s->keys || a->sum != b->sum || a->mix != b->mix) {
		printf("WRONG: the keys are not those of the input\n");
		ok = 0;
	}
	if (s->keys <= REFERENCE_LIMIT) {
		if (!equals_qsort(s, &plain_seconds)) {
			printf("WRONG: qsort has another result\n");
			ok = 0;
		}
		printf("qsort in plain memory, one process: %.3f s\n", plain_seconds);
	}
	if (ok)
		printf("verified: sorted, the same keys%s\n",
		       s->keys <= REFERENCE_LIMIT ? ", equal to qsort's result" : "");
	return ok;
}

static const char usage[] =
	"Usage: sort [OPTION]...\n"
	"Sorts random 64-bit keys on all nodes of a job (dsmctl run -n 4 sort) and checks\n"
	"the result.\n\n"
	"  -k, --keys=N      keys, 1 to 2^40 (default 2000000)\n"
	"  -d, --distinct=N  draw the keys from N values only, 1 to 2^62 (default: any)\n"
	"  -s, --seed=N      other keys for other seeds (default 1)\n"
	"  -h, --help        show this\n";

static struct sort parse(int argc, char **argv)
{
	struct sort s = { .keys = 2000000, .seed = 1 };
	const struct ex_option table[] = {
		{ 'k', "keys", .count = &s.keys, .min = 1, .max = 1ull << 40 },
		{ 'd', "distinct", .count = &s.distinct, .min = 1, .max = 1ull << 62 },
		{ 's', "seed", .count = &s.seed, .max = UINT64_MAX },
		{ 0 },
	};

	ex_options(argc, argv, table, 0, usage);
	return s;
}

int main(int argc, char **argv)
{
	struct dsm_stats stats;
	struct sort s;
	double start;
	dsm_t *dsm;

	ex_name = "sort";
	s = parse(argc, argv);
	dsm = ex_init();
	s.nodes = dsm_size(dsm);
	s.rank = dsm_rank(dsm);
	if (s.nodes > MAX_NODES)
		ex_fail("%d nodes are too many, %d is the limit", s.nodes, MAX_NODES);
	if (s.rank == 0)
		printf("sort: %" PRIu64 " keys, %d nodes, provider %s\n", s.keys, s.nodes,
		       dsm_provider(dsm));
	s.in = ex_shared(dsm, "sort.in", s.keys * sizeof *s.in);
	s.out = ex_shared(dsm, "sort.out", s.keys * sizeof *s.out);
	s.notice = ex_shared(dsm, "sort.notice", (size_t)s.nodes * sizeof *s.notice);
	s.before = ex_shared(dsm, "sort.before", sizeof *s.before);
	s.after = ex_shared(dsm, "sort.after", sizeof *s.after);
	ex_must(dsm_barrier(dsm), "dsm_barrier");

	start = ex_seconds();
	sort_part(dsm, &s);
	ex_must(dsm_barrier(dsm), "dsm_barrier");
	say(&s, 2);
	cut_part(&s);
	ex_must(dsm_barrier(dsm), "dsm_barrier");
	say(&s, 3);
	merge_parts(dsm, &s);
	ex_must(dsm_barrier(dsm), "dsm_barrier");
	say(&s, 4);
	start = ex_seconds() - start;

	ex_must(dsm_get_stats(dsm, &stats, sizeof stats), "dsm_get_stats");
	check_piece(dsm, &s);
	ex_print_stats(dsm, &stats);
	return ex_finish(dsm, s.rank == 0 && verify(&s, start));
}
