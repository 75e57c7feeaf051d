/* SPDX-License-Identifier: BSD-2-Clause */
/* The honest part of a cluster with a liar: effects carried out, invariants checked. */
#include "tests/fuzz/world.h"

#include <errno.h>
#include <string.h>

#include "coherence/sharers.h"

static union {
	char bytes[STATE_MAX];
	uint64_t align;
} states[NODES], before;
#define EFFECTS_MAX 1024
static struct coh_effect effects[EFFECTS_MAX];
static struct coh_msg self_queue[COH_SELF_MAX];
static struct coh_effects fx = { .list = effects, .self_queue = self_queue };

/* --- setting up --- */

static struct coh_config config_of(coh_node self, unsigned form)
{
	struct coh_config c = {
		.nodes = NODES,
		.self = self,
		.n_zones = 1,
		.zone = { { 0, PAGES, 2 } },
		.per_home = 2,
		.slots = SLOTS,
		.refreshes = 1 + (form & 1),
		.holds = form & 2 ? HOLDS : 0,
		.locks = LOCKS,
		.sync_slots = 2,
		.futex_slots = 2,
		.migratory = form & 1 ? 2 : 0,
	};

	if (form & 4) {
		c.sharer_pointers = 1;
		c.sharer_group = 2;
		c.sharer_maps = form & 8 ? 1 : 0;
	}
	return c;
}

static void make_locks(struct world *w, coh_node node)
{
	struct coh_event mutex = { .kind = COH_EV_MUTEX_CREATE, .home = node };
	struct coh_event cond = { .kind = COH_EV_COND_CREATE, .home = node };

	world_step(w, node, &mutex, 0);
	world_step(w, node, &cond, 0);
}

void world_init(struct world *w, coh_node liar, unsigned form)
{
	memset(w, 0, sizeof *w);
	w->liar = liar;
	for (uint64_t p = 0; p < PAGES; p++)
		w->tainted[p] = home_of(p) == liar;
	for (coh_node i = 0; i < NODES; i++) {
		struct coh_config config = config_of(i, form);
		FUZZ_CHECK(coh_config_check(&config) == 0, "configuration");
		FUZZ_CHECK(coh_size(&config) <= STATE_MAX, "%zu bytes", coh_size(&config));
		FUZZ_CHECK(coh_effects_max(&config) <= EFFECTS_MAX, "%u effects",
		           coh_effects_max(&config));
		memset(&states[i], 0, coh_size(&config));
		w->core[i] = coh_init(&states[i], &config);
		fx.cap = coh_effects_max(&config);
	}
	for (coh_node i = 0; i < NODES; i++)
		if (i != liar)
			make_locks(w, i);
}

/* --- landings --- */

struct landing {
	uint32_t node, page, number, n;
};

static struct coh_landing landing_give(struct world *w, coh_node node, uint64_t page, uint16_t n)
{
	struct landing l = { node, page, ++w->landings, n };
	struct coh_landing out;

	for (uint64_t p = page; p < page + n; p++)
		w->cell[node][p].landing = l.number;
	memcpy(&out, &l, sizeof l);
	return out;
}

/* Whether a landing is one that node has given out for these pages, not used before. */
static int landing_good(const struct world *w, const struct coh_landing *bytes, coh_node node,
                        uint64_t page, uint16_t n)
{
	struct landing l;

	memcpy(&l, bytes, sizeof l);
	if (l.node != node || l.page != page || n > l.n)
		return 0;
	for (uint64_t p = page; p < page + n; p++)
		if (w->cell[node][p].landing != l.number)
			return 0;
	return 1;
}

static void liar_hears(struct world *w, const struct coh_msg *m)
{
	int refresh = m->type == COH_MSG_FWD_GETS && (m->flags & COH_F_REFRESH);

	switch (m->type) {
	case COH_MSG_GETS:
	case COH_MSG_GETM:
	case COH_MSG_FWD_GETS:
	case COH_MSG_FWD_GETM:
		FUZZ_CHECK(w->tainted[m->page], "the liar learns a landing of page %u",
		           (unsigned)m->page);
		w->known[w->n_known++ % KNOWN] = m->landing;
		if (refresh)
			w->known[w->n_known++ % KNOWN] = m->refresh;
		break;
	default: break;
	}
}

