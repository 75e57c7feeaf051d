/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring that dsmctl trace reads. */
#include "dsm/node/trace.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/base/base.h"

/* By the kernel's calls: MPI libraries patch those of libc. Populated, so that no note waits for
 * the kernel. */
struct trace_record *trace_ring_new(size_t records)
{
	struct trace_record *ring =
		(struct trace_record *)syscall(SYS_mmap, NULL, records * sizeof *ring,
	                                       PROT_READ | PROT_WRITE,
	                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return ring == MAP_FAILED ? NULL : ring;
}

void trace_ring_free(struct trace_record *ring, size_t records)
{
	if (ring)
		syscall(SYS_munmap, ring, records * sizeof *ring);
}

void trace_begin(struct trace *t, struct trace_record *ring, size_t records, uint64_t token,
                 uint64_t until_ns)
{
	t->ring = ring;
	t->records = records;
	t->written = 0;
	t->began_ns = t->last_ns = clock_now_ns();
	t->until_ns = until_ns;
	t->token = token;
	t->on = 1;
}

void trace_end(struct trace *t)
{
	t->on = 0;
}

uint64_t trace_overwritten(const struct trace *t)
{
	return t->written > t->records ? t->written - t->records : 0;
}

const struct trace_record *trace_at(const struct trace *t, uint64_t index)
{
	const uint64_t number = trace_overwritten(t) + index;

	return number < t->written ? &t->ring[number & (t->records - 1)] : NULL;
}

uint8_t trace_name(struct trace *t, const char *name)
{
	unsigned i = 0;

	while (i < t->names && t->name[i] != name)
		i++;
	if (i == TRACE_NAMES)
		return TRACE_NAMES - 1;
	t->name[i] = name;
	if (i == t->names)
		t->names++;
	return (uint8_t)i;
}

void trace_put(struct trace *t, struct trace_record r)
{
	if (!r.at_ns)
		r.at_ns = clock_now_ns();
	/* Those that bring a time may have taken it a little earlier; and no two have the same. */
	if (r.at_ns <= t->last_ns)
		r.at_ns = t->last_ns + 1;
	if (r.at_ns > t->until_ns) {
		t->on = 0;
		return;
	}
	t->last_ns = r.at_ns;
	t->ring[t->written++ & (t->records - 1)] = r;
}
