/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secure pages: two nodes hold what anybody may have seen. Beside which frames have the last value of a
 * page it is noted which have the value that its owner was granted (floor): what he has written since and
 * shown nobody may go with him, and then that value is the last one again. When he gives a page up, it
 * is noted what else of what he wrote was not on two nodes (unsafe): nobody else may open a window to that
 * page before it is.
 */
#include "tests/explore/explore.h"

#define ALIVE(w, i) (!(w)->node[i].dead)

static int is_secure(const struct explorer *x, unsigned page)
{
	return page < x->o.secure;
}

/* Living nodes with the last value. */
static unsigned holders(const struct explorer *x, const struct world *w, unsigned page)
{
	unsigned n = 0;

	for (unsigned i = 0; i < x->o.nodes; i++)
		n += ALIVE(w, i) && (w->node[i].current >> page & 1);
	return n;
}

static int is_held_by_two(const struct explorer *x, const struct world *w, unsigned page)
{
	return !(w->written >> page & 1) || holders(x, w, page) > 1;
}

static unsigned dead(const struct explorer *x, const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < x->o.nodes; i++)
		n += !ALIVE(w, i);
	return n;
}

/* --- a window changes --- */

/* The node may write it from now on. */
static enum x_outcome opens(struct explorer *x, struct world *w, unsigned node, unsigned page)
{
	uint8_t bit = (uint8_t)(1u << page);

	if (!dead(x, w) && !is_held_by_two(x, w, page))
		return x_bad(x, "node %u writes page %u, and what it was before only one node has", node,
		             page);
	/* It goes on writing what it has pushed in a view that ended, or it is the only one left. */
	for (unsigned i = 0; i < x->o.nodes && is_held_by_two(x, w, page); i++) {
		w->node[i].floor &= (uint8_t)~bit;
		w->node[i].floor |= w->node[i].current & bit;
	}
	w->last[page] = (uint8_t)(node + 1);
	w->broken &= (uint8_t)~bit;
	w->node[node].floor &= (uint8_t)~bit; /* it writes there */
	if (is_held_by_two(x, w, page))
		w->floor_written = (uint8_t)((w->floor_written & ~bit) | (w->written & bit));
	return X_DONE;
}

static void gives_up(const struct explorer *x, struct world *w, unsigned node, unsigned page)
{
	w->unsafe[page] = 0;
	for (unsigned p = 0; p < x->o.secure; p++)
		if ((w->node[node].current >> p & 1) && !is_held_by_two(x, w, p))
			w->unsafe[page] |= (uint8_t)(1u << p);
	w->writer[page] = (uint8_t)(node + 1);
}

enum x_outcome x_secure_access(struct explorer *x, struct world *w, unsigned node, unsigned page,
                               unsigned access)
{
	unsigned was = x_access(w, node, page);

	if (access == COH_WRITE && was != COH_WRITE && is_secure(x, page) &&
	    opens(x, w, node, page) == X_BAD)
		return X_BAD;
	if (access != COH_NONE && page < 2 && w->broken >> page & 1)
		return x_bad(x, "node %u sees page %u, and what was written before it has fallen back", node, page);
	if (access != COH_NONE && page < 2 && w->writer[page] && w->writer[page] != node + 1 &&
	    w->unsafe[page] && !dead(x, w))
		return x_bad(x,
		             "node %u sees page %u, and what node %d wrote before it is not on two nodes",
		             node, page, w->writer[page] - 1);
	if (was == COH_WRITE && access != COH_WRITE && page < 2 && !dead(x, w))
		gives_up(x, w, node, page);
	return X_DONE;
}

/* --- what is on two nodes is safe; what nobody has any more, nobody had seen --- */

/* Who pushed what came before this page, and who was to take his place, are both dead: a part of it may have
 * come through, as docs/protocol.md says. */
static int may_be_torn(const struct explorer *x, const struct world *w, unsigned page)
{
	unsigned writer = w->writer[page] - 1u;

	return w->writer[page] && !ALIVE(w, writer) && !ALIVE(w, (writer + 1) % x->o.nodes);
}

static enum x_outcome fall_back(struct explorer *x, struct world *w, unsigned page)
{
	uint8_t bit = (uint8_t)(1u << page);
	unsigned n = 0;

	if (!(w->written & bit))
		return X_DONE; /* zero, and who needs it zeroes his frame */
	for (unsigned i = 0; i < x->o.nodes; i++) {
		if ((w->node[i].current | w->node[i].stage) & bit)
			return X_DONE;
		n += ALIVE(w, i) && (w->node[i].floor & bit);
	}
	if (!n && !(w->doomed & bit) && (w->floor_written & bit) && dead(x, w) < 2)
		return x_bad(x, "no node has page %u any more, nor what anybody has seen of it", page);
	for (unsigned i = 0; i < x->o.nodes; i++)
		if (ALIVE(w, i))
			w->node[i].current |= w->node[i].floor & bit;
	w->written = (uint8_t)((w->written & ~bit) | (w->floor_written & bit));
	for (unsigned q = 0; q < 2; q++)
		if (q != page && w->unsafe[q] & bit && !may_be_torn(x, w, q))
			w->broken |= (uint8_t)(1u << q);
	w->unsafe[page < 2 ? page : 0] = 0;
	w->broken &= (uint8_t)~bit;
	return X_DONE;
}