/* --- effects --- */

static void check_swmr(const struct world *w, uint64_t page)
{
	unsigned readers = 0, writers = 0;

	for (coh_node i = 0; i < NODES; i++) {
		readers += w->cell[i][page].access == COH_READ;
		writers += w->cell[i][page].access == COH_WRITE;
	}
	FUZZ_CHECK(writers <= 1 && !(readers && writers), "page %u has %u readers and %u writers",
	           (unsigned)page, readers, writers);
}

static void set_access(struct world *w, coh_node node, const struct coh_effect *e)
{
	for (uint64_t p = e->page; p < e->page + e->n; p++) {
		struct cell *cell = &w->cell[node][p];
		int raised = e->access > cell->access;
		cell->access = e->access;
		if (w->tainted[p])
			continue;
		check_swmr(w, p);
		if (!raised)
			continue;
		cell->landing = 0;
		FUZZ_CHECK(!cell->incoming, "page %u is mapped while it is written", (unsigned)p);
		FUZZ_CHECK(cell->version == w->newest[p],
		           "node %u maps version %u of page %u, not %u", node, cell->version,
		           (unsigned)p, w->newest[p]);
	}
}

static void send(struct world *w, coh_node node, const struct coh_effect *e)
{
	struct queue *q = &w->wire[node][e->node];
	struct coh_msg m = e->msg;

	FUZZ_CHECK(e->node < NODES && e->node != node, "a message to node %u", e->node);
	if (e->fill & COH_FILL_LANDING)
		m.landing = landing_give(w, node, m.page, m.n);
	if (e->fill & COH_FILL_REFRESH)
		m.refresh = landing_give(w, node, m.page, m.n);
	if (m.type == COH_MSG_INV_ACK && !w->tainted[m.page])
		FUZZ_CHECK(w->cell[node][m.page].access == COH_NONE, "Inv-Ack of a copy in use");
	if (e->node == w->liar) {
		liar_hears(w, &m);
		for (unsigned i = 0; i < m.n; i++)
			w->asked[m.page + i] |= m.type == COH_MSG_INV || m.type == COH_MSG_DROP;
	}
	if (q->len == QUEUE) {
		if (e->node != w->liar)
			w->full = 1;
		return;
	}
	q->msg[(q->head + q->len++) % QUEUE] = m;
}

static void check_move(const struct world *w, coh_node node, const struct coh_effect *e, int good)
{
	unsigned access = coh_tag_decode(e->tag).access;

	FUZZ_CHECK(good, "page %u goes to node %u, which did not ask for it there",
	           (unsigned)e->page, e->node);
	for (uint64_t p = e->page; p < e->page + e->n; p++) {
		const struct cell *from = &w->cell[node][p], *to = &w->cell[e->node][p];
		if (w->tainted[p])
			continue;
		FUZZ_CHECK(from->access <= (access == COH_WRITE ? COH_NONE : COH_READ),
		           "node %u sends page %u before it has lowered its access", node,
		           (unsigned)p);
		FUZZ_CHECK(!from->incoming && !to->incoming && to->access == COH_NONE,
		           "page %u is written to a frame in use", (unsigned)p);
	}
}

static void move(struct world *w, coh_node node, const struct coh_effect *e)
{
	struct move *m = w->moves;
	int good;

	FUZZ_CHECK(e->node < NODES && e->node != node && e->page + e->n <= PAGES, "a page write");
	if (e->node == w->liar)
		return; /* it has what it has */
	good = landing_good(w, &e->landing, e->node, e->page, e->n);
	if (!w->tainted[e->page])
		check_move(w, node, e, good);
	while (m < w->moves + MOVES && m->used)
		m++;
	if (m == w->moves + MOVES) {
		w->full = 1;
		return;
	}
	*m = (struct move){ .used = 1,
		            .whole = good,
		            .from = node,
		            .to = e->node,
		            .n = e->n,
		            .tag = e->tag,
		            .page = e->page };
	for (unsigned i = 0; good && i < e->n; i++) {
		m->version[i] = w->cell[node][e->page + i].version;
		w->cell[e->node][e->page + i].incoming = 1;
		w->cell[e->node][e->page + i].landing = 0;
	}
}

