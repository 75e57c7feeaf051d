/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies of what is about to change, and what has. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/node/node.h"

#define WORD_BITS 64

/* The run that page lies in, or the first one behind it; runs: all are before it. */
static uint64_t find(const struct moment *m, uint64_t page)
{
	uint64_t lo = 0, hi = m->runs;

	while (lo < hi) {
		const uint64_t mid = lo + (hi - lo) / 2;

		if (m->run[mid].page + m->run[mid].n <= page)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static size_t page_bytes(const struct dsm *d, uint64_t page)
{
	return region_zone_of(&d->memory.region, page)->page_bytes;
}

/* By syscall(2): the call of libc is a point of cancellation. */
static int spill(int fd, const uint8_t *bytes, size_t len, uint64_t at)
{
	while (len) {
		const long n = syscall(SYS_pwrite64, fd, bytes, len, (off_t)at);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			at += (uint64_t)n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static void copy(struct dsm *d, struct moment_run *run, unsigned i)
{
	struct moment *m = &d->moment;
	const size_t bytes = page_bytes(d, run->page);
	const uint8_t *frame = region_frame_at(&d->memory.region, run->page + i);
	const uint64_t at = run->at + i * bytes;

	if (m->spill < 0 || m->held + bytes <= m->room) {
		memcpy(m->copy + at, frame, bytes);
		m->held += bytes;
	} else if (m->failed == 0) {
		m->failed = spill(m->spill, frame, bytes, at);
		run->spilled |= UINT64_C(1) << i;
	}
	run->due &= ~(UINT64_C(1) << i);
	run->copied |= UINT64_C(1) << i;
	frames_unpin(&d->memory.frames, run->page + i, 1);
}

static void copy_due(struct dsm *d, uint64_t first, uint64_t end)
{
	struct moment *m = &d->moment;

	for (uint64_t k = find(m, first); k < m->runs && m->run[k].page < end; k++) {
		struct moment_run *run = &m->run[k];

		for (unsigned i = 0; run->due && i < run->n; i++)
			if (run->due >> i & 1 && run->page + i >= first && run->page + i < end)
				copy(d, run, i);
	}
}

void moment_change(struct dsm *d, uint64_t first, uint32_t n)
{
	struct moment *m = &d->moment;

	if (m->run)
		copy_due(d, first, first + n);
	if (m->written)
		for (uint64_t page = first; page < first + n; page++)
			m->written[page / WORD_BITS] |= UINT64_C(1) << page % WORD_BITS;
}

int moment_is_written(const struct dsm *d, uint64_t page)
{
	return d->moment.written && d->moment.written[page / WORD_BITS] >> page % WORD_BITS & 1;
}