static int is_written_here(const struct explorer *x, const struct world *w, unsigned page)
{
	for (unsigned i = 0; i < x->o.nodes; i++)
		if (ALIVE(w, i) && x_access(w, i, page) == COH_WRITE)
			return 1;
	return 0;
}

enum x_outcome x_secure_settle(struct explorer *x, struct world *w)
{
	for (unsigned p = 0; p < x->o.secure; p++) {
		if (dead(x, w) && !is_written_here(x, w, p) && fall_back(x, w, p) == X_BAD)
			return X_BAD;
		for (unsigned q = 0; q < 2; q++)
			if (is_held_by_two(x, w, p))
				w->unsafe[q] &= (uint8_t) ~(1u << p);
	}
	for (unsigned q = 0; q < 2; q++)
		if (!w->unsafe[q])
			w->writer[q] = 0;
	return X_DONE;
}

void x_secure_takes(const struct explorer *x, struct world *w, unsigned node, unsigned page, int zero)
{
	const uint8_t bit = (uint8_t)(1u << page);
	unsigned others = 0;

	for (unsigned i = 0; i < x->o.nodes; i++)
		others += ALIVE(w, i) && i != node && x_access(w, i, page);
	if (!(w->doomed & bit) || !(w->written & bit) || (!zero && (w->node[node].current & bit)) || others || !dead(x, w))
		return;
	if (w->node[node].floor & bit && !zero) {
		for (unsigned i = 0; i < x->o.nodes; i++)
			w->node[i].current = (uint8_t)((w->node[i].current & ~bit) | (w->node[i].floor & bit));
		w->written = (uint8_t)((w->written & ~bit) | (w->floor_written & bit));
		return;
	}
	for (unsigned i = 0; i < x->o.nodes; i++) {
		w->node[i].current &= (uint8_t)~bit;
		if (zero && !(w->floor_written & bit))
			w->node[i].current |= w->node[i].floor & bit;
	}
	w->node[node].current |= bit;
	w->written |= bit;
	if (zero) {
		w->written &= (uint8_t)~bit;
		w->floor_written &= (uint8_t)~bit;
	}
}

/* --- lost pages --- */

enum x_outcome x_secure_lost(struct explorer *x, const struct world *w, unsigned page)
{
	if (is_secure(x, page) && dead(x, w) < 2)
		return x_bad(x, "page %u is lost by one death", page);
	return X_DONE;
}

/* --- stand-ins --- */

int x_secure_stages(const struct explorer *x, uint64_t move)
{
	struct coh_tag tag = coh_tag_decode((uint32_t)move);

	return tag.to_home && tag.home_index >= x->o.pages;
}

enum x_outcome x_secure_take(const struct explorer *x, struct world *w, unsigned node, unsigned page)
{
	const uint8_t bit = (uint8_t)(1u << page);

	(void)x;
	w->node[node].current = (uint8_t)((w->node[node].current & ~bit) | (w->node[node].stage & bit));
	w->node[node].floor &= (uint8_t)~bit;
	w->node[node].stage &= (uint8_t)~bit;
	return X_DONE;
}

/* What it does not take the place for is gone. */
void x_secure_enter(struct explorer *x, struct world *w, unsigned node)
{
	const struct x_local_info *info = x_local_info(&x->l, w->node[node].local);

	for (unsigned p = 0; p < x->o.secure && !w->node[node].todo; p++)
		if (info->page[p].cache_state != COH_C_MS_A && !info->page[p].logged)
			w->node[node].stage &= (uint8_t) ~(1u << p);
}

/* --- the call --- */

void x_secure_asks(struct world *w, unsigned node)
{
	w->node[node].secures = 1;
}

enum x_outcome x_secure_done(struct explorer *x, struct world *w, unsigned node)
{
	if (!w->node[node].secures)
		return x_bad(x, "node %u ends a call that nobody has made", node);
	w->node[node].secures = 0;
	/* Of a death that it has not heard of it cannot know. */
	for (unsigned i = 0; i < x->o.nodes; i++)
		if (w->node[i].thread == X_DISCARDS /* nobody needs it */ ||
		    w->node[node].view != w->view || (!ALIVE(w, i) && (w->members >> i & 1)))
			return X_DONE;
	for (unsigned p = 0; p < x->o.secure; p++)
		if (w->last[p] == node + 1 && !(w->doomed >> p & 1) && (w->written >> p & 1) &&
		    holders(x, w, p) < 2 && dead(x, w) + 1 < x->o.nodes &&
		    !(dead(x, w) > 1 && x_is_lost(x, w, node, p)))
			return x_bad(x, "node %u is told that all is on two nodes, and page %u is not", node, p);
	return X_DONE;
}

/* An atomic of another node's, or a comparison, is done on a page that this one owns. */
enum x_outcome x_secure_looks(struct explorer *x, const struct world *w, unsigned node, unsigned page)
{
	for (unsigned p = 0; p < x->o.secure && !dead(x, w) && x_access(w, node, page) == COH_WRITE; p++)
		if (p != page && x_access(w, node, p) == COH_WRITE)
			return x_bad(x, "another node learns of page %u, and page %u is not on two nodes", page,
			             p);
	return X_DONE;
}
