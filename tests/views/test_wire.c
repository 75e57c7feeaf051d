/* SPDX-License-Identifier: BSD-2-Clause */
/* The codec of views: what was said is what is heard, and nothing else is believed. */
#include <errno.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "dsm/views/wire.h"
#include "tests/seed.h"
#include "tests/suite.h"

static struct vset any_set(unsigned nodes)
{
	struct vset s = { { 0 } };

	for (unsigned i = 0; i < nodes; i++)
		if (rng() % 2)
			vset_add(&s, i);
	return s;
}

static struct pulse_msg any_msg(unsigned nodes)
{
	struct pulse_msg m = { .msg = { .type = 1 + rng() % (VIEWS_TYPES - 1),
		                        .from = (uint16_t)(rng() % nodes),
		                        .incarnation = (uint32_t)rng(), .view = 1 + rng() % 9 } };
	unsigned type = m.msg.type;

	if (type != VIEWS_VIEW)
		m.msg.ballot = 1 + rng() % 100000;
	if (type == VIEWS_BEAT || type == VIEWS_TELL)
		m.msg.accepted = (uint32_t)rng();
	if (type == VIEWS_PROPOSE)
		m.msg.accepted = rng() % 2;
	if (type == VIEWS_TELL || type == VIEWS_PROPOSE || type == VIEWS_VIEW)
		m.msg.set = any_set(nodes);
	if (type == VIEWS_BEAT || type == VIEWS_TELL)
		m.msg.accused = any_set(nodes);
	if (type == VIEWS_BEAT) {
		m.stamp = rng();
		m.echo = rng();
	}
	return m;
}

static int is_same(const struct pulse_msg *a, const struct pulse_msg *b)
{
	return a->msg.type == b->msg.type && a->msg.from == b->msg.from &&
	       a->msg.incarnation == b->msg.incarnation && a->msg.view == b->msg.view &&
	       a->msg.ballot == b->msg.ballot && a->msg.accepted == b->msg.accepted &&
	       vset_equal(&a->msg.set, &b->msg.set) &&
	       vset_equal(&a->msg.accused, &b->msg.accused) && a->stamp == b->stamp &&
	       a->echo == b->echo;
}

static unsigned any_nodes(void)
{
	return rng() % 3 ? 1 + (unsigned)(rng() % 20) : 1 + (unsigned)(rng() % VIEWS_NODES_MAX);
}

static void test_there_and_back(void)
{
	uint8_t bytes[VIEWS_WIRE_MAX];
	struct pulse_msg in, out;

	for (int i = 0; i < 20000; i++) {
		unsigned nodes = any_nodes();
		size_t len;

		in = any_msg(nodes);
		len = views_encode(&in, nodes, bytes);
		CU_ASSERT_EQUAL_FATAL(views_decode(bytes, len, nodes, &out), 0);
		CU_ASSERT_FATAL(is_same(&in, &out));
		/* Shorter, longer, or of a job of another size. */
		CU_ASSERT_EQUAL(views_decode(bytes, len - 1, nodes, &out), -EPROTO);
		CU_ASSERT_EQUAL(views_decode(bytes, len + 1, nodes, &out), -EPROTO);
		CU_ASSERT_EQUAL(views_decode(bytes, len, nodes + 1, &out), -EPROTO);
	}
}

/* Whatever is believed of bytes at random has but one form: these. */
static void test_nonsense(void)
{
	uint8_t bytes[VIEWS_WIRE_MAX], again[VIEWS_WIRE_MAX];
	struct pulse_msg m;
	int believed = 0;

	for (int i = 0; i < 200000; i++) {
		unsigned nodes = any_nodes();
		size_t len;

		m = any_msg(nodes);
		len = views_encode(&m, nodes, bytes);
		for (int n = 1 + (int)(rng() % 3); n; n--)
			bytes[rng() % len] = rng() % 2 ? (uint8_t)rng() : (uint8_t)(rng() % 8);
		if (views_decode(bytes, len, nodes, &m))
			continue;
		believed++;
		CU_ASSERT_FATAL(m.msg.from < nodes && m.msg.type < VIEWS_TYPES);
		CU_ASSERT_EQUAL_FATAL(views_encode(&m, nodes, again), len);
		CU_ASSERT_EQUAL_FATAL(memcmp(bytes, again, len), 0);
	}
	CU_ASSERT(believed > 1000);
}

/* A node believes any of these, true or not, and stays what it is. */
static void test_lies(void)
{
	static union {
		uint64_t align;
		uint8_t bytes[1 << 16];
	} u;
	static struct pulse_fx list[PULSE_FX_MAX(8)];
	struct pulse *p = (void *)u.bytes;

	CU_ASSERT_FATAL(pulse_size(8) <= sizeof u.bytes);
	for (int round = 0; round < 300; round++) {
		struct pulse_config config = { .views = { .nodes = 8, .self = (unsigned)(rng() % 8),
			                                  .rule = rng() % 2 ? VIEWS_MAJORITY
			                                                    : VIEWS_STARTER },
			                       .loss_ms = 1000 };
		uint64_t now = 1000000;

		pulse_init(p, &config, now);
		for (int i = 0; i < 300; i++) {
			struct pulse_effects fx = { .cap = PULSE_FX_MAX(8), .list = list };
			struct pulse_msg m = any_msg(8);
			struct pulse_event ev = { .kind = rng() % 8 ? PULSE_EV_MSG : PULSE_EV_TIME,
				                  .msg = &m };

			m.msg.incarnation = 0;
			m.msg.view = views_number(pulse_views(p)) + (rng() % 40 == 0);
			m.msg.ballot = m.msg.ballot ? 1 + rng() % 6000 : 0;
			m.echo = rng() % 2 ? now - rng() % 2000 : rng();
			now += rng() % 100;
			pulse_step(p, now, &ev, &fx);
			CU_ASSERT_FATAL(views_has_ended(pulse_views(p)) ||
			                vset_has(views_members(pulse_views(p)), config.views.self));
		}
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "there and back", test_there_and_back },
		{ "nonsense is not believed", test_nonsense },
		{ "lies break nothing", test_lies },
		CU_TEST_INFO_NULL,
	};

	seed_start(1);
	return suite_run("views' wire", NULL, NULL, tests, 30);
}
