/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of a checkpoint: what is read is what was written, or it is refused. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/checkpoint/small.h"
#include "tests/suite.h"

static struct ckpt_why why;

static void start(uint8_t value)
{
	uint8_t got = 0;

	CU_ASSERT_EQUAL_FATAL(small_write(value, &why), 0);
	CU_ASSERT_EQUAL_FATAL(small_read(&got, &why), 1);
	CU_ASSERT_EQUAL_FATAL(got, value);
}

/* The files of the generation that is there, and the manifest. */
#define FILES 5
static void path_of(unsigned i, char path[SMALL_PATH + 64])
{
	static const char *const name[] = {"0000.index", "0000.data", "0001.index", "0001.data"};
	struct dirent *e;
	DIR *dir = opendir(small_dir);

	snprintf(path, SMALL_PATH + 64, "%s/manifest", small_dir);
	while ((e = readdir(dir)))
		if (i < 4 && e->d_name[0] == '0')
			snprintf(path, SMALL_PATH + 64, "%s/%.10s/%s", small_dir, e->d_name, name[i]);
	closedir(dir);
}

static void test_flips(void)
{
	char path[SMALL_PATH + 64];
	unsigned refused = 0, wrong = 0, all = 0;

	start(1);
	for (unsigned i = 0; i < FILES; i++) {
		struct stat st;
		int fd;

		path_of(i, path);
		fd = open(path, O_RDWR | O_CLOEXEC);
		CU_ASSERT_FATAL(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 32);
		for (off_t at = 0; at < st.st_size; at++) {
			uint8_t was, is;
			int got;

			CU_ASSERT_FATAL(pread(fd, &was, 1, at) == 1);
			is = was ^ (uint8_t)(1u << at % 8);
			CU_ASSERT_FATAL(pwrite(fd, &is, 1, at) == 1);
			got = small_read(NULL, &why);
			refused += got == 0;
			wrong += got < 0;
			all++;
			CU_ASSERT_FATAL(pwrite(fd, &was, 1, at) == 1);
		}
		close(fd);
	}
	printf(" %u of %u flips refused ", refused, all);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(refused, all); /* there is no padding */
	CU_ASSERT_EQUAL(small_read(NULL, &why), 1);
}

static void test_truncations(void)
{
	static uint8_t bytes[16384];
	char path[SMALL_PATH + 64];

	start(2);
	for (unsigned i = 0; i < FILES; i++) {
		ssize_t len;
		int fd;

		path_of(i, path);
		fd = open(path, O_RDWR | O_CLOEXEC);
		CU_ASSERT_FATAL(fd >= 0);
		len = read(fd, bytes, sizeof bytes);
		CU_ASSERT_FATAL(len > 32 && len < (ssize_t)sizeof bytes);
		for (ssize_t n = len - 1; n >= 0; n--) {
			CU_ASSERT_FATAL(ftruncate(fd, n) == 0);
			CU_ASSERT_EQUAL_FATAL(small_read(NULL, &why), 0);
		}
		CU_ASSERT_FATAL(pwrite(fd, bytes, (size_t)len, 0) == len);
		CU_ASSERT_EQUAL(small_read(NULL, &why), 1);
		CU_ASSERT_FATAL(pwrite(fd, "", 1, len) == 1);
		CU_ASSERT_EQUAL(small_read(NULL, &why), 0);
		CU_ASSERT_FATAL(ftruncate(fd, len) == 0);
		CU_ASSERT_FATAL(unlink(path) == 0);
		CU_ASSERT_EQUAL(small_read(NULL, &why), 0);
		close(fd);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		CU_ASSERT_FATAL(fd >= 0 && write(fd, bytes, (size_t)len) == len);
		close(fd);
	}
	CU_ASSERT_EQUAL(small_read(NULL, &why), 1);
}

/* All of that with runs that are packed. */
static void test_packed(void)
{
	small_packed = ckpt_can_pack();
	test_flips();
	test_truncations();
	small_packed = 0;
}

/* Each file of one checkpoint among those of another. */
static void test_mixed(void)
{
	static uint8_t bytes[FILES][16384];
	char path[SMALL_PATH + 64];
	ssize_t len[FILES];

	start(3);
	for (unsigned i = 0; i < FILES; i++) {
		int fd;
		path_of(i, path);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		len[i] = read(fd, bytes[i], sizeof bytes[i]);
		CU_ASSERT_FATAL(len[i] > 0);
		close(fd);
	}
	for (unsigned i = 0; i < FILES; i++) {
		int fd;
		CU_ASSERT_EQUAL_FATAL(small_remove_dir(), 0);
		start(4);
		path_of(i, path);
		fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		CU_ASSERT_FATAL(write(fd, bytes[i], (size_t)len[i]) == len[i]);
		close(fd);
		CU_ASSERT_EQUAL(small_read(NULL, &why), 0);
	}
	CU_ASSERT_EQUAL_FATAL(small_remove_dir(), 0);
}

