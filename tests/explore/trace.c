/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trace for people: the events that led to a state, what each made its node do, and
 * how every node then stood. Stored states have their nodes renamed; the trace keeps
 * one set of names throughout.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/explore/explore.h"

static const char *const access_name[] = { "-", "READ", "WRITE", "?" };

static void print_msg(FILE *out, uint64_t m)
{
	unsigned flags = (unsigned)x_get(m, M_FLAGS);

	fprintf(out, "%s", coh_msg_name((unsigned)x_get(m, M_TYPE)));
	if (x_get(m, M_TYPE) == COH_MSG_REPORT)
		fprintf(out, " flags %#x, %u,", flags, (unsigned)x_get(m, M_RESULT));
	else if (x_get(m, M_TYPE) >= COH_MSG_FUTEX_WAIT) {
		fprintf(out, " %u", (unsigned)x_get(m, M_RESULT));
		return;
	}
	if (x_get(m, M_TYPE) >= COH_MSG_LOCK && x_get(m, M_TYPE) <= COH_MSG_BARRIER_RELEASE) {
		fprintf(out, " thread %u, value %d", (unsigned)x_get(m, S_THREAD),
		        (int8_t)x_get(m, S_VALUE));
		return;
	}
	fprintf(out, " p%u", (unsigned)x_get(m, M_PAGE));
	if (x_get(m, M_N) > 1)
		fprintf(out, "+%u", (unsigned)x_get(m, M_N));
	if (x_get(m, M_REQUESTOR) != 15)
		fprintf(out, " for %u", (unsigned)x_get(m, M_REQUESTOR));
	if (flags)
		fprintf(out, "%s%s%s", flags & COH_F_UPGRADE ? " upgrade" : "",
		        flags & COH_F_REFRESH ? " refresh" : "", flags & COH_F_PULL ? " pull" : "");
}

static void print_fx(FILE *out, const struct x_fx *fx)
{
	switch (fx->kind) {
	case COH_FX_SET_ACCESS: fprintf(out, "p%u := %s", fx->page, access_name[fx->access]); break;
	case COH_FX_WAKE: fprintf(out, "wake p%u", fx->page); break;
	case COH_FX_SEND:
		print_msg(out, fx->word);
		fprintf(out, " -> %u", (unsigned)x_get(fx->word, M_TO));
		break;
	case COH_FX_MOVE:
		fprintf(out, "page %u", fx->page);
		if (fx->n > 1)
			fprintf(out, "+%u", fx->n);
		fprintf(out, " => %u%s", (unsigned)x_get(fx->word, V_TO),
		        coh_tag_decode((uint32_t)fx->word).to_home ? " (home)" : "");
		break;
	case COH_FX_TIMER: fprintf(out, "timer %u for p%u", fx->slot, fx->page); break;
	case COH_FX_COMPARE: fprintf(out, "compare for %u", fx->node); break;
	case COH_FX_ATOMIC: fprintf(out, "atomic p%u for %u", fx->page, fx->node); break;
	case COH_FX_DROP_FRAME: fprintf(out, "drop frame p%u +%u", fx->page, fx->n); break;
	case COH_FX_ZERO_FRAME: fprintf(out, "zero frame p%u +%u", fx->page, fx->n); break;
	case COH_FX_DISCARD_FRAME: fprintf(out, "discard p%u +%u", fx->page, fx->n); break;
	case COH_FX_LOST: fprintf(out, "lost p%u", fx->page); break;
	case COH_FX_RENEWED: fprintf(out, "renewed p%u +%u", fx->page, fx->n); break;
	default: fprintf(out, "complete"); break;
	}
}

static void print_list(struct explorer *x, uint32_t list, const char *before)
{
	unsigned n;
	const struct x_fx *fx = x_list(&x->l, list, &n);

	for (unsigned i = 0; i < n; i++) {
		fprintf(x->out, "%s", i ? "; " : before);
		print_fx(x->out, &fx[i]);
	}
}

static void print_local(struct explorer *x, const struct x_action *a)
{
	static const char *const what[] = { [COH_EV_READ] = "faults reading",
		                            [COH_EV_WRITE] = "faults writing",
		                            [COH_EV_PREFETCH] = "prefetches",
		                            [COH_EV_EVICT] = "evicts",
		                            [COH_EV_ATOMIC] = "wants an atomic on",
		                            [COH_EV_DISCARD] = "discards",
		                            [COH_EV_RENEW] = "renews",
		                            [COH_EV_FUTEX_WAIT] = "waits for a word of",
		                            [COH_EV_FUTEX_WAKE] = "wakes who waits for",
		                            [COH_EV_FUTEX_CANCEL] = "cancels its wait for" };
	static const char *const sync[] = { [COH_EV_LOCK] = "locks",
		                            [COH_EV_UNLOCK] = "unlocks",
		                            [COH_EV_COND_WAIT] = "waits",
		                            [COH_EV_COND_SIGNAL] = "signals",
		                            [COH_EV_BARRIER] = "comes to the barrier" };

	if (x->o.sync) {
		fprintf(x->out, "node %u, thread %u %s%s", a->node, a->page, sync[a->ev],
		        !a->n                  ? ""
		        : a->ev == COH_EV_LOCK ? " if it is free"
		                               : " all");
		return;
	}
	fprintf(x->out, "node %u %s p%u", a->node, what[a->ev], a->page);
	if (a->n)
		fprintf(x->out, "+%u", a->n);
}

