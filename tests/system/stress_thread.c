/* SPDX-License-Identifier: BSD-2-Clause */
/* What one thread of the stress test does, and where the words under test lie. */
#include "tests/system/stress.h"

#include <string.h>

#define WATCH_LOOKS 1000
#define LOG_STEP 10 /* most log entries that one action adds */

/* ------------------------------------------------------------------ arena -- */

/* Half the pages lie side by side; the others, and those of the counters, in blocks of
 * different homes. */
static size_t spread_at(const struct stress_arena *arena, unsigned i)
{
	size_t stride = arena->block_pages;
	size_t together = (arena->pages / 2 + stride - 1) / stride * stride;

	return (together + i * stride) * arena->page_bytes;
}

size_t stress_arena_bytes(const struct stress_arena *arena)
{
	return spread_at(arena, arena->pages - arena->pages / 2 + STRESS_COUNTERS + 2);
}

void stress_arena_init(struct stress_arena *arena, unsigned pages, int huge, int dense)
{
	arena->page_bytes = huge ? 2u << 20 : 4096;
	arena->block_pages = huge || dense ? 1 : 64;
	arena->pages = pages;
	arena->first_counter = pages * STRESS_PAGE_WORDS;
	arena->first_guarded = arena->first_counter + STRESS_COUNTERS;
	arena->words = arena->first_guarded + STRESS_COUNTERS;
}

/* Counters: the first half of a kind share a page, the others have one each. */
static size_t counter_at(const struct stress_arena *arena, uint32_t n, unsigned kind)
{
	unsigned half = STRESS_COUNTERS / 2, first = arena->pages - arena->pages / 2;

	if (n < half)
		return spread_at(arena, first + kind) + n * 64;
	return spread_at(arena, first + 2 + kind * half + n - half) + arena->page_bytes - 8;
}

/* Words at both ends of a page and in its middle, some of them on one cache line. */
static size_t offset_in_page(const struct stress_arena *arena, unsigned n)
{
	size_t middle = arena->page_bytes / 2;
	const size_t offset[STRESS_PAGE_WORDS] = {
		0, 8, 64, middle - 8, middle, middle + 8, 2 * middle - 16, 2 * middle - 8,
	};

	return offset[n];
}

uint64_t *stress_word_at(const struct stress_arena *arena, uint32_t word)
{
	unsigned page = word / STRESS_PAGE_WORDS, together = arena->pages / 2;
	size_t at;

	if (word >= arena->first_guarded)
		at = counter_at(arena, word - arena->first_guarded, 1);
	else if (word >= arena->first_counter)
		at = counter_at(arena, word - arena->first_counter, 0);
	else
		at = offset_in_page(arena, word % STRESS_PAGE_WORDS) +
		     (page < together ? page * arena->page_bytes
		                      : spread_at(arena, page - together));
	return (uint64_t *)(arena->base + at);
}

/* ---------------------------------------------------------------- actions -- */

enum doing {
	IDLE,
	LOAD,
	SCAN,
	WATCH,
	STORE,
	EXCHANGE,
	CAS,
	DSM_SWAP,
	DSM_CAS,
	COUNT,
	DSM_COUNT,
	LOCK,
	TRYLOCK,
	GUARDED,
	UNLOCK,
	PREFETCH
};

const char *stress_doing_name(uint32_t doing)
{
	static const char *const name[] = {
		[IDLE] = "nothing",
		[LOAD] = "a load",
		[SCAN] = "a scan",
		[WATCH] = "a watch",
		[STORE] = "a store",
		[EXCHANGE] = "an exchange",
		[CAS] = "a compare-and-swap",
		[DSM_SWAP] = "dsm_swap64",
		[DSM_CAS] = "dsm_compare_swap64",
		[COUNT] = "an atomic addition",
		[DSM_COUNT] = "dsm_fetch_add64",
		[LOCK] = "dsm_mutex_lock",
		[TRYLOCK] = "dsm_mutex_trylock",
		[GUARDED] = "a guarded addition",
		[UNLOCK] = "dsm_mutex_unlock",
		[PREFETCH] = "dsm_prefetch",
	};

	return doing < sizeof name / sizeof *name ? name[doing] : "?";
}

