/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds: the hub collects a blob of every member, and hands all of them to everyone. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "dsm/boot/hub_state.h"

/* Waits until all have given; or until one is lost, which may be no end for the job. */
static void hub_collect(struct hub *h, int timeout_ms)
{
	int64_t deadline = boot_now_ms() + timeout_ms;
	char ranks[120];
	int err = 0;

	while (!h->end_code && h->given < h->size && !err && !h->lost) {
		for (int rank = 1; rank < h->size; rank++)
			if (h->seats[rank].left)
				hub_end(h, -ECONNRESET, "rank %d has left while others wait for it",
				        rank);
		if (!h->end_code)
			err = hub_step(h, deadline);
	}
	if (err == -ETIMEDOUT) {
		hub_missing(h, false, ranks, sizeof ranks);
		hub_end(h, err, "waited %d s for the nodes with rank %s", timeout_ms / 1000, ranks);
	} else if (err) {
		hub_end(h, err, "waiting for the nodes: %s", strerror(-err));
	}
}

/* Members read while they wait in a round, so none keeps us from the others for long. */
static void hub_hand_out(struct hub *h, int timeout_ms)
{
	int64_t deadline = boot_now_ms() + timeout_ms;

	for (int to = 1; to < h->size && !h->end_code; to++)
		for (int rank = 0; rank < h->size; rank++) {
			const struct seat *s = &h->seats[rank];

			boot_msg_set(&h->msg, BOOT_BLOB, s->blob, s->len);
			h->msg.rank = (uint16_t)rank;
			h->msg.round = h->round;
			if (!h->seats[to].link || link_send(h->seats[to].link, &h->msg, deadline)) {
				hub_lost(h, to);
				break;
			}
		}
}

int hub_round(struct hub *h, uint32_t round, const void *mine, size_t len, void *all,
              size_t stride, uint32_t *lens, int timeout_ms, char *why, size_t why_len)
{
	h->seats[0].len = (uint32_t)len;
	memcpy(h->seats[0].blob, mine, len);
	h->seats[0].given = true;
	h->given++;
	hub_collect(h, timeout_ms);
	if (h->lost)
		return boot_why(why, why_len, -ECONNRESET, "a node is lost, and the others wait for it");
	for (int rank = 0; rank < h->size && !h->end_code; rank++) {
		const struct seat *s = &h->seats[rank];

		if (s->len > stride) {
			hub_end(h, -EMSGSIZE, "rank %d gave a blob that is too long", rank);
			break;
		}
		memcpy((char *)all + rank * stride, s->blob, s->len);
		lens[rank] = s->len;
	}
	hub_hand_out(h, timeout_ms);
	for (int rank = 0; rank < h->size; rank++)
		h->seats[rank].given = false;
	h->given = 0;
	h->round = round + 1;
	return hub_result(h, why, why_len);
}