static void do_atomic(struct world *w, coh_node node, const struct coh_effect *e)
{
	struct cell *cell = &w->cell[node][e->page];
	struct coh_effect answer = { .kind = COH_FX_SEND, .node = e->node, .page = e->page };

	if (!w->tainted[e->page]) {
		for (coh_node i = 0; i < NODES; i++)
			FUZZ_CHECK(i == node || w->cell[i][e->page].access == COH_NONE,
			           "an atomic beside a copy of page %u", (unsigned)e->page);
		FUZZ_CHECK(!cell->incoming && cell->version == w->newest[e->page],
		           "an atomic on old data of page %u", (unsigned)e->page);
		cell->version = ++w->newest[e->page];
	}
	answer.msg = (struct coh_msg){
		.type = COH_MSG_ATOMIC_RESP, .n = 1, .slot = e->slot, .page = e->page
	};
	if (e->node != node)
		send(w, node, &answer);
}

/* Words hold what is expected now and then. At the home the core hears of it after the step. */
static void do_compare(struct world *w, coh_node node, const struct coh_effect *e)
{
	struct coh_effect answer = { .kind = COH_FX_SEND, .node = e->node, .page = e->page };
	int equal = e->futex.value & 1;

	if (!w->tainted[e->page])
		FUZZ_CHECK(!w->cell[node][e->page].incoming &&
		                   w->cell[node][e->page].version == w->newest[e->page],
		           "a word of page %u is compared in old data", (unsigned)e->page);
	if (e->node == node) {
		w->compared[w->n_compared++] = (uint8_t)(e->page << 1 | (unsigned)equal);
		return;
	}
	answer.msg = (struct coh_msg){ .type = COH_MSG_COMPARED, .n = 1, .page = e->page };
	answer.msg.futex.value = (uint32_t)equal;
	send(w, node, &answer);
}

static void leave_barrier(struct world *w, coh_node node)
{
	w->left[node]++;
	for (coh_node i = 0; i < NODES && w->liar != 0; i++)
		FUZZ_CHECK(i == w->liar || w->reached[i] >= w->left[node],
		           "node %u leaves a barrier before node %u has reached it", node, i);
}

/* A call of the node's thread is answered. */
static void complete(struct world *w, coh_node node, const struct coh_effect *e)
{
	struct caller *t = &w->caller[node];
	int held = t->waits == COH_EV_COND_WAIT || (t->waits == COH_EV_LOCK && e->status == 0);

	if (e->cookie == COOKIE_BARRIER)
		leave_barrier(w, node);
	if (e->cookie != COOKIE_SYNC)
		return;
	FUZZ_CHECK(t->waits, "node %u has an answer that it does not wait for", node);
	t->waits = 0;
	if (!held || t->home == w->liar)
		return;
	FUZZ_CHECK(!w->holder[t->home][t->mutex], "mutex %u of node %u has two holders", t->mutex,
	           t->home);
	w->holder[t->home][t->mutex] = node + 1;
}

/* A discarded page is zero, which has the number of another write. */
static void clear_frames(struct world *w, coh_node node, const struct coh_effect *e)
{
	FUZZ_CHECK(e->page + e->n <= PAGES, "frames of %u pages", e->n);
	for (uint64_t page = e->page; page < e->page + e->n; page++) {
		FUZZ_CHECK(w->tainted[page] || w->cell[node][page].access == COH_NONE,
		           "page %u is punched in use", (unsigned)page);
		for (coh_node i = 0; i < NODES && e->kind == COH_FX_DISCARD_FRAME; i++)
			FUZZ_CHECK(w->tainted[page] || w->cell[i][page].access == COH_NONE,
			           "page %u is discarded in use", (unsigned)page);
		if (e->kind == COH_FX_DISCARD_FRAME)
			w->zero[page] = ++w->newest[page];
		w->cell[node][page].version = w->zero[page];
	}
}

