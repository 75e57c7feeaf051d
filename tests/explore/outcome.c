/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is it sound to give all requests of a view one number, and to forget claims to those that are over
 * (views.c)? Where threads ask for a bounded number of things, the numbers may as well stay; then what
 * is reached must be the same, but for the numbers themselves, with them and without.
 */
#include <string.h>

#include "tests/explore/explore.h"

/* A state of a page at a node, as far as it shows. */
struct shown {
	uint8_t cache, kept, asked, dir, stable, touched, queued, request, owner, requestor;
	uint8_t sharers, pad;
};

static struct shown show(const struct coh_page_info *i)
{
	struct shown s;

	memset(&s, 0, sizeof s);
	s.cache = i->cache_state;
	s.kept = i->kept;
	s.asked = i->asked != 0;
	if (!i->is_home)
		return s;
	s.dir = i->dir_state;
	s.stable = i->dir_stable;
	s.touched = i->touched;
	s.queued = i->queued;
	s.request = i->request;
	s.owner = (uint8_t)i->owner;
	s.requestor = (uint8_t)i->requestor;
	s.sharers = (uint8_t)i->sharers;
	return s;
}

/*
 * Whoever has done an atomic remembers it, and reports it in the next view, be it over long since. Its
 * number tells that nobody asks for it; here, where it was forgotten, it is not reported. So such
 * reports do not count, but that they may be the last ones of their senders.
 */
static int is_of_atomic(uint64_t msg)
{
	return x_get(msg, M_TYPE) == COH_MSG_REPORT && (x_get(msg, M_FLAGS) & COH_F_RAN);
}

static unsigned without_atomics(const struct world *w, struct world *plain)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_msgs; i++) {
		uint64_t m = w->msg[i], plain_m = x_put(0, M_TYPE, COH_MSG_REPORT);
		if (!is_of_atomic(m)) {
			plain->msg[n++] = m;
			continue;
		}
		if (!(x_get(m, M_FLAGS) & COH_F_LAST))
			continue;
		plain_m = x_put(x_put(plain_m, M_FLAGS, COH_F_LAST), M_VIEW, x_get(m, M_VIEW));
		plain_m = x_put(x_put(plain_m, M_FROM, x_get(m, M_FROM)), M_TO, x_get(m, M_TO));
		plain->msg[n++] = x_put(x_put(plain_m, M_REQUESTOR, 15), M_N, 1);
	}
	return n;
}

static uint64_t without_number(uint64_t msg)
{
	msg = x_put(x_put(msg, M_SERIAL, 0), M_SERIAL_MORE, 0);
	if (x_get(msg, M_TYPE) == COH_MSG_REPORT &&
	    !(x_get(msg, M_FLAGS) & (COH_F_RAN | COH_F_HOLDS | COH_F_BARRIER)))
		msg = x_put(msg, M_RESULT, x_get(msg, M_RESULT) != 0);
	return msg;
}

void x_outcome_add(struct explorer *x, const struct world *w, struct x_intern *seen, uint64_t *sum)
{
	uint8_t bytes[X_BYTES_MAX + sizeof(struct shown) * X_NODES * X_PAGES];
	struct world plain = *w;
	uint32_t before = seen->len;
	unsigned len;

	for (unsigned i = 0; i < x->o.nodes; i++)
		plain.node[i].local = plain.node[i].todo = 0;
	plain.n_msgs = (uint8_t)without_atomics(w, &plain);
	for (unsigned i = 0; i < plain.n_msgs; i++)
		plain.msg[i] = without_number(plain.msg[i]);
	len = x_world_pack(x, &plain, bytes);
	for (unsigned i = 0; i < x->o.nodes; i++) {
		const struct x_local_info *info = x_local_info(&x->l, w->node[i].local);
		for (unsigned p = 0; p < x->o.pages; p++) {
			struct shown s = show(&info->page[p]);
			memcpy(bytes + len, &s, sizeof s);
			len += (unsigned)sizeof s;
		}
	}
	x_intern(seen, bytes, len);
	if (seen->len != before)
		*sum += x_hash(bytes, len);
}
