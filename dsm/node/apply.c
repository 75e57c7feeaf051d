/* SPDX-License-Identifier: BSD-2-Clause */
/* An atomic, or a comparison, on a frame, by this processor. */
#include "dsm/node/node.h"

static uint64_t apply32(uint32_t *at, const struct coh_atomic *a)
{
	uint32_t expected = (uint32_t)a->compare;

	switch (a->op) {
	case COH_OP_FETCH_ADD: return __atomic_fetch_add(at, (uint32_t)a->operand, __ATOMIC_SEQ_CST);
	case COH_OP_SWAP: return __atomic_exchange_n(at, (uint32_t)a->operand, __ATOMIC_SEQ_CST);
	default:
		__atomic_compare_exchange_n(at, &expected, (uint32_t)a->operand, 0, __ATOMIC_SEQ_CST,
		                            __ATOMIC_SEQ_CST);
		return expected;
	}
}

static uint64_t apply64(uint64_t *at, const struct coh_atomic *a)
{
	uint64_t expected = a->compare;

	switch (a->op) {
	case COH_OP_FETCH_ADD: return __atomic_fetch_add(at, a->operand, __ATOMIC_SEQ_CST);
	case COH_OP_SWAP: return __atomic_exchange_n(at, a->operand, __ATOMIC_SEQ_CST);
	default:
		__atomic_compare_exchange_n(at, &expected, a->operand, 0, __ATOMIC_SEQ_CST,
		                            __ATOMIC_SEQ_CST);
		return expected;
	}
}

uint64_t node_apply(void *at, const struct coh_atomic *a)
{
	return a->width == 4 ? apply32(at, a) : apply64(at, a);
}

int node_holds(const void *at, uint32_t value)
{
	return __atomic_load_n((const uint32_t *)at, __ATOMIC_SEQ_CST) == value;
}
