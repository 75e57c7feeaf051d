/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs that are packed: what comes out is what went in, or it is refused, whatever a frame says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/checkpoint/disk.h"
#include "dsm/checkpoint/pack.h"
#include "tests/checkpoint/small.h"
#include "tests/suite.h"

#define PAGE 4096
#define HUGE (2u << 20)
#define PRIVATE (3 * CKPT_PRIVATE_PART + 77)

static struct ckpt_why why;

/* --- frames that are made by hand --- */

enum { SINGLE = 0x20, SIZE_4 = 0x80 }; /* of a frame's descriptor; RFC 8878, 3.1.1.1 */

/* A frame that says it has so many bytes, and whose one block gives so many 'x'. */
static size_t frame(uint8_t *at, uint8_t descriptor, uint32_t says, uint32_t gives)
{
	static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};
	const uint32_t block = 1 | 1 << 1 | gives << 3; /* the last one; a byte again and again */
	size_t n = sizeof magic;

	memcpy(at, magic, n);
	at[n++] = descriptor;
	if (!(descriptor & SINGLE))
		at[n++] = 0x10; /* window: 4 KiB */
	for (unsigned i = 0; i < 4 && descriptor & SIZE_4; i++)
		at[n++] = (uint8_t)(says >> 8 * i);
	for (unsigned i = 0; i < 3; i++)
		at[n++] = (uint8_t)(block >> 8 * i);
	at[n++] = 'x';
	return n;
}

/* Unpacks it to a page that ends where memory does, for a sanitizer to see. */
static int unpack_page(const uint8_t *bytes, size_t len)
{
	uint8_t *in = malloc(len), *out = malloc(PAGE);
	int rc;

	CU_ASSERT_FATAL(in && out);
	memcpy(in, bytes, len);
	rc = unpack_run(in, len, out, PAGE);
	for (unsigned i = 0; i < PAGE && rc == 0; i++)
		CU_ASSERT_EQUAL_FATAL(out[i], 'x');
	free(in);
	free(out);
	return rc;
}

static void test_frames(void)
{
	const int no = ckpt_can_pack() ? -EBADMSG : -ENOTSUP, yes = ckpt_can_pack() ? 0 : -ENOTSUP;
	uint8_t at[64] = {0}, skip[64] = {0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
	size_t n = frame(at, SINGLE | SIZE_4, PAGE, PAGE);

	CU_ASSERT_EQUAL(unpack_page(at, n), yes);
	for (size_t less = 1; less <= n; less++)
		CU_ASSERT_EQUAL(unpack_page(at, n - less), no);
	CU_ASSERT_EQUAL(unpack_page(at, n + 1), no);
	CU_ASSERT_EQUAL(unpack_page(at, n + frame(at + n, SINGLE | SIZE_4, PAGE, PAGE)), no);
	memcpy(skip + 12, at, n);
	CU_ASSERT_EQUAL(unpack_page(skip, n + 12), no);
	CU_ASSERT_EQUAL(unpack_page(skip, 12), no);
	n = frame(at, SIZE_4, PAGE, PAGE);
	CU_ASSERT_EQUAL(unpack_page(at, n), yes);
	/* Less, and more, than it says; and than is wanted. */
	CU_ASSERT_EQUAL(unpack_page(at, frame(at, SINGLE | SIZE_4, PAGE, PAGE / 2)), no);
	CU_ASSERT_EQUAL(unpack_page(at, frame(at, SINGLE | SIZE_4, PAGE, 2 * PAGE)), no);
	CU_ASSERT_EQUAL(unpack_page(at, frame(at, SINGLE | SIZE_4, PAGE, 100000)), no);
	CU_ASSERT_EQUAL(unpack_page(at, frame(at, SINGLE | SIZE_4, 2 * PAGE, 2 * PAGE)), no);
	CU_ASSERT_EQUAL(unpack_page(at, frame(at, SINGLE | SIZE_4, PAGE / 2, PAGE / 2)), no);
	CU_ASSERT_EQUAL(unpack_page(at, frame(at, SINGLE | SIZE_4, UINT32_MAX, PAGE)), no);
	CU_ASSERT_EQUAL(unpack_page(at, frame(at, SIZE_4, UINT32_MAX, PAGE)), no);
	CU_ASSERT_EQUAL(unpack_page(at, frame(at, 0, 0, PAGE)), no); /* does not say */
}

/* --- a node's files --- */

/* Bytes that cannot be packed, and ones that can. */
static void fill(uint8_t *at, size_t len, int random)
{
	uint64_t x = 88172645463325252u;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		at[i] = random ? (uint8_t)(x >> 32) : (uint8_t)(i >> 12 | 1);
	}
}

