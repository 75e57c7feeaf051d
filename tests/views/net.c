/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes in virtual time (net.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/views/wire.h"
#include "tests/views/net.h"

static uint64_t state;

void net_seed(uint64_t seed)
{
	state = seed;
}

/* As tests/seed.h, but one sequence for all files. */
uint64_t net_random(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static double chance(double up_to)
{
	return (double)(net_random() >> 11) / (double)(UINT64_C(1) << 53) * up_to;
}

static uint64_t clock_of(const struct net *n, unsigned node)
{
	return (uint64_t)(n->node[node].offset + n->now * n->node[node].rate);
}

static void wrong(struct net *n, const char *what, unsigned node, uint32_t view)
{
	if (!n->wrong[0])
		snprintf(n->wrong, sizeof n->wrong, "at %.0f ms, node %u, view %u: %s", n->now, node, view,
		         what);
}

static struct net_packet *fly(struct net *n, unsigned to, double at)
{
	struct net_packet *p;

	if (n->n_flying == N_FLYING)
		return NULL; /* lost */
	p = &n->flying[n->n_flying++];
	memset(p, 0, sizeof *p);
	p->to = to;
	p->at = at;
	return p;
}

/* --- effects --- */

static void put(struct net *n, unsigned from, unsigned to, const struct pulse_msg *m)
{
	double after = 0.1 + chance(2);
	uint8_t bytes[VIEWS_WIRE_MAX];
	size_t len = views_encode(m, n->o.nodes, bytes);

	n->sent++;
	for (int copies = 1 + (net_random() % 50 == 0); copies; copies--) {
		struct net_packet *p;

		if (from == to || n->cut[from][to] || net_random() % 100 < n->o.lost_percent)
			continue;
		if (net_random() % 100 < n->o.late_percent)
			after += chance(n->o.late_ms);
		p = fly(n, to, n->now + after);
		if (p) {
			p->len = len;
			memcpy(p->bytes, bytes, len);
		}
	}
}

static void entered(struct net *n, unsigned node)
{
	const struct views *v = pulse_views(n->node[node].pulse);
	uint32_t number = views_number(v);

	n->node[node].view = number;
	n->node[node].members = *views_members(v);
	if (number >= N_VIEWS) {
		wrong(n, "too many views", node, number);
		return;
	}
	if (n->is_made[number]) {
		if (!vset_equal(&n->made[number], views_members(v)))
			wrong(n, "another view has this number", node, number);
		return;
	}
	n->is_made[number] = 1;
	n->made[number] = *views_members(v);
	for (unsigned i = 0; i < n->o.nodes; i++)
		if (!vset_has(views_members(v), i) && net_lives(n, i) && n->node[i].usable &&
		    !n->node[i].runs_again)
			wrong(n, "somebody left out may still use its window", i, number);
}

static void stop(struct net *n, const struct vset *whom)
{
	for (unsigned i = 0; i < n->o.nodes; i++)
		if (vset_has(whom, i) && !n->node[i].dead)
			net_kill(n, i, 1);
}

static void carry_out(struct net *n, unsigned node, const struct pulse_effects *fx)
{
	struct net_node *self = &n->node[node];

	for (unsigned i = 0; i < fx->len; i++) {
		const struct pulse_fx *e = &fx->list[i];

		switch (e->kind) {
		case VIEWS_FX_SEND:
			for (unsigned to = 0; to < n->o.nodes; to++)
				if (e->rank == to || e->rank == VIEWS_ALL)
					put(n, node, to, &e->msg);
			break;
		case VIEWS_FX_VIEW: entered(n, node); break;
		case VIEWS_FX_USABLE:
			self->usable = 1;
			for (uint32_t v = self->view + 1; v < N_VIEWS; v++)
				if (n->is_made[v] && !vset_has(&n->made[v], node))
					wrong(n, "may use its window in a view that is over", node, self->view);
			break;
		case VIEWS_FX_UNUSABLE: self->usable = 0; break;
		case VIEWS_FX_STOP: stop(n, &e->msg.msg.set); break;
		case VIEWS_FX_END:
			self->ended = 1;
			self->usable = 0;
			views_why(pulse_views(self->pulse), self->why, sizeof self->why);
			net_kill(n, node, 1); /* its process goes */
			break;
		default: break;
		}
	}
}

static void step(struct net *n, unsigned node, const struct pulse_event *ev)
{
	static struct pulse_fx list[PULSE_FX_MAX(N_NODES)];
	struct pulse_effects fx = { .cap = PULSE_FX_MAX(N_NODES), .list = list };

	pulse_step(n->node[node].pulse, clock_of(n, node), ev, &fx);
	carry_out(n, node, &fx);
	n->node[node].due_ms = pulse_next_ms(n->node[node].pulse);
}

/* --- time --- */

static void deliver(struct net *n, unsigned i)
{
	struct net_packet p = n->flying[i];
	struct pulse_event ev = { .rank = p.rank, .source = p.source };
	struct pulse_msg m;

	n->flying[i] = n->flying[--n->n_flying];
	if (!net_lives(n, p.to))
		return;
	ev.kind = (enum pulse_event_kind)p.kind;
	if (!p.kind) {
		if (views_decode(p.bytes, p.len, n->o.nodes, &m)) {
			wrong(n, "a message does not decode", p.to, 0);
			return;
		}
		ev.kind = PULSE_EV_MSG;
		ev.msg = &m;
	}
	step(n, p.to, &ev);
}

void net_run(struct net *n, double ms)
{
	double end = n->now + ms;

	for (; n->now < end && !n->wrong[0]; n->now += N_STEP_MS) {
		/* Who runs again looks at its clock first. */
		for (unsigned i = 0; i < n->o.nodes; i++)
			if (net_lives(n, i) && n->node[i].runs_again &&
			    n->node[i].runs_again <= n->now) {
				n->node[i].runs_again = 0;
				step(n, i, &(struct pulse_event){ .kind = PULSE_EV_TIME });
			}
		for (unsigned i = n->n_flying; i-- > 0;)
			if (i < n->n_flying && n->flying[i].at <= n->now &&
			    n->node[n->flying[i].to].runs_again <= n->now)
				deliver(n, i);
		for (unsigned i = 0; i < n->o.nodes; i++)
			if (net_lives(n, i) && n->node[i].runs_again <= n->now &&
			    clock_of(n, i) >= n->node[i].due_ms)
				step(n, i, &(struct pulse_event){ .kind = PULSE_EV_TIME });
	}
}

/* --- faults --- */

void net_kill(struct net *n, unsigned node, int told)
{
	struct net_packet *p;

	n->node[node].dead = 1;
	for (unsigned i = 0; i < n->o.nodes; i++) {
		int starter = n->o.rule == VIEWS_STARTER;

		if (i == node || (!starter && !told))
			continue;
		p = fly(n, i, n->now + 1 + chance(starter ? 20 : 300));
		if (!p)
			continue;
		p->kind = starter ? PULSE_EV_DEAD : PULSE_EV_SUSPECT;
		p->rank = node;
		p->source = VIEWS_CUT;
	}
}

void net_stand(struct net *n, unsigned node, double ms)
{
	n->node[node].runs_again = n->now + ms;
}

void net_cut(struct net *n, unsigned a, unsigned b, int cut)
{
	n->cut[a][b] = n->cut[b][a] = cut;
}

void net_suspect(struct net *n, unsigned node, unsigned other, enum views_source source)
{
	struct pulse_event ev = { .kind = PULSE_EV_SUSPECT, .rank = other, .source = source };

	step(n, node, &ev);
}

/* --- opening --- */

void net_open(struct net *n, const struct net_options *o)
{
	memset(n, 0, sizeof *n);
	n->o = *o;
	for (unsigned i = 0; i < o->nodes; i++) {
		struct net_node *node = &n->node[i];
		struct pulse_config config = { .views = { .nodes = o->nodes, .self = i,
			                                  .rule = o->rule },
			                       .loss_ms = o->loss_ms };

		node->rate = 1 - o->drift + chance(2 * o->drift);
		node->offset = 1000 + chance(1e9);
		node->view = 1;
		node->pulse = malloc(pulse_size(o->nodes));
		pulse_init(node->pulse, &config, clock_of(n, i));
		node->due_ms = pulse_next_ms(node->pulse);
		node->members = *views_members(pulse_views(node->pulse));
		node->usable = views_is_usable(pulse_views(node->pulse));
		n->made[1] = node->members;
	}
	n->is_made[1] = 1;
}

void net_close(struct net *n)
{
	for (unsigned i = 0; i < n->o.nodes; i++)
		free(n->node[i].pulse);
}

int net_settled(const struct net *n)
{
	int living = 0;

	for (unsigned i = 0; i < n->o.nodes; i++)
		living += net_lives(n, i);
	for (unsigned i = 0; i < n->o.nodes; i++) {
		const struct net_node *a = &n->node[i];

		if (!net_lives(n, i))
			continue;
		if (!a->usable || (int)vset_count(&a->members) != living)
			return -1;
		for (unsigned j = 0; j < n->o.nodes; j++)
			if (net_lives(n, j) &&
			    (n->node[j].view != a->view || !vset_has(&a->members, j)))
				return -1;
	}
	return living;
}