static void print_action(struct explorer *x, const struct world *w, const struct x_action *a)
{
	uint64_t m = a->kind == X_DELIVER ? w->msg[a->index] : w->move[a->index];
	unsigned page = (unsigned)x_get(m, V_PAGE), from = (unsigned)x_get(m, V_FROM);

	switch (a->kind) {
	case X_DELIVER:
		fprintf(x->out, "node %u takes ", a->node);
		print_msg(x->out, m);
		fprintf(x->out, " from %u", (unsigned)x_get(m, M_FROM));
		break;
	case X_LAND: fprintf(x->out, "page %u of %u lands at %u", page, from, a->node); break;
	case X_TELL:
		fprintf(x->out, "node %u sees page %u of %u landed", a->node, page, from);
		break;
	case X_PUNCH:
		fprintf(x->out, "node %u gives back its frame of page %u", a->node, a->page);
		break;
	case X_TIMER: fprintf(x->out, "node %u: timer %u fires", a->node, a->index); break;
	case X_COMPARED: fprintf(x->out, "node %u has compared", a->node); break;
	case X_CARRY_OUT: fprintf(x->out, "node %u goes on", a->node); break;
	case X_CRASH: fprintf(x->out, "node %u DIES", a->node); break;
	case X_ANNOUNCE: fprintf(x->out, "a new view is announced"); break;
	case X_ENTER:
		fprintf(x->out, "node %u enters view %u%s", a->node, w->view,
		        a->n ? ", what lands there is torn" : "");
		break;
	case X_RECOVER: fprintf(x->out, "node %u goes on with its recovery", a->node); break;
	default: print_local(x, a);
	}
}

/* The event that an action is to a node's core, or 0. */
static uint64_t event_of(const struct explorer *x, const struct world *w, const struct x_action *a)
{
	uint64_t ev = x_put(x_put(0, E_PAGE, a->page), E_N, a->n);
	struct world scratch = *w;

	switch (a->kind) {
	case X_DELIVER: return x_put(w->msg[a->index], E_KIND, COH_EV_MSG);
	case X_TELL: return x_put(w->move[a->index] & 0xffffffff, E_KIND, COH_EV_LANDED);
	case X_TIMER: return x_put(x_put(0, E_SLOT, a->index), E_KIND, COH_EV_TIMER);
	case X_COMPARED:
		return x_compared_event(a->n ? w->node[a->node].late : w->node[a->node].compared);
	case X_LOCAL:
		if (a->ev >= COH_EV_FUTEX_WAIT)
			return x_futex_event(x, &scratch, *a);
		return x->o.sync ? x_sync_event(x, &scratch, *a) : x_put(ev, E_KIND, a->ev);
	default: return 0;
	}
}

static void print_effects(struct explorer *x, const struct world *w, const struct x_action *a)
{
	uint64_t ev = event_of(x, w, a);

	if (a->kind == X_CARRY_OUT)
		print_list(x, w->node[a->node].todo, ": ");
	else if (ev)
		print_list(x, x_local_step(&x->l, w->node[a->node].local, ev).list, ": ");
	fprintf(x->out, "\n");
}

static void print_dir(FILE *out, const struct coh_page_info *i)
{
	fprintf(out, " dir %s", coh_dir_state_name(i->dir_state));
	if (i->dir_state >= COH_D_INV)
		fprintf(out, "(%s for %u)", coh_dir_state_name(i->dir_stable), i->requestor);
	if (i->dir_stable == COH_D_M)
		fprintf(out, " owner %u", i->owner);
	if (i->sharers)
		fprintf(out, " sharers %#llx", (unsigned long long)i->sharers);
	if (i->queued)
		fprintf(out, " queue %u", i->queued);
}

static void print_threads(struct explorer *x, const struct world *w)
{
	static const char *const state[] = {
		"idle", "locks", "tries", "HOLDS", "waits", "barrier"
	};

	for (unsigned i = 0; i < x->o.nodes; i++) {
		fprintf(x->out, "        %u:", i);
		for (unsigned t = 0; t < x->o.sync; t++)
			fprintf(x->out, " %s", state[x_thread(w, i, t)]);
		print_list(x, w->node[i].todo, " still to do: ");
		fprintf(x->out, "\n");
	}
}

