/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this process knows of spans, beside the memory itself: whose a block is and how large, so that
 * free() reads no page of another node's; and which blocks are free, as bits, so that thousands of them
 * go from node to node in a page, and nobody fetches the pages that they are on.
 */
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/threads/arena.h"

/* One run of words that have marks, in a parcel: */
#define RUN_MAKE(span, first, n) ((uint64_t)(span) << 32 | (uint64_t)(first) << 16 | (n))
#define RUN_SPAN(run) ((uint32_t)((run) >> 32))
#define RUN_FIRST(run) ((unsigned)((run) >> 16 & 0xffff))
#define RUN_WORDS(run) ((unsigned)((run) & 0xffff))

struct spans spans;
static uint32_t lock; /* atomic: 1: held, 2: and somebody may wait */
static uint32_t reciprocal[CLASSES]; /* 2^32 / size, rounded up: exact for what begins in a span */

/* It is no lock of libdsm's: who holds it may wait for a page, or call dsm_alloc. */
void spans_lock(void)
{
	uint32_t was = 0;

	if (__atomic_compare_exchange_n(&lock, &was, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&lock, 2, __ATOMIC_ACQUIRE))
		NEXT(syscall)(SYS_futex, &lock, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

void spans_unlock(void)
{
	if (__atomic_exchange_n(&lock, 0, __ATOMIC_RELEASE) == 2)
		NEXT(syscall)(SYS_futex, &lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Memory that is there where it is touched. */
static void *table(size_t n, size_t each)
{
	void *at = NEXT(mmap)(NULL, n * each, PROT_READ | PROT_WRITE,
	                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		threads_die("no memory for what is known of the heap");
	return at;
}

void spans_open(void)
{
	size_t n;

	spans.start = here.region & ~(CHUNK - 1);
	n = (here.region + here.region_bytes - spans.start + SPAN - 1) / SPAN;
	spans.span = table(n, sizeof *spans.span);
	spans.kind = table(n, sizeof *spans.kind);
	for (unsigned class = 0; class < CLASSES; class++)
		reciprocal[class] = (((uint64_t)1 << 32) + size_of(class) - 1) / size_of(class);
}

unsigned span_look(const void *at)
{
	const struct chunk *chunk = chunk_of(at);
	unsigned kind;

	if (chunk->node < 0)
		return 0;
	kind = kind_make(chunk->node, chunk->class[((uintptr_t)at - (uintptr_t)chunk) / SPAN]);
	__atomic_store_n(&spans.kind[span_of(at)], kind, __ATOMIC_RELAXED);
	return kind;
}

/* --- marks --- */

static void *start_of(uint32_t span)
{
	return (void *)(spans.start + span * SPAN);
}

static size_t bytes_of(uint32_t span)
{
	return size_of(kind_class(span_kind(start_of(span))));
}

/* It has marks now. */
static void enlist(uint32_t span, unsigned marks, uint32_t *list)
{
	struct span *s = &spans.span[span];

	if (!s->marks) {
		s->next = *list;
		__atomic_store_n(list, span, __ATOMIC_RELAXED);
	}
	s->marks += marks;
}

static void unlist_first(uint32_t *list)
{
	__atomic_store_n(list, spans.span[*list].next, __ATOMIC_RELAXED);
}

void span_mark(void *at, unsigned kind, uint32_t *list)
{
	const uint32_t span = span_of(at);
	const uint64_t offset = (uintptr_t)at % SPAN;
	const unsigned nth = offset * reciprocal[kind_class(kind)] >> 32;

	enlist(span, 1, list);
	spans.span[span].mark[nth / 64] |= (uint64_t)1 << nth % 64;
}

/* Of the first one of a list. */
static unsigned take_of(uint32_t span, unsigned n, struct block ***tail)
{
	struct span *s = &spans.span[span];
	const size_t bytes = bytes_of(span);
	unsigned got = 0;

	if (n > s->marks)
		n = s->marks;
	for (uint64_t *word = s->mark; got < n; word++)
		for (; *word && got < n; got++) {
			const unsigned nth = (word - s->mark) * 64 + __builtin_ctzll(*word);
			struct block *b = (struct block *)((char *)start_of(span) + nth * bytes);

			*word &= *word - 1;
			**tail = b;
			*tail = &b->next;
		}
	s->marks -= n;
	return n;
}

unsigned spans_take(uint32_t *list, unsigned n, struct block ***tail)
{
	unsigned got = 0;

	while (got < n && *list) {
		const uint32_t span = *list;

		got += take_of(span, n - got, tail);
		if (!spans.span[span].marks)
			unlist_first(list);
	}
	return got;
}

/* --- in parcels --- */

/* Words with marks beside each other, from there on, at most so many. */
static unsigned run_of(const uint64_t *mark, unsigned first, unsigned most)
{
	unsigned n = 0;

	while (n < most && mark[first + n])
		n++;
	return n;
}

/* As much of a span as there is room for. */
static unsigned pack_one(uint32_t span, uint64_t *word, unsigned room)
{
	struct span *s = &spans.span[span];
	unsigned used = 0;

	for (unsigned i = 0; s->marks && room - used >= 2; i++) {
		uint64_t *const head = &word[used];
		const unsigned most = room - used - 1, left = SPAN / FINE / 64 - i;
		const unsigned n = run_of(s->mark, i, most < left ? most : left);

		if (!n)
			continue;
		*head = RUN_MAKE(span, i, n);
		for (unsigned k = 0; k < n; k++, i++) {
			head[1 + k] = s->mark[i];
			s->marks -= __builtin_popcountll(s->mark[i]);
			s->mark[i] = 0;
		}
		used += 1 + n;
	}
	return used;
}

unsigned spans_pack(uint32_t *list, uint64_t *word, unsigned room, size_t *taken)
{
	unsigned used = 0;

	*taken = 0;
	while (*list && room - used >= 2) {
		struct span *s = &spans.span[*list];
		const unsigned before = s->marks;

		used += pack_one(*list, word + used, room - used);
		*taken += (before - s->marks) * bytes_of(*list);
		if (!s->marks)
			unlist_first(list);
	}
	return used;
}

void spans_unpack(uint32_t *list, const uint64_t *word, unsigned n)
{
	for (const uint64_t *const end = word + n; word < end; word += 1 + RUN_WORDS(*word)) {
		const uint32_t span = RUN_SPAN(*word);
		uint64_t *mark = &spans.span[span].mark[RUN_FIRST(*word)];
		unsigned marks = 0;

		for (unsigned i = 0; i < RUN_WORDS(*word); i++) {
			mark[i] |= word[1 + i];
			marks += __builtin_popcountll(word[1 + i]);
		}
		enlist(span, marks, &list[kind_class(span_kind(start_of(span)))]);
	}
}
