/* SPDX-License-Identifier: BSD-2-Clause */
/* Rank 0's answers. */
#include "dsm/heap/services.h"

void heap_answer(struct dsm *d, coh_node to, uint16_t slot, int status, uint64_t a, uint64_t b,
                 uint64_t c)
{
	struct coh_msg m = {.type = COH_MSG_SVC_RESP, .slot = slot, .n = 1};

	m.svc.status = status;
	m.svc.arg[0] = a;
	m.svc.arg[1] = b;
	m.svc.arg[2] = c;
	if (to == d->engine.cfg.self)
		heap_response(d, &m);
	else
		node_send(d, to, &m);
}
