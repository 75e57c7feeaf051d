/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Over shm large messages and pages are read from the peer's memory, and written to it, by
 * process_vm_readv(2) and process_vm_writev(2). The kernel forbids that once a process has changed
 * its user, or is not dumpable (ptrace(2), "Ptrace access mode checking"). The provider says EIO,
 * whatever the kernel has said.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "transport/ofi_impl.h"

void ofi_cma_connect(struct ofi_peer *peer, const char *address)
{
	static const char prefix[] = "fi_shm://"; /* to what ofi_shm_name() gave it */

	if (!strncmp(address, prefix, strlen(prefix)))
		peer->pid = (pid_t)strtol(address + strlen(prefix), NULL, 10);
}

static int ofi_cma_may_not(const struct ofi_peer *peer)
{
	char byte;
	const struct iovec here = {.iov_base = &byte, .iov_len = 1};
	const struct iovec there = {.iov_base = NULL, .iov_len = 1};

	return process_vm_readv(peer->pid, &here, 1, &there, 1, 0) < 0 && errno == EPERM;
}

/* What the peer, where it is not root, may not do to this process. */
static int ofi_cma_peer_may_not(const struct ofi_peer *peer)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%ld", (long)peer->pid);
	return stat(path, &st) == 0 && st.st_uid && (st.st_uid != getuid() || !prctl(PR_GET_DUMPABLE));
}

static int ofi_cma_is_refused(const struct ofi_peer *peer)
{
	return peer->pid > 0 && (ofi_cma_may_not(peer) || ofi_cma_peer_may_not(peer));
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
