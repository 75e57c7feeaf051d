/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec: every type there and back, every truncation, every bound, random bytes.
 * SEED=n repeats a run.
 */
#include "coherence/wire.h"
#include "tests/seed.h"
#include "tests/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct coh_config config = {
	.nodes = 5,
	.self = 1,
	.n_zones = 2,
	.zone = { { .count = 1000, .block_pages = 64 },
	          { .first = 1000, .count = 40, .block_pages = 1 } },
	.per_home = 4,
	.slots = 8,
	.locks = 16,
	.sync_slots = 4,
	.futex_slots = 4,
	.survive = 1,
};

static void rng_bytes(void *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)out)[i] = (uint8_t)rng();
}

static int is_sync(unsigned type)
{
	return type >= COH_MSG_LOCK && type <= COH_MSG_SYNC_RESP && type != COH_MSG_BARRIER_ARRIVE;
}

static int is_futex(unsigned type)
{
	return type >= COH_MSG_FUTEX_WAIT && type <= COH_MSG_FUTEX_WOKEN;
}

static uint8_t flags_of(unsigned type)
{
	switch (type) {
	case COH_MSG_GETM: return COH_F_UPGRADE;
	case COH_MSG_FWD_GETS: return COH_F_REFRESH;
	case COH_MSG_FWD_GETM: return COH_F_PULL;
	case COH_MSG_LOCK: return COH_F_TRY;
	case COH_MSG_GRANT: return COH_F_LOST;
	case COH_MSG_ATOMIC_RESP: return COH_F_LOST;
	case COH_MSG_SYNC_RESP: return COH_F_ORPHAN;
	case COH_MSG_REPORT:
		return COH_F_KEPT | COH_F_LAST | COH_F_RAN | COH_F_HOLDS | COH_F_BARRIER;
	default: return 0;
	}
}

static void fill_body(struct coh_msg *m)
{
	switch (m->type) {
	case COH_MSG_FWD_GETS: rng_bytes(&m->refresh, sizeof m->refresh); /* fallthrough */
	case COH_MSG_GETS:
	case COH_MSG_GETM:
	case COH_MSG_FWD_GETM: rng_bytes(&m->landing, sizeof m->landing); break;
	case COH_MSG_ATOMIC:
	case COH_MSG_FWD_ATOMIC:
		m->atomic = (struct coh_atomic){ .op = (uint8_t)(1 + rng() % 3),
			                         .width = rng() % 2 ? 4 : 8,
			                         .operand = rng(),
			                         .compare = rng() };
		m->atomic.offset = (uint32_t)(rng() % (COH_PAGE_MAX / 8) * 8);
		break;
	case COH_MSG_DISCARDED:
	case COH_MSG_DROP_ACK:
	case COH_MSG_REPORT:
	case COH_MSG_ATOMIC_RESP: m->result = rng(); break;
	case COH_MSG_SVC_REQ:
	case COH_MSG_SVC_RESP:
		m->svc.op = (uint8_t)rng();
		m->svc.status = (int32_t)rng();
		rng_bytes(m->svc.arg, sizeof m->svc.arg);
		memset(m->svc.name, 'x', rng() % COH_NAME_MAX);
		break;
	default:
		if (is_futex(m->type))
			m->futex = (struct coh_futex){ .offset = (uint32_t)(rng() % (COH_PAGE_MAX / 4) * 4),
				                       .value = (uint32_t)rng(),
				                       .left = (uint32_t)rng(),
				                       .slot = (uint16_t)(rng() % 4) };
		if (is_sync(m->type))
			m->sync = (struct coh_sync_args){ .object = (uint32_t)(rng() % 80),
				                          .mutex = (uint32_t)(rng() % 80),
				                          .thread = (uint32_t)rng(),
				                          .value = (int32_t)rng() };
	}
}

/* A well-formed message with every member that its type has set at random. */
static struct coh_msg make(unsigned type)
{
	struct coh_msg m;

	memset(&m, 0, sizeof m);
	m.type = (uint8_t)type;
	m.flags = rng() % 2 ? flags_of(type) : 0;
	m.slot = (uint16_t)rng();
	m.page = rng() % 1040;
	m.n = 1;
	if (type == COH_MSG_GETS || type == COH_MSG_DONE || type == COH_MSG_GRANT ||
	    type == COH_MSG_GETM || type == COH_MSG_DISCARD || type == COH_MSG_DISCARDED || type == COH_MSG_DROP)
		m.n = (uint16_t)(1 + rng() % (coh_block_end(&config, m.page) - m.page));
	if (type == COH_MSG_GRANT)
		m.access = rng() % 2 ? COH_READ : COH_WRITE;
	if (type == COH_MSG_REPORT)
		m.access = (uint8_t)(rng() % 3);
	if (rng() % 2) {
		m.view = (uint32_t)rng();
		m.serial = (uint32_t)rng();
	}
	if (type == COH_MSG_FWD_GETS || type == COH_MSG_FWD_GETM || type == COH_MSG_FWD_ATOMIC ||
	    type == COH_MSG_REPORT || (type == COH_MSG_INV && m.serial))
		m.requestor = (coh_node)(rng() % 5);
	fill_body(&m);
	return m;
}

