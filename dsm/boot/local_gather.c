/* SPDX-License-Identifier: BSD-2-Clause */
/* A round of the local way: gives a blob, takes one of each rank. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dsm/boot/local_state.h"

#define MISSING_MS 2000

static int gather_blob(struct boot_local *l, struct gather *g)
{
	const struct boot_msg *m = &l->msg;

	if (m->type != BOOT_BLOB || m->round != l->round || m->rank >= l->base.size)
		return local_strange(l);
	if (g->have >> m->rank & 1)
		return local_strange(l);
	if (m->len > g->stride)
		return local_break(l, -EMSGSIZE, "a node's blob is too long");
	memcpy((char *)g->all + m->rank * g->stride, m->data, m->len);
	g->lens[m->rank] = m->len;
	g->have |= 1ULL << m->rank;
	return 0;
}

static void missing_text(uint64_t missing, char *text, size_t text_len)
{
	size_t n = 0;

	for (int rank = 0; rank < BOOT_LOCAL_MAX && n < text_len; rank++)
		if (missing >> rank & 1)
			n += snprintf(text + n, text_len - n, "%s%d", n ? ", " : "", rank);
}

/* The time is over: asks who is missing. Blobs that come ahead of the answer count. */
static int gather_overdue(struct boot_local *l, struct gather *g, int timeout_ms)
{
	int64_t deadline = boot_now_ms() + MISSING_MS;
	char ranks[BOOT_TEXT_MAX], text[2 * BOOT_TEXT_MAX];
	struct boot_msg ask;
	uint64_t missing;
	int err;

	boot_msg_set(&ask, BOOT_ASK, NULL, 0);
	ask.round = l->round;
	err = local_send(l, &ask, deadline);
	while (!err) {
		err = local_receive(l, deadline);
		if (err)
			break;
		if (l->msg.type == BOOT_MISSING) {
			if (l->msg.len != sizeof missing)
				return local_strange(l);
			if (g->have == g->want)
				return 0;
			memcpy(&missing, l->msg.data, sizeof missing);
			if (!missing)
				continue; /* all have given, the rest is on its way */
			missing_text(missing, ranks, sizeof ranks);
			snprintf(text, sizeof text, "waited %d ms for the nodes with rank %s", timeout_ms,
			         ranks);
			return local_break(l, -ETIMEDOUT, text);
		}
		err = gather_blob(l, g);
	}
	if (err == -ETIMEDOUT)
		return local_break(l, err, "the job's starter does not answer");
	return l->broken ? l->broken : local_break(l, err, strerror(-err));
}

int local_gather(struct boot_local *l, const struct boot_msg *give, struct gather *g,
                 int timeout_ms)
{
	int64_t deadline = boot_now_ms() + timeout_ms;
	int err = local_send(l, give, deadline);

	while (!err && g->have != g->want) {
		err = local_receive(l, deadline);
		if (!err)
			err = gather_blob(l, g);
	}
	if (l->lost && !l->broken && g->have != g->want)
		return -ECONNRESET; /* nothing is broken but this round, and all that come */
	if (err == -ETIMEDOUT)
		return gather_overdue(l, g, timeout_ms);
	if (err && !l->broken)
		return local_break(l, err, strerror(-err));
	return err;
}
