/* SPDX-License-Identifier: BSD-2-Clause */
/* At rest: the nodes beside the reference of mirror_model.h. */
#include <string.h>

#include "tests/heap/mirror_model.h"

/* Waits for a name that is not there. */
static int waits(const struct thread *t)
{
	const struct name *n = &model.name[model.reads[model_index(t)]];
	const int is_alive = world.members >> model.reads[model_index(t)] / THREADS & 1;

	return t->svc.op == SVC_LOOKUP && t->svc.arg[0] && (!(n->version & 1) || !is_alive);
}

static void compare_blocks(const struct alloc *a)
{
	const void *cursor = NULL;
	struct alloc_saved s;
	unsigned known = 0, unknown = 0, need = 0;

	MUST(alloc_check(a) == 0);
	while (alloc_next(a, &cursor, &s)) {
		int is_known = 0, is_maybe = 0;

		for (int k = 0; k < model.blocks; k++)
			if (model.block[k].offset == s.offset && model.block[k].bytes == s.bytes) {
				is_known |= model.block[k].by < 0;
				is_maybe = 1; /* whoever was about to free it has died */
			}
		known += s.taken && is_known;
		unknown += s.taken && !is_maybe;
	}
	for (int k = 0; k < model.blocks; k++)
		need += model.block[k].by < 0;
	MUST(known == need);
	MUST(unknown <= model.maybe_taken);
}

/* The same blocks, and in free ones no more bytes that may hold something; model.touched says whether
 * that are enough. */
static void compare_mirrors(const struct served *a, const struct served *b)
{
	const void *x = NULL, *y = NULL;
	struct alloc_saved one, two;
	struct names_saved name;
	uint64_t value;

	while (alloc_next(a->alloc[0], &x, &one)) {
		MUST(alloc_next(b->alloc[0], &y, &two));
		MUST(one.offset == two.offset && one.bytes == two.bytes && one.taken == two.taken);
		MUST(two.dirty_lo == two.dirty_hi ||
		     (one.dirty_lo <= two.dirty_lo && one.dirty_hi >= two.dirty_hi));
	}
	MUST(!alloc_next(b->alloc[0], &y, &two));
	MUST(!memcmp(a->room[0].used, b->room[0].used, NODES * sizeof *a->room[0].used));
	for (x = NULL; names_next(a->names, &x, &name);)
		MUST(name.claimed || (names_find(b->names, name.name, &value) == 0 && value == name.value));
}

void model_compare(void)
{
	const struct node *n = world_server();

	for (int i = 0; i < ALL; i++) {
		const struct thread *t = &world.node[i / THREADS].thread[i % THREADS];

		MUST(!(world.members >> t->node & 1) || !t->busy || waits(t));
	}
	MUST(!model.is_gone || !n->mirror.whole);
	if (!n->mirror.whole) {
		MUST(model.may_be_gone);
		return;
	}
	compare_blocks(n->mirror.served.alloc[0]);
	if (n->mirror.deputy != MIRROR_NOBODY)
		compare_mirrors(&n->mirror.served, &world.node[n->mirror.deputy].mirror.served);
}
