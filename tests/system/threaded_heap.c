/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program with threads and no word of libdsm, that allocates, changes and frees blocks of all sizes
 * by all of malloc's family, many of them in other threads than they came from, and looks whether each
 * holds what was written into it. With an argument also what only dsmctl run --threads promises, on
 * two nodes by turns: nodes share no page, and what one frees the other uses again.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 1500
#define OWN 64
#define COMMON 16
#define PAGE 4096u
#define CHECK(condition) \
	((condition) ? (void)0 \
	             : (fprintf(stderr, "threaded_heap: line %d: %s\n", __LINE__, #condition), _exit(1)))

/* --- blocks that say what they hold --- */

struct block {
	uint32_t bytes, seed;
	unsigned char text[];
};

static struct block *common[COMMON]; /* atomic */

static unsigned char letter(uint32_t seed, size_t i)
{
	return (unsigned char)((seed + i * 7) >> (i % 3));
}

static void fill(struct block *b, uint32_t bytes, uint32_t seed)
{
	b->bytes = bytes;
	b->seed = seed;
	for (size_t i = 0; i < bytes - sizeof *b; i++)
		b->text[i] = letter(seed, i);
}

static void holds(const struct block *b, uint32_t bytes)
{
	for (size_t i = 0; i < bytes - sizeof *b; i++)
		CHECK(b->text[i] == letter(b->seed, i));
}

/* --- what threads do with them --- */

static uint32_t next(uint32_t *random)
{
	*random = *random * 1664525 + 1013904223;
	return *random >> 8;
}

/* Mostly small, now and then of pages, seldom large. */
static uint32_t some_bytes(uint32_t *random)
{
	const uint32_t kind = next(random) % 64;
	const uint32_t most = kind < 48 ? 200 : kind < 60 ? 3000 : kind < 63 ? 40000 : 300000;

	return (uint32_t)sizeof(struct block) + next(random) % most;
}

static struct block *zeroed(uint32_t bytes)
{
	unsigned char *at = calloc(1, bytes);

	CHECK(at);
	for (uint32_t i = 0; i < bytes; i++)
		CHECK(at[i] == 0);
	return (struct block *)at;
}

static struct block *aligned(uint32_t bytes, size_t align)
{
	void *at;

	CHECK(!posix_memalign(&at, align, bytes));
	CHECK((uintptr_t)at % align == 0);
	return at;
}

static struct block *make(uint32_t *random)
{
	const uint32_t bytes = some_bytes(random), kind = next(random) % 8;
	struct block *b = kind == 0   ? zeroed(bytes)
	                  : kind == 1 ? aligned(bytes, (size_t)8 << next(random) % 11)
	                              : malloc(bytes);

	CHECK(b && (uintptr_t)b % 8 == 0 && malloc_usable_size(b) >= bytes);
	fill(b, bytes, next(random));
	return b;
}

static struct block *change(struct block *b, uint32_t *random)
{
	const uint32_t had = b->bytes, bytes = some_bytes(random);

	b = realloc(b, bytes);
	CHECK(b && malloc_usable_size(b) >= bytes);
	holds(b, had < bytes ? had : bytes);
	fill(b, bytes, next(random));
	return b;
}

static void drop(struct block *b)
{
	if (b)
		holds(b, b->bytes);
	free(b);
}

static void *work(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;
	struct block *own[OWN] = { NULL };

	for (int i = 0; i < ROUNDS; i++) {
		struct block **slot = &own[next(&random) % OWN];

		if (*slot && next(&random) % 4 == 0) {
			*slot = change(*slot, &random);
			continue;
		}
		drop(*slot);
		*slot = make(&random);
		if (next(&random) % 16 == 0)
			*slot = __atomic_exchange_n(&common[next(&random) % COMMON], *slot,
			                            __ATOMIC_ACQ_REL);
	}
	for (int i = 0; i < OWN; i++)
		drop(own[i]);
	return NULL;
}

static void all_at_once(void)
{
	pthread_t thread[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, work, (void *)(i + 1)));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	for (int i = 0; i < COMMON; i++)
		drop(common[i]);
}

/* --- what nodes do --- */

#define MANY 6000

struct blocks {
	void *at[MANY];
	uint32_t bytes; /* 0: of many sizes */
};

static void *take(void *arg)
{
	struct blocks *b = arg;

	for (int i = 0; i < MANY; i++)
		CHECK((b->at[i] = malloc(b->bytes ? b->bytes : (uint32_t)(i * 37 % 1500 + 1))));
	return NULL;
}

static void *give(void *arg)
{
	struct blocks *b = arg;

	for (int i = 0; i < MANY; i++)
		free(b->at[i]);
	return NULL;
}

/* One thread after the other, on one node after the other. */
static void by_thread(void *(*fn)(void *), struct blocks *b)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, fn, b) && !pthread_join(thread, NULL));
}

static int by_address(const void *a, const void *b)
{
	const uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

static int in_common(struct blocks *a, struct blocks *b, uintptr_t unit)
{
	int n = 0;

	qsort(a->at, MANY, sizeof *a->at, by_address);
	qsort(b->at, MANY, sizeof *b->at, by_address);
	for (int i = 0, k = 0; i < MANY && k < MANY;) {
		const uintptr_t x = (uintptr_t)a->at[i] / unit, y = (uintptr_t)b->at[k] / unit;

		n += x == y;
		i += x <= y;
		k += y <= x;
	}
	return n;
}

static struct blocks here, there, again;

/* Its threads go to two nodes by turns, beginning with the other one. */
static void by_turns(void)
{
	by_thread(take, &there);
	by_thread(take, &here);
	CHECK(in_common(&here, &there, PAGE) == 0);
	by_thread(give, &here); /* both, by the node that has not taken them */
	by_thread(give, &there);
}

/* What one node has and the other frees, the first one uses again: all, but for what a thread leaves
 * where that is worth less than a page, and what there was before. */
static void come_home(uint32_t bytes)
{
	here.bytes = there.bytes = again.bytes = bytes;
	by_thread(take, &there);
	by_thread(take, &here);
	by_thread(give, &here);
	by_thread(take, &again);
	CHECK(in_common(&again, &here, 1) >= MANY - (int)(PAGE / bytes) - OWN);
	by_thread(give, &again);
	by_thread(give, &there);
}

#define FEW 50

static void *take_and_give(void *arg)
{
	void **at = arg;

	for (int i = 0; i < FEW; i++)
		CHECK((at[i] = malloc(80)));
	for (int i = 0; i < FEW; i++)
		free(at[i]);
	return NULL;
}

/* What a thread keeps for itself is the next one's of its node when it ends. */
static void one_after_the_other(void)
{
	static void *at[MANY / FEW / 4 * FEW];
	const int n = sizeof at / sizeof *at;
	int distinct = 1;

	for (int i = 0; i < n; i += FEW) {
		pthread_t thread;

		CHECK(!pthread_create(&thread, NULL, take_and_give, at + i));
		CHECK(!pthread_join(thread, NULL));
	}
	qsort(at, n, sizeof *at, by_address);
	for (int i = 1; i < n; i++)
		distinct += at[i] != at[i - 1];
	CHECK(distinct < 8 * FEW);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		by_turns();
		for (uint32_t bytes = 16; bytes < 2000; bytes *= 3)
			come_home(bytes);
		one_after_the_other();
	}
	all_at_once();
	puts("fine");
	return 0;
}
