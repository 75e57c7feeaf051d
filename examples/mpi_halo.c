/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same stencil twice, in bands of rows: with messages, where each rank keeps copies of
 * its neighbours' border rows and exchanges them before each step, and in shared memory,
 * where it just reads them. Both are timed, and their results compared bit by bit.
 */
#include <dsm_mpi.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plate {
	int rows, cols, steps; /* the outermost rows and columns stay as they are */
	int rank, ranks;
	int first, end; /* our rows */
};

static void initial(double *row, int y, int cols)
{
	for (int x = 0; x < cols; x++)
		row[x] = y == 0 ? 100.0 : ((y * 31 + x * 17) % 23) * 0.5;
}

static void step_row(double *to, const double *above, const double *row, const double *below,
                     int cols)
{
	to[0] = row[0];
	for (int x = 1; x < cols - 1; x++)
		to[x] = 0.25 * (above[x] + below[x] + row[x - 1] + row[x + 1]);
	to[cols - 1] = row[cols - 1];
}

static int is_border(const struct plate *p, int y)
{
	return y == 0 || y == p->rows - 1;
}

/* Rows first..end-1 of the next state; base is where row 0 is, or would be. */
static void step(const struct plate *p, double *to, const double *from)
{
	for (int y = p->first; y < p->end; y++) {
		double *out = to + (ptrdiff_t)y * p->cols;
		const double *row = from + (ptrdiff_t)y * p->cols;

		if (is_border(p, y))
			memcpy(out, row, (size_t)p->cols * sizeof *row);
		else
			step_row(out, row - p->cols, row, row + p->cols, p->cols);
	}
}

/* ---------------------------------------------------------------- with messages -- */