static void print_world(struct explorer *x, const struct world *w)
{
	if (x->o.sync) {
		print_threads(x, w);
		return;
	}
	for (unsigned i = 0; i < x->o.nodes; i++) {
		const struct x_local_info *info = x_local_info(&x->l, w->node[i].local);
		if (w->node[i].dead)
			continue;
		fprintf(x->out, "        %u:", i);
		if (x->o.crashes)
			fprintf(x->out, " view %u%s", info->view, info->rebuilding ? " rebuilding" : "");
		for (unsigned p = 0; p < x->o.pages; p++) {
			const struct coh_page_info *page = &info->page[p];
			fprintf(x->out, " p%u %s", p, coh_cache_state_name(page->cache_state));
			fprintf(x->out, "/%s%s%s%s", access_name[x_access(w, i, p)],
			        w->node[i].current >> p & 1 ? "" : " stale",
			        w->node[i].blocked >> p & 1 ? " blocked" : "",
			        page->held ? " held" : "");
			if (page->kept)
				fprintf(x->out, " kept for %d", page->kept_for == COH_NO_NODE ? -1 : page->kept_for);
			if (w->node[i].gave[p & 1] && x->o.crashes)
				fprintf(x->out, " gave %u", w->node[i].gave[p & 1]);
			if (page->is_home)
				print_dir(x->out, page);
			fprintf(x->out, ";");
		}
		if (x->o.futex)
			fprintf(x->out, " wait %u%s place %u due %u wake %u;", x_wait(w, i),
			        w->node[i].wait & X_WAIT_CANCELS ? " cancels" : "", w->node[i].place,
			        w->node[i].due, w->node[i].wake);
		print_list(x, w->node[i].todo, " still to do: ");
		fprintf(x->out, "\n");
	}
}

/* a, whose names are those after perm, in the names before it; indices are found again. */
static struct x_action rename_action(struct explorer *x, const struct world *canon,
                                     const struct world *w, const coh_node *inverse,
                                     struct x_action a)
{
	struct x_action out = a;

	out.node = (uint8_t)inverse[a.node];
	if (a.kind == X_DELIVER) {
		uint64_t m = x_msg_permute(canon->msg[a.index], inverse);
		for (out.index = 0; w->msg[out.index] != m; out.index++)
			;
		/* the oldest of its pair is the first of equal ones */
	} else if (a.kind == X_LAND || a.kind == X_TELL) {
		uint64_t m = x_move_permute(canon->move[a.index], inverse);
		for (out.index = 0; w->move[out.index] != m; out.index++)
			;
	}
	(void)x;
	return out;
}

static void print_step(struct explorer *x, const struct world *w, const struct x_action *a,
                       unsigned number)
{
	fprintf(x->out, "  %3u. ", number);
	print_action(x, w, a);
	print_effects(x, w, a);
}

/* w and canon are one state; name[i] is what canon's node i is called in w. */
struct walk {
	struct world w, canon;
	coh_node name[X_NODES];
};

static enum x_outcome walk_on(struct explorer *x, struct walk *k, struct x_action a,
                              unsigned number)
{
	struct x_action mine = rename_action(x, &k->canon, &k->w, k->name, a);
	struct world after = k->canon;
	coh_node name[X_NODES];
	unsigned perm;

	if (x->out)
		print_step(x, &k->w, &mine, number);
	if (x_apply(x, &after, a) == X_BAD)
		return X_BAD;
	if (x_apply(x, &k->w, mine) == X_BAD)
		return X_BAD;
	if (x->out)
		print_world(x, &k->w);
	perm = x_canonical(x, &after, &k->canon);
	for (unsigned i = 0; i < x->o.nodes; i++)
		name[x->l.perm[perm][i]] = k->name[i];
	memcpy(k->name, name, sizeof name);
	return X_DONE;
}

unsigned x_trace_print(struct explorer *x, const struct x_store *s, uint32_t number,
                       const struct x_action *last)
{
	struct x_action *path;
	struct world w;
	struct walk k;
	unsigned len = 0, at, perm;
	char why[sizeof x->why];

	memcpy(why, x->why, sizeof why);
	for (uint32_t n = number; n; n = s->parent[n])
		len++;
	path = calloc(len + 1, sizeof *path);
	at = len;
	for (uint32_t n = number; n; n = s->parent[n])
		path[--at] = s->action[n];
	if (last)
		path[len++] = *last;
	x_world_init(x, &w);
	k.w = w;
	perm = x_canonical(x, &w, &k.canon);
	for (unsigned i = 0; i < x->o.nodes; i++)
		k.name[x->l.perm[perm][i]] = (coh_node)i;
	if (x->out)
		fprintf(x->out, "  the shortest way to it, %u events:\n", len);
	for (unsigned i = 0; i < len; i++)
		if (walk_on(x, &k, path[i], i + 1) == X_BAD)
			break;
	if (x->out)
		fprintf(x->out, "  VIOLATED: %s\n  (in the names of the last stored state: %s)\n",
		        x->why, why);
	free(path);
	return len;
}
