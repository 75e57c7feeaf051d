/* SPDX-License-Identifier: BSD-2-Clause */
/* The network and the nodes of mirror_world.h. */
#include "tests/heap/mirror_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world world;

static struct coh_config homes = {
	.nodes = NODES, .n_zones = 1, .zone = {{.count = ZONE_BYTES / PAGE, .block_pages = 4}},
};

/* --- queues --- */

static void push(struct fifo *f, const struct packet *p)
{
	if (f->head + f->len == f->cap) {
		if (f->head)
			memmove(f->at, f->at + f->head, f->len * sizeof *f->at);
		f->head = 0;
		if (f->len == f->cap) {
			f->cap = f->cap ? 2 * f->cap : 64;
			f->at = realloc(f->at, f->cap * sizeof *f->at);
			MUST(f->at);
		}
	}
	f->at[f->head + f->len++] = *p;
}

static struct packet pop(struct fifo *f)
{
	MUST(f->len);
	f->len--;
	return f->at[f->head++];
}

static int id_of(const struct node *n)
{
	return (int)(n - world.node);
}

static void send(int from, int to, struct packet p)
{
	struct node *n = &world.node[from];

	p.view = n->view;
	if (n->members >> to & 1) {
		push(&world.net[from][to], &p);
		world.sent++;
	}
}

/* --- the mirror's --- */

static int on_open(void *mirror)
{
	struct served *s = &((struct mirror *)mirror)->served;

	if (room_open(&s->room[0], &homes, 0, PAGE))
		return -ENOMEM;
	return alloc_open(0, ZONE_BYTES, PAGE, &s->alloc[0]);
}

static uint64_t on_enough(void *mirror, unsigned zone)
{
	(void)mirror, (void)zone;
	return 0;
}

static void on_taken(void *mirror, unsigned zone, uint64_t offset, uint64_t bytes, int change)
{
	(void)mirror, (void)zone, (void)offset, (void)bytes, (void)change;
}

static const struct served_out served_out = {
	.open = on_open, .answer = mirror_on_answer, .changed = mirror_on_change,
	.enough = on_enough, .taken = on_taken,
};

static void on_send(void *ctx, uint16_t to, const struct served_change *c)
{
	send(id_of(ctx), to, (struct packet){.kind = CHANGE, .change = *c});
}

static void on_ack(void *ctx, uint16_t to, uint64_t taken)
{
	send(id_of(ctx), to, (struct packet){.kind = ACK, .arg = {taken}});
}

/* As heap_response(). */
static void take_answer(struct node *n, const struct packet *p)
{
	struct thread *t = &n->thread[p->who.slot];

	if (!t->busy || t->who.serial != p->who.serial)
		return;
	t->busy = 0;
	world.ended(t, p->status, p->arg[0], p->arg[1]);
}

static void on_answer(void *ctx, const struct names_waiter *to, int status, const uint64_t arg[3])
{
	const struct packet p = {.kind = ANSWER, .who = *to, .status = status,
	                         .arg = {arg[0], arg[1], arg[2]}};

	if (to->node == id_of(ctx))
		take_answer(ctx, &p);
	else
		send(id_of(ctx), to->node, p);
}

static void on_fail(void *ctx)
{
	(void)ctx;
	MUST(!"there is memory");
}

static const struct mirror_out out = {
	.send = on_send, .ack = on_ack, .answer = on_answer, .fail = on_fail,
};

/* --- asking --- */

static int server_of(const struct node *n)
{
	return __builtin_ctzll(n->members);
}

/* As heap_request(). */
static void request(struct thread *t)
{
	struct node *n = &world.node[t->node];
	const struct packet p = {.kind = ASK, .view = t->view, .who = t->who, .svc = t->svc};

	t->to = server_of(n);
	if (t->to != t->node)
		send(t->node, t->to, p);
	else if (n->has_view || n->is_out || n->inbox.len || mirror_ask(&n->mirror, &t->who, &t->svc))
		push(&n->inbox, &p);
}

void world_ask(struct thread *t, const struct coh_svc *svc)
{
	struct node *n = &world.node[t->node];

	MUST(!t->busy && n->lives);
	t->svc = *svc;
	t->who = (struct names_waiter){.node = (uint16_t)t->node, .slot = (uint16_t)t->slot,
	                               .serial = ++n->serial};
	t->view = n->view;
	t->busy = 1;
	t->cancelled = 0;
	t->begun = ++world.now;
	request(t);
}

void world_cancel(struct thread *t)
{
	MUST(t->busy && t->svc.op == SVC_LOOKUP);
	t->svc.op = SVC_LOOKUP_CANCEL;
	t->view = world.node[t->node].view;
	t->cancelled = 1;
	request(t);
}

