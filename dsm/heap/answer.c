/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers to requests. */
#include "dsm/heap/services.h"

static void answer(struct dsm *d, coh_node to, struct coh_msg *m)
{
	m->type = COH_MSG_SVC_RESP;
	m->n = 1;
	if (to == d->engine.cfg.self)
		heap_response(d, m);
	else
		node_send(d, to, m);
}

void heap_answer(struct dsm *d, coh_node to, uint16_t slot, int status, uint64_t a, uint64_t b,
                 uint64_t c)
{
	struct coh_msg m = {.slot = slot, .svc = {.status = status, .arg = {a, b, c}}};

	answer(d, to, &m);
}

void heap_answer_to(struct dsm *d, const struct names_waiter *to, int status, const uint64_t arg[3])
{
	struct coh_msg m = {.slot = to->slot, .serial = to->serial,
	                    .svc = {.status = status, .arg = {arg[0], arg[1], arg[2]}}};

	answer(d, to->node, &m);
}
