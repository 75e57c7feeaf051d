/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold in every state, and where all must be able to arrive. */
#include <stdarg.h>

#include "tests/views/explore.h"

int v_bad(struct v_explorer *x, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(x->why, sizeof x->why, format, args);
	va_end(args);
	return -1;
}

/* Against a view that was made, and told. */
static int check_view(struct v_explorer *x, const struct v_world *w, const struct views_msg *m)
{
	for (unsigned i = 0; i < x->o.nodes; i++) {
		const struct views *v = v_local(&x->l, w->local[i]);

		if (v->number == m->view && !vset_equal(&v->members, &m->set))
			return v_bad(x, "view %u has members %llx at node %u, and is %llx elsewhere",
			             m->view, (unsigned long long)v->members.w[0], i,
			             (unsigned long long)m->set.w[0]);
		if (!v_lives(x, w, i) || vset_has(&m->set, i))
			continue;
		if (v->usable)
			return v_bad(x, "view %u has begun without node %u, which may use its window",
			             m->view, i);
		if (v->number >= m->view)
			return v_bad(x, "node %u goes on in view %u, but is not in view %u", i,
			             v->number, m->view);
	}
	return 0;
}

/* Two who may use their windows belong to the later of their views: no two groups go on. */
static int check_groups(struct v_explorer *x, const struct v_world *w)
{
	for (unsigned i = 0; i < x->o.nodes; i++)
		for (unsigned j = 0; j < x->o.nodes; j++) {
			const struct views *a = v_local(&x->l, w->local[i]);
			const struct views *b = v_local(&x->l, w->local[j]);

			if (v_lives(x, w, i) && v_lives(x, w, j) && a->usable && b->usable &&
			    a->number >= b->number && !vset_has(&a->members, j))
				return v_bad(x, "nodes %u and %u both go on, in views %u and %u", i, j,
				             a->number, b->number);
		}
	return 0;
}

int v_check(struct v_explorer *x, const struct v_world *w)
{
	for (unsigned i = 0; i < w->n_msgs; i++) {
		struct views_msg m = v_unword(w->msg[i]), other;

		if (m.type != VIEWS_VIEW)
			continue;
		if (check_view(x, w, &m))
			return -1;
		for (unsigned j = 0; j < i; j++) {
			other = v_unword(w->msg[j]);
			if (other.type == VIEWS_VIEW && other.view == m.view)
				return v_bad(x, "view %u is both %llx and %llx", m.view,
				             (unsigned long long)m.set.w[0],
				             (unsigned long long)other.set.w[0]);
		}
	}
	return check_groups(x, w);
}

int v_is_good(struct v_explorer *x, const struct v_world *w)
{
	struct vset living = { { 0 } };
	uint32_t number = 0;

	for (unsigned i = 0; i < x->o.nodes; i++)
		if (v_lives(x, w, i))
			vset_add(&living, i);
	VSET_EACH(i, &living) {
		const struct views *v = v_local(&x->l, w->local[i]);

		if ((number && v->number != number) || !vset_equal(&v->members, &living))
			return 0;
		if (!v->usable || v->phase != VIEWS_IDLE || v->unfinished || views_is_uneasy(v))
			return 0;
		number = v->number;
	}
	return !w->stop;
}