/* As heap_view(). */
static void ask_again(struct node *n)
{
	for (struct thread *t = n->thread; t < n->thread + THREADS; t++) {
		if (!t->busy || t->to == server_of(n))
			continue;
		if (t->svc.op == SVC_LOOKUP_CANCEL) {
			t->busy = 0;
			world.ended(t, -ETIMEDOUT, 0, 0);
			continue;
		}
		t->view = n->view;
		request(t);
	}
}

/* --- what happens --- */

int world_deliver(int from, int to)
{
	struct node *n = &world.node[to];
	struct packet p;

	if (!world.net[from][to].len)
		return 0;
	p = pop(&world.net[from][to]);
	world.now++;
	if (!n->lives || !(n->members >> from & 1))
		return 1;
	switch (p.kind) {
	case ASK: push(&n->inbox, &p); break;
	case ANSWER: take_answer(n, &p); break;
	case CHANGE:
		p.status = from;
		push(&n->changes, &p);
		break;
	default: mirror_acked(&n->mirror, (uint16_t)from, p.arg[0]);
	}
	return 1;
}

/* As heap_serve_kept(). */
int world_serve(int node)
{
	struct node *n = &world.node[node];
	int did = n->changes.len || n->has_view;

	if (!n->lives)
		return 0;
	world.now++;
	while (n->changes.len) {
		const struct packet p = pop(&n->changes);
		MUST(mirror_follow(&n->mirror, (uint16_t)p.status, &p.change) == 0);
	}
	mirror_ack(&n->mirror);
	if (n->has_view)
		mirror_view(&n->mirror, n->members);
	n->has_view = 0;
	if (n->mirror.copying)
		did |= mirror_go_on(&n->mirror) || !n->mirror.copying;
	while (n->inbox.len && !n->is_out) {
		const struct packet *p = &n->inbox.at[n->inbox.head];

		if (p->view > n->view)
			break;
		if (n->members >> p->who.node & 1 && mirror_ask(&n->mirror, &p->who, &p->svc))
			break;
		pop(&n->inbox);
		did = 1;
	}
	return did;
}

int world_enter(int node)
{
	struct node *n = &world.node[node];

	if (!n->lives || !(world.members >> node & 1) || n->view == world.view)
		return 0;
	for (int i = 0; i < NODES; i++)
		if (!(world.members >> i & 1))
			world.node[i].is_out = 1;
	world.now++;
	n->view = world.view;
	n->members = world.members;
	n->has_view = 1;
	ask_again(n);
	return 1;
}

void world_end(int node)
{
	struct node *n = &world.node[node];

	n->lives = 0;
	for (int to = 0; to < NODES; to++) {
		struct fifo *f = &world.net[node][to];

		f->len -= f->len ? mirror_rng() % (f->len + 1) : 0;
	}
}

void world_lose(int node, int is_slow)
{
	world.now++;
	world.view++;
	world.members &= ~(UINT64_C(1) << node);
	if (!is_slow)
		world_end(node);
}

void world_settle(void)
{
	int more;

	for (int i = 0; i < NODES; i++)
		if (!(world.members >> i & 1) && world.node[i].lives)
			world_end(i);
	do {
		more = 0;
		for (int i = 0; i < NODES; i++)
			more |= world_enter(i);
		for (int i = 0; i < NODES; i++)
			for (int k = 0; k < NODES; k++)
				more |= world_deliver(i, k);
		for (int i = 0; i < NODES; i++)
			more |= world_serve(i);
	} while (more);
}

struct node *world_server(void)
{
	return &world.node[__builtin_ctzll(world.members)];
}

/* --- its life --- */

void world_open(void (*ended)(struct thread *, int, uint64_t, uint64_t))
{
	memset(&world, 0, sizeof world);
	world.ended = ended;
	world.view = 1;
	world.members = (1u << NODES) - 1;
	for (int i = 0; i < NODES; i++) {
		struct node *n = &world.node[i];

		n->lives = 1;
		n->view = 1;
		n->members = world.members;
		n->mirror.out = &out;
		n->mirror.ctx = n;
		n->mirror.served.page_bytes[0] = PAGE;
		MUST(mirror_open(&n->mirror, (uint16_t)i, NODES, 1, &served_out) == 0);
		for (int k = 0; k < THREADS; k++)
			n->thread[k] = (struct thread){.node = i, .slot = k};
	}
}

void world_close(void)
{
	for (int i = 0; i < NODES; i++) {
		mirror_close(&world.node[i].mirror);
		free(world.node[i].inbox.at);
		free(world.node[i].changes.at);
		for (int k = 0; k < NODES; k++)
			free(world.net[i][k].at);
	}
}
