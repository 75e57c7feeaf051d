/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heat in a plate with hot and cold discs, by Jacobi's method: in every step each point
 * becomes the mean of its four neighbours.
 *
 * Two copies of the field lie in shared memory; a step reads one and writes the other.
 * The rows are dealt out to the nodes in bands. Rows start on pages of their own, so a
 * node writes no page that another one writes, and all it reads from others is the row
 * above and the row below its band. The barrier after each step is all that it takes.
 *
 * With --checkpoint it saves itself now and then, and without it when dsmctl checkpoint asks; under
 * dsmctl run --restore it finds the field by its name, and goes on with the step after the last one
 * that was saved.
 */
#include "common.h"
#include "dsm_checkpoint.h"

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_DOUBLES (4096 / sizeof(double))
#define DISCS 23
#define LOOK 10 /* steps from one look whether it is to save itself to the next */
#define AT_START 0.3 /* everywhere but at the edge, which stays at 0, and in the discs */

struct field {
	uint64_t rows, cols;
	size_t stride; /* doubles from row to row: whole pages */
	struct disc {
		double row, col, radius, heat;
	} disc[DISCS];
};

static double *row_of(const struct field *f, double *base, uint64_t row)
{
	return base + row * f->stride;
}

/* Places the discs like the seeds of a sunflower, hot ones and cold ones. */
static void field_init(struct field *f, uint64_t rows, uint64_t cols)
{
	double unit = (double)(rows < cols ? rows : cols);

	f->rows = rows;
	f->cols = cols;
	f->stride = (cols + PAGE_DOUBLES - 1) / PAGE_DOUBLES * PAGE_DOUBLES;
	for (int i = 0; i < DISCS; i++) {
		double angle = 2.399963 * i, distance = 0.43 * sqrt((i + 0.5) / DISCS);

		f->disc[i].row = (double)rows * (0.5 + distance * sin(angle));
		f->disc[i].col = (double)cols * (0.5 + distance * cos(angle));
		f->disc[i].radius = unit * (0.015 + 0.01 * (i % 4));
		f->disc[i].heat = i % 3 == 2 ? 0.0 : 1.0 - 0.1 * (i % 4);
	}
}

/* The discs keep their heat, whatever goes on around them. */
static void row_heat_discs(const struct field *f, double *out, uint64_t row)
{
	for (int i = 0; i < DISCS; i++) {
		const struct disc *d = &f->disc[i];
		double dy = (double)row - d->row, half2 = d->radius * d->radius - dy * dy, half;

		if (half2 < 0)
			continue;
		half = sqrt(half2);
		for (uint64_t c = 1; c + 1 < f->cols; c++)
			if (fabs((double)c - d->col) <= half)
				out[c] = d->heat;
	}
}

static void row_start(const struct field *f, double *out, uint64_t row)
{
	if (row == 0 || row == f->rows - 1)
		return;
	for (uint64_t c = 1; c + 1 < f->cols; c++)
		out[c] = AT_START;
	row_heat_discs(f, out, row);
}

/* One row of one step. The edge of the plate stays at zero. */
static void row_step(const struct field *f, double *from, double *to, uint64_t row)
{
	const double *here = row_of(f, from, row);
	const double *above = here - f->stride, *below = here + f->stride;
	double *out = row_of(f, to, row);

	if (row == 0 || row == f->rows - 1)
		return;
	for (uint64_t c = 1; c + 1 < f->cols; c++)
		out[c] = 0.25 * (above[c] + below[c] + here[c - 1] + here[c + 1]);
	row_heat_discs(f, out, row);
}

/* The same in plain memory, by one process; returns the field after all steps. */
static double *plain_run(const struct field *f, uint64_t steps, double *seconds)
{
	double *buffer[2], start;

	for (int i = 0; i < 2; i++) {
		buffer[i] = calloc(f->rows * f->stride, sizeof(double));
		if (!buffer[i])
			ex_fail("out of memory for the plain run");
	}
	for (uint64_t r = 0; r < f->rows; r++)
		row_start(f, row_of(f, buffer[0], r), r);
	start = ex_seconds();
	for (uint64_t s = 0; s < steps; s++)
		for (uint64_t r = 0; r < f->rows; r++)
			row_step(f, buffer[s % 2], buffer[1 - s % 2], r);
	*seconds = ex_seconds() - start;
	free(buffer[1 - steps % 2]);
	return buffer[steps % 2];
}

