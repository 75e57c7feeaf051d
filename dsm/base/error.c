/* SPDX-License-Identifier: BSD-2-Clause */
/* Codes to texts, and errors of the system to codes. */
#include <errno.h>
#include <string.h>

#include "config.h"
#include "dsm/base/base.h"
#include "dsm/dsm_bind.h"
#include "dsm/dsm_checkpoint.h"
#include "dsm/dsm_futex.h"
#include "dsm/dsm_survive.h"
#include "dsm/dsm_thread.h"

const char *dsm_version(void)
{
	return PACKAGE_VERSION;
}

const char *dsm_strerror(int code)
{
	const char *text;

	switch (code) {
	case DSM_OK: return "success";
	case DSM_ERR_ACTIVE: return "this process is a node of a job already";
	case DSM_ERR_CONFIG: return "bad configuration or environment variable";
	case DSM_ERR_KERNEL: return "the kernel is too old or lacks userfaultfd";
	case DSM_ERR_TRAP_PERM: return "trapping kernel accesses is not permitted to this user";
	case DSM_ERR_PROVIDER: return "no usable libfabric provider";
	case DSM_ERR_BOOT: return "the nodes of the job did not find each other";
	case DSM_ERR_VERSION: return "a node runs another version of libdsm";
	case DSM_ERR_ADDRESS: return "no address is free on all nodes for the shared region";
	case DSM_ERR_NOT_OURS: return "not the start of an allocated block of shared memory";
	case DSM_ERR_LIMIT: return "a limit of this process is too low";
	case DSM_ERR_LOST: return "a node of the job is gone";
	case DSM_ERR_STORAGE: return "a file of a checkpoint cannot be written or read";
	case DSM_ERR_CHECKPOINT: return "no checkpoint, or one that cannot be used";
	case DSM_ERR_CHANGED: return "the word does not hold what was expected";
	case DSM_ERR_LOST_DATA: return "what this memory held was at a node that has died";
	case DSM_ERR_OWNER_DEAD: return "the mutex is yours, and its last holder has died";
	case DSM_ERR_VIEW: return "a node has died meanwhile";
	case DSM_ERR_PROGRAM: return "the node runs another program, or has not loaded the function's library";
	default: break;
	}
	text = code < 0 && code > -1000 ? strerrordesc_np(-code) : NULL;
	return text ? text : "unknown error";
}

int error_limit_or(int rc, int otherwise)
{
	switch (rc) {
	case -EMFILE:
	case -ENFILE:
	case -EAGAIN: return DSM_ERR_LIMIT;
	case -ENOMEM: return DSM_ERR_NOMEM;
	default: return otherwise;
	}
}

const char *error_limit_hint(int rc)
{
	return rc == -EMFILE ? "; RLIMIT_NOFILE (ulimit -n) is too low" : "";
}

const char *error_lock_hint(int rc)
{
	return rc == -EAGAIN ? "; RLIMIT_MEMLOCK (ulimit -l) is too low" : error_limit_hint(rc);
}
