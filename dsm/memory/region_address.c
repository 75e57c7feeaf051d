/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a window may lie: the candidate addresses, and holding one of them. */
#include "dsm/memory/region.h"

#include "dsm/memory/mm.h"

#define GIB (1ull << 30)
#define TIB (1ull << 40)

/*
 * Ranges of x86-64 user space that are free in nearly every process, best first.
 *
 * The first two are application memory for the sanitizers too. ThreadSanitizer allows
 * 0x7e8000000000 and up, and 0x550000000000 up to 0x568000000000. The first ends below
 * the lowest place where the kernel starts to put mappings (1 TiB of randomization, the
 * stack and its gap below 0x7ffffffff000), the second below the lowest place for a
 * position-independent program, 0x555555554000.
 *
 * The other two have room for large regions. AddressSanitizer allows them (its allocator
 * starts at 0x600000000000, its shadow ends below 0x100080000000), ThreadSanitizer does
 * not.
 */
static const struct {
	uint64_t from, to, step;
} ranges[] = {
	{ 0x7e9000000000, 0x7ef000000000, 64 * GIB },
	{ 0x550000000000, 0x555000000000, 64 * GIB },
	{ 0x200000000000, 0x540000000000, 4 * TIB },
	{ 0x640000000000, 0x7a0000000000, 2 * TIB },
};

void *region_candidate(unsigned n, size_t len)
{
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		uint64_t room = ranges[i].to - ranges[i].from;

		if (len > room)
			continue;
		uint64_t count = (room - len) / ranges[i].step + 1;

		if (n < count)
			return (void *)(uintptr_t)(ranges[i].from + n * ranges[i].step);
		n -= count;
	}
	return NULL;
}

int region_reserve(void *addr, size_t len)
{
	void *got = NULL;
	int r = mm_map(addr, len, PROT_NONE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0,
	               &got);

	if (r)
		return r == -EEXIST || r == -EAGAIN ? r : -ENOMEM;
	if (got != addr) { /* MAP_FIXED_NOREPLACE unknown: the address was a hint only */
		mm_unmap(got, len);
		return -EEXIST;
	}
	mm_unlock(addr, len); /* or it would count as locked, after mlockall(MCL_FUTURE) */
	mm_advise(addr, len, MADV_DONTFORK);
	mm_advise(addr, len, MADV_DONTDUMP);
	return 0;
}

void region_unreserve(void *addr, size_t len)
{
	mm_unmap(addr, len);
}