static int decode(const uint8_t *bytes, size_t len, struct coh_msg *out)
{
	const char *why = NULL;
	uint8_t *exact = malloc(len ? len : 1); /* so that sanitizers see a byte too far */
	int rc;

	memcpy(exact, bytes, len);
	rc = coh_wire_decode(&config, exact, len, out, &why);
	free(exact);
	CU_ASSERT(rc == 0 || rc == -EBADMSG);
	CU_ASSERT((rc == 0) == (why == NULL));
	return rc;
}

/* What left as m arrives as m. Returns its length. */
static size_t there_and_back(const struct coh_msg *m, uint8_t *bytes)
{
	struct coh_msg back;
	size_t len;

	memset(bytes, 0xee, COH_WIRE_MAX);
	len = coh_wire_encode(m, bytes);
	CU_ASSERT_FATAL(len <= COH_WIRE_MAX);
	CU_ASSERT_EQUAL_FATAL(decode(bytes, len, &back), 0);
	CU_ASSERT_EQUAL_FATAL(memcmp(m, &back, sizeof back), 0);
	return len;
}

static void test_round_trip(void)
{
	uint8_t bytes[COH_WIRE_MAX];

	for (unsigned type = 1; type < COH_MSG_TYPES; type++)
		for (unsigned i = 0; i < 500; i++) {
			struct coh_msg m = make(type);
			there_and_back(&m, bytes);
		}
}

static void test_truncation(void)
{
	uint8_t bytes[COH_WIRE_MAX + 1];
	struct coh_msg out;

	for (unsigned type = 1; type < COH_MSG_TYPES; type++)
		for (unsigned i = 0; i < 20; i++) {
			struct coh_msg m = make(type);
			size_t len = there_and_back(&m, bytes);
			for (size_t k = 0; k < len; k++)
				CU_ASSERT_EQUAL(decode(bytes, k, &out), -EBADMSG);
			bytes[len] = 0;
			CU_ASSERT_EQUAL(decode(bytes, len + 1, &out), -EBADMSG);
		}
}

/* Whatever is accepted says the same when it is sent on. */
static void test_random_bytes(void)
{
	uint8_t bytes[COH_WIRE_MAX], again[COH_WIRE_MAX];
	struct coh_msg out;
	unsigned accepted = 0;

	for (unsigned i = 0; i < 300000; i++) {
		size_t len = rng() % (COH_WIRE_MAX + 1);
		rng_bytes(bytes, len);
		if (len && i % 2) { /* closer to something real: damage a good one */
			struct coh_msg m = make(1 + (unsigned)(rng() % (COH_MSG_TYPES - 1)));
			len = coh_wire_encode(&m, bytes);
			bytes[rng() % len] = (uint8_t)rng();
		}
		if (decode(bytes, len, &out))
			continue;
		accepted++;
		CU_ASSERT_EQUAL(coh_wire_encode(&out, again), len);
		CU_ASSERT_EQUAL(memcmp(bytes, again, len), 0);
	}
	CU_ASSERT(accepted > 1000);
}

/* m as it is encoded must be refused. */
static void refuse(const struct coh_msg *m)
{
	uint8_t bytes[COH_WIRE_MAX];
	struct coh_msg out;

	CU_ASSERT_EQUAL(decode(bytes, coh_wire_encode(m, bytes), &out), -EBADMSG);
}

#define REFUSE(kind, member, value)               \
	do {                                      \
		struct coh_msg bad_ = make(kind); \
		bad_.member = value;              \
		refuse(&bad_);                    \
	} while (0)

static void test_bounds_of_pages(void)
{
	struct coh_msg m = make(COH_MSG_GETS);
	uint8_t bytes[COH_WIRE_MAX];

	for (unsigned type = 1; type < COH_MSG_TYPES; type++)
		REFUSE(type, page, 1040);
	m.page = 1039; /* the last page; blocks of one */
	m.n = 1;
	there_and_back(&m, bytes);
	m.n = 2;
	refuse(&m);
	m.n = 0;
	refuse(&m);
	m.page = 64; /* a block and not a page more */
	m.n = 64;
	there_and_back(&m, bytes);
	m.page = 65;
	refuse(&m);
	m.page = 960; /* the last block of a zone is short */
	m.n = 40;
	there_and_back(&m, bytes);
	m.n = 41;
	refuse(&m);
}

