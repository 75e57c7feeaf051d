/* SPDX-License-Identifier: BSD-2-Clause */
/* The 32 bits that travel with a page. */
#include "coherence/coh.h"

uint32_t coh_tag_encode(struct coh_tag tag)
{
	if (tag.to_home)
		return UINT32_C(1) << 31 | tag.home_index;
	return (uint32_t)(tag.access & 3) << 29 | (uint32_t)(tag.n & 0x1fff) << 16 | tag.slot;
}

struct coh_tag coh_tag_decode(uint32_t bits)
{
	if (bits >> 31)
		return (struct coh_tag){.to_home = 1, .home_index = bits & 0x7fffffff};
	return (struct coh_tag){
	        .access = bits >> 29 & 3,
	        .n = bits >> 16 & 0x1fff,
	        .slot = bits & 0xffff,
	};
}
