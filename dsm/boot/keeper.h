/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keeper of a boot: a thread that alone has its connections. The end of a process closes
 * them and so tells the others, unless a child has them still. So they are in a table of
 * descriptors of the keeper's own, which is not shared with the threads of the program: what
 * these fork, vfork or clone has no copy, however long it lives. All calls of the boot are
 * carried out by the keeper.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "dsm/boot/boot.h"

/* Takes inner over, which no other thread uses. Returns a boot that does the same, or inner
 * itself where no keeper can be had. */
struct boot *boot_keep(struct boot *inner);

#endif
