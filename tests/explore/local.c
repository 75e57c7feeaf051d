/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states of one core, numbered; and what each event makes of each of them, found
 * out once by the code that ships. A state is kept as its difference from a virgin
 * one. Nothing here knows the layout: states are copied, compared, stepped and renamed.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/explore/explore.h"

/* --- blocks of memory to numbers and back --- */

struct diff {
	uint32_t at; /* in words */
	uint32_t pad;
	uint64_t word;
};
#define DIFF_MAX 2048

static uint32_t state_intern(struct x_locals *l, const void *block)
{
	static struct diff diff[DIFF_MAX];
	const uint64_t *word = block, *base = l->base;
	unsigned n = 0;

	for (uint32_t i = 0; i < l->size / 8; i++)
		if (word[i] != base[i]) {
			if (n == DIFF_MAX)
				abort();
			diff[n++] = (struct diff){ .at = i, .word = word[i] };
		}
	return x_intern(&l->states, diff, n * (uint32_t)sizeof *diff);
}

static struct coh *state_load(const struct x_locals *l, uint32_t local, void *block)
{
	const struct diff *diff = (const struct diff *)l->states.item[local].bytes;
	unsigned n = l->states.item[local].len / sizeof *diff;

	memcpy(block, l->base, l->size);
	for (unsigned i = 0; i < n; i++)
		((uint64_t *)block)[diff[i].at] = diff[i].word;
	return block;
}

/* --- tables by number, grown as numbers come --- */

#define TABLE_MAX (UINT64_C(1) << 23) /* states or lists of one core, in any naming */

void x_locals_open(struct x_locals *l, const struct x_options *o)
{
	memset(l, 0, sizeof *l);
	l->cfg = (struct coh_config){
		.nodes = (coh_node)o->nodes,
		.n_zones = 1,
		.zone = { { .count = o->pages, .block_pages = o->block } },
		.per_home = (uint16_t)o->per_home,
		.slots = (uint16_t)o->slots,
		.holds = (uint16_t)o->holds,
		.locks = o->sync ? 2 : 0,
		.sync_slots = (uint16_t)o->sync,
		.futex_slots = o->futex > 0,
		.overtakes = (uint8_t)o->overtakes,
		.survive = o->crashes > 0,
		.secure_pages = o->secure,
		.refreshes = (uint16_t)o->refreshes,
		.migratory = (uint8_t)o->migratory,
		.sharer_pointers = (uint8_t)o->pointers,
		.sharer_maps = o->maps,
		.sharer_group = (uint16_t)o->group,
	};
	if (coh_config_check(&l->cfg)) {
		fprintf(stderr, "explore: no such configuration\n");
		exit(2);
	}
	l->renumber = o->renumber;
	l->mutated = o->mutated;
	l->size = (coh_size(&l->cfg) + 15) & ~(size_t)15;
	l->base = calloc(1, l->size);
	l->work = calloc(1, l->size);
	l->copy = calloc(1, l->size);
	coh_init(l->base, &l->cfg);
	l->fx.cap = coh_effects_max(&l->cfg);
	l->fx.list = calloc(l->fx.cap, sizeof *l->fx.list);
	l->fx.self_queue = calloc(COH_SELF_MAX, sizeof *l->fx.self_queue);
	l->info = x_map(TABLE_MAX * sizeof *l->info);
	l->role = x_map(TABLE_MAX * X_NODES * sizeof *l->role);
	l->memo_mask = (1 << 16) - 1;
	l->memo = x_map((l->memo_mask + 1) * sizeof *l->memo);
	x_list_intern(l, NULL, 0); /* number 0: nothing to do */
}

void x_locals_close(struct x_locals *l)
{
	for (uint32_t i = 0; i < l->states.len; i++)
		free(l->info[i]);
	x_unmap(l->info, TABLE_MAX * sizeof *l->info);
	x_unmap(l->role, TABLE_MAX * X_NODES * sizeof *l->role);
	x_unmap(l->perm_state, TABLE_MAX * l->n_perms * sizeof *l->perm_state);
	x_unmap(l->perm_list, TABLE_MAX * l->n_perms * sizeof *l->perm_list);
	x_unmap(l->memo, (l->memo_mask + 1) * sizeof *l->memo);
	x_intern_free(&l->states);
	x_intern_free(&l->lists);
	free(l->base);
	free(l->work);
	free(l->copy);
	free(l->fx.list);
	free(l->fx.self_queue);
	free(l->perm);
}

