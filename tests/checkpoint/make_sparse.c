/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a checkpoint that is large, and takes hardly any space: most of its data is a hole in the
 * file, which reads as zero.
 *
 *	make_sparse DIR GIB
 *
 * It is one block, called "sparse", saved by two nodes in turn, run by run; of each thousandth run
 * the first word is its number plus one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/checkpoint/checkpoint.h"
#include "dsm/checkpoint/disk.h"

#define RUN_BYTES (CKPT_RUN_PAGES * UINT64_C(4096))
#define MARKED 1000
#define NODES 2
#define WINDOW UINT64_C(0x7e9000000000)

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "make_sparse: %s\n", what);
	exit(1);
}

static void write_node(int gen, const struct ckpt_manifest *m, uint32_t rank, uint64_t runs)
{
	static uint8_t zero[RUN_BYTES], marked[RUN_BYTES];
	struct ckpt_index x = {.rank = rank, .run = calloc(runs, sizeof *x.run)};
	uint8_t sum[CKPT_SUM_BYTES], *bytes;
	char name[DISK_NAME_MAX];
	struct ckpt_why why;
	size_t len;
	int fd;

	must(x.run != NULL, "no memory");
	memcpy(x.id, m->id, sizeof x.id);
	ckpt_sum(x.sums, zero, sizeof zero, sum);
	disk_name(DISK_DATA, rank, name);
	fd = openat(gen, name, O_WRONLY | O_CREAT | O_EXCL, 0666);
	must(fd >= 0, "cannot make a file");
	for (uint64_t k = rank; k < runs; k += NODES, x.runs++, x.data_bytes += RUN_BYTES) {
		struct ckpt_run *run = &x.run[x.runs];
		const uint64_t mark = k + 1;

		*run = (struct ckpt_run){.kind = CKPT_PTE, .first = k * CKPT_RUN_PAGES,
		                         .count = CKPT_RUN_PAGES};
		memcpy(run->sum, sum, sizeof sum);
		if (k % MARKED)
			continue;
		memcpy(marked, &mark, sizeof mark);
		ckpt_sum(x.sums, marked, sizeof marked, run->sum);
		must(pwrite(fd, &mark, sizeof mark, (off_t)x.data_bytes) == sizeof mark, "cannot write");
	}
	must(ftruncate(fd, (off_t)x.data_bytes) == 0 && close(fd) == 0, "cannot make a file long");
	must(ckpt_index_encode(&x, &bytes, &len) == 0, "no memory");
	disk_name(DISK_INDEX, rank, name);
	must(disk_write_file(gen, name, bytes, len, &why) == 0, "cannot write an index");
	free(bytes);
	free(x.run);
}

int main(int argc, char **argv)
{
	const uint64_t bytes = argc == 3 ? strtoull(argv[2], NULL, 10) << 30 : 0;
	struct ckpt_file file[NODES] = {{0}};
	struct ckpt_block block = {.bytes = bytes, .taken = 1};
	struct ckpt_name name = {.name = "sparse"};
	struct ckpt_manifest m = {.id = "sparse", .window = WINDOW, .zone_bytes = {bytes, 0},
	                          .nodes = NODES, .handle_homes = NODES, .file = file,
	                          .block = &block, .blocks = 1, .name = &name, .names = 1};
	struct ckpt_why why = {""};
	int dir, gen;

	must(bytes > 0, "a directory, and how many GiB?");
	must(ckpt_store_open(argv[1], &dir, &why) == 0, why.text);
	must(ckpt_store_begin(dir, &m.generation, &why) == 0, why.text);
	must(ckpt_store_generation(dir, m.generation, &gen) == 0, "no generation");
	for (uint32_t rank = 0; rank < NODES; rank++)
		write_node(gen, &m, rank, bytes / RUN_BYTES);
	must(ckpt_store_commit(dir, &m, &why) == 0, why.text);
	return 0;
}
