/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One core of a job that survives deaths, against peers that send whatever is well formed, while its
 * own threads call and views begin. Nothing is known of what they say, so all that must hold is what
 * is true of a core by itself: no assertion, no report of a sanitizer, no step that overflows its
 * effects; coh_invariant(); a refused event leaves no trace; a view can always begin, and every call of
 * its own that a view ends is answered once.
 */
#include <errno.h>
#include <string.h>

#include "coherence/state.h"
#include "coherence/wire.h"
#include "tests/fuzz/fuzz.h"

#define NODES 4
#define SELF 1
#define PAGES 8
#define LOCKS 3
#define THREADS 4 /* of this node, each with a call at most */
#define STATE_MAX 65536
#define EFFECTS_MAX 4096

static union {
	char bytes[STATE_MAX];
	uint64_t align;
} state, before;
static struct coh_effect effects[EFFECTS_MAX];
static struct coh_msg self_queue[COH_SELF_MAX];
static struct coh_effects fx = { .list = effects, .self_queue = self_queue };
static struct coh *core;
static uint8_t calls[THREADS + 1]; /* by cookie */

struct input {
	const uint8_t *at, *end;
};

static uint8_t byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static void open_core(unsigned form)
{
	struct coh_config config = {
		.nodes = NODES,
		.self = SELF,
		.n_zones = 1,
		.zone = { { 0, PAGES, 2 } },
		.per_home = 2,
		.slots = 3,
		.refreshes = form & 1,
		.holds = form & 2,
		.locks = LOCKS,
		.sync_slots = 3,
		.futex_slots = 2,
		.overtakes = form >> 2 & 1,
		.survive = 1,
		.secure_first = 2,
		.secure_pages = form & 8 ? 4 : 0,
	};

	FUZZ_CHECK(coh_config_check(&config) == 0, "configuration");
	FUZZ_CHECK(coh_size(&config) <= STATE_MAX, "%zu bytes", coh_size(&config));
	FUZZ_CHECK(coh_effects_max(&config) <= EFFECTS_MAX, "%u effects", coh_effects_max(&config));
	memset(&state, 0, sizeof state);
	memset(calls, 0, sizeof calls);
	core = coh_init(&state, &config);
	fx.cap = coh_effects_max(&config);
}

/* --- steps --- */

static int step(const struct coh_event *ev);

static void complete(uint64_t cookie)
{
	FUZZ_CHECK(cookie && cookie <= THREADS && calls[cookie], "an answer to call %llu",
	           (unsigned long long)cookie);
	calls[cookie] = 0;
}

static void carry_out(void)
{
	struct coh_event told[COH_MAX_RUN];
	unsigned n = 0;

	for (uint32_t i = 0; i < fx.len; i++) {
		const struct coh_effect *e = &fx.list[i];
		FUZZ_CHECK(e->page < PAGES, "an effect on page %llu", (unsigned long long)e->page);
		if (e->kind == COH_FX_COMPLETE || (e->kind == COH_FX_ATOMIC && e->node == SELF))
			complete(e->cookie);
		if (e->kind == COH_FX_SEND)
			FUZZ_CHECK(e->node < NODES && e->node != SELF && e->msg.view == coh_view(core),
			           "a message to node %u, of view %u", e->node, e->msg.view);
		if (e->kind == COH_FX_COMPARE && e->node == SELF && n < COH_MAX_RUN)
			told[n++] = (struct coh_event){ .kind = COH_EV_COMPARED,
				                        .page = e->page,
				                        .view = coh_view(core),
				                        .futex.value = e->futex.value & 1 };
	}
	for (unsigned i = 0; i < n; i++)
		step(&told[i]);
}

static int step(const struct coh_event *ev)
{
	const char *wrong;
	int rc;

	memcpy(&before, core, core->size);
	rc = coh_step(core, ev, &fx);
	if (rc) {
		FUZZ_CHECK(memcmp(&before, core, core->size) == 0, "a refused event (%d) has changed it", rc);
		FUZZ_CHECK(fx.len == 0, "a refused event (%d) has effects", rc);
		return rc;
	}
	wrong = coh_invariant(core);
	FUZZ_CHECK(!wrong, "after event %u: %s", ev->kind, wrong);
	carry_out();
	return 0;
}

/* --- what this node's threads do --- */

static void call(uint8_t what, uint8_t arg)
{
	static const uint8_t kind[] = { COH_EV_ATOMIC, COH_EV_DISCARD, COH_EV_FUTEX_WAIT,
		                        COH_EV_FUTEX_WAKE, COH_EV_LOCK, COH_EV_COND_WAIT,
		                        COH_EV_COND_CREATE, COH_EV_SYNC_DESTROY, COH_EV_BARRIER,
		                        COH_EV_RENEW, COH_EV_SECURE };
	uint8_t thread = arg % THREADS;
	struct coh_event ev = { .kind = kind[what % sizeof kind], .page = arg % PAGES, .n = 1 + (arg >> 6),
		                .home = arg >> 2 & 3, .cookie = thread + 1u };

	if (calls[thread + 1])
		return;
	if (ev.page + ev.n > PAGES)
		ev.n = 1;
	ev.flags = ev.kind == COH_EV_LOCK && arg & 0x80 ? COH_F_TRY : 0;
	ev.atomic = (struct coh_atomic){ .op = COH_OP_FETCH_ADD, .width = 8 };
	ev.futex = (struct coh_futex){ .offset = arg & COH_FUTEX_OWN, .value = arg >> 4 };
	ev.sync = (struct coh_sync_args){ .object = arg >> 4 & 1, .thread = thread };
	if (ev.kind == COH_EV_COND_WAIT)
		ev.sync.object = 1;
	if (ev.kind == COH_EV_SYNC_DESTROY)
		ev.sync.value = 1 + ev.sync.object;
	calls[thread + 1] = 1;
	if (step(&ev))
		calls[thread + 1] = 0;
}

