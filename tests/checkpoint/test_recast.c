/* SPDX-License-Identifier: BSD-2-Clause */
/* A checkpoint in pages of the other size: blocks and names are at the addresses where they were. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/checkpoint/checkpoint.h"
#include "tests/suite.h"

#define MIB UINT64_C(0x100000)
#define WINDOW UINT64_C(0x7e9000000000)
#define SMALL (3 * MIB)  /* then 1 MiB is in neither zone */
#define HUGE (6 * MIB)
#define BEFORE (10 * MIB)

static struct ckpt c;
static struct ckpt_why why;

static const struct ckpt_block was[] = {
	{.bytes = MIB + 48, .taken = 1},
	{.offset = MIB + 48, .bytes = 2 * MIB - 48, .dirty_lo = 2 * MIB, .dirty_hi = 2 * MIB + 4096},
	{.zone = CKPT_PMD, .bytes = 2 * MIB, .taken = 1},
	{.zone = CKPT_PMD, .offset = 2 * MIB, .bytes = 4 * MIB, .dirty_lo = 3 * MIB, .dirty_hi = 5 * MIB},
};

static void begin(uint64_t small, uint64_t huge)
{
	static struct ckpt_file file[1];
	struct ckpt_manifest *m = &c.manifest;

	c = (struct ckpt){.place = {{.kind = CKPT_PTE, .bytes = small}, {.kind = CKPT_PMD, .bytes = huge}}};
	*m = (struct ckpt_manifest){.window = WINDOW, .zone_bytes = {small, huge}, .nodes = 1,
	                            .handle_homes = 1, .library = "test", .file = file, .names = 1,
	                            .blocks = huge ? 4 : 2};
	m->block = malloc(sizeof was);
	m->name = calloc(1, sizeof *m->name);
	CU_ASSERT_FATAL(m->block && m->name);
	memcpy(m->block, was, m->blocks * sizeof *was);
	*m->name = (struct ckpt_name){.offset = huge ? 4 * MIB : 0, .name = "x"};
}

static void end(void)
{
	free(c.manifest.block);
	free(c.manifest.name);
}

/* What it says is a manifest, whose blocks cover its zones. */
static void check_whole(void)
{
	struct ckpt_manifest again;
	uint8_t *bytes;
	size_t len;

	CU_ASSERT_EQUAL_FATAL(ckpt_manifest_encode(&c.manifest, &bytes, &len), 0);
	CU_ASSERT_EQUAL(ckpt_manifest_decode(bytes, len, &again, &why), 0);
	ckpt_manifest_free(&again);
	free(bytes);
}

/* The address of a block, in a window whose second zone begins where this says. */
static uint64_t address(const struct ckpt_block *b, uint64_t window, uint64_t second)
{
	return window + (b->zone == CKPT_PMD ? second : 0) + b->offset;
}

/* Each block, and what is dirty of it, is where it was, and of that zone. */
static void check_blocks(enum ckpt_kind kind, uint64_t second)
{
	for (size_t i = 0, k = 0; i < 4; i++) {
		const uint64_t at = address(&was[i], WINDOW, 4 * MIB);
		const struct ckpt_block *b;

		while (k < c.manifest.blocks && address(&c.manifest.block[k], c.manifest.window, second) != at)
			k++;
		CU_ASSERT_FATAL(k < c.manifest.blocks);
		b = &c.manifest.block[k];
		CU_ASSERT_EQUAL(b->zone, kind);
		CU_ASSERT_EQUAL(b->bytes, was[i].bytes);
		CU_ASSERT_EQUAL(b->taken, was[i].taken);
		if (was[i].dirty_hi) {
			CU_ASSERT_EQUAL(b->dirty_lo - b->offset, was[i].dirty_lo - was[i].offset);
			CU_ASSERT_EQUAL(b->dirty_hi - b->offset, was[i].dirty_hi - was[i].offset);
		}
	}
}

static void test_small(void)
{
	begin(SMALL, HUGE);
	CU_ASSERT_EQUAL_FATAL(ckpt_recast(&c, CKPT_PTE, 0, &why), 0);
	CU_ASSERT_EQUAL(c.manifest.zone_bytes[CKPT_PTE], 10 * MIB);
	CU_ASSERT_EQUAL(c.manifest.zone_bytes[CKPT_PMD], 0);
	CU_ASSERT_EQUAL(c.manifest.window, WINDOW);
	CU_ASSERT_EQUAL(c.manifest.name->offset, 4 * MIB);
	CU_ASSERT_EQUAL(c.place[CKPT_PMD].kind, CKPT_PTE);
	CU_ASSERT_EQUAL(c.place[CKPT_PMD].offset, 4 * MIB);
	CU_ASSERT_EQUAL(c.place[CKPT_PMD].bytes, HUGE);
	check_whole();
	check_blocks(CKPT_PTE, 10 * MIB);
	end();
}

static void test_huge(void)
{
	begin(SMALL, HUGE);
	CU_ASSERT_EQUAL_FATAL(ckpt_recast(&c, CKPT_PMD, BEFORE, &why), 0);
	CU_ASSERT_EQUAL(c.manifest.zone_bytes[CKPT_PTE], BEFORE);
	CU_ASSERT_EQUAL(c.manifest.zone_bytes[CKPT_PMD], 10 * MIB);
	CU_ASSERT_EQUAL(c.manifest.window, WINDOW - BEFORE);
	CU_ASSERT_EQUAL(c.manifest.window + c.manifest.name->offset, WINDOW + 4 * MIB);
	CU_ASSERT_EQUAL(c.place[CKPT_PTE].kind, CKPT_PMD);
	CU_ASSERT_EQUAL(c.place[CKPT_PTE].offset, 0);
	CU_ASSERT_EQUAL(c.place[CKPT_PMD].offset, 4 * MIB);
	check_whole();
	check_blocks(CKPT_PMD, BEFORE);
	end();
}

/* What is of small pages only stays as it is; or is huge pages only, the last one in part. */
static void test_one_zone(void)
{
	begin(SMALL, 0);
	CU_ASSERT_EQUAL_FATAL(ckpt_recast(&c, CKPT_PTE, 0, &why), 0);
	CU_ASSERT_EQUAL(c.manifest.zone_bytes[CKPT_PTE], SMALL);
	CU_ASSERT_EQUAL(c.manifest.blocks, 2);
	check_whole();
	CU_ASSERT_EQUAL_FATAL(ckpt_recast(&c, CKPT_PMD, BEFORE, &why), 0);
	CU_ASSERT_EQUAL(c.manifest.zone_bytes[CKPT_PMD], 4 * MIB);
	check_whole();
	end();
}

static void test_refused(void)
{
	begin(SMALL, HUGE);
	CU_ASSERT_EQUAL(ckpt_recast(&c, CKPT_PMD, WINDOW, &why), -ERANGE);
	CU_ASSERT(strstr(why.text, "no place before them") != NULL);
	CU_ASSERT_EQUAL(c.manifest.blocks, 4);
	CU_ASSERT_EQUAL(c.manifest.window, WINDOW);
	CU_ASSERT_EQUAL(c.place[CKPT_PTE].kind, CKPT_PTE);
	end();
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{ "all in small pages", test_small },
		{ "all in huge pages", test_huge },
		{ "of one zone", test_one_zone },
		{ "no place", test_refused },
		CU_TEST_INFO_NULL,
	};

	return suite_run("checkpoint recast", NULL, NULL, tests, 60);
}
