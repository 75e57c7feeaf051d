/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PageRank of the Debian packages: which are depended on most, directly and through others?
 *
 * Node 0 reads the packages and puts the graph into shared memory, pointers and all: they
 * mean the same on every node. The vertices are dealt out in blocks of 512, a page of
 * doubles. In each round a node computes the ranks of its blocks from what other vertices
 * pass on to them, which lies all over the place: pages that are read irregularly by all
 * and written by one. What it passes on itself goes to a second array, so that one barrier
 * a round is enough.
 *
 * Sums are formed for each block and added up in the order of the blocks, so that the
 * result is the same to the last bit however many nodes take part.
 */
#include "common.h"
#include "packages.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512 /* vertices: a page of doubles */

struct options {
	double damping, tolerance;
	uint64_t max_rounds, top;
	int reference_only;
};

/* What one block adds to the sums over all vertices. */
struct sums {
	double change;   /* of the ranks in this round */
	double dangling; /* rank of those that pass nothing on: everybody gets a share */
};

/* Round k reads passed[k % 2] and sums[k % 2] and writes the others. */
struct state {
	struct graph graph;
	double *rank;        /* by vertex */
	double *passed[2];   /* by vertex: what it gives to each that it depends on */
	struct sums *sums[2]; /* of each node's blocks; sums_stride apart from node to node */
	uint64_t sums_stride;
	int nodes;
};

struct result {
	uint64_t rounds;
	double change, seconds;
};

static uint64_t blocks_of(const struct graph *g)
{
	return (g->vertices + BLOCK - 1) / BLOCK;
}

static uint64_t block_end(const struct graph *g, uint64_t block)
{
	return block + 1 < blocks_of(g) ? (block + 1) * BLOCK : g->vertices;
}

/* Sets the rank of a vertex and what it passes on. */
static void vertex_set(struct state *s, int next, uint64_t v, double rank, struct sums *sums)
{
	uint32_t degree = s->graph.out_degree[v];

	sums->change += fabs(rank - s->rank[v]);
	s->rank[v] = rank;
	if (degree)
		s->passed[next][v] = rank / degree;
	else
		sums->dangling += rank;
}

static void block_start(struct state *s, uint64_t block, struct sums *out)
{
	struct sums sums = { 0, 0 };

	for (uint64_t v = block * BLOCK; v < block_end(&s->graph, block); v++)
		vertex_set(s, 0, v, 1.0 / (double)s->graph.vertices, &sums);
	*out = sums;
}

static void block_step(struct state *s, uint64_t round, uint64_t block, double base,
                       double damping, struct sums *out)
{
	const double *passed = s->passed[round % 2];
	const struct graph *g = &s->graph;
	struct sums sums = { 0, 0 };

	for (uint64_t v = block * BLOCK; v < block_end(g, block); v++) {
		double in = 0;

		for (uint64_t e = g->in_start[v]; e < g->in_start[v + 1]; e++)
			in += passed[g->in_from[e]];
		vertex_set(s, (round + 1) % 2, v, base + damping * in, &sums);
	}
	*out = sums;
}

static struct sums *sums_of_node(const struct state *s, uint64_t round, int node)
{
	return s->sums[round % 2] + (uint64_t)node * s->sums_stride;
}

static struct sums sums_of_all(const struct state *s, uint64_t round)
{
	struct sums total = { 0, 0 };

	for (int node = 0; node < s->nodes; node++) {
		struct ex_part p = ex_part_of(blocks_of(&s->graph), s->nodes, node);
		const struct sums *part = sums_of_node(s, round, node);

		for (uint64_t i = 0; i < p.end - p.first; i++) {
			total.change += part[i].change;
			total.dangling += part[i].dangling;
		}
	}
	return total;
}

/* All rounds, on this node's blocks. Without dsm: on all blocks, in plain memory. */
static struct result iterate(dsm_t *dsm, struct state *s, const struct options *o)
{
	int me = dsm ? dsm_rank(dsm) : 0;
	struct ex_part mine = ex_part_of(blocks_of(&s->graph), s->nodes, me);
	struct result result = { 0, INFINITY, ex_seconds() };
	double n = (double)s->graph.vertices;

	for (uint64_t b = mine.first; b < mine.end; b++)
		block_start(s, b, sums_of_node(s, 0, me) + b - mine.first);
	for (;; result.rounds++) {
		struct sums sums;
		double base;

		if (dsm)
			ex_must(dsm_barrier(dsm), "dsm_barrier");
		sums = sums_of_all(s, result.rounds);
		if (result.rounds)
			result.change = sums.change;
		if (result.rounds == o->max_rounds || result.change < o->tolerance)
			break;
		base = (1 - o->damping) / n + o->damping * sums.dangling / n;
		for (uint64_t b = mine.first; b < mine.end; b++)
			block_step(s, result.rounds, b, base, o->damping,
			           sums_of_node(s, result.rounds + 1, me) + b - mine.first);
	}
	result.seconds = ex_seconds() - result.seconds;
	return result;
}

