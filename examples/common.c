/* SPDX-License-Identifier: BSD-2-Clause */
/* What the examples share: errors, options, progress, and the table of statistics. */
#include "common.h"

#include <dsm_checkpoint.h>
#include <dsm_coll.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS_MAX 16
#define INDEX 256 /* in the table, of an option in its long form */

const char *ex_name = "example";

void ex_fail(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", ex_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void ex_must(int code, const char *what)
{
	if (code < 0)
		ex_fail("%s: %s", what, dsm_strerror(code));
}

dsm_t *ex_init(void)
{
	dsm_t *dsm;
	int code = dsm_init(NULL, &dsm);

	if (code)
		ex_fail("dsm_init: %s: %s", dsm_strerror(code), dsm_init_error());
	return dsm;
}

static uint64_t count_of(const struct ex_option *o, const char *text)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n < o->min || n > o->max)
		ex_fail("--%s wants a whole number from %" PRIu64 " to %" PRIu64 ", not \"%s\"",
		        o->name, o->min, o->max, text);
	return n;
}

static double real_of(const struct ex_option *o, const char *text)
{
	char *end;
	double x = strtod(text, &end);

	if (end == text || *end || !(x >= o->low && x <= o->high))
		ex_fail("--%s wants a number from %g to %g, not \"%s\"", o->name, o->low, o->high,
		        text);
	return x;
}

static void option_take(const struct ex_option *o, const char *text)
{
	if (o->count)
		*o->count = count_of(o, text);
	else if (o->real)
		*o->real = real_of(o, text);
	else if (o->text)
		*o->text = text;
	else
		*o->flag = 1;
}

void ex_options(int argc, char **argv, const struct ex_option *table, int flags,
                const char *usage)
{
	struct option longs[OPTIONS_MAX + 2] = { { "help", no_argument, NULL, 'h' } };
	char shorts[2 * OPTIONS_MAX + 2] = "h";
	int c, n = 0;

	for (; table[n].name && n < OPTIONS_MAX; n++) {
		const int has_value = !table[n].flag;

		longs[1 + n] = (struct option){ table[n].name, has_value, NULL, INDEX + n };
		if (table[n].letter)
			snprintf(shorts + strlen(shorts), 3, "%c%s", table[n].letter,
			         has_value ? ":" : "");
	}
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			exit(0);
		}
		if (c == '?')
			exit(1);
		for (int i = 0; i < n; i++)
			if (c == INDEX + i || c == table[i].letter)
				option_take(&table[i], optarg);
	}
	if (optind < argc && !(flags & EX_FILES))
		ex_fail("what is \"%s\"? See --help", argv[optind]);
}

struct ex_part ex_part_of(uint64_t count, int size, int rank)
{
	uint64_t each = count / (uint64_t)size, more = count % (uint64_t)size, r = (uint64_t)rank;
	uint64_t first = r * each + (r < more ? r : more);

	return (struct ex_part){ first, first + each + (r < more) };
}

unsigned ex_pages_for(uint64_t bytes)
{
	return bytes >= 2u << 20 ? DSM_HUGE_PREFERRED : 0;
}

void *ex_shared(dsm_t *dsm, const char *name, size_t bytes)
{
	void *ptr;
	int code = dsm_shared(dsm, name, bytes, ex_pages_for(bytes), &ptr);

	if (code)
		ex_fail("dsm_shared: %s: %zu bytes for %s (DSM_REGION sets the region's size, "
		        "DSM_MEMORY each node's memory)", dsm_strerror(code), bytes, name);
	return ptr;
}

/* What has come of it. */
static void saved(int rc)
{
	if (rc == DSM_ERR_LOST)
		ex_must(rc, "dsm_checkpoint");
	if (rc)
		fprintf(stderr, "%s: not saved: %s\n", ex_name, dsm_checkpoint_error());
}

void ex_save(dsm_t *dsm, const char *dir, const void *bytes, size_t len)
{
	struct dsm_checkpoint_args args = DSM_CHECKPOINT_ARGS_INIT;

	saved(dsm_checkpoint_wait(dsm)); /* the one before */
	args.dir = dir;
	args.private_data = bytes;
	args.private_bytes = len;
	args.flags = DSM_CHECKPOINT_BACKGROUND;
	saved(dsm_checkpoint(dsm, &args));
}

int ex_is_wanted(dsm_t *dsm, const char **dir)
{
	const int rc = dsm_checkpoint_wanted(dsm, dir);

	if (rc < 0)
		ex_must(rc, "dsm_checkpoint_wanted");
	return rc;
}

double ex_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void progress_bar(const char *what, uint64_t done, uint64_t total)
{
	static const char filled[] = "########################################";
	static double shown;
	double t = ex_seconds();
	int width = (int)(40 * done / total);

	if (done < total && t - shown < 0.05)
		return;
	shown = t;
	printf("\r%-12s [%.*s%*s] %3d%%%s", what, width, filled, 40 - width, "", width * 5 / 2,
	       done < total ? "" : "\n");
	fflush(stdout);
}

void ex_progress(const char *what, uint64_t done, uint64_t total)
{
	uint64_t quarter = 4 * done / total;

	if (isatty(STDOUT_FILENO)) {
		progress_bar(what, done, total);
	} else if (done && 4 * (done - 1) / total != quarter) {
		printf("%s: %d%%\n", what, (int)quarter * 25);
		fflush(stdout);
	}
}

static void print_rows(const struct dsm_stats *row, int nodes)
{
	printf("node     faults  read-miss write-miss    fetched    invalid   MiB sent\n");
	for (int i = 0; i < nodes; i++)
		printf("%4d %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64
		       " %10.1f\n",
		       i, row[i].faults, row[i].read_misses, row[i].write_misses,
		       row[i].pages_fetched, row[i].invalidations,
		       (double)row[i].bytes_sent / (1 << 20));
}

void ex_print_stats(dsm_t *dsm, const struct dsm_stats *mine)
{
	/* One row for each node, filled by it: plain memory, as within one process. */
	struct dsm_stats *row = ex_shared(dsm, "ex.stats", (size_t)dsm_size(dsm) * sizeof *row);

	row[dsm_rank(dsm)] = *mine;
	ex_must(dsm_barrier(dsm), "dsm_barrier");
	if (dsm_rank(dsm) == 0) {
		print_rows(row, dsm_size(dsm));
		fflush(stdout); /* before the check, which may take a while */
		ex_must(dsm_publish(dsm, "ex.stats", NULL), "dsm_publish");
		ex_must(dsm_free(dsm, row), "dsm_free");
	}
	ex_must(dsm_barrier(dsm), "dsm_barrier");
}

int ex_finish(dsm_t *dsm, int verified)
{
	fflush(stdout); /* the first node that exits with 1 may end the others */
	saved(dsm_checkpoint_wait(dsm));
	ex_must(dsm_broadcast(dsm, &verified, sizeof verified, 0), "dsm_broadcast");
	ex_must(dsm_fini(dsm), "dsm_fini");
	return verified ? 0 : 1;
}
