/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of a checkpoint: of any bytes nothing is believed that has not its hash; of those that have,
 * by whoever wrote them, only what fits together, and it is written as it was read. The first byte
 * says which file, and whether it gets the right hash; or that it is a run which is packed: whatever
 * that says, nothing is written behind the page. With ONLY, which is one of these numbers, or 0 for a
 * manifest, all is taken for that.
 */
#include <errno.h>
#include <string.h>

#include "dsm/checkpoint/checkpoint.h"
#include "dsm/checkpoint/pack.h"
#include "tests/fuzz/fuzz.h"

enum { SEALED = 1, INDEX = 2, PACKED = 4 };

#define PAGE 4096
#define ZONE_BYTES (UINT64_C(64) << 20)

static const uint64_t page_bytes[CKPT_ZONES] = {4096, 2 << 20};

static void same(const uint8_t *bytes, size_t size, uint8_t *again, size_t len, int rc)
{
	FUZZ_CHECK(rc == 0, "rc %d", rc);
	FUZZ_CHECK(len == size && !memcmp(bytes, again, len), "it is written in another way");
	free(again);
}

static int take_manifest(const uint8_t *bytes, size_t size, struct ckpt_why *why)
{
	struct ckpt_manifest m;
	uint8_t *again = NULL;
	size_t len = 0;
	int rc = ckpt_manifest_decode(bytes, size, &m, why);

	if (rc)
		return rc;
	FUZZ_CHECK(m.nodes && m.nodes <= CKPT_NODES_MAX, "%u nodes", m.nodes);
	for (uint64_t i = 0; i < m.blocks; i++)
		FUZZ_CHECK(m.block[i].zone < CKPT_ZONES &&
		                   m.block[i].offset + m.block[i].bytes <=
		                           m.zone_bytes[m.block[i].zone], "a block outside");
	for (uint64_t i = 0; i < m.names; i++)
		FUZZ_CHECK(strnlen(m.name[i].name, CKPT_NAME_MAX) < CKPT_NAME_MAX, "a name too long");
	FUZZ_CHECK(m.layers < CKPT_LAYERS_MAX, "%llu layers", (unsigned long long)m.layers);
	for (uint64_t i = 0; i < m.layers; i++)
		FUZZ_CHECK(m.under[i].generation < (i + 1 < m.layers ? m.under[i + 1].generation
		                                                      : m.generation), "layers in no order");
	rc = ckpt_manifest_encode(&m, &again, &len);
	same(bytes, size, again, len, rc);
	ckpt_manifest_free(&m);
	return 0;
}

static int take_index(const uint8_t *bytes, size_t size, struct ckpt_why *why)
{
	const struct ckpt_manifest m = {
		.id = "fuzz", .nodes = 2, .handle_homes = 2, .zone_bytes = {ZONE_BYTES, ZONE_BYTES}};
	struct ckpt_index index;
	uint8_t *again = NULL;
	uint64_t sum = 0, next = 0;
	size_t len = 0;
	int rc = ckpt_index_decode(&m, 1, bytes, size, &index, why);

	if (rc)
		return rc;
	for (uint64_t i = 0; i < index.runs; i++) {
		const uint64_t n = ckpt_run_bytes(&index.run[i]);

		FUZZ_CHECK(n && n <= CKPT_RUN_MAX, "a run of %llu bytes", (unsigned long long)n);
		FUZZ_CHECK(ckpt_run_stored(&index.run[i]) <= n, "a run that is longer, packed");
		sum += ckpt_run_stored(&index.run[i]);
		if (index.run[i].kind < CKPT_ZONES)
			FUZZ_CHECK(index.run[i].first + index.run[i].count <=
			                   ZONE_BYTES / page_bytes[index.run[i].kind], "a run outside");
	}
	for (uint64_t i = 0; i < index.gones; i++) {
		const struct ckpt_gone *gone = &index.gone[i];

		FUZZ_CHECK(gone->kind < CKPT_ZONES && gone->count &&
		                   gone->first + gone->count <= ZONE_BYTES / page_bytes[gone->kind],
		           "pages that are gone outside");
		FUZZ_CHECK(gone->kind || gone->first >= next, "pages that are gone twice");
		next = gone->first + gone->count;
	}
	FUZZ_CHECK(sum == index.data_bytes, "runs that do not add up");
	if (index.sums == CKPT_XXH3) { /* as it is written today */
		rc = ckpt_index_encode(&index, &again, &len);
		same(bytes, size, again, len, rc);
	}
	ckpt_index_free(&index);
	return 0;
}

/* A page of it, in memory that ends where the page does; and what it is itself comes back. */
static void take_packed(const uint8_t *bytes, size_t size)
{
	static struct pack *pack;
	uint8_t *page = malloc(PAGE), *again = malloc(size + 1);
	const uint8_t *packed;
	size_t n;
	int rc;

	FUZZ_CHECK(page && again, "no memory");
	rc = unpack_run(bytes, size, page, PAGE);
	FUZZ_CHECK(rc == 0 || rc == -EBADMSG || rc == (ckpt_can_pack() ? -ENOMEM : -ENOTSUP), "rc %d", rc);
	if (!pack)
		pack = pack_open();
	n = pack && size ? pack_run(pack, bytes, size, &packed) : 0;
	FUZZ_CHECK(n < size || n == 0, "%zu bytes are packed to %zu", size, n);
	if (n)
		FUZZ_CHECK(unpack_run(packed, n, again, size) == 0 && !memcmp(bytes, again, size),
		           "another comes back");
	free(page);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ckpt_why why = {""};
	uint8_t *bytes;
	int kind, rc;

	if (size < 1)
		return 0;
	kind = *data++;
#ifdef ONLY
	kind = (kind & SEALED) | ONLY;
#endif
	size--;
	bytes = malloc(size + 1);
	FUZZ_CHECK(bytes, "no memory");
	memcpy(bytes, data, size);
	if (kind & SEALED && size >= CKPT_HASH_BYTES)
		ckpt_hash(bytes, size - CKPT_HASH_BYTES, bytes + size - CKPT_HASH_BYTES);
	if (kind & PACKED) {
		take_packed(bytes, size);
		free(bytes);
		return 0;
	}
	rc = kind & INDEX ? take_index(bytes, size, &why) : take_manifest(bytes, size, &why);
	FUZZ_CHECK(rc == 0 || rc == -EBADMSG || rc == -ENOTSUP || rc == -ENOMEM, "rc %d", rc);
	FUZZ_CHECK(!rc == !*why.text, "a refusal without a word, or a word without one");
	free(bytes);
	return 0;
}