static void *plain(size_t bytes)
{
	void *p = calloc(1, bytes);

	if (!p)
		ex_fail("out of memory for the reference");
	return p;
}

/* The same by one process without libdsm. state->rank is the caller's to free. */
static struct result reference(const struct graph *g, const struct options *o,
                               struct state *state)
{
	struct state s = { .graph = *g, .nodes = 1 };
	struct result result;

	s.rank = plain(g->vertices * sizeof *s.rank);
	for (int i = 0; i < 2; i++) {
		s.passed[i] = plain(g->vertices * sizeof *s.passed[i]);
		s.sums[i] = plain(blocks_of(g) * sizeof *s.sums[i]);
	}
	result = iterate(NULL, &s, o);
	for (int i = 0; i < 2; i++) {
		free(s.passed[i]);
		free(s.sums[i]);
	}
	*state = s;
	return result;
}

/* ------------------------------------------------------ into shared memory -- */

static void *shared(dsm_t *dsm, uint64_t bytes)
{
	void *ptr;
	uint64_t room = bytes < 4096 ? 4096 : bytes; /* a page of its own */
	int code = dsm_alloc(dsm, room, 0, ex_pages_for(room), &ptr);

	if (code)
		ex_fail("dsm_alloc: %s (DSM_REGION sets the region's size)", dsm_strerror(code));
	return ptr;
}

static void *shared_copy(dsm_t *dsm, const void *from, uint64_t bytes)
{
	return memcpy(shared(dsm, bytes), from, bytes);
}

static void share_state(dsm_t *dsm, const struct graph *g, struct state *s)
{
	uint64_t sums_bytes;

	s->nodes = dsm_size(dsm);
	s->graph = *g;
	s->graph.in_start = shared_copy(dsm, g->in_start, (g->vertices + 1) * sizeof *g->in_start);
	s->graph.in_from = shared_copy(dsm, g->in_from, g->edges * sizeof *g->in_from);
	s->graph.out_degree = shared_copy(dsm, g->out_degree, g->vertices * sizeof *g->out_degree);
	s->rank = shared(dsm, g->vertices * sizeof *s->rank);
	/* whole pages for the sums of each node */
	sums_bytes = (blocks_of(g) / (uint64_t)s->nodes + 1) * sizeof **s->sums;
	sums_bytes = (sums_bytes + 4095) / 4096 * 4096;
	s->sums_stride = sums_bytes / sizeof **s->sums;
	for (int i = 0; i < 2; i++) {
		s->passed[i] = shared(dsm, g->vertices * sizeof *s->passed[i]);
		s->sums[i] = shared(dsm, (uint64_t)s->nodes * sums_bytes);
	}
}

/* Node 0 reads the packages; all get the state. No vertices in it: node 0 had no luck. */
static struct state setup(dsm_t *dsm, char **files, int count, struct packages *p)
{
	struct state *s, copy;
	char why[512];

	if (dsm_rank(dsm) == 0) {
		s = shared(dsm, sizeof *s);
		if (!packages_load(files, count, p, why, sizeof why))
			share_state(dsm, &p->graph, s);
		else
			fprintf(stderr, "%s: %s\n", ex_name, why);
		ex_must(dsm_publish(dsm, "pagerank", s), "dsm_publish");
	} else {
		ex_must(dsm_lookup(dsm, "pagerank", -1, (void **)&s), "dsm_lookup");
	}
	copy = *s; /* the pointers in it are valid everywhere */
	return copy;
}

/* ---------------------------------------------------------------- results -- */

static const double *order_by; /* qsort has no argument for it */

static int compare_ranks(const void *a, const void *b)
{
	uint32_t v = *(const uint32_t *)a, w = *(const uint32_t *)b;

	if (order_by[v] != order_by[w])
		return order_by[v] < order_by[w] ? 1 : -1;
	return (v > w) - (v < w);
}

/* The vertices from the highest rank down; the caller frees it. */
static uint32_t *order(const double *rank, uint64_t n)
{
	uint32_t *vertex = malloc(n * sizeof *vertex);

	if (!vertex)
		ex_fail("out of memory");
	for (uint64_t v = 0; v < n; v++)
		vertex[v] = (uint32_t)v;
	order_by = rank;
	qsort(vertex, n, sizeof *vertex, compare_ranks);
	return vertex;
}

static void print_top(const struct packages *p, const double *rank, uint64_t top)
{
	uint64_t n = p->graph.vertices;
	uint32_t *vertex = order(rank, n);

	for (uint64_t i = 0; i < top && i < n; i++)
		printf("%3" PRIu64 ". %-32s %.9f\n", i + 1, p->names[vertex[i]], rank[vertex[i]]);
	free(vertex);
}

