/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_thread.h: asking nodes for threads, and for their end. */
#include "dsm/dsm_thread.h"

#include <stdio.h>

#include "dsm/heap/heap.h"
#include "dsm/node/node.h"
#include "dsm/workers/workers.h"

#define FLAGS (DSM_THREAD_DETACHED | DSM_THREAD_SAME_ADDRESS)
#define STACK_MOST ((size_t)INT32_MAX * WORKERS_STACK_UNIT)
#define NAME_BYTES 200

/* --- create --- */

static int read_attr(const struct dsm_thread_attr *attr, struct dsm_thread_attr *out)
{
	*out = (struct dsm_thread_attr)DSM_THREAD_ATTR_INIT;
	if (attr)
		*out = *attr;
	return out->size != sizeof *out || (out->flags & ~(unsigned)FLAGS) ||
	                       out->stack_bytes > STACK_MOST
	               ? DSM_ERR_INVAL
	               : 0;
}

/* The function has a file here, and no counterpart there. */
static int tell_program(const struct dsm *d, int node, const void *fn, uint64_t base_there)
{
	char name[NAME_BYTES];

	code_name(fn, name, sizeof name);
	if (base_there)
		log_line(&d->log, DSM_LOG_ERROR, "no thread at node %d: it has %s at another address, "
		         "0x%llx; with address randomisation off (setarch -R) both have it at one",
		         node, name, (unsigned long long)base_there);
	else
		log_line(&d->log, DSM_LOG_ERROR, "no thread at node %d: it has not loaded %s, or has "
		         "another build of it", node, name);
	return DSM_ERR_PROGRAM;
}

/* The request, but for the thread's argument. */
static int describe(const struct dsm *d, const struct dsm_thread_attr *a, const void *fn,
                    struct coh_svc *svc)
{
	struct code_place place;
	int rc = code_place_of(fn, &place);

	if (rc == DSM_ERR_NOMEM)
		return rc;
	if (rc || place.offset >> WORKERS_FLAG_SHIFT) {
		log_line(&d->log, DSM_LOG_ERROR, "no thread: its function at %p is in no file that "
		         "another node could have", fn);
		return DSM_ERR_PROGRAM;
	}
	*svc = (struct coh_svc){.op = SVC_THREAD_START,
	                        .status = (int32_t)((a->stack_bytes + WORKERS_STACK_UNIT - 1) /
	                                            WORKERS_STACK_UNIT)};
	svc->arg[0] = place.object;
	svc->arg[1] = place.offset | (uint64_t)a->flags << WORKERS_FLAG_SHIFT;
	if (a->flags & DSM_THREAD_SAME_ADDRESS)
		snprintf(svc->name, sizeof svc->name, "%llx", (unsigned long long)place.base);
	return 0;
}

static int create_at(struct dsm *d, int node, const struct coh_svc *order, const void *fn,
                     dsm_thread *out)
{
	struct coh_svc svc = *order;
	int rc = heap_ask(d, (coh_node)node, &svc, -1, 0, "dsm_thread_create");

	if (rc == DSM_ERR_PROGRAM)
		return tell_program(d, node, fn, svc.arg[0]);
	if (rc == 0)
		out->id = svc.arg[0];
	return rc;
}

/* One after the other; those that have no room for more are left out. */
static int create_anywhere(struct dsm *d, const struct coh_svc *order, const void *fn,
                           dsm_thread *out)
{
	int rc = DSM_ERR_NOMEM;

	for (int i = 0; i < d->boot->size && (rc == DSM_ERR_NOMEM || rc == DSM_ERR_LIMIT); i++)
		rc = create_at(d, workers_next_node(d), order, fn, out);
	return rc;
}

int dsm_thread_create(dsm_t *d, int node, const struct dsm_thread_attr *attr,
                      void *(*fn)(void *arg), void *arg, dsm_thread *out)
{
	NODE_ENTRY(dsm_thread_create, d, node, attr, fn, arg, out);
	struct dsm_thread_attr a;
	struct coh_svc order;
	dsm_thread thread;
	int rc;

	if (!fn || !out || node < DSM_ANY_NODE || node >= d->boot->size || read_attr(attr, &a) ||
	    node_is_copy(d))
		return DSM_ERR_INVAL;
	rc = describe(d, &a, (const void *)fn, &order);
	if (rc)
		return rc;
	order.arg[2] = (uintptr_t)arg;
	rc = node == DSM_ANY_NODE ? create_anywhere(d, &order, (const void *)fn, &thread)
	                          : create_at(d, node, &order, (const void *)fn, &thread);
	if (rc == 0)
		*out = thread;
	return rc;
}

/* --- what becomes of it --- */

static int node_of(const struct dsm *d, uint64_t id)
{
	const int node = (int)(id >> 16 & 0xffff);

	return id && node < d->boot->size ? node : DSM_ERR_NOENT;
}

static int join(struct dsm *d, uint64_t id, int timeout_ms, void **value, const char *what)
{
	struct coh_svc svc = {.op = SVC_THREAD_JOIN, .arg = {id}};
	int node = node_of(d, id), rc;

	if (node < 0)
		return node;
	if (id == workers_self())
		return DSM_ERR_DEADLK;
	rc = heap_ask(d, (coh_node)node, &svc, timeout_ms, SVC_THREAD_UNJOIN, what);
	if (rc == 0 && value)
		*value = (void *)(uintptr_t)svc.arg[0];
	return rc;
}

int dsm_thread_join(dsm_t *d, dsm_thread thread, void **value)
{
	NODE_ENTRY(dsm_thread_join, d, thread.id, value);

	return join(d, thread.id, -1, value, "dsm_thread_join");
}

int dsm_thread_timedjoin(dsm_t *d, dsm_thread thread, int timeout_ms, void **value)
{
	NODE_ENTRY(dsm_thread_timedjoin, d, thread.id, timeout_ms, value);

	if (timeout_ms < -1)
		return DSM_ERR_INVAL;
	return join(d, thread.id, timeout_ms, value, "dsm_thread_timedjoin");
}

int dsm_thread_detach(dsm_t *d, dsm_thread thread)
{
	NODE_ENTRY(dsm_thread_detach, d, thread.id);
	struct coh_svc svc = {.op = SVC_THREAD_DETACH, .arg = {thread.id}};
	int node = node_of(d, thread.id);

	return node < 0 ? node
	                : heap_ask(d, (coh_node)node, &svc, -1, 0, "dsm_thread_detach");
}

int dsm_thread_self(dsm_t *d, dsm_thread *out)
{
	const uint64_t id = workers_self();

	if (!out || node_is_copy(d))
		return DSM_ERR_INVAL;
	if (!id)
		return DSM_ERR_NOENT;
	out->id = id;
	return 0;
}

int dsm_thread_node(dsm_t *d, dsm_thread thread)
{
	const int node = node_of(d, thread.id);

	return node < 0 ? DSM_ERR_INVAL : node;
}