/* Border rows to both neighbours, and theirs here. */
static void exchange(const struct plate *p, double *state)
{
	int up = p->rank ? p->rank - 1 : MPI_PROC_NULL;
	int down = p->rank < p->ranks - 1 ? p->rank + 1 : MPI_PROC_NULL;
	double *first = state + (ptrdiff_t)p->first * p->cols;
	double *end = state + (ptrdiff_t)p->end * p->cols;

	MPI_Sendrecv(first, p->cols, MPI_DOUBLE, up, 1, end, p->cols, MPI_DOUBLE, down, 1,
	             MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	MPI_Sendrecv(end - p->cols, p->cols, MPI_DOUBLE, down, 2, first - p->cols, p->cols,
	             MPI_DOUBLE, up, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* band: our rows and one more on each side, twice. Returns seconds; *result: our rows. */
static double with_messages(const struct plate *p, double *band, double **result)
{
	size_t rows = (size_t)(p->end - p->first + 2);
	/* Where row 0 would be, so that both versions number rows alike. */
	double *now = band - ((ptrdiff_t)p->first - 1) * p->cols, *next = now + rows * p->cols;
	double start, *other;

	for (int y = p->first; y < p->end; y++)
		initial(now + (ptrdiff_t)y * p->cols, y, p->cols);
	MPI_Barrier(MPI_COMM_WORLD);
	start = MPI_Wtime();
	for (int i = 0; i < p->steps; i++) {
		exchange(p, now);
		step(p, next, now);
		other = now;
		now = next;
		next = other;
	}
	MPI_Barrier(MPI_COMM_WORLD);
	*result = now + (ptrdiff_t)p->first * p->cols;
	return MPI_Wtime() - start;
}

/* ------------------------------------------------------------- in shared memory -- */

static double with_sharing(const struct plate *p, dsm_t *dsm, double *plate, double **result)
{
	double *now = plate, *next = plate + (size_t)p->rows * p->cols, *other, start;

	for (int y = p->first; y < p->end; y++)
		initial(now + (ptrdiff_t)y * p->cols, y, p->cols);
	dsm_barrier(dsm);
	start = MPI_Wtime();
	for (int i = 0; i < p->steps; i++) {
		step(p, next, now);
		dsm_barrier(dsm);
		other = now;
		now = next;
		next = other;
	}
	*result = now;
	return MPI_Wtime() - start;
}

/* ---------------------------------------------------------------------- the rest -- */

/* Rank 0 collects the bands of the version with messages, and compares. */
static int compare(const struct plate *p, double *band, const double *shared)
{
	size_t cells = (size_t)p->rows * p->cols;
	double *all = p->rank == 0 ? malloc(cells * sizeof *all) : NULL;
	int *counts = calloc((size_t)p->ranks, sizeof *counts), equal = 1;
	int *starts = calloc((size_t)p->ranks, sizeof *starts);

	for (int rank = 0; rank < p->ranks; rank++) {
		starts[rank] = (int)((long)p->rows * rank / p->ranks) * p->cols;
		counts[rank] = (int)((long)p->rows * (rank + 1) / p->ranks) * p->cols - starts[rank];
	}
	MPI_Gatherv(band, counts[p->rank], MPI_DOUBLE, all, counts, starts, MPI_DOUBLE, 0,
	            MPI_COMM_WORLD);
	if (all)
		equal = memcmp(all, shared, cells * sizeof *all) == 0;
	free(all);
	free(counts);
	free(starts);
	return equal;
}

static int run(struct plate *p, dsm_t *dsm)
{
	size_t bytes = (size_t)p->rows * p->cols * sizeof(double);
	double *band, *plate = NULL, *band_end, *plate_end, messages, sharing;
	int equal;

	p->first = (int)((long)p->rows * p->rank / p->ranks);
	p->end = (int)((long)p->rows * (p->rank + 1) / p->ranks);
	band = malloc(2 * (size_t)(p->end - p->first + 2) * p->cols * sizeof *band);
	if (p->rank == 0 && dsm_alloc(dsm, 2 * bytes, 0, 0, (void **)&plate))
		plate = NULL;
	MPI_Bcast(&plate, sizeof plate, MPI_BYTE, 0, MPI_COMM_WORLD); /* an address is enough */
	if (!band || !plate) {
		fprintf(stderr, "mpi_halo: out of memory\n");
		MPI_Abort(MPI_COMM_WORLD, 1);
	}
	messages = with_messages(p, band, &band_end);
	sharing = with_sharing(p, dsm, plate, &plate_end);
	equal = compare(p, band_end, plate_end);
	if (p->rank == 0) {
		printf("%d x %d, %d steps, %d ranks, provider %s\n", p->rows, p->cols, p->steps,
		       p->ranks, dsm_provider(dsm));
		printf("%-16s %10s %14s\n", "version", "seconds", "us a step");
		printf("%-16s %10.4f %14.1f\n", "MPI messages", messages, 1e6 * messages / p->steps);
		printf("%-16s %10.4f %14.1f\n", "shared memory", sharing, 1e6 * sharing / p->steps);
		printf("%s\n", equal ? "verified: both agree bit by bit" : "WRONG: they differ");
	}
	free(band);
	return equal;
}

int main(int argc, char **argv)
{
	struct plate p = { .rows = 512, .cols = 512, .steps = 200 };
	int rc, equal;
	dsm_t *dsm;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &p.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &p.ranks);
	if (argc > 1)
		p.rows = p.cols = atoi(argv[1]);
	if (argc > 2)
		p.steps = atoi(argv[2]);
	if (argc > 3 || p.rows < 3 || p.rows > 32768 || p.rows < p.ranks || p.steps < 1) {
		if (p.rank == 0)
			fprintf(stderr, "Usage: mpirun mpi_halo [ROWS [STEPS]], a row for each rank\n");
		MPI_Finalize();
		return 2;
	}
	rc = dsm_mpi_init(MPI_COMM_WORLD, NULL, &dsm);
	if (rc) {
		fprintf(stderr, "mpi_halo: dsm_init: %s: %s\n", dsm_strerror(rc), dsm_init_error());
		MPI_Abort(MPI_COMM_WORLD, 1);
	}
	equal = run(&p, dsm);
	rc = dsm_fini(dsm);
	MPI_Finalize();
	return equal && rc == 0 ? 0 : 1;
}
