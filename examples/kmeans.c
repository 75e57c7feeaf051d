/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * k-means clustering (Lloyd's algorithm) of points that need not fit into one node's memory.
 *
 * The points lie in shared memory and are dealt out evenly. In each round a node reads all
 * of its own, which may be more than it has memory for: pages come and go. It notes for each
 * point which centre is the nearest, and adds up where the points of each centre lie. From
 * the sums of all nodes every node then finds the same new centres.
 *
 * Coordinates are whole numbers, and so are sums and centres: the result is the same to the
 * last bit however many nodes take part.
 *
 * With --checkpoint it saves itself after some rounds, and without it when dsmctl checkpoint asks;
 * under dsmctl run --restore it goes on with the next round, on as many nodes as there are then.
 */
#include "common.h"
#include "dsm_checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NODES 64
#define MAX_CLUSTERS 63
#define DIMENSIONS 16

struct point {
	int32_t at[DIMENSIONS];
};
_Static_assert(sizeof(struct point) == 64, "whole points on each page");

/* What the points of one cluster add up to. */
struct cluster {
	int64_t count, sum[DIMENSIONS];
};

/* What each node adds up has pages of its own. */
struct sums {
	struct cluster cluster[MAX_CLUSTERS];
	uint64_t moved; /* points that have another centre than in the round before */
	uint8_t pad[12288 - MAX_CLUSTERS * sizeof(struct cluster) - 8];
};
_Static_assert(sizeof(struct sums) % 4096 == 0, "whole pages for each node");

struct kmeans {
	uint64_t points, clusters, rounds, seed, every;
	const char *checkpoint;
	int nodes, rank;
	struct point *point;  /* shared */
	uint8_t *nearest;     /* shared; by point, plus one */
	struct sums *sums[2]; /* shared, by node; for every other round */
};

struct result {
	uint64_t rounds, digest; /* of the nearest centres */
	struct point centre[MAX_CLUSTERS];
};

static uint64_t mix64(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* The ith point, which any node can tell: not far from one of as many places as there are
 * clusters. */
static struct point point_at(const struct kmeans *k, uint64_t i)
{
	uint64_t random = mix64(k->seed + (i + 1) * 0x9e3779b97f4a7c15u), place = 0;
	uint64_t group = random % k->clusters;
	struct point p;

	for (unsigned d = 0; d < DIMENSIONS; d++) {
		if (d % 4 == 0) {
			random = mix64(random + d + 1);
			place = mix64(k->seed ^ (group * DIMENSIONS + d + 1) << 32);
		}
		p.at[d] = (int32_t)((place >> 16 * (d % 4) & 0x7fff) +
		                    (random >> 16 * (d % 4) & 0x1fff));
	}
	return p;
}

/* Of the differences' squares: at most 16 times 2^32. */
static unsigned nearest_of(const struct point *p, const struct point *centre, unsigned clusters)
{
	unsigned best = 0;
	int64_t least = INT64_MAX;

	for (unsigned c = 0; c < clusters; c++) {
		int64_t distance = 0;

		for (unsigned d = 0; d < DIMENSIONS; d++) {
			int64_t difference = p->at[d] - centre[c].at[d];
			distance += difference * difference;
		}
		if (distance < least) {
			least = distance;
			best = c;
		}
	}
	return best;
}

static void add_point(struct cluster *cluster, const struct point *p)
{
	cluster->count++;
	for (unsigned d = 0; d < DIMENSIONS; d++)
		cluster->sum[d] += p->at[d];
}

/* A cluster without points keeps its centre. */
static void move_centre(struct point *centre, const struct cluster *cluster)
{
	for (unsigned d = 0; cluster->count && d < DIMENSIONS; d++)
		centre->at[d] = (int32_t)(cluster->sum[d] / cluster->count);
}

/* The first centres: points at even distances. */
static void begin(const struct kmeans *k, struct result *r)
{
	memset(r, 0, sizeof *r);
	for (unsigned c = 0; c < k->clusters; c++)
		r->centre[c] = point_at(k, k->points / k->clusters * c);
}

static uint64_t digest_of(uint64_t i, unsigned nearest)
{
	return mix64(i << 8 ^ nearest);
}

/* --- on all nodes --- */

static void make_points(const struct kmeans *k)
{
	struct ex_part mine = ex_part_of(k->points, k->nodes, k->rank);

	for (uint64_t i = mine.first; i < mine.end; i++)
		k->point[i] = point_at(k, i);
}

/* One round over this node's points. */
static void assign(const struct kmeans *k, const struct result *r, struct sums *out)
{
	struct ex_part mine = ex_part_of(k->points, k->nodes, k->rank);
	struct sums sums = { .moved = 0 };

	for (uint64_t i = mine.first; i < mine.end; i++) {
		unsigned c = nearest_of(&k->point[i], r->centre, (unsigned)k->clusters);

		add_point(&sums.cluster[c], &k->point[i]);
		if (k->nearest[i] != c + 1) {
			sums.moved++;
			k->nearest[i] = (uint8_t)(c + 1);
		}
	}
	*out = sums;
}

/* Returns how many points have moved, on all nodes. */
static uint64_t new_centres(const struct kmeans *k, const struct sums *sums, struct result *r)
{
	struct cluster total[MAX_CLUSTERS] = { { 0 } };
	uint64_t moved = 0;

	for (int i = 0; i < k->nodes; i++) {
		moved += sums[i].moved;
		for (unsigned c = 0; c < k->clusters; c++) {
			total[c].count += sums[i].cluster[c].count;
			for (unsigned d = 0; d < DIMENSIONS; d++)
				total[c].sum[d] += sums[i].cluster[c].sum[d];
		}
	}
	for (unsigned c = 0; c < k->clusters; c++)
		move_centre(&r->centre[c], &total[c]);
	return moved;
}

/* What a checkpoint knows beside what is shared. */
struct progress {
	uint64_t points, clusters, seed, moved;
	struct result result;
};

/* Whether it goes on from a checkpoint. */
static int begin_again(dsm_t *dsm, const struct kmeans *k, struct result *r, uint64_t *moved)
{
	struct progress p;

	if (dsm_restored(dsm, 0, &p, sizeof p) != sizeof p)
		return 0;
	if (p.points != k->points || p.clusters != k->clusters || p.seed != k->seed)
		ex_fail("the checkpoint has %" PRIu64 " points, %" PRIu64 " clusters, seed %" PRIu64,
		        p.points, p.clusters, p.seed);
	if (p.result.rounds > k->rounds)
		ex_fail("the checkpoint has gone %" PRIu64 " rounds already", p.result.rounds);
	*r = p.result;
	*moved = p.moved;
	return 1;
}

/* After a round, on all nodes alike. */
static void save_if_wanted(dsm_t *dsm, const struct kmeans *k, const struct result *r,
                           uint64_t moved)
{
	struct progress p = { k->points, k->clusters, k->seed, moved, *r };
	const char *dir = k->checkpoint;
	int wanted = dir && r->rounds % k->every == 0;

	wanted |= ex_is_wanted(dsm, &dir);
	if (wanted && dir)
		ex_save(dsm, dir, &p, sizeof p);
}

static void run(dsm_t *dsm, const struct kmeans *k, struct result *r)
{
	uint64_t moved = 1;

	if (!begin_again(dsm, k, r, &moved))
		begin(k, r);
	while (moved && r->rounds < k->rounds) {
		struct sums *sums = k->sums[r->rounds % 2];

		assign(k, r, &sums[k->rank]);
		/* Two arrays take turns: nobody writes one again before all have read it. */
		ex_must(dsm_barrier(dsm), "dsm_barrier");
		moved = new_centres(k, sums, r);
		r->rounds++;
		if (k->rank == 0)
			ex_progress("kmeans", r->rounds, k->rounds);
		save_if_wanted(dsm, k, r, moved);
	}
}

/* Adds up what this node's points have come to. */
static void digest_add(dsm_t *dsm, const struct kmeans *k, uint64_t *total)
{
	struct ex_part mine = ex_part_of(k->points, k->nodes, k->rank);
	uint64_t digest = 0;

	for (uint64_t i = mine.first; i < mine.end; i++)
		digest += digest_of(i, k->nearest[i] - 1u);
	ex_must(dsm_fetch_add64(dsm, total, digest, NULL), "dsm_fetch_add64");
	ex_must(dsm_barrier(dsm), "dsm_barrier");
}

/* --- the same in plain memory, on one node --- */

/* Points are made anew in each round, so that there is no lack of memory. */
static void run_plain(const struct kmeans *k, struct result *r)
{
	uint8_t *nearest = calloc(k->points, 1);
	uint64_t moved = 1;

	if (!nearest)
		ex_fail("out of memory for the plain run");
	begin(k, r);
	for (r->rounds = 0; moved && r->rounds < k->rounds; r->rounds++) {
		struct cluster total[MAX_CLUSTERS] = { { 0 } };

		moved = r->digest = 0;
		for (uint64_t i = 0; i < k->points; i++) {
			struct point p = point_at(k, i);
			unsigned c = nearest_of(&p, r->centre, (unsigned)k->clusters);

			add_point(&total[c], &p);
			moved += nearest[i] != c + 1;
			nearest[i] = (uint8_t)(c + 1);
			r->digest += digest_of(i, c);
		}
		for (unsigned c = 0; c < k->clusters; c++)
			move_centre(&r->centre[c], &total[c]);
	}
	free(nearest);
}

static int verify(const struct kmeans *k, const struct result *r, double seconds)
{
	struct result plain;
	double start = ex_seconds();
	int ok;

	run_plain(k, &plain);
	printf("shared %.3f s; in plain memory, one process: %.3f s; %" PRIu64 " rounds\n", seconds,
	       ex_seconds() - start, r->rounds);
	ok = r->rounds == plain.rounds && r->digest == plain.digest &&
	     !memcmp(r->centre, plain.centre, sizeof r->centre);
	if (ok)
		printf("verified: centres and all points' clusters are those of the plain run\n");
	else
		printf("WRONG: %s differ from those of the plain run\n",
		       r->rounds != plain.rounds   ? "rounds"
		       : r->digest != plain.digest ? "points' clusters"
		                                   : "centres");
	return ok;
}

_Static_assert(MAX_CLUSTERS == 63, "usage says so");
static const char usage[] =
	"Usage: kmeans [OPTION]...\n"
	"Finds clusters of random points on all nodes of a job (dsmctl run -n 4 kmeans) and\n"
	"checks the result. 16 points take 1 KiB of shared memory; it may be more than a\n"
	"node's budget, for example with DSM_MEMORY=64M and -p 3200000.\n\n"
	"  -p, --points=N    points, 1 to 2^32 (default 400000)\n"
	"  -c, --clusters=N  1 to 63 (default 12)\n"
	"  -r, --rounds=N    at most, 1 to 100000 (default 10)\n"
	"  -s, --seed=N      other points for other seeds (default 1)\n"
	"  -k, --checkpoint=DIR  save the job there, for dsmctl run --restore=DIR\n"
	"  -e, --every=N     after every so many rounds (default 1)\n"
	"  -h, --help        show this\n";

static struct kmeans parse(int argc, char **argv)
{
	struct kmeans k = { .points = 400000, .clusters = 12, .rounds = 10, .seed = 1, .every = 1 };
	const struct ex_option table[] = {
		{ 'p', "points", .count = &k.points, .min = 1, .max = 1ull << 32 },
		{ 'c', "clusters", .count = &k.clusters, .min = 1, .max = MAX_CLUSTERS },
		{ 'r', "rounds", .count = &k.rounds, .min = 1, .max = 100000 },
		{ 's', "seed", .count = &k.seed, .max = UINT64_MAX },
		{ 'k', "checkpoint", .text = &k.checkpoint },
		{ 'e', "every", .count = &k.every, .min = 1, .max = 100000 },
		{ 0 },
	};

	ex_options(argc, argv, table, 0, usage);
	return k;
}

int main(int argc, char **argv)
{
	struct dsm_stats stats;
	struct result result;
	uint64_t *digest;
	struct kmeans k;
	double start;
	dsm_t *dsm;

	ex_name = "kmeans";
	k = parse(argc, argv);
	dsm = ex_init();
	k.nodes = dsm_size(dsm);
	k.rank = dsm_rank(dsm);
	if (k.nodes > MAX_NODES)
		ex_fail("%d nodes are too many, %d is the limit", k.nodes, MAX_NODES);
	if (k.rank == 0)
		printf("kmeans: %" PRIu64 " points, %" PRIu64 " clusters, %d nodes, provider %s\n",
		       k.points, k.clusters, k.nodes, dsm_provider(dsm));
	k.point = ex_shared(dsm, "kmeans.point", k.points * sizeof *k.point);
	k.nearest = ex_shared(dsm, "kmeans.nearest", k.points);
	/* More nodes may go on from a checkpoint. */
	k.sums[0] = ex_shared(dsm, "kmeans.sums.0", MAX_NODES * sizeof **k.sums);
	k.sums[1] = ex_shared(dsm, "kmeans.sums.1", MAX_NODES * sizeof **k.sums);
	digest = ex_shared(dsm, "kmeans.digest", sizeof *digest);
	if (dsm_restored(dsm, 0, NULL, 0) == DSM_ERR_NOENT)
		make_points(&k);
	ex_must(dsm_barrier(dsm), "dsm_barrier");

	start = ex_seconds();
	run(dsm, &k, &result);
	start = ex_seconds() - start;

	ex_must(dsm_get_stats(dsm, &stats, sizeof stats), "dsm_get_stats");
	digest_add(dsm, &k, digest);
	result.digest = *digest;
	ex_print_stats(dsm, &stats);
	return ex_finish(dsm, k.rank == 0 && verify(&k, &result, start));
}
