/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec (wire.h). A message:
 *
 *	0  magic 4    4  type 1, 0   6  from 2    8  incarnation 4    12 view 4    16 ballot 4
 *	20 accepted 4    24 stamp 8    32 echo 8    40 nodes 2, 0 0    44 sets, a bit for each node:
 *	set (TELL, PROPOSE, VIEW), accused (BEAT, TELL)
 */
#include <errno.h>
#include <string.h>

#include "dsm/views/wire.h"

#define MAGIC 0x31767364u /* "dsv1": changes with this file's layout */
#define HEAD 44

static void put(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *from, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)from[i] << 8 * i;
	return value;
}

static int has_set(unsigned type)
{
	return type == VIEWS_TELL || type == VIEWS_PROPOSE || type == VIEWS_VIEW;
}

static int has_accused(unsigned type)
{
	return type == VIEWS_BEAT || type == VIEWS_TELL;
}

static void put_set(uint8_t *to, const struct vset *s, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(s->w[i / 8] >> 8 * (i % 8));
}

/* -EPROTO: it has ranks that there are not. */
static int get_set(const uint8_t *from, unsigned nodes, size_t bytes, struct vset *s)
{
	for (size_t i = 0; i < bytes; i++)
		s->w[i / 8] |= (uint64_t)from[i] << 8 * (i % 8);
	return nodes % 8 && from[bytes - 1] >> nodes % 8 ? -EPROTO : 0;
}

size_t views_encode(const struct pulse_msg *m, unsigned nodes, uint8_t out[VIEWS_WIRE_MAX])
{
	const struct views_msg *v = &m->msg;
	size_t set = (nodes + 7) / 8, len = HEAD;

	put(out, MAGIC, 4);
	put(out + 4, v->type, 2);
	put(out + 6, v->from, 2);
	put(out + 8, v->incarnation, 4);
	put(out + 12, v->view, 4);
	put(out + 16, v->ballot, 4);
	put(out + 20, v->accepted, 4);
	put(out + 24, m->stamp, 8);
	put(out + 32, m->echo, 8);
	put(out + 40, nodes, 4);
	if (has_set(v->type)) {
		put_set(out + len, &v->set, set);
		len += set;
	}
	if (has_accused(v->type)) {
		put_set(out + len, &v->accused, set);
		len += set;
	}
	return len;
}

/* What is not of the type is 0, so that one message has one form. */
static int is_plain(const struct pulse_msg *m)
{
	const struct views_msg *v = &m->msg;

	if (v->type != VIEWS_BEAT && (m->stamp || m->echo))
		return 0;
	if (v->type == VIEWS_PROPOSE ? v->accepted > 1
	                             : v->type != VIEWS_BEAT && v->type != VIEWS_TELL && v->accepted)
		return 0;
	if (v->type == VIEWS_VIEW)
		return !v->ballot && v->view;
	return v->type == VIEWS_BEAT || v->ballot;
}

int views_decode(const uint8_t *bytes, size_t len, unsigned nodes, struct pulse_msg *out)
{
	size_t set = (nodes + 7) / 8, at = HEAD, want = HEAD;
	struct pulse_msg m;
	unsigned type;

	if (len < HEAD || get(bytes, 4) != MAGIC || get(bytes + 40, 4) != nodes)
		return -EPROTO;
	type = (unsigned)get(bytes + 4, 2);
	if (type < VIEWS_BEAT || type >= VIEWS_TYPES)
		return -EPROTO;
	want += (has_set(type) ? set : 0) + (has_accused(type) ? set : 0);
	if (len != want)
		return -EPROTO;
	memset(&m, 0, sizeof m);
	m.msg.type = (uint8_t)type;
	m.msg.from = (uint16_t)get(bytes + 6, 2);
	m.msg.incarnation = (uint32_t)get(bytes + 8, 4);
	m.msg.view = (uint32_t)get(bytes + 12, 4);
	m.msg.ballot = (uint32_t)get(bytes + 16, 4);
	m.msg.accepted = (uint32_t)get(bytes + 20, 4);
	m.stamp = get(bytes + 24, 8);
	m.echo = get(bytes + 32, 8);
	if (m.msg.from >= nodes || !is_plain(&m))
		return -EPROTO;
	if (has_set(type)) {
		if (get_set(bytes + at, nodes, set, &m.msg.set))
			return -EPROTO;
		at += set;
	}
	if (has_accused(type) && get_set(bytes + at, nodes, set, &m.msg.accused))
		return -EPROTO;
	*out = m;
	return 0;
}
