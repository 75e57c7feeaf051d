/* SPDX-License-Identifier: BSD-2-Clause */
/* Compares what a trap believes with the page tables of this process. */
#ifndef TRAP_AUDIT_H
#define TRAP_AUDIT_H

#include <stdint.h>

#include "dsm/trap/ops.h"

/* Entries of /proc/self/pagemap. */
#define TRAP_AUDIT_PRESENT (1ull << 63)
#define TRAP_AUDIT_WP (1ull << 57)

typedef void (*trap_audit_fn)(void *ctx, uint64_t page, enum trap_access believed,
                              uint64_t pagemap_entry);

/*
 * Looks at pages first .. first+n-1 of the window:
 *	NONE	must not be mapped, or (mode RWP) mapped with protection;
 *	READ	when mapped, must be write-protected. It need not be mapped: the kernel may
 *		reclaim an entry, and the next access then traps, which allows less, not more;
 *	WRITE	must not be write-protected, by an entry or by the marker that one leaves
 *		behind; it need not be mapped either. (Bit 57 tells of protection in both
 *		modes.)
 * Calls on_mismatch (may be NULL) for each page that is otherwise, and returns their
 * number, or a negative code (-ENOENT without /proc). Costs nothing for stretches of
 * pages that never had any access, and does not look at them. Under the lock of
 * set_access.
 */
int trap_audit(const struct trap *trap, const struct region *region, uint64_t first, uint64_t n,
               trap_audit_fn on_mismatch, void *ctx);

#endif
