/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the home of a word says to a node whose threads wait for it, or wake: in a message, or to
 * itself at once, as more may be said in a step than the queue of messages to itself holds.
 */
#include <errno.h>

#include "coherence/state.h"

void coh_dozer_cancel(struct coh *c, struct coh_effects *fx, unsigned slot)
{
	uint64_t page = dozer_at(c, slot)->page;

	coh_fx_send(c, fx, coh_home(c, page), COH_MSG_FUTEX_CANCEL, page)->futex.slot =
		(uint16_t)slot;
}

void coh_dozer_end(struct coh *c, struct coh_effects *fx, unsigned slot, int status)
{
	coh_fx_complete(fx, dozer_at(c, slot)->cookie, status, 0);
	*dozer_at(c, slot) = (struct dozer){0};
}

void coh_dozer_answer(struct coh *c, struct coh_effects *fx, unsigned slot, uint32_t value,
                      uint32_t left)
{
	const struct request was = *request_at(c, slot);
	struct dozer *d;

	coh_request_release(c, slot);
	if (was.type == COH_MSG_FUTEX_WAKE) {
		coh_fx_complete(fx, was.cookie, 0, (uint64_t)left << 32 | value);
		return;
	}
	if (value != 1) {
		coh_dozer_end(c, fx, (unsigned)was.cookie, -EAGAIN);
		return;
	}
	d = dozer_at(c, (unsigned)was.cookie);
	d->state = DOZE_ASLEEP;
	if (d->cancelled && !MUTANT(CANCEL_FORGOTTEN))
		coh_dozer_cancel(c, fx, (unsigned)was.cookie);
}
