/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls whose caller's stack is in the region. */
#include "dsm/node/node.h"

int entry_in_window(const struct dsm *d, const void *at)
{
	return region_page_of(&d->memory.region, at) >= 0;
}

int entry_elsewhere(struct dsm *d, void (*call)(void), const uint64_t word[STACK_WORDS])
{
	int rc = DSM_ERR_NOMEM;
	struct stack *stack;
	CANCEL_OFF;

	stack = stacks_take(&d->call_stacks);
	if (!stack)
		return rc;
	rc = (int)stack_call(stack, call, word);
	stacks_give(&d->call_stacks, stack);
	return rc;
}