static void print_input(const struct packages *p)
{
	uint64_t dangling = 0;

	for (uint64_t v = 0; v < p->graph.vertices; v++)
		dangling += !p->graph.out_degree[v];
	printf("%" PRIu64 " packages (%" PRIu64 " depend on none), %" PRIu64
	       " dependencies, from %s",
	       p->graph.vertices, dangling, p->graph.edges, p->source);
	if (p->files > 1)
		printf(" and %u more", p->files - 1);
	putchar('\n');
}

/* True when ranks and order are those of a run by one process in plain memory. */
static int verify(const struct packages *p, const struct options *o, const double *rank,
                  const struct result *result)
{
	uint64_t n = p->graph.vertices;
	double difference = 0, total = 0;
	struct result plain_result;
	struct state state;
	uint32_t *a, *b;
	int same_order;

	plain_result = reference(&p->graph, o, &state);
	for (uint64_t v = 0; v < n; v++) {
		difference = fmax(difference, fabs(rank[v] - state.rank[v]));
		total += rank[v];
	}
	a = order(rank, n);
	b = order(state.rank, n);
	same_order = !memcmp(a, b, n * sizeof *a);
	free(a);
	free(b);
	free(state.rank);
	printf("%" PRIu64 " rounds in %.3f s, last change %.1e; reference in plain memory %.3f s\n",
	       result->rounds, result->seconds, result->change, plain_result.seconds);
	if (difference < 1e-9 && same_order && fabs(total - 1) < 1e-9) {
		printf("verified: same order as the reference, ranks differ by %.1e at most\n",
		       difference);
		return 1;
	}
	printf("WRONG: ranks differ by up to %.1e from the reference, %s order, sum %.12f\n",
	       difference, same_order ? "same" : "another", total);
	return 0;
}

static int run_reference_only(char **files, int count, const struct options *o)
{
	struct packages p;
	struct result result;
	struct state s;
	char why[512];

	if (packages_load(files, count, &p, why, sizeof why))
		ex_fail("%s", why);
	print_input(&p);
	result = reference(&p.graph, o, &s);
	print_top(&p, s.rank, o->top);
	printf("%" PRIu64 " rounds in %.3f s, last change %.1e\n", result.rounds, result.seconds,
	       result.change);
	free(s.rank);
	packages_free(&p);
	return 0;
}

static const char usage[] =
	"Usage: pagerank [OPTION]... [FILE]...\n"
	"Ranks Debian's packages by who depends on them, on all nodes of a job (dsmctl\n"
	"run -n 4 pagerank), and checks the result against a plain run. FILEs are package\n"
	"lists (Packages, also compressed, or dpkg's status); without them those of apt,\n"
	"or else dpkg, are taken.\n\n"
	"  -d, --damping=X     how much of its rank a package passes on, 0 to 0.999\n"
	"                      (default 0.85)\n"
	"  -e, --tolerance=X   stop when the ranks change by less in all, 0 to 1\n"
	"                      (default 1e-12)\n"
	"  -m, --max-rounds=N  stop after so many rounds, 1 to 1000000 (default 200)\n"
	"  -t, --top=N         print so many packages (default 10)\n"
	"      --reference-only  only the plain run, without libdsm\n"
	"  -h, --help          show this\n";

static struct options parse(int argc, char **argv)
{
	struct options o = { .damping = 0.85, .tolerance = 1e-12, .max_rounds = 200, .top = 10 };
	const struct ex_option table[] = {
		{ 'd', "damping", .real = &o.damping, .high = 0.999 },
		{ 'e', "tolerance", .real = &o.tolerance, .high = 1 },
		{ 'm', "max-rounds", .count = &o.max_rounds, .min = 1, .max = 1000000 },
		{ 't', "top", .count = &o.top, .max = UINT32_MAX },
		{ .name = "reference-only", .flag = &o.reference_only },
		{ 0 },
	};

	ex_options(argc, argv, table, EX_FILES, usage);
	return o;
}

int main(int argc, char **argv)
{
	struct packages packages = { 0 };
	struct dsm_stats stats;
	struct result result;
	struct options o;
	struct state s;
	int verified = 0;
	dsm_t *dsm;

	ex_name = "pagerank";
	o = parse(argc, argv);
	if (o.reference_only)
		return run_reference_only(argv + optind, argc - optind, &o);
	dsm = ex_init();
	if (dsm_rank(dsm) == 0)
		printf("pagerank: %d nodes, provider %s\n", dsm_size(dsm), dsm_provider(dsm));
	s = setup(dsm, argv + optind, argc - optind, &packages);
	if (!s.graph.vertices)
		return ex_finish(dsm, 0);
	result = iterate(dsm, &s, &o);
	ex_must(dsm_get_stats(dsm, &stats, sizeof stats), "dsm_get_stats");
	if (dsm_rank(dsm) == 0) {
		print_input(&packages);
		print_top(&packages, s.rank, o.top);
	}
	ex_print_stats(dsm, &stats);
	if (dsm_rank(dsm) == 0)
		verified = verify(&packages, &o, s.rank, &result);
	packages_free(&packages);
	return ex_finish(dsm, verified);
}
