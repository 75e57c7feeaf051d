/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing and reading it. */
#include "tests/checkpoint/small.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096
#define PRIVATE "what the node keeps for itself"

char small_dir[SMALL_PATH];
int small_packed;

int small_make_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(small_dir, sizeof small_dir, "%.100s/dsm-ckpt-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(small_dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

int small_remove_dir(void)
{
	return nftw(small_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void fill(uint8_t *page, uint8_t value, uint32_t rank, uint64_t number)
{
	memset(page, value, PAGE);
	page[0] = (uint8_t)rank;
	page[PAGE - 1] = (uint8_t)number;
}

/* Node 0 has page 3, node 1 pages 5 and 6, and each its private bytes. */
static int write_node(int gen, const uint8_t *id, uint32_t rank, uint8_t value,
                      struct ckpt_why *why)
{
	static uint8_t page[2 * PAGE];
	struct ckpt_writer w;
	int rc = ckpt_writer_open(&w, gen, id, rank, why);

	fill(page, value, rank, 0);
	fill(page + PAGE, value, rank, 1);
	if (rc == 0 && small_packed)
		rc = ckpt_writer_pack(&w, why);
	if (rc == 0)
		rc = ckpt_writer_run(&w, CKPT_PTE, rank ? 5 : 3, rank ? 2 : 1, page, why);
	if (rc == 0)
		rc = ckpt_writer_private(&w, PRIVATE, sizeof PRIVATE, why);
	if (rc == 0)
		rc = ckpt_writer_object(&w, (struct ckpt_object){.home = rank, .index = 7}, why);
	if (rc == 0)
		rc = ckpt_writer_finish(&w, why);
	ckpt_writer_close(&w);
	return rc;
}

int small_write(uint8_t value, struct ckpt_why *why)
{
	struct ckpt_file file[2] = {{0}};
	struct ckpt_block block[] = {{.bytes = 16 * PAGE, .taken = 1},
	                             {.offset = 16 * PAGE, .bytes = 48 * PAGE,
	                              .dirty_lo = 17 * PAGE, .dirty_hi = 18 * PAGE}};
	struct ckpt_name name[] = {{.offset = 64, .name = "field"}};
	struct ckpt_manifest m = {.id = {value, 1, 2, 3}, .nodes = 2, .handle_homes = 2,
	                          .window = UINT64_C(0x7e9000000000), .zone_bytes = {64 * PAGE},
	                          .library = "test", .file = file, .block = block, .blocks = 2,
	                          .name = name, .names = 1};
	int dir, gen = -1, rc = ckpt_store_open(small_dir, &dir, why);

	if (rc)
		return rc;
	rc = ckpt_store_begin(dir, &m.generation, why);
	if (rc == 0)
		rc = ckpt_store_generation(dir, m.generation, &gen);
	for (uint32_t rank = 0; rank < 2 && rc == 0; rank++)
		rc = write_node(gen, m.id, rank, value, why);
	if (rc == 0)
		rc = ckpt_store_commit(dir, &m, why);
	if (gen >= 0)
		close(gen);
	close(dir);
	return rc;
}

static int read_node(const struct ckpt *c, uint32_t rank, struct ckpt_why *why)
{
	static uint8_t got[2 * PAGE], want[2 * PAGE];
	const struct ckpt_index *x = &c->index[rank];
	const uint8_t value = c->manifest.id[0];
	const uint64_t n = rank ? 2 : 1;
	int fd = ckpt_data_open(c, rank, why), rc;

	if (fd < 0)
		return 0;
	fill(want, value, rank, 0);
	fill(want + PAGE, value, rank, 1);
	rc = x->runs != 2 || x->objects != 1 || x->object[0].index != 7 || x->run[0].count != n ||
	     x->run[0].first != (rank ? 5 : 3) || x->run[1].kind != CKPT_PRIVATE ||
	     x->run[1].count != sizeof PRIVATE || !x->run[0].packed != !small_packed ? -1 : 1;
	if (rc == 1 && ckpt_data_run(x, fd, 0, &x->run[0], got, why))
		rc = 0;
	else if (rc == 1 && memcmp(got, want, n * PAGE))
		rc = -1;
	if (rc == 1 && ckpt_data_run(x, fd, ckpt_run_stored(&x->run[0]), &x->run[1], got, why))
		rc = 0;
	else if (rc == 1 && memcmp(got, PRIVATE, sizeof PRIVATE))
		rc = -1;
	close(fd);
	return rc;
}

int small_read(uint8_t *value, struct ckpt_why *why)
{
	struct ckpt *c;
	int rc;

	*why = (struct ckpt_why){""};
	if (ckpt_open(small_dir, &c, why))
		return *why->text ? 0 : -1;
	rc = c->manifest.nodes == 2 && c->manifest.blocks == 2 && c->manifest.names == 1 &&
	     !strcmp(c->manifest.name[0].name, "field") && c->manifest.name[0].offset == 64 ? 1 : -1;
	for (uint32_t rank = 0; rank < 2 && rc == 1; rank++)
		rc = read_node(c, rank, why);
	if (rc == 1 && value)
		*value = c->manifest.id[0];
	ckpt_close(c);
	return rc == 0 && !*why->text ? -1 : rc;
}