static void carry_out(struct world *w, coh_node node, const struct coh_effect *e)
{
	FUZZ_CHECK(e->page < PAGES, "an effect on page %llu", (unsigned long long)e->page);
	switch (e->kind) {
	case COH_FX_SET_ACCESS: set_access(w, node, e); break;
	case COH_FX_SEND: send(w, node, e); break;
	case COH_FX_MOVE: move(w, node, e); break;
	case COH_FX_TIMER: w->armed[node][e->slot] = 1; break;
	case COH_FX_ATOMIC: do_atomic(w, node, e); break;
	case COH_FX_COMPARE: do_compare(w, node, e); break;
	case COH_FX_DROP_FRAME:
	case COH_FX_ZERO_FRAME:
	case COH_FX_DISCARD_FRAME: clear_frames(w, node, e); break;
	case COH_FX_COMPLETE: complete(w, node, e); break;
	default: break;
	}
}

/* --- steps --- */

static void taint(struct world *w, uint64_t page, uint16_t n)
{
	for (; n && page < PAGES; n--, page++)
		w->tainted[page] = 1;
}

/* The pages that news of a page write is about, before it is taken. */
static void landed_pages(struct world *w, coh_node node, uint32_t bits, uint64_t *page, uint16_t *n)
{
	struct coh_tag tag = coh_tag_decode(bits);
	struct coh *c = w->core[node];

	*n = 0;
	if (tag.to_home && tag.home_index < c->n_dirs && dir_by_index(c, tag.home_index)->txn) {
		struct txn *txn = txn_at(c, dir_by_index(c, tag.home_index)->txn - 1u);
		*page = txn->page;
		*n = txn->n;
	} else if (!tag.to_home && tag.slot < c->cfg.slots && request_at(c, tag.slot)->type) {
		*page = request_at(c, tag.slot)->page;
		*n = request_at(c, tag.slot)->n;
	}
}

/* News of a write or the answer to an atomic has ended a request to this page's home. */
static void rob(struct world *w, coh_node node, const struct coh_event *ev, uint64_t page)
{
	if (ev->kind == COH_EV_LANDED && !coh_tag_decode(ev->tag).to_home)
		w->robbed[node][home_of(page)] = 1;
	if (ev->kind == COH_EV_MSG && ev->msg.type == COH_MSG_ATOMIC_RESP &&
	    w->tainted[ev->msg.page])
		w->robbed[node][home_of(ev->msg.page)] = 1;
}

static void taint_transactions(struct world *w, coh_node node)
{
	struct coh_page_info info;

	for (uint64_t p = 2u * node; p < 2u * node + 2; p++) {
		coh_page_info(w->core[node], p, &info);
		if (info.requestor == w->liar)
			w->tainted[p] = 1;
	}
}

static int is_of_page(unsigned type)
{
	return type < COH_MSG_LOCK || type >= COH_MSG_DISCARD;
}

/* What an accepted message of the liar makes of its page, or proves to be wrong. */
static void judge_message(struct world *w, coh_node node, const struct coh_msg *m)
{
	switch (m->type) {
	case COH_MSG_GETS:
	case COH_MSG_GETM:
	case COH_MSG_PUTS:
	case COH_MSG_PUTM:
	case COH_MSG_ATOMIC:
	case COH_MSG_FUTEX_WAIT:
	case COH_MSG_FUTEX_WAKE:
	case COH_MSG_ATOMIC_RESP: w->tainted[m->page] = 1; break;
	case COH_MSG_FUTEX_CANCEL: break; /* of what sleeps for itself, or of nothing */
	case COH_MSG_DISCARD: taint(w, m->page, m->n); break;
	case COH_MSG_INV_ACK:
	case COH_MSG_DROP_ACK:
		FUZZ_CHECK(w->tainted[m->page] || w->asked[m->page],
		           "node %u takes %s unasked", node, coh_msg_name(m->type));
		break;
	default:
		FUZZ_CHECK(!is_of_page(m->type) || w->tainted[m->page],
		           "node %u takes %s of page %u from the liar", node, coh_msg_name(m->type),
		           (unsigned)m->page);
	}
}

