/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a checkpoint that is large, and takes hardly any space: most of its data is a hole in the
 * file, which reads as zero.
 *
 *	make_sparse DIR GIB [packed]
 *
 * It is one block, called "sparse", saved by two nodes in turn, run by run; of each thousandth run
 * the first word is its number plus one. Packed, runs are what their zeroes are packed to.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/checkpoint/checkpoint.h"
#include "dsm/checkpoint/disk.h"
#include "dsm/checkpoint/pack.h"

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

/* What there is to be written of a run. */
struct bytes {
	uint8_t at[256];
	size_t len;
};

/* Where it is packed, all of it; else what is not a hole. mark: 0, or the first word. */
static void make_run(struct pack *pack, uint64_t mark, struct ckpt_run *run, struct bytes *out)
{
	static uint8_t bytes[RUN_BYTES];
	const uint8_t *at = bytes;

	memcpy(bytes, &mark, sizeof mark);
	out->len = mark ? sizeof mark : 0;
	if (pack) {
		run->packed = (uint32_t)pack_run(pack, bytes, sizeof bytes, &at);
		must(run->packed > 0 && run->packed <= sizeof out->at, "cannot pack");
		out->len = run->packed;
	}
	memcpy(out->at, at, out->len);
	ckpt_sum(CKPT_XXH3, at, ckpt_run_stored(run), run->sum);
}

static void write_runs(int fd, struct ckpt_index *x, uint64_t runs, struct pack *pack)
{
	struct ckpt_run zero = {.kind = CKPT_PTE, .count = CKPT_RUN_PAGES};
	struct bytes none, bytes;

	make_run(pack, 0, &zero, &none);
	for (uint64_t k = x->rank; k < runs; k += NODES) {
		struct ckpt_run *run = &x->run[x->runs++];
		const struct bytes *has = k % MARKED ? &none : &bytes;

		*run = zero;
		if (has == &bytes)
			make_run(pack, k + 1, run, &bytes);
		run->first = k * CKPT_RUN_PAGES;
		must(pwrite(fd, has->at, has->len, (off_t)x->data_bytes) == (ssize_t)has->len,
		     "cannot write");
		x->data_bytes += ckpt_run_stored(run);
	}
}

static void write_node(int gen, const struct ckpt_manifest *m, uint32_t rank, uint64_t runs, int packed)
{
	struct ckpt_index x = {.rank = rank, .run = calloc(runs, sizeof *x.run)};
	struct pack *pack = packed ? pack_open() : NULL;
	char name[DISK_NAME_MAX];
	struct ckpt_why why;
	uint8_t *bytes;
	size_t len;
	int fd;

	must(x.run != NULL, "no memory");
	must(!packed || pack, "cannot pack");
	memcpy(x.id, m->id, sizeof x.id);
	disk_name(DISK_DATA, rank, name);
	fd = openat(gen, name, O_WRONLY | O_CREAT | O_EXCL, 0666);
	must(fd >= 0, "cannot make a file");
	write_runs(fd, &x, runs, pack);
	pack_close(pack);
	must(ftruncate(fd, (off_t)x.data_bytes) == 0 && close(fd) == 0, "cannot make a file long");
	must(ckpt_index_encode(&x, &bytes, &len) == 0, "no memory");
	disk_name(DISK_INDEX, rank, name);
	must(disk_write_file(gen, name, bytes, len, &why) == 0, "cannot write an index");
	free(bytes);
	free(x.run);
}

int main(int argc, char **argv)
{
	const uint64_t bytes = argc >= 3 ? strtoull(argv[2], NULL, 10) << 30 : 0;
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
		write_node(gen, &m, rank, bytes / RUN_BYTES, argc > 3);
	must(ckpt_store_commit(dir, &m, &why) == 0, why.text);
	return 0;
}
