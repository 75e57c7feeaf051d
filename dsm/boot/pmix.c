/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting under a launcher that speaks PMIx: mpirun, prterun, srun. Rank 0 puts a ticket,
 * one fence carries it to all. libpmix is loaded only here, so that the library does
 * without it elsewhere.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/boot/agreed.h"

#ifdef HAVE_PMIX
#include <pmix.h>

struct pmix_calls {
	__typeof__(&PMIx_Init) init;
	__typeof__(&PMIx_Finalize) finalize;
	__typeof__(&PMIx_Put) put;
	__typeof__(&PMIx_Commit) commit;
	__typeof__(&PMIx_Fence) fence;
	__typeof__(&PMIx_Get) get;
	__typeof__(&PMIx_Error_string) error;
};

struct pmix {
	struct pmix_calls calls;
	pmix_proc_t me, all, first;
	char *why;
	size_t why_len;
};

static int pmix_load(struct pmix *p)
{
	static const char *const names[] = { "PMIx_Init", "PMIx_Finalize", "PMIx_Put", "PMIx_Commit",
	                                     "PMIx_Fence", "PMIx_Get", "PMIx_Error_string" };
	void **calls = (void **)&p->calls, *lib = dlopen("libpmix.so.2", RTLD_NOW | RTLD_GLOBAL);

	if (!lib)
		return boot_why(p->why, p->why_len, -ENOENT,
		                "started by a launcher with PMIx, but its library does not load: %s",
		                dlerror());
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		calls[i] = dlsym(lib, names[i]);
		if (!calls[i])
			return boot_why(p->why, p->why_len, -ENOENT, "libpmix.so.2 lacks %s", names[i]);
	}
	return 0; /* it stays loaded: it may have threads */
}

static int pmix_fail(struct pmix *p, const char *what, pmix_status_t status)
{
	return boot_why(p->why, p->why_len, status == PMIX_ERR_TIMEOUT ? -ETIMEDOUT : -ECONNRESET,
	                "%s: %s", what, p->calls.error(status));
}

static int pmix_size(struct pmix *p, int *size)
{
	pmix_value_t *value = NULL;
	pmix_status_t status = p->calls.get(&p->all, PMIX_JOB_SIZE, NULL, 0, &value);

	if (status != PMIX_SUCCESS)
		return pmix_fail(p, "PMIx_Get of the job's size", status);
	*size = value->type == PMIX_UINT32 ? (int)value->data.uint32 : 0;
	free(value);
	if (*size < 1 || *size > TCP_NODES_MAX)
		return boot_why(p->why, p->why_len, -EINVAL, "a job has 1 to %d nodes, not %d",
		                TCP_NODES_MAX, *size);
	return 0;
}

static int pmix_give(struct pmix *p, const char *key, struct ticket *ticket)
{
	pmix_value_t value = { .type = PMIX_BYTE_OBJECT };
	pmix_status_t status;

	value.data.bo.bytes = (char *)ticket;
	value.data.bo.size = sizeof *ticket;
	status = p->calls.put(PMIX_GLOBAL, key, &value);
	if (status == PMIX_SUCCESS)
		status = p->calls.commit();
	return status == PMIX_SUCCESS ? 0 : pmix_fail(p, "PMIx_Put", status);
}

static int pmix_take(struct pmix *p, const char *key, struct ticket *ticket)
{
	pmix_value_t *value = NULL;
	pmix_status_t status = p->calls.get(&p->first, key, NULL, 0, &value);
	int err = 0;

	if (status != PMIX_SUCCESS)
		return pmix_fail(p, "PMIx_Get", status);
	if (value->type == PMIX_BYTE_OBJECT && value->data.bo.size == sizeof *ticket)
		memcpy(ticket, value->data.bo.bytes, sizeof *ticket);
	else
		err = boot_why(p->why, p->why_len, -EPROTONOSUPPORT,
		               "rank 0 runs another version of libdsm");
	if (value->type == PMIX_BYTE_OBJECT)
		free(value->data.bo.bytes);
	free(value);
	return err;
}

/* Waits for all. What is put before reaches all by it. */
static int pmix_fence(struct pmix *p, int timeout_ms)
{
	pmix_info_t info[2] = { 0 };
	pmix_status_t status;

	snprintf(info[0].key, sizeof info[0].key, "%s", PMIX_COLLECT_DATA);
	info[0].value.type = PMIX_BOOL;
	info[0].value.data.flag = true;
	snprintf(info[1].key, sizeof info[1].key, "%s", PMIX_TIMEOUT);
	info[1].value.type = PMIX_INT;
	info[1].value.data.integer = timeout_ms / 1000;
	status = p->calls.fence(&p->all, 1, info, 2);
	return status == PMIX_SUCCESS ? 0 : pmix_fail(p, "PMIx_Fence", status);
}

static int pmix_exchange(struct pmix *p, int rank, int timeout_ms, struct ticket *ticket,
                         int *listener)
{
	static int generation; /* a process is in one job at a time, under dsm_init's flag */
	char key[32];
	int err = 0;

	snprintf(key, sizeof key, "dsm.ticket.%d", generation++);
	if (rank == 0) {
		*listener = agreed_issue(ticket);
		err = pmix_give(p, key, ticket);
	}
	if (!err)
		err = pmix_fence(p, timeout_ms);
	if (!err && rank)
		err = pmix_take(p, key, ticket);
	return err;
}

int boot_pmix_open(int timeout_ms, struct boot **out, char *why, size_t why_len)
{
	struct pmix p = { .why = why, .why_len = why_len };
	struct ticket ticket = { 0 };
	int listener = -1, size = 0, err = pmix_load(&p);
	pmix_status_t status;

	if (err)
		return err;
	status = p.calls.init(&p.me, NULL, 0);
	if (status != PMIX_SUCCESS)
		return pmix_fail(&p, "PMIx_Init", status);
	p.all = p.first = p.me;
	p.all.rank = PMIX_RANK_WILDCARD;
	p.first.rank = 0;
	err = pmix_size(&p, &size);
	if (!err && size > 1)
		err = pmix_exchange(&p, (int)p.me.rank, timeout_ms, &ticket, &listener);
	/* Counted: an MPI in this process has its own. */
	p.calls.finalize(NULL, 0);
	if (err && listener >= 0)
		close(listener);
	if (err)
		return err;
	if (size == 1)
		return boot_single_open(out) ? boot_why(why, why_len, -ENOMEM, "out of memory") : 0;
	return agreed_open(&ticket, (int)p.me.rank, size, timeout_ms, listener, out, why, why_len);
}

#else

int boot_pmix_open(int timeout_ms, struct boot **out, char *why, size_t why_len)
{
	return boot_why(why, why_len, -EINVAL,
	                "started by a launcher with PMIx, but this libdsm is built without it; "
	                "dsm_mpi.h, or DSM_RENDEZVOUS, DSM_RANK and DSM_SIZE, do instead");
}

#endif