int world_step(struct world *w, coh_node node, const struct coh_event *ev, int by_liar)
{
	struct coh *c = w->core[node];
	const char *wrong;
	uint64_t page = 0;
	uint16_t n = 0;
	int rc;

	memcpy(&before, c, c->size);
	if (ev->kind == COH_EV_LANDED)
		landed_pages(w, node, ev->tag, &page, &n);
	rc = coh_step(c, ev, &fx);
	if (rc) {
		FUZZ_CHECK(memcmp(&before, c, c->size) == 0,
		           "a refused event (%d) has changed node %u", rc, node);
		FUZZ_CHECK(fx.len == 0, "a refused event (%d) has effects", rc);
		return rc;
	}
	if (by_liar && ev->kind == COH_EV_LANDED)
		taint(w, page, n);
	else if (by_liar)
		judge_message(w, node, &ev->msg);
	if (n == 0 || w->tainted[page])
		rob(w, node, ev, page);
	taint_transactions(w, node);
	wrong = coh_invariant(c);
	FUZZ_CHECK(!wrong, "node %u: %s", node, wrong);
	for (uint32_t i = 0; i < fx.len; i++)
		carry_out(w, node, &fx.list[i]);
	while (w->n_compared) {
		struct coh_event told = { .kind = COH_EV_COMPARED };
		uint8_t was = w->compared[--w->n_compared];
		told.page = was >> 1;
		told.futex.value = was & 1;
		rc = world_step(w, node, &told, 0);
		FUZZ_CHECK(rc == 0, "node %u refuses to hear what it has compared", node);
	}
	return 0;
}

int world_deliver(struct world *w, coh_node from, coh_node to)
{
	struct queue *q = &w->wire[from][to];
	struct coh_event ev = { .kind = COH_EV_MSG, .from = from };
	int rc;

	if (from == w->liar || to == w->liar || !q->len)
		return 0;
	ev.msg = q->msg[q->head];
	q->head = (q->head + 1) % QUEUE;
	q->len--;
	rc = world_step(w, to, &ev, 0);
	if (rc && w->robbed[from][to] &&
	    (ev.msg.type <= COH_MSG_ATOMIC || ev.msg.type == COH_MSG_DISCARD ||
	     ev.msg.type == COH_MSG_FUTEX_WAIT || ev.msg.type == COH_MSG_FUTEX_WAKE)) {
		w->asked[ev.msg.page] = 1;
		return 1;
	}
	FUZZ_CHECK(rc == 0 || (is_of_page(ev.msg.type) && w->tainted[ev.msg.page]),
	           "node %u refuses %s of page %u from honest node %u", to,
	           coh_msg_name(ev.msg.type), (unsigned)ev.msg.page, from);
	return 1;
}

int world_move(struct world *w, unsigned i)
{
	struct move *m = &w->moves[i % MOVES], was = *m;
	struct coh_event ev = { .kind = COH_EV_LANDED, .tag = m->tag };
	int rc;

	if (!m->used)
		return 0;
	if (!m->landed) {
		m->landed = 1;
		for (unsigned k = 0; m->whole && k < m->n; k++) {
			w->cell[m->to][m->page + k].version = m->version[k];
			w->cell[m->to][m->page + k].incoming = 0;
		}
		return 1;
	}
	m->used = 0;
	rc = world_step(w, was.to, &ev, w->tainted[was.page]);
	FUZZ_CHECK(rc == 0 || w->tainted[was.page], "node %u refuses page %u from node %u", was.to,
	           (unsigned)was.page, was.from);
	return 1;
}

int world_timer(struct world *w, coh_node node, unsigned slot)
{
	struct coh_event ev = { .kind = COH_EV_TIMER, .slot = slot % HOLDS };

	if (node == w->liar || !w->armed[node][slot % HOLDS])
		return 0;
	w->armed[node][slot % HOLDS] = 0;
	FUZZ_CHECK(world_step(w, node, &ev, 0) == 0, "a timer is refused");
	return 1;
}