static int write_all(struct ckpt_manifest *m, const uint8_t *huge, const uint8_t *random,
                     const uint8_t *own)
{
	struct ckpt_writer w;
	int dir, gen = -1, rc = ckpt_store_open(small_dir, &dir, &why);

	if (rc)
		return rc;
	rc = ckpt_store_begin(dir, &m->generation, &why);
	if (rc == 0)
		rc = ckpt_store_generation(dir, m->generation, &gen);
	if (rc == 0)
		rc = ckpt_writer_open(&w, gen, m->id, 0, &why);
	if (rc == 0 && ckpt_can_pack())
		rc = ckpt_writer_pack(&w, &why);
	if (rc == 0)
		rc = ckpt_writer_run(&w, CKPT_PTE, 3, 2, huge, &why);
	if (rc == 0)
		rc = ckpt_writer_run(&w, CKPT_PTE, 70, CKPT_RUN_PAGES, random, &why);
	if (rc == 0)
		rc = ckpt_writer_run(&w, CKPT_PMD, 1, 1, huge, &why);
	if (rc == 0)
		rc = ckpt_writer_private(&w, own, PRIVATE, &why);
	if (rc == 0)
		rc = ckpt_writer_gone(&w, CKPT_PTE, 5, 1, &why);
	if (rc == 0)
		rc = ckpt_writer_finish(&w, &why);
	ckpt_writer_close(&w);
	if (rc == 0)
		rc = ckpt_store_commit(dir, m, &why);
	close(gen);
	close(dir);
	return rc;
}

static void test_all_kinds(void)
{
	struct ckpt_file file = {0};
	struct ckpt_block block[] = {{.bytes = HUGE, .taken = 1},
	                             {.bytes = 2 * HUGE, .zone = CKPT_PMD, .taken = 1}};
	struct ckpt_manifest m = {.id = {5}, .nodes = 1, .handle_homes = 1, .zone_bytes = {HUGE, 2 * HUGE},
	                          .window = UINT64_C(0x7e9000000000), .library = "test",
	                          .file = &file, .block = block, .blocks = 2};
	uint8_t *huge = malloc(HUGE), *random = malloc(HUGE), *own = malloc(PRIVATE), *got = malloc(HUGE);
	uint64_t at = 0;
	struct ckpt *c;
	int fd;

	CU_ASSERT_FATAL(huge && random && own && got);
	fill(huge, HUGE, 0);
	fill(random, HUGE, 1);
	fill(own, PRIVATE, 0);
	fill(own + CKPT_PRIVATE_PART, CKPT_PRIVATE_PART, 1);
	CU_ASSERT_EQUAL_FATAL(write_all(&m, huge, random, own), 0);
	CU_ASSERT_EQUAL_FATAL(ckpt_open(small_dir, &c, &why), 0);
	CU_ASSERT_EQUAL_FATAL(c->index[0].runs, 7);
	fd = ckpt_data_open(c, 0, &why);
	CU_ASSERT_FATAL(fd >= 0);
	for (unsigned i = 0; i < 3; i++) {
		const struct ckpt_run *run = &c->index[0].run[i];

		CU_ASSERT_EQUAL(!!run->packed, ckpt_can_pack() && i != 1);
		CU_ASSERT_EQUAL(ckpt_data_run(&c->index[0], fd, at, run, got, &why), 0);
		CU_ASSERT_EQUAL(memcmp(got, i == 1 ? random : huge, ckpt_run_bytes(run)), 0);
		at += ckpt_run_stored(run);
	}
	close(fd);
	CU_ASSERT_EQUAL(c->index[0].gones, 1);
	CU_ASSERT_EQUAL_FATAL(ckpt_keep_private(c, &why), 0);
	CU_ASSERT_EQUAL_FATAL(c->kept[0].len, PRIVATE);
	CU_ASSERT_EQUAL(memcmp(c->kept[0].bytes, own, PRIVATE), 0);
	ckpt_close(c);
	free(huge);
	free(random);
	free(own);
	free(got);
	CU_ASSERT_EQUAL_FATAL(small_remove_dir(), 0);
}

/* --- what an index says of it --- */

#define GONES 64 /* where their number is */

/* Whether it is taken: of one run of a page, which takes so many bytes of a file of so many. */
static int take_index(uint32_t packed, uint64_t data_bytes, uint32_t version)
{
	const struct ckpt_manifest m = {.id = {6}, .nodes = 1, .handle_homes = 1, .zone_bytes = {HUGE}};
	struct ckpt_run run = {.kind = CKPT_PTE, .count = 1, .packed = packed};
	struct ckpt_index x = {.id = {6}, .data_bytes = data_bytes, .run = &run, .runs = 1}, got;
	uint8_t *bytes;
	size_t len;
	int rc;

	CU_ASSERT_EQUAL_FATAL(ckpt_index_encode(&x, &bytes, &len), 0);
	CU_ASSERT_EQUAL(bytes[8], 3);
	if (version == 1) { /* it has no number of runs that are gone */
		memmove(bytes + GONES, bytes + GONES + 8, len - GONES - 8);
		len -= 8;
	}
	bytes[8] = (uint8_t)version;
	ckpt_hash(bytes, len - CKPT_HASH_BYTES, bytes + len - CKPT_HASH_BYTES);
	rc = ckpt_index_decode(&m, 0, bytes, len, &got, &why);
	if (rc == 0)
		ckpt_index_free(&got);
	free(bytes);
	return rc;
}