static void test_newer_version(void)
{
	static uint8_t bytes[16384];
	char path[SMALL_PATH + 64];
	ssize_t len;
	int fd;

	start(5);
	path_of(FILES, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	len = read(fd, bytes, sizeof bytes);
	CU_ASSERT_FATAL(len > 32);
	bytes[8] = CKPT_VERSION + 1;
	ckpt_hash(bytes, (size_t)len - CKPT_HASH_BYTES, bytes + len - CKPT_HASH_BYTES);
	CU_ASSERT_FATAL(pwrite(fd, bytes, (size_t)len, 0) == len);
	close(fd);
	CU_ASSERT_EQUAL(small_read(NULL, &why), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "version 4"));
	/* Nor is it written over. */
	CU_ASSERT_EQUAL(small_write(6, &why), -ENOTSUP);
	CU_ASSERT_EQUAL_FATAL(small_remove_dir(), 0);
}

/* An index of version 1, which has no number of runs that are gone, and other sums. */
static void test_earlier_version(void)
{
	enum { GONES = 64, BYTES = 100 }; /* where that number is */
	const struct ckpt_manifest m = {.id = {1}, .nodes = 1, .handle_homes = 1};
	struct ckpt_run run = {.kind = CKPT_PRIVATE, .count = BYTES};
	struct ckpt_index index = {.id = {1}, .data_bytes = BYTES, .run = &run, .runs = 1};
	struct ckpt_index got = {.run = NULL};
	uint8_t data[BYTES] = "what was saved", read_back[BYTES], *bytes;
	FILE *file = tmpfile();
	size_t len;

	CU_ASSERT_FATAL(file && write(fileno(file), data, BYTES) == BYTES);
	ckpt_sum(CKPT_BLAKE2B, data, BYTES, run.sum);
	CU_ASSERT_EQUAL_FATAL(ckpt_index_encode(&index, &bytes, &len), 0);
	memmove(bytes + GONES, bytes + GONES + 8, len - GONES - 8);
	len -= 8;
	bytes[8] = 1;
	ckpt_hash(bytes, len - CKPT_HASH_BYTES, bytes + len - CKPT_HASH_BYTES);
	CU_ASSERT_EQUAL_FATAL(ckpt_index_decode(&m, 0, bytes, len, &got, &why), 0);
	CU_ASSERT_EQUAL(ckpt_data_run(&got, fileno(file), 0, &got.run[0], read_back, &why), 0);
	CU_ASSERT_EQUAL(memcmp(read_back, data, BYTES), 0);
	CU_ASSERT_EQUAL(pwrite(fileno(file), "W", 1, 0), 1);
	CU_ASSERT_EQUAL(ckpt_data_run(&got, fileno(file), 0, &got.run[0], read_back, &why), -EBADMSG);
	ckpt_index_free(&got);
	free(bytes);
	fclose(file);
}

/* What was there stays until the next one is whole, and then goes. */
static void test_generations(void)
{
	uint64_t generation = 0;
	uint8_t got = 0;
	int dir;

	start(7);
	CU_ASSERT_EQUAL_FATAL(ckpt_store_open(small_dir, &dir, &why), 0);
	CU_ASSERT_EQUAL_FATAL(ckpt_store_begin(dir, &generation, &why), 0);
	CU_ASSERT_EQUAL(generation, 2);
	CU_ASSERT_EQUAL(small_read(&got, &why), 1);
	CU_ASSERT_EQUAL(got, 7);
	CU_ASSERT_EQUAL(small_write(8, &why), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "another job"));
	close(dir);
	start(8);
	start(9);
	CU_ASSERT_EQUAL(faccessat(AT_FDCWD, small_dir, F_OK, 0), 0);
	CU_ASSERT_EQUAL_FATAL(ckpt_store_open(small_dir, &dir, &why), 0);
	CU_ASSERT_EQUAL(faccessat(dir, "0000000002", F_OK, 0), -1);
	CU_ASSERT_EQUAL(faccessat(dir, "0000000003", F_OK, 0), 0);
	close(dir);
}

static void test_not_writable(void)
{
	int dir;

	CU_ASSERT_EQUAL(ckpt_store_open("/proc/1/nothing", &dir, &why), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "/proc/1/nothing"));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "one bit of each byte is another", test_flips },
		{ "files end too early, too late, or are not there", test_truncations },
		{ "the same of runs that are packed", test_packed },
		{ "files of two checkpoints are mixed", test_mixed },
		{ "a newer version", test_newer_version },
		{ "an earlier version", test_earlier_version },
		{ "the earlier one stays until the next is whole", test_generations },
		{ "a directory that cannot be", test_not_writable },
		CU_TEST_INFO_NULL,
	};

	return suite_run("checkpoint files", small_make_dir, small_remove_dir, tests, 120);
}