static void check_room(const struct x_locals *l)
{
	if (l->states.len < TABLE_MAX && l->lists.len < TABLE_MAX)
		return;
	fprintf(stderr, "explore: more than %llu states of one core\n",
	        (unsigned long long)TABLE_MAX);
	exit(2);
}

uint32_t x_local_virgin(struct x_locals *l, coh_node self)
{
	struct coh_config cfg = l->cfg;

	cfg.self = self;
	memset(l->work, 0, l->size);
	return state_intern(l, coh_init(l->work, &cfg));
}

const struct x_local_info *x_local_info(struct x_locals *l, uint32_t local)
{
	struct x_local_info *info = l->info[local];
	struct coh *c;

	if (info)
		return info;
	info = l->info[local] = calloc(1, sizeof *info);
	c = state_load(l, local, l->work);
	info->quiet = (uint8_t)coh_is_quiet(c);
	info->view = (uint8_t)coh_view(c);
	info->more = (uint8_t)coh_has_more(c);
	info->rebuilding = (uint8_t)coh_is_rebuilding(c);
	for (coh_node i = 0; i < l->cfg.nodes; i++)
		info->asleep |= (uint8_t)(coh_is_asleep(c, i, 0) << i);
	for (unsigned p = 0; p < l->cfg.zone[0].count; p++)
		coh_page_info(c, p, &info->page[p]);
	return info;
}

const struct x_fx *x_list(const struct x_locals *l, uint32_t list, unsigned *n)
{
	*n = l->lists.item[list].len / sizeof(struct x_fx);
	return (const struct x_fx *)l->lists.item[list].bytes;
}

uint32_t x_list_intern(struct x_locals *l, const struct x_fx *fx, unsigned n)
{
	check_room(l);
	return x_intern(&l->lists, fx, n * (uint32_t)sizeof *fx);
}

/* --- the step --- */

static sigjmp_buf assertion_failed;

static void on_abort(int sig)
{
	siglongjmp(assertion_failed, sig);
}

/* coh_step(), or -EFAULT when an assertion of the core failed. */
static int guarded_step(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	struct sigaction sa = { .sa_handler = on_abort, .sa_flags = SA_NODEFER }, old;
	int rc;

	sigaction(SIGABRT, &sa, &old);
	if (sigsetjmp(assertion_failed, 1))
		rc = -EFAULT;
	else
		rc = coh_step(c, ev, fx);
	sigaction(SIGABRT, &old, NULL);
	return rc;
}

static const char *effects_pack(struct x_locals *l, coh_node self, uint32_t *list)
{
	struct x_fx fx[512];
	const char *bad = NULL;

	if (l->fx.len > sizeof fx / sizeof *fx)
		return "too many effects";
	for (unsigned i = 0; i < l->fx.len && !bad; i++)
		bad = x_fx_pack(&l->fx.list[i], self, &fx[i]);
	*list = x_list_intern(l, fx, l->fx.len);
	return bad;
}

static struct x_step step_for_real(struct x_locals *l, uint32_t local, uint64_t ev)
{
	struct coh *c = state_load(l, local, l->work);
	struct coh_event event = x_event_unpack(ev);
	struct x_step s = { .local = local };

	if (event.kind == X_EV_FORGET) {
		(event.flags ? coh_forget_atomic : coh_forget_request)(c, (coh_node)event.n, event.page,
		                                                       event.view);
		s.local = state_intern(l, c);
		return s;
	}
	s.rc = (int16_t)guarded_step(c, &event, &l->fx);
	if (s.rc == -EFAULT) {
		s.bad = "an assertion of the core fails";
		return s;
	}
	if (s.rc) {
		state_load(l, local, l->copy);
		if (l->fx.len || memcmp(l->work, l->copy, l->size))
			s.bad = "a refused event changed the state";
		return s;
	}
	for (unsigned i = 0; i < COH_ROWS_MAX; i++)
		l->row_taken[i] |= l->fx.row_taken[i];
	s.bad = effects_pack(l, coh_config_of(c)->self, &s.list);
	if (event.kind == COH_EV_PREFETCH && (l->fx.consumed == 0 || l->fx.consumed > event.n))
		s.bad = "a prefetch tells nonsense of how far it went";
	if (!s.bad)
		s.bad = l->mutated ? NULL : coh_invariant(c);
	check_room(l);
	if (l->renumber)
		coh_renumber(c);
	s.local = state_intern(l, c);
	return s;
}

