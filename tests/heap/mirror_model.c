/* SPDX-License-Identifier: BSD-2-Clause */
/* The reference of mirror_model.h. */
#include "tests/heap/mirror_model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dsm/dsm.h"
#include "dsm/dsm_survive.h"

struct model_counts model_counts;
struct model model;

static unsigned below(unsigned n)
{
	return (unsigned)(mirror_rng() % n);
}

/* --- blocks --- */

static uint64_t size_of(const struct coh_svc *svc)
{
	const uint64_t unit = svc->arg[0] >= PAGE || svc->arg[1] >= PAGE ? PAGE : 16;

	return (svc->arg[0] + unit - 1) / unit * unit;
}

static void ask_block(struct thread *t)
{
	struct coh_svc svc = {.op = SVC_ALLOC, .arg = {1 + below(below(4) ? 64 : 4 * PAGE)}};
	const int me = model_index(t);
	int k = model.blocks ? (int)below((unsigned)model.blocks) : 0;

	svc.arg[1] = below(4) ? 0 : 16u << below(6);
	model.frees[me] = -1;
	model.wants[me] = 0;
	if (model.blocks > 200 || (model.blocks && below(5) < 2)) {
		svc = (struct coh_svc){.op = SVC_FREE, .arg = {model.block[k].offset}};
		if (model.block[k].by >= 0) {
			svc.arg[0] += 8; /* somebody frees it: no block begins there */
			model.wants[me] = DSM_ERR_NOT_OURS;
		} else {
			model.block[k].by = model.frees[me] = me;
		}
	}
	world_ask(t, &svc);
}

static void note_touched(const struct coh_svc *svc, uint64_t offset, uint64_t dirty)
{
	for (uint64_t at = 0; at < size_of(svc); at += 16) {
		MUST(at < dirty || at >= svc->arg[0] || !model.touched[(offset + at) / 16]);
		model.touched[(offset + at) / 16] = 1;
	}
}

static void got_block(const struct thread *t, int status, uint64_t offset, uint64_t dirty)
{
	const uint64_t bytes = size_of(&t->svc);

	MUST(status == 0 || status == -ENOMEM);
	if (status)
		return;
	MUST(bytes <= ZONE_BYTES && offset <= ZONE_BYTES - bytes);
	for (int i = 0; i < model.blocks; i++) {
		const struct block *b = &model.block[i];
		MUST(b->by >= 0 || offset >= b->offset + b->bytes || b->offset >= offset + bytes);
	}
	note_touched(&t->svc, offset, dirty);
	MUST(model.blocks < BLOCKS);
	model.block[model.blocks++] = (struct block){offset, bytes, -1};
	model_counts.blocks++;
}

/* The block that a thread gives back. */
static struct block *given_by(int me)
{
	for (int i = 0; i < model.blocks; i++)
		if (model.block[i].by == me && model.frees[me] == me)
			return &model.block[i];
	MUST(!"it gives one back");
	return NULL;
}

/* Pages of its own it has discarded, or all but a few. */
static void ask_freed(struct thread *t)
{
	const struct block *b = given_by(model_index(t));
	const uint64_t hi = below((unsigned)(b->bytes / PAGE) + 1), lo = below((unsigned)hi + 1);
	struct coh_svc svc = {.op = SVC_FREED, .arg = {b->offset, lo, hi << 8}};

	for (uint64_t at = 0; at < b->bytes; at += 16)
		if (at < lo * PAGE || at >= hi * PAGE)
			model.touched[(b->offset + at) / 16] = 0;
	world_ask(t, &svc);
}

static void gave_block(struct thread *t, int status, uint64_t left)
{
	const int me = model_index(t);
	struct block *b;

	MUST(status == model.wants[me]);
	if (status)
		return;
	b = given_by(me);
	MUST(left == 0 || (left == b->bytes && t->svc.op == SVC_FREE));
	model.leaves[me] = left != 0;
	if (!left)
		*b = model.block[--model.blocks];
}

/* --- names: each thread adds and removes its own, and looks up others' --- */

static void name_of(struct coh_svc *svc, char kind, int i)
{
	snprintf(svc->name, sizeof svc->name, "%c%d", kind, i);
}

static void ask_own(struct thread *t)
{
	const int me = model_index(t);
	struct name *n = &model.name[me];
	const int is_there = n->version & 1, adds = below(8) ? !is_there : is_there;
	struct coh_svc svc = {.op = adds ? SVC_PUBLISH : SVC_UNPUBLISH};

	if (n->version == VERSIONS - 1)
		return;
	model.wants[me] = adds == is_there ? (adds ? -EEXIST : -ENOENT) : 0;
	if (!model.wants[me]) {
		n->version++;
		n->begin[n->version] = world.now;
		n->end[n->version] = NEVER;
	}
	svc.arg[0] = (uint64_t)n->version;
	name_of(&svc, 'n', me);
	world_ask(t, &svc);
}

static void did_own(const struct thread *t, int status)
{
	const int me = model_index(t);

	MUST(status == model.wants[me]);
	if (status == 0)
		model.name[me].end[model.name[me].version] = world.now;
	model_counts.names++;
}

static void ask_lookup(struct thread *t)
{
	const int me = model_index(t), which = (int)below(ALL);
	struct coh_svc svc = {.op = SVC_LOOKUP, .arg = {below(2)}};

	model.reads[me] = which;
	model.floor[me] = model.seen[which];
	name_of(&svc, 'n', which);
	world_ask(t, &svc);
}