static void begin(struct stress_thread *t, enum doing doing, uint32_t word)
{
	atomic_store_explicit(&t->word, word, memory_order_relaxed);
	atomic_store_explicit(&t->doing, doing, memory_order_relaxed);
}

/* In a timed epoch, the time; no access moves over it, in neither direction. In the others
 * the CPU's store buffers are left alone. */
static uint64_t now(const struct stress_thread *t)
{
	uint64_t time;

	if (!t->timed)
		return 0;
	atomic_thread_fence(memory_order_seq_cst);
	time = node_now_ns();
#ifdef __x86_64__
	__builtin_ia32_lfence(); /* loads wait for the clock to be read */
#endif
	return time;
}

/* Logs what was done between begin and now. */
static void logged(struct stress_thread *t, enum history_kind kind, uint32_t word, uint64_t begin,
                   uint64_t old, uint64_t value)
{
	t->log[t->len++] = (struct history_op){ .value = value,
		                                .old = old,
		                                .begin = begin,
		                                .end = now(t),
		                                .word = word,
		                                .kind = kind };
}

static uint64_t load(struct stress_thread *t, uint32_t word)
{
	uint64_t begin = now(t);
	uint64_t value = __atomic_load_n(stress_word_at(t->arena, word), __ATOMIC_RELAXED);

	logged(t, HISTORY_READ, word, begin, 0, value);
	return value;
}

static uint64_t fresh_value(struct stress_thread *t)
{
	return t->writer << 48 | ++t->serial;
}

/* Half of the time a word of the first or the last page, else any. */
static uint32_t pick(struct stress_thread *t)
{
	uint64_t r = node_random(&t->random);
	uint32_t n = t->arena->first_counter, hot = (uint32_t)(r % (2 * STRESS_PAGE_WORDS));

	if (r >> 63)
		return (uint32_t)(r % n);
	return hot < STRESS_PAGE_WORDS ? hot : n - 1 - (hot - STRESS_PAGE_WORDS);
}

static void do_scan(struct stress_thread *t)
{
	uint32_t word = pick(t) / STRESS_PAGE_WORDS * STRESS_PAGE_WORDS;

	begin(t, SCAN, word);
	for (uint32_t w = word; w < word + STRESS_PAGE_WORDS; w++)
		load(t, w);
}

/* Looks at a word until it changes, or some time is over: whoever keeps a copy too long
 * is found with it. Logs the last two looks only. */
static void do_watch(struct stress_thread *t)
{
	uint32_t word = pick(t);
	uint64_t value, first;

	begin(t, WATCH, word);
	first = load(t, word);
	for (int i = 0; i < WATCH_LOOKS; i++) {
		value = load(t, word);
		if (value != first)
			break;
		t->log[t->len - 2] = t->log[t->len - 1];
		t->len--;
	}
}

static void do_store(struct stress_thread *t)
{
	uint32_t word = pick(t);
	uint64_t value = fresh_value(t), began;

	begin(t, STORE, word);
	began = now(t);
	__atomic_store_n(stress_word_at(t->arena, word), value, __ATOMIC_RELAXED);
	logged(t, HISTORY_WRITE, word, began, 0, value);
}

static void do_exchange(struct stress_thread *t, int in_library)
{
	uint32_t word = pick(t);
	uint64_t value = fresh_value(t), old, *at = stress_word_at(t->arena, word), began;

	begin(t, in_library ? DSM_SWAP : EXCHANGE, word);
	began = now(t);
	if (in_library)
		OK(dsm_swap64(node.dsm, at, value, &old));
	else
		old = __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
	logged(t, HISTORY_RMW, word, began, old, value);
}

