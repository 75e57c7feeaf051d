/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of other nodes, kept for the service thread of rank 0. */
#include "dsm/heap/services.h"
#include "dsm/workers/workers.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INBOX_FIRST 256 /* requests that there is room for at first */

void heap_inbox_open(struct heap_inbox *in, unsigned nodes)
{
	in->most = (size_t)2 * HEAP_SLOTS * nodes;
}

void heap_inbox_close(struct heap_inbox *in)
{
	if (in->ring)
		syscall(SYS_munmap, in->ring, in->cap * sizeof *in->ring);
}

/* Twice as long. By the kernel's call: whoever polls may be in a signal handler. */
static int inbox_grow(struct heap_inbox *in)
{
	const size_t cap = in->cap ? 2 * in->cap : INBOX_FIRST;
	struct heap_kept *ring = (struct heap_kept *)syscall(
	        SYS_mmap, NULL, cap * sizeof *ring, PROT_READ | PROT_WRITE,
	        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ring == MAP_FAILED)
		return -ENOMEM;
	for (size_t i = 0; i < in->len; i++)
		ring[i] = in->ring[(in->head + i) % in->cap];
	if (in->ring)
		syscall(SYS_munmap, in->ring, in->cap * sizeof *ring);
	in->ring = ring;
	in->cap = cap;
	in->head = 0;
	return 0;
}

void heap_keep(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	struct heap_inbox *in = &d->heap->inbox;
	size_t at;

	if (heap_is_for_all(m->svc.op)) {
		heap_serve_all(d, from, m);
		return;
	}
	if (workers_takes(m->svc.op)) {
		workers_request(d, from, m);
		return;
	}
	/* It takes no memory, and all wait for it. */
	if (m->svc.op == SVC_ROUND && d->heap->rounds) {
		heap_round_arrive(d, from, m);
		return;
	}
	if (in->len == in->most) { /* not the serving node, or more than a node may have */
		d->engine.bad_messages++;
		return;
	}
	if (in->len == in->cap && inbox_grow(in)) {
		node_fail(d, "no memory for a request of another node");
		return;
	}
	at = (in->head + in->len) % in->cap;
	in->ring[at].from = from;
	in->ring[at].msg = *m;
	in->len++;
	d->progress.kept++;
}

void heap_serve_kept(struct dsm *d)
{
	struct heap_inbox *in = &d->heap->inbox;

	workers_serve(d);
	while (in->len) {
		heap_serve(d, in->ring[in->head].from, &in->ring[in->head].msg);
		in->head = (in->head + 1) % in->cap;
		in->len--;
		d->progress.kept--;
		d->engine.handled++;
	}
}