/* A version is what there was at some moment of the read, and not before what others have read. */
static int could_be(const struct thread *t, const struct name *n, int version)
{
	return version >= model.floor[model_index(t)] && version <= n->version &&
	       (version == 0 || n->begin[version] <= world.now) &&
	       (version == n->version || n->end[version + 1] >= t->begun);
}

static void looked_up(const struct thread *t, int status, uint64_t value)
{
	const int which = model.reads[model_index(t)];
	const struct name *n = &model.name[which];
	int version = n->version, waits = t->cancelled || t->svc.arg[0];

	MUST(status == 0 || (status == -ENOENT && !waits) || (status == -ETIMEDOUT && t->cancelled));
	model_counts.cancelled += status == -ETIMEDOUT;
	if (status == 0) {
		MUST((value & 1) && could_be(t, n, (int)value));
		if ((int)value > model.seen[which])
			model.seen[which] = (int)value;
		return;
	}
	if (status == -ETIMEDOUT) /* whether it is there or not, nobody has answered in time */
		return;
	while (version >= 0 && ((version & 1) || !could_be(t, n, version)))
		version--;
	MUST(version >= 0);
}

/* --- claims --- */

static void ask_claim(struct thread *t)
{
	const int me = model_index(t);
	struct coh_svc svc = {.op = SVC_SHARE, .arg = {1}};

	if (!model.has[me])
		model.claims[me] = (int)below(CLAIMS);
	else if (model.has[me] == 2)
		svc.op = SVC_UNPUBLISH;
	else
		svc.op = below(2) ? SVC_PUBLISH : SVC_UNSHARE;
	if (model.has[me] == 1)
		model.holder[model.claims[me]] = -1;
	name_of(&svc, 'c', model.claims[me]);
	svc.arg[0] = 1;
	world_ask(t, &svc);
}

static void did_claim(const struct thread *t, int status, uint64_t is_there)
{
	const int me = model_index(t), which = model.claims[me];

	if (t->svc.op != SVC_SHARE) {
		MUST(status == 0);
		model.has[me] = t->svc.op == SVC_PUBLISH ? 2 : 0;
		return;
	}
	MUST(status == 0 || status == -EEXIST); /* there, and less */
	if (status || is_there || !(world.members >> t->node & 1)) /* who is out has it no more */
		return;
	MUST(model.holder[which] < 0);
	model.holder[which] = me;
	model.has[me] = 1;
	model_counts.claims++;
}

/* --- all --- */

void model_open(int may_be_gone)
{
	memset(&model, 0, sizeof model);
	model.may_be_gone = may_be_gone;
	for (int i = 0; i < CLAIMS; i++)
		model.holder[i] = -1;
}

void model_ask(struct thread *t)
{
	if (t->busy && t->svc.op == SVC_LOOKUP && t->svc.arg[0] && !below(4))
		world_cancel(t);
	if (t->busy)
		return;
	if (model.leaves[model_index(t)])
		ask_freed(t);
	else if (model.has[model_index(t)])
		ask_claim(t);
	else
		switch (below(8)) {
		case 0: ask_own(t); break;
		case 1: ask_lookup(t); break;
		case 2: ask_claim(t); break;
		default: ask_block(t);
		}
}

void model_ended(struct thread *t, int status, uint64_t a, uint64_t b)
{
	world.now++;
	model_counts.ended++;
	if (status == DSM_ERR_LOST_DATA) {
		MUST(model.may_be_gone);
		model.gone = model.is_gone ? model.gone : world.node[t->node].view;
		model.is_gone = 1;
		model_counts.lost++;
		return;
	}
	MUST(!model.is_gone || world.node[t->node].view < model.gone || status == -ETIMEDOUT);
	if (t->svc.op == SVC_ALLOC)
		got_block(t, status, a, b);
	else if (t->svc.op == SVC_FREE || t->svc.op == SVC_FREED)
		gave_block(t, status, a);
	else if (t->svc.op == SVC_LOOKUP || t->svc.op == SVC_LOOKUP_CANCEL)
		looked_up(t, status, a);
	else if (*t->svc.name == 'c')
		did_claim(t, status, b);
	else
		did_own(t, status);
}

void model_lose(int node)
{
	for (int i = 0; i < CLAIMS; i++)
		if (model.holder[i] >= 0 && model.holder[i] / THREADS == node)
			model.holder[i] = -1;
}

/* Also what is asked for by who is out, and may be answered still, is done or not. */
static void count_maybe(void)
{
	for (int i = 0; i < ALL; i++) {
		const struct thread *t = &world.node[i / THREADS].thread[i % THREADS];

		model.maybe_taken += !(world.members >> t->node & 1) && t->busy && t->svc.op == SVC_ALLOC;
	}
}

void model_rest(void)
{
	int more;

	do {
		world_settle();
		more = 0;
		for (int i = 0; i < ALL && !model.is_gone; i++) {
			struct thread *t = &world.node[i / THREADS].thread[i % THREADS];

			if (!(world.members >> t->node & 1) || t->busy || (!model.has[i] && !model.leaves[i]))
				continue;
			model_ask(t);
			more = 1;
		}
	} while (more);
	count_maybe();
}
