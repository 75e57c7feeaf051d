/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl checkpoint: looks into a checkpoint, without the program that has written it; or has a
 * running job save itself. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dsm/checkpoint/checkpoint.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/wanted.h"

static const struct ctl_option options[] = {
	{ 't', "timeout", "SECONDS", "of a job: give up when its program has not asked for so long (60)" },
	{ 'z', "compress", NULL, "of a job: compress what is saved, whatever its program says" },
	CTL_OPTION_HELP,
	{ 0 },
};

static const uint64_t page_bytes[CKPT_ZONES] = {4096, 2 << 20};

static int refused(const struct ckpt_why *why)
{
	ctl_error("%s", why->text);
	return CTL_FAILED;
}

/* --- all of the data, run by run --- */

typedef int (*on_run_fn)(void *ctx, const struct ckpt_run *run, const uint8_t *bytes);

/* Tells of the pages of an index that have become zero, in parts no longer than a run. */
static int each_gone(const struct ckpt_index *x, uint8_t *buf, on_run_fn fn, void *ctx)
{
	int status = 0;

	memset(buf, 0, CKPT_RUN_MAX);
	for (uint64_t i = 0; i < x->gones; i++) {
		const struct ckpt_gone *gone = &x->gone[i];
		const uint64_t most = gone->kind == CKPT_PTE ? CKPT_RUN_PAGES : 1;

		for (uint64_t at = 0; at < gone->count && status == 0; at += most) {
			const struct ckpt_run run = {
				.kind = gone->kind, .first = gone->first + at,
				.count = gone->count - at < most ? gone->count - at : most};
			status = fn(ctx, &run, buf);
		}
	}
	return status;
}

/* Of one layer. 0, CTL_FAILED, or what fn() says. gone: NULL, or who hears of zero pages. */
static int each_run_of(const struct ckpt *c, on_run_fn fn, on_run_fn gone, void *ctx)
{
	uint8_t *buf = malloc(CKPT_RUN_MAX);
	struct ckpt_why why;
	int status = buf ? 0 : CTL_FAILED;

	for (uint32_t rank = 0; rank < c->manifest.nodes && status == 0; rank++) {
		const struct ckpt_index *x = &c->index[rank];
		uint64_t at = 0;
		int fd = ckpt_data_open(c, rank, &why);

		if (fd < 0)
			status = refused(&why);
		if (gone && status == 0)
			status = each_gone(x, buf, gone, ctx);
		for (uint64_t i = 0; i < x->runs && status == 0; i++) {
			if (ckpt_data_run(x, fd, at, &x->run[i], buf, &why))
				status = refused(&why);
			else
				status = fn(ctx, &x->run[i], buf);
			at += ckpt_run_stored(&x->run[i]);
		}
		if (fd >= 0)
			close(fd);
	}
	free(buf);
	return status;
}

/* From the oldest on: what comes later counts. */
static int each_run(const struct ckpt *c, on_run_fn fn, on_run_fn gone, void *ctx)
{
	int status = 0;

	for (uint64_t i = 0; i <= c->manifest.layers && status == 0; i++)
		status = each_run_of(ckpt_layer(c, i), fn, gone, ctx);
	return status;
}

/* --- verify --- */

static int count_run(void *bytes, const struct ckpt_run *run, const uint8_t *data)
{
	(void)data;
	*(uint64_t *)bytes += ckpt_run_bytes(run);
	return 0;
}

static int verify(const struct ckpt *c, char **argv)
{
	uint64_t bytes = 0;
	int status = each_run(c, count_run, NULL, &bytes);

	if (status == 0)
		printf("%s: whole, %llu bytes of %u nodes\n", argv[0], (unsigned long long)bytes,
		       c->manifest.nodes);
	return status;
}

/* --- info --- */

