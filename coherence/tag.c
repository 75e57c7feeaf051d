/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 32 bits that travel with a page. From above:
 *
 *      1 to a home, and  31 the page among those of its home    of a view: 6, 25
 *      0, and            2 access, 13 pages, 16 slot            of a view: 2, 6, 7, 16
 */
#include "coherence/coh.h"

#define HOME (UINT32_C(1) << 31)
#define HOME_VIEW 25
#define CACHE_VIEW 23
#define VIEW_MASK (COH_TAG_VIEWS - 1u)

uint32_t coh_tag_encode(struct coh_tag tag)
{
	if (tag.to_home)
		return HOME | tag.home_index;
	return (uint32_t)(tag.access & 3) << 29 | (uint32_t)(tag.n & 0x1fff) << 16 | tag.slot;
}

struct coh_tag coh_tag_decode(uint32_t bits)
{
	if (bits & HOME)
		return (struct coh_tag){.to_home = 1, .home_index = bits & 0x7fffffff};
	return (struct coh_tag){
	        .access = bits >> 29 & 3,
	        .n = bits >> 16 & 0x1fff,
	        .slot = bits & 0xffff,
	};
}

uint32_t coh_tag_mark(uint32_t bits, uint32_t view)
{
	return bits | (view & VIEW_MASK) << (bits & HOME ? HOME_VIEW : CACHE_VIEW);
}

uint32_t coh_tag_unmark(uint32_t bits, uint32_t *view)
{
	const unsigned at = bits & HOME ? HOME_VIEW : CACHE_VIEW;

	*view = bits >> at & VIEW_MASK;
	return bits & ~(VIEW_MASK << at);
}
