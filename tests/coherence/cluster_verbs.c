/* SPDX-License-Identifier: BSD-2-Clause */
/* The verbs of a cluster: what its threads, its network and its clock do. */
#include <errno.h>
#include <string.h>

#include "coherence/wire.h"
#include "tests/coherence/cluster.h"

/* --- threads --- */

static int access_page(struct cluster *c, coh_node node, uint32_t page, uint16_t n, int write)
{
	static uint64_t serial = 1000;

	for (unsigned i = 0; i < CLUSTER_THREADS; i++) {
		struct cluster_thread *t = &c->node[node].thread[i];
		if (t->busy)
			continue;
		*t = (struct cluster_thread){ .write = (uint8_t)write,
			                      .page = page,
			                      .n = n,
			                      .value = ++serial };
		return cluster_fault(c, node, t);
	}
	return -EAGAIN;
}

int cluster_read(struct cluster *c, coh_node node, uint32_t page)
{
	return access_page(c, node, page, 0, 0);
}

int cluster_read_run(struct cluster *c, coh_node node, uint32_t page, uint16_t n)
{
	return access_page(c, node, page, n, 0);
}

int cluster_write(struct cluster *c, coh_node node, uint32_t page)
{
	return access_page(c, node, page, 0, 1);
}

int cluster_evict(struct cluster *c, coh_node node, uint32_t page)
{
	struct coh_event ev = { .kind = COH_EV_EVICT, .page = page };

	cluster_say(c, "%u evicts %u", node, page);
	return cluster_step(c, node, &ev);
}

int cluster_prefetch(struct cluster *c, coh_node node, uint32_t page, uint16_t n)
{
	struct coh_event ev = { .kind = COH_EV_PREFETCH, .page = page, .n = n };

	cluster_say(c, "%u prefetches %u+%u", node, page, n);
	return cluster_step(c, node, &ev);
}

/* Steps an event that completes with a cookie. */
static int call(struct cluster *c, coh_node node, struct coh_event *ev, const char *what)
{
	int cookie = (int)++c->cookies, rc;

	if (cookie >= CLUSTER_CALLS) {
		cluster_wrong(c, "too many calls");
		return -ENOSPC;
	}
	cluster_say(c, "%u %s", node, what);
	ev->cookie = (uint64_t)cookie;
	rc = cluster_step(c, node, ev);
	return rc ? rc : cookie;
}

int cluster_add(struct cluster *c, coh_node node, uint32_t page, uint64_t operand)
{
	struct coh_event ev = {
		.kind = COH_EV_ATOMIC,
		.page = page,
		.atomic = { .op = COH_OP_FETCH_ADD, .width = 8, .operand = operand },
	};

	return call(c, node, &ev, "adds");
}

int cluster_discard(struct cluster *c, coh_node node, uint32_t page, uint16_t n)
{
	struct coh_event ev = { .kind = COH_EV_DISCARD, .page = page, .n = n };

	return call(c, node, &ev, "discards");
}

int cluster_wait(struct cluster *c, coh_node node, uint32_t page, uint32_t offset,
                 uint32_t expected)
{
	struct coh_event ev = { .kind = COH_EV_FUTEX_WAIT,
		                .page = page,
		                .futex = { .offset = offset, .value = expected } };

	return call(c, node, &ev, "waits");
}

int cluster_wake(struct cluster *c, coh_node node, uint32_t page, uint32_t offset, uint32_t count)
{
	struct coh_event ev = { .kind = COH_EV_FUTEX_WAKE,
		                .page = page,
		                .futex = { .offset = offset, .value = count } };

	return call(c, node, &ev, "wakes");
}

int cluster_cancel(struct cluster *c, coh_node node, int wait)
{
	struct coh_event ev = { .kind = COH_EV_FUTEX_CANCEL, .cookie = (uint64_t)wait };

	cluster_say(c, "%u cancels", node);
	return cluster_step(c, node, &ev);
}

int cluster_lock(struct cluster *c, coh_node node, coh_node home, uint32_t mutex, uint32_t thread)
{
	struct coh_event ev = { .kind = COH_EV_LOCK,
		                .home = home,
		                .sync = { .object = mutex, .thread = thread } };

	return call(c, node, &ev, "locks");
}

int cluster_trylock(struct cluster *c, coh_node node, coh_node home, uint32_t mutex,
                    uint32_t thread)
{
	struct coh_event ev = { .kind = COH_EV_LOCK,
		                .flags = COH_F_TRY,
		                .home = home,
		                .sync = { .object = mutex, .thread = thread } };

	return call(c, node, &ev, "tries");
}

int cluster_unlock(struct cluster *c, coh_node node, coh_node home, uint32_t mutex, uint32_t thread)
{
	struct coh_event ev = { .kind = COH_EV_UNLOCK,
		                .home = home,
		                .sync = { .object = mutex, .thread = thread } };

	cluster_say(c, "%u unlocks", node);
	return cluster_step(c, node, &ev);
}

int cluster_cond_wait(struct cluster *c, coh_node node, coh_node home, uint32_t cond,
                      uint32_t mutex, uint32_t thread)
{
	struct coh_event ev = { .kind = COH_EV_COND_WAIT,
		                .home = home,
		                .sync = { .object = cond, .mutex = mutex, .thread = thread } };

	return call(c, node, &ev, "waits");
}

int cluster_cond_signal(struct cluster *c, coh_node node, coh_node home, uint32_t cond, int all)
{
	struct coh_event ev = { .kind = COH_EV_COND_SIGNAL,
		                .home = home,
		                .sync = { .object = cond, .value = !all } };

	cluster_say(c, "%u signals", node);
	return cluster_step(c, node, &ev);
}