static uint64_t rows_that_differ(const struct field *f, double *a, double *b)
{
	uint64_t n = 0;

	for (uint64_t r = 0; r < f->rows; r++)
		n += !!memcmp(row_of(f, a, r), row_of(f, b, r), f->cols * sizeof(double));
	return n;
}

/* From black over violet and orange to pale yellow, for heat from 0 to 1. */
static void colour(double heat, uint8_t rgb[3])
{
	static const double stop[7][3] = {
		{ 0, 0, 6 },     { 40, 10, 90 },   { 110, 25, 110 },  { 180, 45, 85 },
		{ 235, 95, 40 }, { 250, 170, 25 }, { 252, 252, 170 },
	};
	double x = 6 * (heat < 0 ? 0 : heat > 1 ? 1 : heat), part;
	int i = x < 6 ? (int)x : 5;

	part = x - i;
	for (int k = 0; k < 3; k++)
		rgb[k] = (uint8_t)(stop[i][k] + part * (stop[i + 1][k] - stop[i][k]) + 0.5);
}

/* True when the picture is written. */
static int write_png(const struct field *f, double *field, const char *path)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION,
		.width = (png_uint_32)f->cols,
		.height = (png_uint_32)f->rows,
		.format = PNG_FORMAT_RGB,
	};
	uint8_t *rgb = malloc(f->rows * f->cols * 3);
	int written;

	if (!rgb)
		ex_fail("out of memory for the picture");
	for (uint64_t r = 0; r < f->rows; r++)
		for (uint64_t c = 0; c < f->cols; c++)
			colour(row_of(f, field, r)[c], rgb + (r * f->cols + c) * 3);
	written = png_image_write_to_file(&image, path, 0, rgb, 0, NULL);
	free(rgb);
	if (written)
		printf("picture: %s\n", path);
	else
		fprintf(stderr, "%s: %s: %s\n", ex_name, path, image.message);
	return written;
}

struct options {
	uint64_t rows, cols, steps, every;
	const char *output, *checkpoint;
};

static const char usage[] =
	"Usage: heat [OPTION]...\n"
	"Computes how heat spreads in a plate, on all nodes of a job (dsmctl run -n 4\n"
	"heat), checks the result against a plain run, and writes a picture of it.\n\n"
	"  -r, --rows=N      rows of the field, 3 to 65536 (default 512)\n"
	"  -c, --cols=N      columns of the field, 3 to 65536 (default 512)\n"
	"  -s, --steps=N     steps, 0 to 100000000 (default 1000)\n"
	"  -o, --output=FILE the picture (default heat.png)\n"
	"  -k, --checkpoint=DIR  save the job there, for dsmctl run --restore=DIR\n"
	"  -e, --every=N     after every so many steps (default 100)\n"
	"  -h, --help        show this\n";

static struct options parse(int argc, char **argv)
{
	struct options o = { 512, 512, 1000, 100, "heat.png", NULL };
	const struct ex_option table[] = {
		{ 'r', "rows", .count = &o.rows, .min = 3, .max = 65536 },
		{ 'c', "cols", .count = &o.cols, .min = 3, .max = 65536 },
		{ 's', "steps", .count = &o.steps, .max = 100000000 },
		{ 'o', "output", .text = &o.output },
		{ 'k', "checkpoint", .text = &o.checkpoint },
		{ 'e', "every", .count = &o.every, .min = 1, .max = 100000000 },
		{ 0 },
	};

	ex_options(argc, argv, table, 0, usage);
	return o;
}

/* What a checkpoint knows beside the field. */
struct progress {
	uint64_t rows, cols, done;
};