static void act(uint8_t what, uint8_t arg)
{
	static const uint8_t kind[] = { COH_EV_READ, COH_EV_WRITE, COH_EV_PREFETCH, COH_EV_EVICT,
		                        COH_EV_UNLOCK, COH_EV_COND_SIGNAL, COH_EV_MUTEX_CREATE,
		                        COH_EV_FUTEX_CANCEL, COH_EV_RECOVER };
	struct coh_event ev = { .kind = kind[what % sizeof kind], .page = arg % PAGES,
		                .n = 1 + (arg >> 6), .home = arg >> 2 & 3, .cookie = arg % THREADS + 1u };

	ev.sync = (struct coh_sync_args){ .object = ev.kind == COH_EV_COND_SIGNAL, .thread = arg % THREADS };
	step(&ev);
}

/* --- what the others say --- */

static void say(struct input *in)
{
	struct coh_event ev = { .kind = COH_EV_MSG };
	struct coh_msg m = { .type = 1 + byte(in) % (COH_MSG_TYPES - 1), .n = 1 };
	uint8_t a = byte(in), b = byte(in), buf[COH_WIRE_MAX];
	const char *why;

	ev.from = a % NODES;
	m.flags = b & 0x1f;
	m.page = a >> 2 & 7;
	m.slot = b % 3;
	m.access = b >> 5 & 3;
	m.requestor = a >> 5 & 3;
	m.view = coh_view(core) - (a & 0x80 && coh_view(core));
	m.serial = 1 + (b & 7);
	switch (m.type) {
	case COH_MSG_ATOMIC:
	case COH_MSG_FWD_ATOMIC:
		m.atomic = (struct coh_atomic){ .op = COH_OP_SWAP, .width = 8, .offset = 8 * b };
		break;
	case COH_MSG_REPORT:
		m.result = m.flags & COH_F_HOLDS ? (uint64_t)(a >> 2) << 32 | (b & 1) : byte(in) & 15;
		break;
	case COH_MSG_DROP_ACK:
	case COH_MSG_DISCARDED:
	case COH_MSG_RESTORED:
	case COH_MSG_SEAL:
	case COH_MSG_ATOMIC_RESP: m.result = b; break;
	case COH_MSG_FUTEX_WAIT:
	case COH_MSG_FUTEX_WAKE:
	case COH_MSG_FUTEX_CANCEL:
	case COH_MSG_COMPARED:
	case COH_MSG_FWD_COMPARE:
	case COH_MSG_FUTEX_RESP:
	case COH_MSG_FUTEX_WOKEN:
		m.futex = (struct coh_futex){ .offset = a & 1, .value = b >> 3 & 3, .slot = b & 1 };
		break;
	default:
		if (m.type >= COH_MSG_LOCK && m.type <= COH_MSG_SYNC_RESP)
			m.sync = (struct coh_sync_args){ .object = (a >> 2) % (NODES * LOCKS),
				                         .mutex = (a >> 4) % (NODES * LOCKS),
				                         .thread = b & 1,
				                         .value = (b >> 1 & 3) - 1 };
	}
	if (coh_wire_decode(&core->cfg, buf, coh_wire_encode(&m, buf), &ev.msg, &why) == 0)
		step(&ev);
}

static void tell_of_write(struct input *in)
{
	uint8_t a = byte(in), b = byte(in);
	struct coh_tag tag = { .to_home = a & 1, .access = a >> 1 & 3, .n = a >> 3 & 3,
		               .slot = b % 3, .home_index = b % (2 * PAGES) };
	struct coh_event ev = { .kind = COH_EV_LANDED, .tag = coh_tag_encode(tag) };

	step(&ev);
}

static void last_reports(void)
{
	for (coh_node i = 0; i < NODES; i++) {
		struct coh_event ev = { .kind = COH_EV_MSG, .from = i };
		ev.msg = (struct coh_msg){ .type = COH_MSG_REPORT, .flags = COH_F_LAST, .n = 1,
			                   .view = coh_view(core) };
		if (i != SELF)
			step(&ev);
	}
}

static void begin_view(uint8_t arg)
{
	struct coh_event ev = { .kind = COH_EV_VIEW, .view = coh_view(core) + 1 };
	struct coh_event fenced = { .kind = COH_EV_FENCED }, more = { .kind = COH_EV_RECOVER };

	ev.members = core->view.members & ((arg & 15u) | 1u << SELF);
	FUZZ_CHECK(step(&ev) == 0 && step(&fenced) == 0, "a view cannot begin");
	while (coh_has_more(core) && !(arg & 0x20))
		step(&more);
	for (unsigned i = 0; i < core->cfg.futex_slots; i++)
		FUZZ_CHECK(dozer_at(core, i)->state == DOZE_FREE, "a wait outlives its view");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	open_core(byte(&in));
	while (in.at < in.end) {
		uint8_t what = byte(&in);
		switch (what % 8) {
		case 0: call(what >> 3, byte(&in)); break;
		case 1: act(what >> 3, byte(&in)); break;
		case 2: tell_of_write(&in); break;
		case 3:
			if (what > 0xe0)
				begin_view(byte(&in));
			else if (what > 0xc0)
				last_reports();
			else
				say(&in);
			break;
		default: say(&in);
		}
	}
	return 0;
}