int cluster_mutex_create(struct cluster *c, coh_node home)
{
	struct coh_event ev = { .kind = COH_EV_MUTEX_CREATE, .home = home };
	int rc;

	cluster_say(c, "%u makes a mutex", home);
	rc = cluster_step(c, home, &ev);
	return rc ? rc : (int)c->node[home].fx.object;
}

int cluster_cond_create(struct cluster *c, coh_node node, coh_node home, uint32_t mutex)
{
	struct coh_event ev = { .kind = COH_EV_COND_CREATE,
		                .home = home,
		                .sync = { .mutex = mutex } };

	return call(c, node, &ev, "makes a condition");
}

int cluster_destroy(struct cluster *c, coh_node node, coh_node home, uint32_t object, int kind)
{
	struct coh_event ev = { .kind = COH_EV_SYNC_DESTROY,
		                .home = home,
		                .sync = { .object = object, .value = kind } };

	return call(c, node, &ev, "destroys");
}

int cluster_barrier(struct cluster *c, coh_node node)
{
	struct coh_event ev = { .kind = COH_EV_BARRIER };

	return call(c, node, &ev, "arrives");
}

const struct cluster_call *cluster_call_at(struct cluster *c, coh_node node, int cookie)
{
	const struct cluster_call *at = cookie > 0 ? &c->node[node].call[cookie] : NULL;

	return at && at->done ? at : NULL;
}

/* --- network and clock --- */

int cluster_deliver(struct cluster *c, coh_node from, coh_node to)
{
	struct cluster_queue *q = &c->queue[from][to];
	struct coh_event ev = { .kind = COH_EV_MSG, .from = from };
	struct coh_config cfg = c->cfg;
	const char *why = NULL;
	int rc;

	if (!q->len) {
		cluster_wrong(c, "no message from %u to %u", from, to);
		return -ENOENT;
	}
	cfg.self = to;
	rc = coh_wire_decode(&cfg, q->msg[q->head].bytes, q->msg[q->head].len, &ev.msg, &why);
	q->head = (q->head + 1) % CLUSTER_QUEUE;
	q->len--;
	if (rc) {
		cluster_wrong(c, "a message from %u to %u is refused: %s", from, to, why);
		return rc;
	}
	cluster_say(c, "%u %s<%u", to, coh_msg_name(ev.msg.type), from);
	rc = cluster_step(c, to, &ev);
	if (rc)
		cluster_wrong(c, "node %u refuses %s of node %u: %d", to, coh_msg_name(ev.msg.type),
		              from, rc);
	return rc;
}

static int land_at(struct cluster *c, unsigned k)
{
	struct cluster_move m = c->move[k];
	struct coh_event ev = { .kind = COH_EV_LANDED, .tag = m.tag };
	int rc;

	memmove(&c->move[k], &c->move[k + 1], (--c->moves - k) * sizeof *c->move);
	for (unsigned i = 0; i < m.n; i++) {
		struct cluster_frame *source = &c->node[m.from].frame[m.page + i];
		c->node[m.to].frame[m.page + i].value = source->value;
		source->pins--;
		if (source->drop)
			cluster_frame_drop(c, m.from, m.page + i);
	}
	cluster_say(c, "%u landed %u", m.to, m.page);
	rc = cluster_step(c, m.to, &ev);
	if (rc)
		cluster_wrong(c, "node %u refuses the landing of page %u: %d", m.to, m.page, rc);
	return rc;
}

int cluster_land(struct cluster *c, coh_node from, coh_node to)
{
	for (unsigned k = 0; k < c->moves; k++)
		if (c->move[k].from == from && c->move[k].to == to)
			return land_at(c, k);
	cluster_wrong(c, "no page is on its way from %u to %u", from, to);
	return -ENOENT;
}

int cluster_timer(struct cluster *c, coh_node node, unsigned slot)
{
	struct coh_event ev = { .kind = COH_EV_TIMER, .slot = (uint16_t)slot };

	if (!c->node[node].timer[slot])
		cluster_wrong(c, "timer %u of node %u is not armed", slot, node);
	c->node[node].timer[slot] = 0;
	cluster_say(c, "%u timer %u", node, slot);
	return cluster_step(c, node, &ev);
}

static int run_once(struct cluster *c)
{
	for (coh_node i = 0; i < c->cfg.nodes; i++)
		for (coh_node k = 0; k < c->cfg.nodes; k++)
			if (c->queue[i][k].len) {
				cluster_deliver(c, i, k);
				return 1;
			}
	if (c->moves) {
		land_at(c, 0);
		return 1;
	}
	for (coh_node i = 0; i < c->cfg.nodes; i++)
		for (unsigned k = 0; k < CLUSTER_PAGES; k++)
			if (c->node[i].timer[k]) {
				cluster_timer(c, i, k);
				return 1;
			}
	return 0;
}

int cluster_run(struct cluster *c)
{
	for (unsigned i = 0; i < 100000; i++)
		if (!run_once(c))
			return 0;
	cluster_wrong(c, "it never ends");
	return -1;
}

int cluster_forge(struct cluster *c, coh_node from, coh_node to, const struct coh_msg *msg)
{
	struct coh_event ev = { .kind = COH_EV_MSG, .from = from, .msg = *msg };

	cluster_say(c, "%u %s<%u!", to, coh_msg_name(msg->type), from);
	return cluster_step(c, to, &ev);
}

int cluster_forge_landed(struct cluster *c, coh_node to, uint32_t tag)
{
	struct coh_event ev = { .kind = COH_EV_LANDED, .tag = tag };

	cluster_say(c, "%u landed!", to);
	return cluster_step(c, to, &ev);
}
