/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks in the region. What is below one nobody may touch: an extent, so that nothing else in it can
 * change how that is protected. */
#include <sys/mman.h>
#include <sys/resource.h>

#include "dsm/threads/threads.h"

#define USUAL ((size_t)8 << 20)

size_t stack_usual(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur < PAGE)
		return USUAL;
	return limit.rlim_cur;
}

int stack_make(size_t bytes, struct stack *out)
{
	void *block;

	bytes = (bytes + EXTENT - 1) & ~(EXTENT - 1);
	if (dsm_alloc(here.dsm, EXTENT + bytes, EXTENT, 0, &block))
		return DSM_ERR_NOMEM;
	*out = (struct stack){ block, (char *)block + EXTENT, (char *)block + EXTENT + bytes };
	return 0;
}

void stack_free(const struct stack *stack)
{
	dsm_free(here.dsm, stack->block);
}