void world_access(struct world *w, coh_node node, uint64_t page, int write)
{
	struct cell *cell = &w->cell[node][page];
	struct coh_event ev = { .kind = write ? COH_EV_WRITE : COH_EV_READ, .page = page };

	if (cell->access < (write ? COH_WRITE : COH_READ)) {
		world_step(w, node, &ev, 0);
		return;
	}
	if (w->tainted[page])
		return;
	FUZZ_CHECK(cell->version == w->newest[page], "node %u reads version %u of page %u, not %u",
	           node, cell->version, (unsigned)page, w->newest[page]);
	if (write)
		cell->version = ++w->newest[page];
}

/* --- the end --- */

static int deliver_all(struct world *w)
{
	int any = 0;

	for (coh_node i = 0; i < NODES; i++) {
		for (coh_node k = 0; k < NODES; k++)
			while (world_deliver(w, i, k))
				any = 1;
		for (unsigned s = 0; s < HOLDS; s++)
			any |= world_timer(w, i, s);
	}
	for (unsigned i = 0; i < MOVES; i++)
		any |= world_move(w, i);
	return any && !w->full;
}

/* Not when the liar has a part in the page, or its home, which knows the sharers only
 * roughly, waits for an Inv-Ack of the liar. */
static int at_rest_is_due(const struct world *w, uint64_t page)
{
	return !w->tainted[page] && !w->asked[page];
}

/* A run is asked for with its first page, and waits where that one waits. */
static int waits_for_tainted(const struct world *w, coh_node node, uint64_t page)
{
	struct line *line = line_at(w->core[node], page);

	return line->request &&
	       !at_rest_is_due(w, request_at(w->core[node], line->request - 1)->page);
}

static void check_cache(const struct world *w, coh_node node, uint64_t page,
                        const struct coh_page_info *dir, unsigned *sharers)
{
	struct coh_page_info info;
	struct coh *home = w->core[home_of(page)];

	coh_page_info(w->core[node], page, &info);
	if (waits_for_tainted(w, node, page))
		return;
	FUZZ_CHECK(info.cache_state <= COH_C_M && !info.faulted && !info.held,
	           "in the end page %u of node %u is %s", (unsigned)page, node,
	           coh_cache_state_name(info.cache_state));
	FUZZ_CHECK(coh_access_of(info.cache_state) == w->cell[node][page].access, "access");
	FUZZ_CHECK((info.cache_state == COH_C_M) == (dir->owner == node), "owner of page %u",
	           (unsigned)page);
	if (info.cache_state == COH_C_S) {
		FUZZ_CHECK(coh_is_sharer(home, page, node), "a forgotten sharer");
		++*sharers;
	} else {
		FUZZ_CHECK(!coh_is_sharer(home, page, node) || dir->sharers_inexact,
		           "a false sharer");
	}
}

static void check_page(const struct world *w, uint64_t page)
{
	coh_node home = home_of(page);
	struct coh_page_info dir;
	unsigned sharers = 0;

	coh_page_info(w->core[home], page, &dir);
	FUZZ_CHECK(dir.dir_state <= COH_D_M && !dir.queued, "in the end page %u is busy in %s",
	           (unsigned)page, coh_dir_state_name(dir.dir_state));
	FUZZ_CHECK(dir.dir_state == COH_D_M || w->cell[home][page].version == w->newest[page],
	           "in the end the home has version %u of page %u, not %u",
	           w->cell[home][page].version, (unsigned)page, w->newest[page]);
	for (coh_node i = 0; i < NODES; i++)
		if (i != w->liar)
			check_cache(w, i, page, &dir, &sharers);
	FUZZ_CHECK(dir.dir_state != COH_D_S || sharers || dir.sharers_inexact, "S of nobody");
}

void world_finish(struct world *w)
{
	unsigned rounds = 0;

	while (deliver_all(w))
		FUZZ_CHECK(++rounds < 1000, "honest nodes never come to rest");
	for (uint64_t p = 0; p < PAGES && !w->full; p++)
		if (at_rest_is_due(w, p))
			check_page(w, p);
}