static uint64_t block_end(const struct ckpt_manifest *m, uint64_t offset, unsigned *zone,
                          uint64_t *in_zone)
{
	const uint64_t huge = (m->zone_bytes[CKPT_PTE] + page_bytes[CKPT_PMD] - 1) /
	                      page_bytes[CKPT_PMD] * page_bytes[CKPT_PMD];

	*zone = offset >= huge ? CKPT_PMD : CKPT_PTE;
	*in_zone = *zone == CKPT_PMD ? offset - huge : offset;
	for (uint64_t i = 0; i < m->blocks; i++) {
		const struct ckpt_block *b = &m->block[i];
		if (b->zone == *zone && b->taken && *in_zone >= b->offset &&
		    *in_zone < b->offset + b->bytes)
			return b->offset + b->bytes;
	}
	return *in_zone;
}

/* Of all layers: how much there is, and how much of it the files have. */
static void info_packed(const struct ckpt *c)
{
	uint64_t bytes = 0, stored = 0;

	for (uint64_t k = 0; k <= c->manifest.layers; k++)
		for (uint32_t rank = 0; rank < c->manifest.nodes; rank++) {
			const struct ckpt_index *x = &ckpt_layer(c, k)->index[rank];

			for (uint64_t i = 0; i < x->runs; i++)
				bytes += ckpt_run_bytes(&x->run[i]);
			stored += x->data_bytes;
		}
	if (stored < bytes)
		printf("compressed: %llu bytes to %llu\n", (unsigned long long)bytes,
		       (unsigned long long)stored);
}

static void info_nodes(const struct ckpt *c)
{
	for (uint32_t rank = 0; rank < c->manifest.nodes; rank++) {
		const struct ckpt_index *x = &c->index[rank];
		uint64_t of[3] = {0};

		for (uint64_t i = 0; i < x->runs; i++)
			of[x->run[i].kind] += x->run[i].count;
		printf("node %u: %llu pages of 4 KiB, %llu of 2 MiB, %llu private bytes, "
		       "%llu mutexes and conditions\n", rank, (unsigned long long)of[CKPT_PTE],
		       (unsigned long long)of[CKPT_PMD], (unsigned long long)of[CKPT_PRIVATE],
		       (unsigned long long)x->objects);
	}
}

static int info(const struct ckpt *c, char **argv)
{
	const struct ckpt_manifest *m = &c->manifest;
	const time_t seconds = (time_t)m->seconds;
	uint64_t blocks = 0, bytes = 0;
	char when[64] = "";
	struct tm tm;

	(void)argv;
	if (localtime_r(&seconds, &tm))
		strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S %z", &tm);
	for (uint64_t i = 0; i < m->blocks; i++) {
		blocks += m->block[i].taken;
		bytes += m->block[i].taken ? m->block[i].bytes : 0;
	}
	printf("checkpoint %llu, of %s, by libdsm %s on %u nodes\n",
	       (unsigned long long)m->generation, when, m->library, m->nodes);
	if (m->layers)
		printf("incremental: it lies on %llu others, from %llu on\n",
		       (unsigned long long)m->layers, (unsigned long long)m->under[0].generation);
	printf("region: %llu bytes, and %llu in huge pages, at %#llx\n",
	       (unsigned long long)m->zone_bytes[CKPT_PTE],
	       (unsigned long long)m->zone_bytes[CKPT_PMD], (unsigned long long)m->window);
	printf("allocated: %llu blocks, %llu bytes\n", (unsigned long long)blocks,
	       (unsigned long long)bytes);
	info_packed(c);
	info_nodes(c);
	for (uint64_t i = 0; i < m->names; i++) {
		uint64_t at;
		unsigned zone;
		const uint64_t end = block_end(m, m->name[i].offset, &zone, &at);

		printf("name %s: %llu bytes at %#llx\n", m->name[i].name,
		       (unsigned long long)(end - at),
		       (unsigned long long)(m->window + m->name[i].offset));
	}
	return CTL_OK;
}

/* --- extract --- */

struct extract {
	int fd;
	unsigned zone;
	uint64_t first, end; /* bytes of the zone */
};

