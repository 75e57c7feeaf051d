/* SPDX-License-Identifier: BSD-2-Clause */
/* Those who save what pages held, and who want to know what is written. */
#include <string.h>

#include "dsm/node/node.h"

#define WORD_BITS 64

static size_t page_bytes_of(const struct dsm *d, uint64_t page)
{
	return region_zone_of(&d->memory.region, page)->page_bytes;
}

/* Zeroed, and populated where it is touched. */
static int table(size_t bytes, void **out)
{
	return mm_map(NULL, bytes, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, out);
}

/* --- what is being saved --- */

int moment_begin(struct dsm *d, struct moment_run *run, uint64_t runs)
{
	struct moment *m = &d->moment;
	size_t bytes = 0;
	void *at = NULL;
	sigset_t mask;
	int rc = 0;

	for (uint64_t k = 0; k < runs; k++) {
		run[k].at = bytes;
		run[k].due = ~UINT64_C(0) >> (MOMENT_RUN - run[k].n);
		run[k].copied = 0;
		bytes += run[k].n * page_bytes_of(d, run[k].page);
	}
	if (bytes)
		rc = table(bytes, &at);
	if (rc || !bytes)
		return rc;
	node_lock(d, &mask);
	m->copy = at;
	m->copy_bytes = bytes;
	m->runs = runs;
	m->run = run;
	node_unlock(d, &mask);
	return 0;
}

void moment_take(struct dsm *d, struct moment_run *run, uint8_t *out)
{
	const size_t bytes = page_bytes_of(d, run->page);
	uint8_t *copies = d->moment.copy + run->at;
	sigset_t mask;

	node_lock(d, &mask);
	for (unsigned i = 0; i < run->n; i++) {
		if (!(run->due >> i & 1))
			continue;
		memcpy(out + i * bytes, region_frame_at(&d->memory.region, run->page + i), bytes);
		frames_unpin(&d->memory.frames, run->page + i, 1);
	}
	run->due = 0;
	waits_room(&d->waits); /* frames may go */
	node_unlock(d, &mask);
	/* Nothing is copied there any more. */
	for (unsigned i = 0; i < run->n; i++)
		if (run->copied >> i & 1)
			memcpy(out + i * bytes, copies + i * bytes, bytes);
	if (run->copied)
		mm_advise(copies, run->n * bytes, MADV_DONTNEED);
}

void moment_end(struct dsm *d)
{
	struct moment *m = &d->moment;
	sigset_t mask;

	node_lock(d, &mask);
	for (uint64_t k = 0; m->run && k < m->runs; k++)
		for (unsigned i = 0; m->run[k].due && i < m->run[k].n; i++)
			if (m->run[k].due >> i & 1)
				frames_unpin(&d->memory.frames, m->run[k].page + i, 1);
	if (m->copy)
		mm_unmap(m->copy, m->copy_bytes);
	m->run = NULL;
	m->copy = NULL;
	m->runs = m->copy_bytes = 0;
	waits_room(&d->waits);
	node_unlock(d, &mask);
}

/* --- what is written --- */

int moment_watch(struct dsm *d)
{
	const size_t bytes = (d->memory.region.pages / WORD_BITS + 1) * sizeof(uint64_t);
	void *at = NULL;
	sigset_t mask;
	int rc;

	moment_watch_no_more(d);
	rc = table(bytes, &at);
	if (rc)
		return rc;
	node_lock(d, &mask);
	d->moment.written = at;
	d->moment.written_bytes = bytes;
	node_unlock(d, &mask);
	return 0;
}

void moment_watch_no_more(struct dsm *d)
{
	sigset_t mask;

	node_lock(d, &mask);
	if (d->moment.written)
		mm_unmap(d->moment.written, d->moment.written_bytes);
	d->moment.written = NULL;
	node_unlock(d, &mask);
}