static void do_compare_swap(struct stress_thread *t, int in_library)
{
	uint32_t word = pick(t);
	uint64_t value = fresh_value(t), *at = stress_word_at(t->arena, word);
	uint64_t expected, old, began;

	begin(t, in_library ? DSM_CAS : CAS, word);
	expected = old = load(t, word);
	began = now(t);
	if (in_library)
		OK(dsm_compare_swap64(node.dsm, at, expected, value, &old));
	else
		__atomic_compare_exchange_n(at, &old, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	if (old == expected)
		logged(t, HISTORY_RMW, word, began, old, value);
	else
		logged(t, HISTORY_READ, word, began, 0, old);
}

/* The counter before an addition and after it are values of the word like any other. */
static void do_count(struct stress_thread *t, int in_library)
{
	uint32_t word =
		t->arena->first_counter + (uint32_t)(node_random(&t->random) % STRESS_COUNTERS);
	uint64_t old, *at = stress_word_at(t->arena, word), began;

	begin(t, in_library ? DSM_COUNT : COUNT, word);
	began = now(t);
	if (in_library)
		OK(dsm_fetch_add64(node.dsm, at, 1, &old));
	else
		old = __atomic_fetch_add(at, 1, __ATOMIC_SEQ_CST);
	logged(t, HISTORY_RMW, word, began, old, old + 1);
}

/* Adds to two counters of a mutex, by plain loads and stores. */
static void do_guarded(struct stress_thread *t, int only_try)
{
	uint32_t m = (uint32_t)(node_random(&t->random) % STRESS_MUTEXES);
	dsm_mutex mutex = t->arena->mutex[m];
	int rc;

	begin(t, only_try ? TRYLOCK : LOCK, t->arena->first_guarded + m);
	rc = only_try ? dsm_mutex_trylock(node.dsm, mutex) : dsm_mutex_lock(node.dsm, mutex);
	if (only_try && rc == DSM_ERR_BUSY)
		return;
	OK(rc);
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t word = t->arena->first_guarded + m + i * STRESS_MUTEXES;
		uint64_t *at = stress_word_at(t->arena, word), old, began;

		begin(t, GUARDED, word);
		began = now(t);
		old = *at;
		*at = old + 1;
		logged(t, HISTORY_RMW, word, began, old, old + 1);
	}
	begin(t, UNLOCK, t->arena->first_guarded + m);
	OK(dsm_mutex_unlock(node.dsm, mutex));
}

static void do_prefetch(struct stress_thread *t)
{
	uint64_t r = node_random(&t->random);
	uint32_t word = (uint32_t)(r % t->arena->pages) * STRESS_PAGE_WORDS;
	uint8_t *from = (uint8_t *)stress_word_at(t->arena, word);
	size_t bytes = (1 + (r >> 32) % 16) * t->arena->page_bytes;
	size_t left = (size_t)(t->arena->base + stress_arena_bytes(t->arena) - from);

	begin(t, PREFETCH, word);
	OK(dsm_prefetch(node.dsm, from, bytes < left ? bytes : left));
}

static void act(struct stress_thread *t)
{
	unsigned dice = (unsigned)(node_random(&t->random) >> 32) % 256;
	uint32_t word;

	if (dice < 10) {
		do_watch(t);
	} else if (dice < 110) {
		word = pick(t);
		begin(t, LOAD, word);
		load(t, word);
	} else if (dice < 185) {
		do_store(t);
	} else if (dice < 197) {
		do_scan(t);
	} else if (dice < 213) {
		do_exchange(t, dice & 1);
	} else if (dice < 229) {
		do_compare_swap(t, dice & 1);
	} else if (dice < 249) {
		do_count(t, dice & 1);
	} else if (dice < 254) {
		do_guarded(t, dice == 253);
	} else {
		do_prefetch(t);
	}
}

void stress_epoch(struct stress_thread *t)
{
	uint64_t end = node_now_ns() + t->options->epoch_ms * 1000000ull;

	t->len = 0;
	while (t->len + LOG_STEP <= t->options->ops && node_now_ns() < end) {
		act(t);
		atomic_fetch_add_explicit(&t->steps, 1, memory_order_relaxed);
	}
	atomic_store_explicit(&t->doing, IDLE, memory_order_relaxed);
}
