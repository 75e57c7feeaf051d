/* SPDX-License-Identifier: BSD-2-Clause */
/* Those who save what pages held, and who want to know what is written. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

uint64_t moment_bytes(const struct dsm *d, const struct moment_run *run, uint64_t runs)
{
	uint64_t bytes = 0;

	for (uint64_t k = 0; k < runs; k++)
		bytes += run[k].n * page_bytes_of(d, run[k].page);
	return bytes;
}

int moment_begin(struct dsm *d, struct moment_run *run, uint64_t runs, int spill)
{
	struct moment *m = &d->moment;
	size_t bytes = 0;
	void *at = NULL;
	sigset_t mask;
	int rc = 0;

	for (uint64_t k = 0; k < runs; k++) {
		run[k].at = bytes;
		run[k].due = ~UINT64_C(0) >> (MOMENT_RUN - run[k].n);
		run[k].copied = run[k].spilled = 0;
		bytes += run[k].n * page_bytes_of(d, run[k].page);
	}
	if (bytes)
		rc = table(bytes, &at);
	if (rc || !bytes) {
		if (spill >= 0)
			close(spill);
		return rc;
	}
	node_lock(d, &mask);
	m->copy = at;
	m->copy_bytes = bytes;
	m->spill = spill;
	m->held = 0;
	m->failed = 0;
	m->runs = runs;
	m->run = run;
	node_unlock(d, &mask);
	return 0;
}

static int read_back(int fd, uint8_t *out, size_t len, uint64_t at)
{
	while (len) {
		const ssize_t n = pread(fd, out, len, (off_t)at);

		if (n == 0 || (n < 0 && errno != EINTR))
			return n ? -errno : -EIO;
		if (n > 0) {
			out += n;
			at += (uint64_t)n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* What was copied of a run, which nothing is copied of any more. */
static int take_copies(struct dsm *d, const struct moment_run *run, uint8_t *out)
{
	const size_t bytes = page_bytes_of(d, run->page);
	struct moment *m = &d->moment;
	uint8_t *copies = m->copy + run->at;
	uint64_t held = 0;
	sigset_t mask;
	int rc = 0;

	for (unsigned i = 0; i < run->n && rc == 0; i++)
		if (run->spilled >> i & 1) {
			rc = read_back(m->spill, out + i * bytes, bytes, run->at + i * bytes);
		} else if (run->copied >> i & 1) {
			memcpy(out + i * bytes, copies + i * bytes, bytes);
			held += bytes;
		}
	if (held) {
		mm_advise(copies, run->n * bytes, MADV_DONTNEED);
		node_lock(d, &mask);
		m->held -= held;
		node_unlock(d, &mask);
	}
	/* Where the file system cannot do that, the file takes as much as it does. */
	if (run->spilled && rc == 0)
		(void)!fallocate(m->spill, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)run->at,
		                 (off_t)(run->n * bytes));
	return rc;
}

int moment_take(struct dsm *d, struct moment_run *run, uint8_t *out)
{
	const size_t bytes = page_bytes_of(d, run->page);
	sigset_t mask;
	int failed;

	node_lock(d, &mask);
	for (unsigned i = 0; i < run->n; i++) {
		if (!(run->due >> i & 1))
			continue;
		memcpy(out + i * bytes, region_frame_at(&d->memory.region, run->page + i), bytes);
		frames_unpin(&d->memory.frames, run->page + i, 1);
	}
	run->due = 0;
	failed = d->moment.failed;
	waits_room(&d->waits); /* frames may go */
	node_unlock(d, &mask);
	return failed || !run->copied ? failed : take_copies(d, run, out);
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
	if (m->copy && m->spill >= 0)
		close(m->spill);
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
