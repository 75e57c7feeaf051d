/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance suite over the memory backend, with and without delays, and what is
 * special to it: a seed replays, pairs overtake each other, messages of a pair do not.
 */
#include <errno.h>
#include <string.h>

#include "tests/transport/conformance.h"
#include "tests/transport/parts.h"

#define REPLAY_STEPS 4000u
#define REPLAY_NODES 3

/* ------------------------------------------------------------------ delays -- */

static void test_delays(void)
{
	static const struct {
		const char *name;
		uint16_t nodes;
		world_fn fn;
	} parts[] = {
		{"delayed order", 4, part_order},
		{"delayed 4 KiB writes", 4, part_writes_4k},
		{"delayed 2 MiB writes", 3, part_writes_2m},
		{"delayed ping-pong", 2, part_sleep_pingpong},
		{"delayed crowd", 4, part_sleep_crowd},
		{"delayed, until written", 2, part_sleep_written},
		{"delayed death", 3, part_death},
	};
	struct world_config config;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		config = conformance_shape(parts[i].nodes);
		config.delay_max = 20;
		config.seed = 1 + i;
		conformance_run(&config, parts[i].name, parts[i].fn);
	}
}

/* ------------------------------------------------------------------ replay -- */

/* One thread plays all nodes. What they see goes into a running hash. */
struct replay {
	struct mem_fabric *fabric;
	struct tr *tr[REPLAY_NODES];
	struct tr_mem *mem[REPLAY_NODES];
	uint8_t page[REPLAY_NODES][64];
	uint64_t hash;
	unsigned messages, landed, written, overtaken, write_first;
	uint32_t sent, last_seen, number[REPLAY_NODES];
};

static int replay_open(struct replay *r, uint64_t seed, unsigned delay_max)
{
	const struct mem_fabric_config fabric = {REPLAY_NODES, seed, delay_max};
	struct tr_config config = {.nodes = REPLAY_NODES};
	uint8_t address[REPLAY_NODES][TR_ADDRESS_MAX];
	uint32_t len[REPLAY_NODES];
	uint16_t i;

	memset(r, 0, sizeof(*r));
	if (mem_fabric_create(&fabric, &r->fabric))
		return -1;
	config.fabric = r->fabric;
	for (i = 0; i < REPLAY_NODES; i++) {
		config.self = i;
		if (tr_mem_ops.open(&config, &r->tr[i]) ||
		    tr_mem_ops.mem_register(r->tr[i], r->page[i], sizeof(r->page[i]), &r->mem[i]))
			return -1;
		len[i] = (uint32_t)tr_mem_ops.address(r->tr[i], address[i]);
	}
	for (i = 0; i < REPLAY_NODES; i++)
		if (tr_mem_ops.connect(r->tr[i], address[0], TR_ADDRESS_MAX, len))
			return -1;
	return 0;
}

static void replay_close(struct replay *r)
{
	uint16_t i;

	for (i = 0; i < REPLAY_NODES; i++)
		tr_mem_ops.close(r->tr[i]);
	mem_fabric_destroy(r->fabric);
}

static void replay_note(struct replay *r, uint16_t self, const struct tr_event *event)
{
	uint32_t number = event->tag;

	if (event->kind == TR_EV_MSG) {
		memcpy(&number, event->data, sizeof(number));
		r->messages++;
		/* In order within the pair; not as sent between pairs. */
		CU_ASSERT(number > r->number[event->peer]);
		r->number[event->peer] = number;
		r->overtaken += number < r->last_seen;
		r->last_seen = number;
	} else if (event->kind == TR_EV_LANDED) {
		r->landed++;
		CU_ASSERT_EQUAL(r->page[self][0], (uint8_t)number);
		r->write_first += number > r->last_seen;
	} else {
		r->written++;
	}
	r->hash = (r->hash ^ (number + event->kind * 77u + self * 131u)) * 1099511628211u;
}

/* Nodes 0 and 1 send to node 2 by turns, and now and then write to it. */
static void replay_run(struct replay *r)
{
	uint8_t landing[TR_LANDING_SIZE];
	struct tr_event events[16];
	unsigned step;
	uint16_t from, i;
	int n, k;

	tr_mem_ops.landing(r->mem[2], r->page[2], landing);
	for (step = 0; step < REPLAY_STEPS || mem_fabric_in_flight(r->fabric); step++) {
		from = (uint16_t)(step % 2);
		if (step < REPLAY_STEPS) {
			r->sent++;
			CU_ASSERT_EQUAL(tr_mem_ops.send(r->tr[from], 2, &r->sent, sizeof(r->sent)), 0);
		}
		if (step < REPLAY_STEPS && r->landed == r->written && step % 40 == 0) {
			r->page[0][0] = (uint8_t)r->sent;
			CU_ASSERT_EQUAL(tr_mem_ops.write(r->tr[0], 2, r->mem[0], r->page[0], 64,
			                                 landing, r->sent, step), 0);
		}
		for (i = 0; i < REPLAY_NODES; i++) {
			n = tr_mem_ops.poll(r->tr[i], events, 16);
			CU_ASSERT_FATAL(n >= 0);
			for (k = 0; k < n; k++)
				replay_note(r, i, &events[k]);
		}
	}
}

