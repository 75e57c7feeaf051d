/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C = A * B in shared memory, for a program that MPI starts: the matrices are allocated
 * once, and their addresses mean the same on every rank. Tiles of C are dealt out by a
 * shared counter, so that faster ranks do more of them. Every tile reads whole rows of
 * tiles of A and columns of B, which come when they are touched.
 */
#include <dsm_mpi.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define TILE 64 /* 64 x 64 doubles: eight pages */

/* What all ranks share. A matrix is a sequence of tiles, row by row: a tile has pages of
 * its own. */
struct shared {
	double *a, *b, *c;
	int tiles; /* of a row or column */
	uint64_t next; /* the tile of C that nobody has taken yet */
};

static double *tile(double *matrix, int tiles, int row, int col)
{
	return matrix + ((size_t)row * tiles + col) * TILE * TILE;
}

static void fill(double *t, unsigned seed)
{
	for (int i = 0; i < TILE * TILE; i++) {
		seed = seed * 1664525u + 1013904223u;
		t[i] = (seed >> 16) / 65536.0 - 0.5;
	}
}

/* c += a * b */
static void multiply(double *c, const double *a, const double *b)
{
	for (int i = 0; i < TILE; i++)
		for (int k = 0; k < TILE; k++)
			for (int j = 0; j < TILE; j++)
				c[i * TILE + j] += a[i * TILE + k] * b[k * TILE + j];
}

/* One tile of the product, in private memory: a page of C then travels once. */
static void product(const struct shared *s, int row, int col, double *out)
{
	memset(out, 0, TILE * TILE * sizeof *out);
	for (int k = 0; k < s->tiles; k++)
		multiply(out, tile(s->a, s->tiles, row, k), tile(s->b, s->tiles, k, col));
}

static struct shared *make(dsm_t *dsm, int tiles)
{
	size_t bytes = (size_t)tiles * tiles * TILE * TILE * sizeof(double);
	struct shared *s = NULL;

	if (dsm_alloc(dsm, sizeof *s, 0, 0, (void **)&s) ||
	    dsm_alloc(dsm, bytes, 0, 0, (void **)&s->a) ||
	    dsm_alloc(dsm, bytes, 0, 0, (void **)&s->b) ||
	    dsm_alloc(dsm, bytes, 0, 0, (void **)&s->c))
		return NULL;
	s->tiles = tiles;
	return s;
}

static int work(dsm_t *dsm, struct shared *s)
{
	double mine[TILE * TILE];
	uint64_t n;
	int done = 0;

	while (dsm_fetch_add64(dsm, &s->next, 1, &n) == 0 && n < (uint64_t)s->tiles * s->tiles) {
		product(s, (int)(n / s->tiles), (int)(n % s->tiles), mine);
		memcpy(tile(s->c, s->tiles, (int)(n / s->tiles), (int)(n % s->tiles)), mine,
		       sizeof mine);
		done++;
	}
	return done;
}

/* Computes again, in the same order: equal to the last bit. */
static int verify(const struct shared *s)
{
	double want[TILE * TILE];

	for (int n = 0; n < s->tiles * s->tiles; n++) {
		product(s, n / s->tiles, n % s->tiles, want);
		if (memcmp(want, tile(s->c, s->tiles, n / s->tiles, n % s->tiles), sizeof want))
			return 0;
	}
	return 1;
}

int main(int argc, char **argv)
{
	int rank, ranks, rc, done, ok = 1, tiles;
	struct shared *s = NULL;
	double start, seconds;
	dsm_t *dsm;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	tiles = argc > 1 ? atoi(argv[1]) / TILE : 8;
	if (argc > 2 || tiles < 1 || tiles > 1024) {
		if (rank == 0)
			fprintf(stderr, "Usage: mpirun matmul [ROWS], a multiple of %d\n", TILE);
		MPI_Finalize();
		return 2;
	}
	rc = dsm_mpi_init(MPI_COMM_WORLD, NULL, &dsm);
	if (rc) {
		fprintf(stderr, "matmul: dsm_init: %s: %s\n", dsm_strerror(rc), dsm_init_error());
		MPI_Abort(MPI_COMM_WORLD, 1);
	}
	if (rank == 0)
		s = make(dsm, tiles);
	MPI_Bcast(&s, sizeof s, MPI_BYTE, 0, MPI_COMM_WORLD); /* an address is enough */
	if (!s) {
		fprintf(stderr, "matmul: no memory for three matrices of %d rows\n", tiles * TILE);
		MPI_Abort(MPI_COMM_WORLD, 1);
	}
	for (int n = rank; n < tiles * tiles; n += ranks) {
		fill(tile(s->a, tiles, n / tiles, n % tiles), 2 * n);
		fill(tile(s->b, tiles, n / tiles, n % tiles), 2 * n + 1);
	}
	dsm_barrier(dsm);
	start = MPI_Wtime();
	done = work(dsm, s);
	dsm_barrier(dsm);
	seconds = MPI_Wtime() - start;
	printf("rank %d of %d: %d tiles\n", rank, ranks, done);
	if (rank == 0) {
		ok = verify(s);
		printf("%d x %d in %.3f s\n%s: the product, against one computed by rank 0\n",
		       tiles * TILE, tiles * TILE, seconds, ok ? "verified" : "WRONG");
	}
	rc = dsm_fini(dsm);
	MPI_Finalize();
	return ok && rc == 0 ? 0 : 1;
}
