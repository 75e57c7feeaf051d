/* SPDX-License-Identifier: BSD-2-Clause */
/* What the words of several nodes come to. Pure. */
#ifndef FOLD_H
#define FOLD_H

#include <stdint.h>

#define HEAP_WORDS 3
#define HEAP_BROADCAST 0
struct heap_round {
	uint8_t op, type; /* of enum dsm_op, or HEAP_BROADCAST, below 4; of enum dsm_type, below 8 */
	uint16_t root;
	uint16_t count; /* below 1024: of all that the call is about */
};

/* What a request for a round has in status. */
static inline int32_t round_pack(struct heap_round what)
{
	return what.count << 21 | what.root << 5 | what.type << 2 | what.op;
}

static inline struct heap_round round_unpack(int32_t bits)
{
	return (struct heap_round){bits & 3, bits >> 2 & 7, bits >> 5 & 0xffff, bits >> 21 & 1023};
}

static inline int round_is_same(struct heap_round a, struct heap_round b)
{
	return round_pack(a) == round_pack(b);
}

/* Adds the words of a node to what those before it have come to. */
void heap_fold(struct heap_round what, uint64_t all[HEAP_WORDS], const uint64_t word[HEAP_WORDS]);

#endif