/* How many steps are done already; the first field is filled in where none is. */
static uint64_t begin(dsm_t *dsm, const struct field *f, uint64_t steps, struct ex_part band,
                      double *first)
{
	struct progress p;

	if (dsm_restored(dsm, 0, &p, sizeof p) == sizeof p) {
		if (p.rows != f->rows || p.cols != f->cols)
			ex_fail("the checkpoint has %llu x %llu points", (unsigned long long)p.rows,
			        (unsigned long long)p.cols);
		if (p.done > steps)
			ex_fail("the checkpoint has gone %llu steps already",
			        (unsigned long long)p.done);
		return p.done;
	}
	for (uint64_t r = band.first; r < band.end; r++)
		row_start(f, row_of(f, first, r), r);
	return 0;
}

static void save(dsm_t *dsm, const struct field *f, const char *dir, uint64_t done)
{
	struct progress p = { f->rows, f->cols, done };

	ex_save(dsm, dir, &p, sizeof p);
}

/* After each step, on all nodes alike. */
static void save_if_wanted(dsm_t *dsm, const struct field *f, const struct options *o, uint64_t done)
{
	const char *dir = o->checkpoint;
	int wanted = dir && done % o->every == 0;

	if (done % LOOK == 0)
		wanted |= ex_is_wanted(dsm, &dir);
	if (wanted && dir)
		save(dsm, f, dir, done);
}

/* All steps, on this node's band of rows. Returns the field, which is shared. */
static double *shared_run(dsm_t *dsm, const struct field *f, const struct options *o,
                          double *seconds)
{
	const uint64_t steps = o->steps;
	double *field = ex_shared(dsm, "heat.field", 2 * f->rows * f->stride * sizeof(double));
	double *buffer[2] = { field, field + f->rows * f->stride }, start;
	struct ex_part band = ex_part_of(f->rows, dsm_size(dsm), dsm_rank(dsm));
	uint64_t done = begin(dsm, f, steps, band, buffer[0]);

	ex_must(dsm_barrier(dsm), "dsm_barrier");
	start = ex_seconds();
	for (uint64_t s = done; s < steps; s++) {
		for (uint64_t r = band.first; r < band.end; r++)
			row_step(f, buffer[s % 2], buffer[1 - s % 2], r);
		ex_must(dsm_barrier(dsm), "dsm_barrier");
		if (dsm_rank(dsm) == 0)
			ex_progress("heat", s + 1, steps);
		save_if_wanted(dsm, f, o, s + 1);
	}
	*seconds = ex_seconds() - start;
	return buffer[steps % 2];
}

/* Node 0 looks at the result: true when it is what the plain run computes. */
static int verify(const struct field *f, uint64_t steps, double *field, double seconds)
{
	double plain_seconds, *plain = plain_run(f, steps, &plain_seconds);
	uint64_t differ = rows_that_differ(f, field, plain);

	free(plain);
	printf("shared %.3f s, plain run %.3f s\n", seconds, plain_seconds);
	if (differ)
		printf("WRONG: %llu of %llu rows differ from the plain run\n",
		       (unsigned long long)differ, (unsigned long long)f->rows);
	else
		printf("verified: all rows equal the plain run bit by bit\n");
	return !differ;
}

int main(int argc, char **argv)
{
	double *field, seconds;
	struct dsm_stats stats;
	struct options o;
	struct field f;
	int verified = 0;
	dsm_t *dsm;

	ex_name = "heat";
	o = parse(argc, argv);
	field_init(&f, o.rows, o.cols);
	dsm = ex_init();
	if (dsm_rank(dsm) == 0)
		printf("heat: %llu x %llu points, %llu steps, %d nodes, provider %s\n",
		       (unsigned long long)o.rows, (unsigned long long)o.cols,
		       (unsigned long long)o.steps, dsm_size(dsm), dsm_provider(dsm));
	field = shared_run(dsm, &f, &o, &seconds);
	ex_must(dsm_get_stats(dsm, &stats, sizeof stats), "dsm_get_stats");
	ex_print_stats(dsm, &stats);
	if (dsm_rank(dsm) == 0) {
		verified = verify(&f, o.steps, field, seconds);
		verified &= write_png(&f, field, o.output);
	}
	return ex_finish(dsm, verified);
}
