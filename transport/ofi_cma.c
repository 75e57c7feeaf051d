/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Over shm large messages and pages are read from the peer's memory, and written to it, by
 * process_vm_readv(2) and process_vm_writev(2). The kernel forbids that once a process has changed
 * its user, or is not dumpable (ptrace(2), "Ptrace access mode checking"). The provider says EIO,
 * whatever the kernel has said.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "transport/ofi_impl.h"

void ofi_cma_connect(struct ofi_peer *peer, const char *address)
{
	static const char prefix[] = "fi_shm://"; /* to what ofi_shm_name() gave it */

	if (!strncmp(address, prefix, strlen(prefix)))
		peer->pid = (pid_t)strtol(address + strlen(prefix), NULL, 10);
}

static int ofi_cma_is_refused(const struct ofi_peer *peer)
{
	char byte;
	const struct iovec here = {.iov_base = &byte, .iov_len = 1};
	const struct iovec there = {.iov_base = NULL, .iov_len = 1};

	return peer->pid > 0 && process_vm_readv(peer->pid, &here, 1, &there, 1, 0) < 0 &&
	       errno == EPERM;
}

int ofi_cma_status(const struct ofi *ofi, int status)
{
	uint16_t id;

	if (status != -EIO)
		return status;
	for (id = 0; id < ofi->nodes; id++)
		if (id != ofi->self && ofi_cma_is_refused(&ofi->peer[id]))
			return -EPERM;
	return status;
}