static struct x_memo *memo_find(struct x_locals *l, uint32_t local, uint64_t ev)
{
	uint64_t at = x_mix(ev ^ (uint64_t)local << 51 ^ local) & l->memo_mask;

	while (l->memo[at].used && (l->memo[at].ev != ev || l->memo[at].from != local))
		at = (at + 1) & l->memo_mask;
	return &l->memo[at];
}

static void memo_grow(struct x_locals *l)
{
	struct x_memo *old = l->memo;
	uint64_t size = l->memo_mask + 1;

	l->memo_mask = 2 * size - 1;
	l->memo = x_map(2 * size * sizeof *l->memo);
	for (uint64_t i = 0; i < size; i++)
		if (old[i].used)
			*memo_find(l, old[i].from, old[i].ev) = old[i];
	x_unmap(old, size * sizeof *old);
}

/* One in so many remembered outcomes is computed again. */
#define DOUBT 4096

struct x_step x_local_step(struct x_locals *l, uint32_t local, uint64_t ev)
{
	struct x_memo *m = memo_find(l, local, ev);

	l->steps++;
	if (m->used) {
		if (l->steps % DOUBT == 0) {
			struct x_step again = step_for_real(l, local, ev);
			if (again.local != m->step.local || again.list != m->step.list)
				m->step.bad = "the step is not a function of state and event";
		}
		return m->step;
	}
	m->from = local;
	m->ev = ev;
	m->used = 1;
	m->step = step_for_real(l, local, ev);
	struct x_step s = m->step;
	if (2 * ++l->memo_len > l->memo_mask)
		memo_grow(l);
	return s;
}

/* --- other names for the nodes --- */

uint32_t x_local_permute(struct x_locals *l, uint32_t local, unsigned perm)
{
	uint32_t *known;

	if (perm == 0)
		return local;
	if (!l->perm_state)
		l->perm_state = x_map(TABLE_MAX * l->n_perms * sizeof *l->perm_state);
	known = &l->perm_state[(uint64_t)local * l->n_perms + perm];
	if (!*known) {
		struct coh *c = state_load(l, local, l->work);
		coh_permute(c, l->perm[perm]);
		check_room(l);
		*known = state_intern(l, c) + 1;
	}
	return *known - 1;
}

uint32_t x_list_permute(struct x_locals *l, uint32_t list, unsigned perm)
{
	struct x_fx out[512];
	const struct x_fx *fx;
	uint32_t *known;
	unsigned n;

	if (perm == 0 || list == 0)
		return list;
	if (!l->perm_list)
		l->perm_list = x_map(TABLE_MAX * l->n_perms * sizeof *l->perm_list);
	known = &l->perm_list[(uint64_t)list * l->n_perms + perm];
	if (!*known) {
		fx = x_list(l, list, &n);
		for (unsigned i = 0; i < n; i++)
			out[i] = x_fx_permute(fx[i], l->perm[perm]);
		*known = x_list_intern(l, out, n) + 1;
	}
	return *known - 1;
}

uint64_t x_local_role(struct x_locals *l, uint32_t local, coh_node node)
{
	uint64_t *known = &l->role[(uint64_t)local * X_NODES + node];

	if (*known)
		return *known;
	uint64_t least = UINT64_MAX;
	for (unsigned g = 0; g < l->n_perms; g++) {
		uint64_t seen =
			((uint64_t)x_local_permute(l, local, g) << 4 | l->perm[g][node]) + 1;
		if (seen < least)
			least = seen;
	}
	return *known = least;
}
