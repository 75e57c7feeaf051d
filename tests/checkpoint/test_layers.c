/* SPDX-License-Identifier: BSD-2-Clause */
/* Checkpoints that lie on others: what was written since, and what is gone. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>

#include "tests/checkpoint/small.h"
#include "tests/suite.h"

#define PAGE 4096

static struct ckpt_why why;

/* On what is there: node 0 has page 3 anew, filled with value; page 6 of node 1 is gone. */
static int write_on(uint8_t value)
{
	struct ckpt_block block[] = {{.bytes = 64 * PAGE, .taken = 1}};
	struct ckpt_file file[2] = {{0}};
	struct ckpt_manifest m = {.id = {value, 9}, .nodes = 2, .handle_homes = 2,
	                          .window = UINT64_C(0x7e9000000000), .zone_bytes = {64 * PAGE},
	                          .library = "test", .file = file, .block = block, .blocks = 1};
	struct ckpt_manifest base = {0}, laid;
	uint8_t page[PAGE];
	int dir = -1, gen = -1, rc = ckpt_store_open(small_dir, &dir, &why);

	memset(page, value, sizeof page);
	if (rc == 0)
		rc = ckpt_store_begin(dir, &m.generation, &why);
	if (rc == 0)
		rc = ckpt_store_now(dir, &base, &why);
	laid = m;
	if (rc == 0)
		rc = ckpt_manifest_lay(&laid, &base);
	if (rc == 0)
		rc = ckpt_store_generation(dir, laid.generation, &gen);
	for (uint32_t rank = 0; rank < 2 && rc == 0; rank++) {
		struct ckpt_writer w;

		rc = ckpt_writer_open(&w, gen, laid.id, rank, &why);
		if (rc == 0)
			rc = rank ? ckpt_writer_gone(&w, CKPT_PTE, 6, 1, &why)
			          : ckpt_writer_run(&w, CKPT_PTE, 3, 1, page, &why);
		if (rc == 0)
			rc = ckpt_writer_finish(&w, &why);
		ckpt_writer_close(&w);
	}
	if (rc == 0)
		rc = ckpt_store_commit(dir, &laid, &why);
	laid.file = NULL; /* not of malloc */
	laid.block = NULL;
	laid.name = NULL;
	ckpt_manifest_free(&laid);
	ckpt_manifest_free(&base);
	if (gen >= 0)
		close(gen);
	if (dir >= 0)
		close(dir);
	return rc;
}

static void test_chain(void)
{
	struct ckpt *c;
	uint8_t page[PAGE];
	int fd;

	CU_ASSERT_EQUAL_FATAL(small_write(1, &why), 0);
	for (uint8_t value = 2; value <= CKPT_LAYERS_MAX; value++)
		CU_ASSERT_EQUAL_FATAL(write_on(value), 0);
	CU_ASSERT_EQUAL_FATAL(ckpt_open(small_dir, &c, &why), 0);
	CU_ASSERT_EQUAL(c->manifest.layers, CKPT_LAYERS_MAX - 1);
	CU_ASSERT_EQUAL(ckpt_layer(c, 0)->manifest.generation, 1);
	CU_ASSERT_EQUAL(ckpt_layer(c, 0)->index[1].run[0].count, 2);
	CU_ASSERT_PTR_EQUAL(ckpt_layer(c, CKPT_LAYERS_MAX - 1), c);
	CU_ASSERT_EQUAL(c->index[0].gones, 0);
	CU_ASSERT_EQUAL_FATAL(c->index[1].gones, 1);
	CU_ASSERT_EQUAL(c->index[1].gone[0].first, 6);
	for (uint64_t i = 1; i < CKPT_LAYERS_MAX; i++) {
		const struct ckpt *layer = ckpt_layer(c, i);

		fd = ckpt_data_open(layer, 0, &why);
		CU_ASSERT_FATAL(fd >= 0);
		CU_ASSERT_EQUAL(ckpt_data_run(&layer->index[0], fd, 0, &layer->index[0].run[0], page, &why), 0);
		CU_ASSERT_EQUAL(page[PAGE - 1], i + 1);
		close(fd);
	}
	ckpt_close(c);
	/* One more is refused to be read, for it says so many. */
	CU_ASSERT_EQUAL(write_on(77), 0);
	CU_ASSERT_NOT_EQUAL(ckpt_open(small_dir, &c, &why), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "lies on a number"));
	CU_ASSERT_EQUAL_FATAL(small_remove_dir(), 0);
}

/* Each byte of the indexes that it lies on, and of the manifest; and an index that is not there. */
static void test_damage(void)
{
	static const char *const name[] = {"0000000001/0000.index", "0000000001/0001.index",
	                                   "0000000002/0001.index", "manifest"};
	char path[SMALL_PATH + 64];
	struct ckpt *c;

	CU_ASSERT_EQUAL_FATAL(small_write(1, &why), 0);
	CU_ASSERT_EQUAL_FATAL(write_on(2), 0);
	CU_ASSERT_EQUAL_FATAL(write_on(3), 0);
	for (unsigned i = 0; i < sizeof name / sizeof *name; i++) {
		struct stat st;
		int fd;

		snprintf(path, sizeof path, "%s/%s", small_dir, name[i]);
		fd = open(path, O_RDWR | O_CLOEXEC);
		CU_ASSERT_FATAL(fd >= 0 && fstat(fd, &st) == 0);
		for (off_t at = 0; at < st.st_size; at++) {
			uint8_t was, is;

			CU_ASSERT_FATAL(pread(fd, &was, 1, at) == 1);
			is = was ^ (uint8_t)(1u << at % 8);
			CU_ASSERT_FATAL(pwrite(fd, &is, 1, at) == 1);
			CU_ASSERT_NOT_EQUAL_FATAL(ckpt_open(small_dir, &c, &why), 0);
			CU_ASSERT_FATAL(pwrite(fd, &was, 1, at) == 1);
		}
		close(fd);
	}
	CU_ASSERT_EQUAL_FATAL(ckpt_open(small_dir, &c, &why), 0);
	ckpt_close(c);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_NOT_EQUAL(ckpt_open(small_dir, &c, &why), 0);
	CU_ASSERT_EQUAL_FATAL(small_remove_dir(), 0);
}

/* A full one does away with all of the chain. */
static void test_end_of_chain(void)
{
	uint8_t value = 0;

	CU_ASSERT_EQUAL_FATAL(small_write(1, &why), 0);
	CU_ASSERT_EQUAL_FATAL(write_on(2), 0);
	CU_ASSERT_EQUAL_FATAL(write_on(3), 0);
	CU_ASSERT_EQUAL_FATAL(small_write(4, &why), 0);
	CU_ASSERT_EQUAL(small_read(&value, &why), 1);
	CU_ASSERT_EQUAL(value, 4);
	for (int generation = 1; generation <= 4; generation++) {
		char path[SMALL_PATH + 64];

		snprintf(path, sizeof path, "%s/%010d", small_dir, generation);
		CU_ASSERT_EQUAL(access(path, F_OK), generation == 4 ? 0 : -1);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "as long as a chain may be, and longer", test_chain },
		{ "one bit of each byte below is another", test_damage },
		{ "a full one ends the chain", test_end_of_chain },
		CU_TEST_INFO_NULL,
	};

	return suite_run("checkpoint layers", small_make_dir, small_remove_dir, tests, 120);
}
