/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trap: access control on the window, page by page. One ops table (ops.h); engines
 * (engines.h) differ in the kernel mechanism. What the kernel reports about a fault is a
 * hint that may be stale; the caller's page table decides. What this kernel can do, and this
 * process may, is in uffd_caps.h; audit.h compares what a trap believes with page tables.
 *
 * What guards it: the caller's lock, which serializes grant and revoke of a page; the trap
 * has none of its own for what may be called under it. next_fault is the exception: it is the
 * service thread's, with no lock.
 */
#ifndef TRAP_H
#define TRAP_H

#include "dsm/trap/audit.h"
#include "dsm/trap/engines.h"
#include "dsm/trap/ops.h"
#include "dsm/trap/uffd_caps.h"

/* The engine of this name ("auto": the best that works here), or NULL; then *rc and why
 * are what its probe() said; -EINVAL, and no why: there is none of this name. */
const struct trap_ops *trap_choose(const char *name, enum trap_delivery delivery, char *why,
                                   size_t len, int *rc);

#endif