static uint64_t replay(uint64_t seed, unsigned delay_max, struct replay *r)
{
	CU_ASSERT_EQUAL_FATAL(replay_open(r, seed, delay_max), 0);
	replay_run(r);
	CU_ASSERT_EQUAL(r->messages, REPLAY_STEPS);
	CU_ASSERT_EQUAL(r->landed, r->written);
	replay_close(r);
	return r->hash;
}

static void test_replay(void)
{
	static struct replay r;
	uint64_t hash = replay(42, 30, &r);

	CU_ASSERT(r.overtaken > 100);
	CU_ASSERT(r.landed > 10);
	CU_ASSERT(r.write_first > 0);
	CU_ASSERT_EQUAL(replay(42, 30, &r), hash);
	CU_ASSERT_NOT_EQUAL(replay(43, 30, &r), hash);
	replay(1, 0, &r);
	CU_ASSERT_EQUAL(r.overtaken, 0);
}

/* ------------------------------------------------------------------ errors -- */

static void test_released(void)
{
	static struct replay r;
	uint8_t landing[TR_LANDING_SIZE];
	struct tr_event events[4];
	int n, tries = 0;

	CU_ASSERT_EQUAL_FATAL(replay_open(&r, 7, 0), 0);
	tr_mem_ops.landing(r.mem[1], r.page[1], landing);
	tr_mem_ops.mem_release(r.mem[1]);
	CU_ASSERT_EQUAL(tr_mem_ops.write(r.tr[0], 1, r.mem[0], r.page[0], 64, landing, 1, 1), 0);
	do {
		CU_ASSERT_EQUAL(tr_mem_ops.poll(r.tr[1], events, 4), 0);
		n = tr_mem_ops.poll(r.tr[0], events, 4);
	} while (n == 0 && ++tries < 10);
	CU_ASSERT_EQUAL_FATAL(n, 1);
	CU_ASSERT_EQUAL(events[0].kind, TR_EV_ERROR);
	CU_ASSERT_EQUAL(events[0].peer, 1);
	CU_ASSERT_EQUAL(tr_mem_ops.pending(r.tr[0]), 0);
	replay_close(&r);
}

static void test_killed(void)
{
	static struct replay r;
	struct tr_event events[4];

	CU_ASSERT_EQUAL_FATAL(replay_open(&r, 7, 5), 0);
	CU_ASSERT_EQUAL(tr_mem_ops.send(r.tr[0], 1, "x", 1), 0);
	CU_ASSERT_EQUAL(tr_mem_ops.send(r.tr[2], 0, "x", 1), 0);
	mem_fabric_kill(r.fabric, 0);
	CU_ASSERT_EQUAL(mem_fabric_in_flight(r.fabric), 0);
	CU_ASSERT_EQUAL(tr_mem_ops.send(r.tr[0], 1, "x", 1), -ENOTCONN);
	CU_ASSERT_EQUAL(tr_mem_ops.poll(r.tr[0], events, 4), -ENOTCONN);
	CU_ASSERT_EQUAL(tr_mem_ops.send(r.tr[1], 0, "x", 1), -ENOTCONN);
	CU_ASSERT_EQUAL(tr_mem_ops.wait_arm(r.tr[1]), 1);
	CU_ASSERT_EQUAL_FATAL(tr_mem_ops.poll(r.tr[1], events, 4), 1);
	CU_ASSERT_EQUAL(events[0].kind, TR_EV_ERROR);
	CU_ASSERT_EQUAL(events[0].peer, 0);
	CU_ASSERT_EQUAL(tr_mem_ops.wait_arm(r.tr[1]), 0);
	replay_close(&r);
}

static CU_TestInfo mem_tests[] = {
	{"everything delayed", test_delays},
	{"a seed replays", test_replay},
	{"write to released memory", test_released},
	{"a killed node", test_killed},
	CU_TEST_INFO_NULL,
};

int main(void)
{
	static const struct world_config base = {.ops = &tr_mem_ops, .provider = "mem"};

	return conformance_main(&base, mem_tests);
}
