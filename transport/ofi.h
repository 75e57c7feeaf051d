/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the libfabric backend offers beside its ops table (transport.h).
 */
#ifndef TR_OFI_H
#define TR_OFI_H

#include <sys/types.h>

/*
 * Removes what process pid, which was a node of ours and was killed, left on this
 * machine: the shm provider's file in /dev/shm and our doorbell's directory in /tmp.
 * Only files of this user are touched. For whoever started the process. Returns how
 * many were removed, -EBUSY when the process still runs, -EINVAL. Any thread; does not block.
 */
int tr_ofi_sweep(pid_t pid);

#endif
