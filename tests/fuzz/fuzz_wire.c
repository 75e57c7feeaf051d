/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The message decoder: any bytes are either refused, or are the one encoding of a
 * message whose members are all in range. The first byte chooses the configuration.
 */
#include <errno.h>
#include <string.h>

#include "coherence/wire.h"
#include "tests/fuzz/fuzz.h"

static const struct coh_config configs[] = {
	{ .nodes = 2, .n_zones = 1, .zone = { { 0, 8, 2 } }, .locks = 4, .futex_slots = 3 },
	{ .nodes = 64, .n_zones = 2, .zone = { { 0, 4096, 64 }, { 4096, 16, 1 } }, .locks = 256 },
	{ .nodes = 1024, .n_zones = 1, .zone = { { 0, UINT64_C(1) << 38, 64 } }, .locks = 0 },
	{ .nodes = 5, .n_zones = 1, .zone = { { 0, 8, 2 } }, .locks = 4, .futex_slots = 3, .survive = 1 },
};

static void check_ranges(const struct coh_config *c, const struct coh_msg *m)
{
	uint64_t pages = 0;

	for (unsigned z = 0; z < c->n_zones; z++)
		pages += c->zone[z].count;
	FUZZ_CHECK(m->type > COH_MSG_NONE && m->type < COH_MSG_TYPES, "type %u", m->type);
	FUZZ_CHECK(m->page < pages, "page %llu", (unsigned long long)m->page);
	FUZZ_CHECK(m->n >= 1 && m->n <= COH_MAX_RUN, "run of %u", m->n);
	FUZZ_CHECK(m->page + m->n <= coh_block_end(c, m->page), "a run beyond its block");
	FUZZ_CHECK(m->requestor < c->nodes, "requestor %u", m->requestor);
	FUZZ_CHECK(m->access <= COH_WRITE, "access %u", m->access);
	switch (m->type) {
	case COH_MSG_ATOMIC:
	case COH_MSG_FWD_ATOMIC:
		FUZZ_CHECK((m->atomic.width == 4 || m->atomic.width == 8) &&
		                   m->atomic.offset % m->atomic.width == 0 &&
		                   m->atomic.offset < COH_PAGE_MAX,
		           "atomic");
		break;
	case COH_MSG_FUTEX_WAIT:
	case COH_MSG_FUTEX_WAKE:
	case COH_MSG_FUTEX_CANCEL:
	case COH_MSG_COMPARED:
	case COH_MSG_FWD_COMPARE:
	case COH_MSG_FUTEX_RESP:
	case COH_MSG_FUTEX_WOKEN:
		FUZZ_CHECK(!(m->futex.offset & 2) && m->futex.offset < COH_PAGE_MAX &&
		                   m->futex.slot <= c->futex_slots,
		           "a word");
		break;
	case COH_MSG_SVC_REQ:
	case COH_MSG_SVC_RESP:
		FUZZ_CHECK(memchr(m->svc.name, 0, COH_NAME_MAX), "a name without end");
		break;
	default: break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[COH_WIRE_MAX], copy[COH_WIRE_MAX];
	const struct coh_config *config;
	const char *why = NULL;
	struct coh_msg m;
	int rc;

	if (size < 1)
		return 0;
	config = &configs[data[0] % (sizeof configs / sizeof *configs)];
	data++;
	size--;
	rc = coh_wire_decode(config, data, size, &m, &why);
	FUZZ_CHECK(rc == 0 || (rc == -EBADMSG && why && *why), "rc %d without a reason", rc);
	if (rc)
		return 0;
	check_ranges(config, &m);
	FUZZ_CHECK(size <= COH_WIRE_MAX, "%zu bytes accepted", size);
	FUZZ_CHECK(coh_wire_encode(&m, again) == size && memcmp(again, data, size) == 0,
	           "%s has two encodings", coh_msg_name(m.type));
	/* Not a byte less, nor one more. */
	memcpy(copy, data, size);
	FUZZ_CHECK(coh_wire_decode(config, copy, size - 1, &m, &why) == -EBADMSG, "cut short");
	if (size < COH_WIRE_MAX) {
		copy[size] = 0;
		FUZZ_CHECK(coh_wire_decode(config, copy, size + 1, &m, &why) == -EBADMSG,
		           "too long");
	}
	return 0;
}
