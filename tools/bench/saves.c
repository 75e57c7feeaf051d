/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checkpoints. Node 0 has dsm-bench-save run as a job of its own, while the other nodes wait: it saves
 * itself to a new directory, and goes on from there. The floors are one file of as many bytes, written
 * there to the disk before, and read from it in turn with what is restored: neither is in memory then.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/bench/programs.h"
#include "tools/bench/shared.h"

#define PROGRAM "dsm-bench-save"
#define BLOCK (1u << 20)
#define FILES 64 /* open at a time, when a tree is gone through */
#define COLUMNS 3
#define FILE_ROOM 8 /* for "/file" */

static struct {
	bool done;
	unsigned mib;
	char dir[PATH_MAX];
	struct series of_save[COLUMNS], of_restore, of_write, of_read;
	const char *missing;
} saves;

static double mib_per_s(uint64_t since_ns)
{
	return saves.mib / ((double)(bench_now_ns() - since_ns) / 1e9);
}

/* --- the disk alone --- */

static void write_file(const char *path)
{
	uint8_t *block = malloc(BLOCK);
	const uint64_t start = bench_now_ns();
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (!block || fd < 0)
		bench_fail("%s: %s", path, strerror(errno));
	memset(block, 0x5a, BLOCK);
	for (unsigned i = 0; i < saves.mib; i++)
		if (write(fd, block, BLOCK) != BLOCK)
			bench_fail("%s: %s", path, strerror(errno));
	if (fsync(fd) || close(fd))
		bench_fail("%s: %s", path, strerror(errno));
	series_rep_one(&saves.of_write, mib_per_s(start));
	free(block);
}

/* What has reached the disk is to be read from there. */
static int forget(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	const int fd = kind == FTW_F ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	(void)st, (void)at;
	if (fd >= 0) {
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
	return 0;
}

static void read_file(const char *path)
{
	uint8_t *block = malloc(BLOCK);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t start;
	ssize_t n;

	if (!block || fd < 0)
		bench_fail("%s: %s", path, strerror(errno));
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	start = bench_now_ns();
	while ((n = read(fd, block, BLOCK)) > 0)
		;
	if (n < 0 || close(fd))
		bench_fail("%s: %s", path, strerror(errno));
	series_rep_one(&saves.of_read, mib_per_s(start));
	free(block);
}

static void one_file(char path[static PATH_MAX + FILE_ROOM])
{
	snprintf(path, PATH_MAX + FILE_ROOM, "%s/file", saves.dir);
}

static void write_often(void)
{
	char path[PATH_MAX + FILE_ROOM];

	one_file(path);
	for (unsigned rep = 0; rep < bench.options->reps; rep++)
		write_file(path);
}

/* --- the job --- */

/* For the shell. restored: a job that goes on. */
static void command(char *out, size_t room, bool restored)
{
	char options[PATH_MAX + 64], arguments[PATH_MAX + 32];

	snprintf(options, sizeof options, "-t %u -n 2 -r %uM %s%s", SAVES_SECONDS / 3, saves.mib + 64,
	         restored ? "--restore " : "", restored ? saves.dir : "");
	if (restored)
		snprintf(arguments, sizeof arguments, "%u", saves.mib);
	else
		snprintf(arguments, sizeof arguments, "%u %s %u", saves.mib, saves.dir, bench.options->reps);
	program_job(out, room, options, PROGRAM, arguments);
}

/* All that it prints. False: it fails, after telling why. */
static bool run(bool restored)
{
	const unsigned wanted = restored ? 1 : bench.options->reps;
	char line[4 * PROGRAM_MAX];
	double got[COLUMNS];
	unsigned n = 0;
	FILE *in;

	command(line, sizeof line, restored);
	in = program_begin(line);
	for (; restored && n < wanted && fscanf(in, "%lf", got) == 1; n++)
		series_rep_one(&saves.of_restore, got[0]);
	for (; !restored && n < wanted && fscanf(in, "%lf %lf %lf", got, got + 1, got + 2) == COLUMNS; n++)
		for (int i = 0; i < COLUMNS; i++)
			series_rep_one(&saves.of_save[i], got[i]);
	return pclose(in) == 0 && n == wanted;
}

static bool restore_often(void)
{
	char path[PATH_MAX + FILE_ROOM];

	one_file(path);
	for (unsigned rep = 0; rep < bench.options->reps; rep++) {
		read_file(path);
		nftw(saves.dir, forget, FILES, FTW_PHYS);
		if (!run(true))
			return false;
	}
	return true;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static void measure(void)
{
	const char *tmp = getenv("TMPDIR");

	saves.done = true;
	saves.mib = bench_count(1024, 16);
	snprintf(saves.dir, sizeof saves.dir, "%s/dsm-bench-XXXXXX", tmp && *tmp ? tmp : "/var/tmp");
	if (strpbrk(saves.dir, " \t\n'\"$`\\&;|<>()*?")) {
		saves.missing = "TMPDIR has characters that mean something to the shell";
		return;
	}
	if (!mkdtemp(saves.dir))
		bench_fail("%s: %s", saves.dir, strerror(errno));
	for (int i = 0; i < COLUMNS; i++)
		series_open(&saves.of_save[i], bench.options->reps, 1);
	series_open(&saves.of_restore, bench.options->reps, 1);
	series_open(&saves.of_write, bench.options->reps, 1);
	series_open(&saves.of_read, bench.options->reps, 1);
	write_often();
	if (!run(false) || !restore_often())
		saves.missing = "the job that saves itself has failed";
	nftw(saves.dir, remove_one, FILES, FTW_DEPTH | FTW_PHYS);
}

/* --- the tests --- */

/* Rank 0's, of all repetitions. */
static bool take(struct result *out, const struct series *of, enum series_order order,
                 const char *unit)
{
	if (bench.rank == 0 && !saves.done)
		measure();
	bench_barrier();
	out->unit = unit;
	out->missing = saves.missing;
	if (bench.rank || saves.missing)
		return false;
	series_summary((struct series *)of, order, &out->value, &out->p99);
	return true;
}

static void floor_of(struct result *out, struct series *of, const char *name)
{
	double value, p99;

	series_summary(of, SERIES_MORE_IS_BETTER, &value, &p99);
	result_floor(out, value, name);
}

void checkpoint(struct result *out)
{
	if (take(out, &saves.of_save[0], SERIES_MORE_IS_BETTER, "MiB/s"))
		floor_of(out, &saves.of_write, "one file, and fsync");
}

void checkpoint_pause(struct result *out)
{
	take(out, &saves.of_save[1], SERIES_LESS_IS_BETTER, "ms/GiB");
}

void checkpoint_increment(struct result *out)
{
	double mib_s, p99;

	if (!take(out, &saves.of_save[2], SERIES_LESS_IS_BETTER, "ms"))
		return;
	series_summary(&saves.of_save[0], SERIES_MORE_IS_BETTER, &mib_s, &p99);
	result_extra(out, "full", saves.mib / mib_s * 1e3, "ms");
}

void restore(struct result *out)
{
	if (take(out, &saves.of_restore, SERIES_MORE_IS_BETTER, "MiB/s"))
		floor_of(out, &saves.of_read, "one file");
}
