/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of other nodes, kept for the service thread of who serves. */
#include "dsm/heap/services.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INBOX_FIRST 256 /* requests that there is room for at first */

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

void heap_inbox_add(struct dsm *d, struct heap_inbox *in, coh_node from, const struct coh_msg *m)
{
	size_t at;

	if (in->len == in->most) { /* not of who serves, or more than a node may have */
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

const struct heap_kept *heap_inbox_first(const struct heap_inbox *in)
{
	return in->len ? &in->ring[in->head] : NULL;
}

void heap_inbox_drop(struct dsm *d, struct heap_inbox *in)
{
	in->head = (in->head + 1) % in->cap;
	in->len--;
	d->progress.kept--;
	d->engine.handled++;
}