/* What of the run is in the block. */
static int extract_run(void *ctx, const struct ckpt_run *run, const uint8_t *bytes)
{
	const struct extract *x = ctx;
	uint64_t from, to, at;

	if (run->kind != x->zone)
		return 0;
	at = run->first * page_bytes[x->zone];
	from = at > x->first ? at : x->first;
	to = at + ckpt_run_bytes(run) < x->end ? at + ckpt_run_bytes(run) : x->end;
	while (from < to) {
		const ssize_t n = pwrite(x->fd, bytes + (from - at), to - from,
		                         (off_t)(from - x->first));
		if (n < 0 && errno != EINTR) {
			ctl_error("cannot write: %s", strerror(errno));
			return CTL_FAILED;
		}
		from += n > 0 ? (uint64_t)n : 0;
	}
	return 0;
}

static int extract_to(const struct ckpt *c, uint64_t offset, const char *file)
{
	struct extract x;
	int status;

	x.end = block_end(&c->manifest, offset, &x.zone, &x.first);
	x.fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (x.fd < 0 || ftruncate(x.fd, (off_t)(x.end - x.first))) {
		ctl_error("cannot write %s: %s", file, strerror(errno));
		if (x.fd >= 0)
			close(x.fd);
		return CTL_FAILED;
	}
	status = each_run(c, extract_run, extract_run, &x);
	if (close(x.fd) && status == 0) {
		ctl_error("cannot write %s: %s", file, strerror(errno));
		status = CTL_FAILED;
	}
	return status;
}

static int extract(const struct ckpt *c, char **argv)
{
	for (uint64_t i = 0; i < c->manifest.names; i++)
		if (!strcmp(c->manifest.name[i].name, argv[1]))
			return extract_to(c, c->manifest.name[i].offset, argv[2]);
	ctl_error("nothing is called '%s' there; dsmctl checkpoint info tells what is", argv[1]);
	return CTL_FAILED;
}

/* --- the whole --- */

static const struct action {
	const char *name;
	int args; /* behind it */
	int (*run)(const struct ckpt *c, char **argv);
} actions[] = {{"verify", 1, verify}, {"info", 1, info}, {"extract", 3, extract}};

/* argv[0]: one of the actions. */
static int look_into(const struct ctl_command *command, const struct action *action, int argc,
                     char **argv)
{
	struct ckpt_why why;
	struct ckpt *c;
	int status;

	if (argc - 1 != action->args)
		return ctl_usage(command, action->args == 1 ? "%s takes a directory"
		                                            : "%s takes a directory, a name and a file",
		                 action->name);
	if (ckpt_open(argv[1], &c, &why))
		return refused(&why);
	status = action->run(c, argv + 1);
	ckpt_close(c);
	return status;
}

static int checkpoint_run(const struct ctl_command *command, int argc, char **argv)
{
	double seconds = 60;
	int letter, packed = 0;

	while ((letter = ctl_getopt(command, argc, argv)) != -1) {
		if (letter == 'h') {
			ctl_help(command);
			return CTL_OK;
		}
		if (letter == 'z') {
			packed = 1;
			continue;
		}
		if (letter != 't')
			return CTL_USAGE;
		if (!ctl_seconds(optarg, &seconds))
			return ctl_usage(command, "not a number of seconds: %s", optarg);
	}
	for (size_t i = 0; i < sizeof actions / sizeof *actions && argc > optind; i++)
		if (!strcmp(argv[optind], actions[i].name))
			return look_into(command, &actions[i], argc - optind, argv + optind);
	if (argc - optind != 2)
		return ctl_usage(command, "verify, info or extract? Or a job, and a directory?");
	return wanted_checkpoint(command, argv, seconds, packed);
}

const struct ctl_command ctl_checkpoint = {
	.name = "checkpoint",
	.args = "verify DIR | info DIR | extract DIR NAME FILE | JOB DIR",
	.help = "Checks a checkpoint, tells what is in it, or copies a block out of it; or has a running job saved",
	.options = options,
	.run = checkpoint_run,
};
