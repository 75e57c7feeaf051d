/* SPDX-License-Identifier: BSD-2-Clause */
/* The packed form of a world. */
#include <string.h>

#include "tests/views/explore.h"

static uint8_t *put(uint8_t *out, const void *from, size_t len)
{
	memcpy(out, from, len);
	return out + len;
}

unsigned v_world_pack(const struct v_explorer *x, const struct v_world *w, uint8_t *bytes)
{
	unsigned n = x->o.nodes;
	uint8_t *out = put(bytes, w->local, n * sizeof *w->local);

	out = put(out, &w->alive, 4);
	if (x->o.rule == VIEWS_MAJORITY) {
		out = put(out, w->acks, n);
		for (unsigned i = 0; i < n; i++) {
			out = put(out, w->held[i], n);
			out = put(out, w->coming[i], n);
		}
	}
	out = put(out, &w->n_msgs, sizeof w->n_msgs);
	out = put(out, w->msg, w->n_msgs * sizeof *w->msg);
	return (unsigned)(out - bytes);
}

static const uint8_t *get(void *to, const uint8_t *in, size_t len)
{
	memcpy(to, in, len);
	return in + len;
}

void v_world_unpack(const struct v_explorer *x, const uint8_t *bytes, struct v_world *w)
{
	unsigned n = x->o.nodes;

	memset(w, 0, sizeof *w);
	bytes = get(w->local, bytes, n * sizeof *w->local);
	bytes = get(&w->alive, bytes, 4);
	if (x->o.rule == VIEWS_MAJORITY) {
		bytes = get(w->acks, bytes, n);
		for (unsigned i = 0; i < n; i++) {
			bytes = get(w->held[i], bytes, n);
			bytes = get(w->coming[i], bytes, n);
		}
	}
	bytes = get(&w->n_msgs, bytes, sizeof w->n_msgs);
	get(w->msg, bytes, w->n_msgs * sizeof *w->msg);
}