static void test_bounds_of_members(void)
{
	struct coh_msg nothing = make(COH_MSG_GRANT);
	uint8_t bytes[COH_WIRE_MAX];

	nothing.access = COH_NONE;
	there_and_back(&nothing, bytes);
	REFUSE(COH_MSG_GRANT, access, 3);
	REFUSE(COH_MSG_FWD_GETS, requestor, 5);
	REFUSE(COH_MSG_FWD_GETM, requestor, COH_NO_NODE);
	REFUSE(COH_MSG_FWD_ATOMIC, requestor, 5);
	REFUSE(COH_MSG_ATOMIC, atomic.op, 0);
	REFUSE(COH_MSG_ATOMIC, atomic.op, 4);
	REFUSE(COH_MSG_FWD_ATOMIC, atomic.width, 2);
	REFUSE(COH_MSG_ATOMIC, atomic.offset, 2);
	REFUSE(COH_MSG_ATOMIC, atomic.offset, COH_PAGE_MAX);
	REFUSE(COH_MSG_FUTEX_WAIT, futex.offset, 2);
	REFUSE(COH_MSG_FWD_COMPARE, futex.offset, COH_PAGE_MAX);
	REFUSE(COH_MSG_FUTEX_CANCEL, futex.slot, 4);
	REFUSE(COH_MSG_LOCK, sync.object, 80); /* those of all nodes */
	REFUSE(COH_MSG_COND_WAIT, sync.mutex, 80);
	REFUSE(COH_MSG_GETS, flags, COH_F_UPGRADE);
	REFUSE(COH_MSG_FWD_GETM, flags, COH_F_RECALL); /* never leaves a node */
	REFUSE(COH_MSG_INV, flags, 1);
	REFUSE(COH_MSG_REPORT, access, 3);
	REFUSE(COH_MSG_REPORT, requestor, 5);
}

/* A job that ends with its first node sends neither view nor serial, and takes none. */
static void test_views(void)
{
	struct coh_msg m = make(COH_MSG_DONE), inv = make(COH_MSG_INV);
	uint8_t bytes[COH_WIRE_MAX];
	struct coh_msg out;
	size_t len;

	m.view = m.serial = 0;
	len = there_and_back(&m, bytes);
	bytes[1] |= 0x80; /* nothing follows, and then zeros */
	CU_ASSERT_EQUAL(decode(bytes, len, &out), -EBADMSG);
	memmove(bytes + 17, bytes + 9, len - 9);
	memset(bytes + 9, 0, 8);
	CU_ASSERT_EQUAL(decode(bytes, len + 8, &out), -EBADMSG);
	m.view = 1;
	CU_ASSERT_EQUAL(there_and_back(&m, bytes), len + 8);
	inv.serial = 7;
	inv.requestor = 5;
	refuse(&inv);
	config.survive = 0;
	CU_ASSERT_EQUAL(decode(bytes, coh_wire_encode(&m, bytes), &out), -EBADMSG);
	m.view = 0;
	CU_ASSERT_EQUAL(there_and_back(&m, bytes), len);
	m = (struct coh_msg){ .type = COH_MSG_LOCK, .n = 1, .sync.object = 15 };
	CU_ASSERT(there_and_back(&m, bytes) > 0);
	m.sync.object = 16; /* of one home */
	refuse(&m);
	config.survive = 1;
}

static void test_unknown_types(void)
{
	uint8_t bytes[COH_WIRE_MAX] = { 0 };
	struct coh_msg out;

	for (unsigned type = 0; type < 256; type++) {
		bytes[0] = (uint8_t)type;
		if (type == COH_MSG_NONE || type >= COH_MSG_TYPES)
			for (size_t len = 0; len <= COH_WIRE_MAX; len++)
				CU_ASSERT_EQUAL(decode(bytes, len, &out), -EBADMSG);
	}
}

static void test_tags(void)
{
	for (unsigned i = 0; i < 1000; i++) {
		struct coh_tag t = { .access = (uint8_t)(1 + rng() % 2),
			             .n = (uint16_t)(1 + rng() % COH_MAX_RUN),
			             .slot = (uint16_t)rng() };
		struct coh_tag back = coh_tag_decode(coh_tag_encode(t));
		CU_ASSERT(back.to_home == 0 && back.access == t.access && back.n == t.n &&
		          back.slot == t.slot);
		t = (struct coh_tag){ .to_home = 1, .home_index = (uint32_t)(rng() >> 33) };
		back = coh_tag_decode(coh_tag_encode(t));
		CU_ASSERT(back.to_home == 1 && back.home_index == t.home_index);
	}
}

static void test_names(void)
{
	for (unsigned type = 1; type < COH_MSG_TYPES; type++)
		CU_ASSERT_STRING_NOT_EQUAL(coh_msg_name(type), "?");
	CU_ASSERT_STRING_EQUAL(coh_msg_name(COH_MSG_TYPES), "?");
	CU_ASSERT_STRING_EQUAL(coh_msg_name(0), "?");
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "every type there and back", test_round_trip },
		{ "every truncation is refused", test_truncation },
		{ "random and damaged bytes", test_random_bytes },
		{ "pages and runs out of bounds", test_bounds_of_pages },
		{ "other members out of bounds", test_bounds_of_members },
		{ "views", test_views },
		{ "unknown types", test_unknown_types },
		{ "tags", test_tags },
		{ "names", test_names },
		CU_TEST_INFO_NULL,
	};

	seed_start((uint64_t)getpid() << 20);
	return suite_run("wire", NULL, NULL, tests, 60);
}