static void test_index(void)
{
	CU_ASSERT_EQUAL(take_index(0, PAGE, 1), 0);
	CU_ASSERT_EQUAL(take_index(0, PAGE, 3), 0);
	CU_ASSERT_EQUAL(take_index(100, 100, 3), 0);
	CU_ASSERT_EQUAL(take_index(PAGE - 1, PAGE - 1, 3), 0);
	CU_ASSERT_EQUAL(take_index(PAGE, PAGE, 3), -EBADMSG);
	CU_ASSERT_EQUAL(take_index(UINT32_MAX, UINT32_MAX, 3), -EBADMSG);
	CU_ASSERT_EQUAL(take_index(100, PAGE, 3), -EBADMSG);
	CU_ASSERT_EQUAL(take_index(100, 100, 2), -EBADMSG);
	CU_ASSERT_EQUAL(take_index(100, 100, 1), -EBADMSG);
	CU_ASSERT_EQUAL(take_index(100, 100, 4), -ENOTSUP);
}

/* A checkpoint whose one run is these bytes, with the sum that they have. */
static int read_crafted(const uint8_t *bytes, size_t len)
{
	struct ckpt_file file = {0};
	struct ckpt_block block = {.bytes = HUGE, .taken = 1};
	struct ckpt_manifest m = {.id = {7}, .nodes = 1, .handle_homes = 1, .zone_bytes = {HUGE},
	                          .library = "test", .file = &file, .block = &block, .blocks = 1};
	struct ckpt_run run = {.kind = CKPT_PTE, .count = 1, .packed = (uint32_t)len};
	struct ckpt_index x = {.id = {7}, .data_bytes = len, .run = &run, .runs = 1};
	uint8_t page[PAGE], *index;
	struct ckpt *c;
	size_t n;
	int dir, gen, fd, rc;

	ckpt_sum(CKPT_XXH3, bytes, len, run.sum);
	CU_ASSERT_EQUAL_FATAL(ckpt_store_open(small_dir, &dir, &why), 0);
	CU_ASSERT_EQUAL_FATAL(ckpt_store_begin(dir, &m.generation, &why), 0);
	CU_ASSERT_EQUAL_FATAL(ckpt_store_generation(dir, m.generation, &gen), 0);
	CU_ASSERT_EQUAL_FATAL(ckpt_index_encode(&x, &index, &n), 0);
	CU_ASSERT_EQUAL_FATAL(disk_write_file(gen, "0000.index", index, n, &why), 0);
	CU_ASSERT_EQUAL_FATAL(disk_write_file(gen, "0000.data", bytes, len, &why), 0);
	CU_ASSERT_EQUAL_FATAL(ckpt_store_commit(dir, &m, &why), 0);
	free(index);
	close(gen);
	close(dir);
	rc = ckpt_open(small_dir, &c, &why);
	if (rc)
		return rc;
	fd = ckpt_data_open(c, 0, &why);
	CU_ASSERT_FATAL(fd >= 0);
	rc = ckpt_data_run(&c->index[0], fd, 0, &c->index[0].run[0], page, &why);
	close(fd);
	ckpt_close(c);
	return rc;
}

static void test_crafted(void)
{
	uint8_t at[64];

	if (!ckpt_can_pack()) {
		CU_ASSERT_EQUAL(read_crafted(at, frame(at, SINGLE | SIZE_4, PAGE, PAGE)), -ENOTSUP);
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "built without libzstd"));
		return;
	}
	CU_ASSERT_EQUAL(read_crafted(at, frame(at, SINGLE | SIZE_4, PAGE, PAGE)), 0);
	CU_ASSERT_EQUAL(read_crafted(at, frame(at, SINGLE | SIZE_4, UINT32_MAX, 100000)), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "cannot be unpacked from byte 0"));
}

static void test_built_without(void)
{
	struct ckpt_writer w = {.fd = -1};

	CU_ASSERT_EQUAL(ckpt_writer_pack(&w, &why), ckpt_can_pack() ? 0 : -ENOTSUP);
	CU_ASSERT_EQUAL(!strstr(why.text, "built without libzstd"), ckpt_can_pack());
	ckpt_writer_close(&w);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "frames that are right, and ones that lie", test_frames },
		{ "runs of all kinds come back", test_all_kinds },
		{ "an index says how long they are", test_index },
		{ "a checkpoint with a frame that lies", test_crafted },
		{ "built with it, or without", test_built_without },
		CU_TEST_INFO_NULL,
	};

	return suite_run("checkpoint runs packed", small_make_dir, small_remove_dir, tests, 120);
}
