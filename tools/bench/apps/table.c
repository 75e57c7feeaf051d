/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words are counted in a hash table, of which each part has a lock: a few come again and again,
 * most seldom. Between two words a member computes for as long as it takes to read one.
 */
#include "tools/bench/apps/kernels.h"

#define PARTS 16
#define SLOTS 256   /* of a part, on a page */
#define WORDS 2048u /* different ones: the table is half full */

struct slot {
	uint64_t word; /* 0: free */
	uint64_t count;
};

/* Half of all are of the first 64, and half of those of the first 2. */
static uint64_t word_of(const struct team *t, size_t i)
{
	uint64_t x = team_hash(i);

	for (unsigned k = 0; k < t->work; k++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	switch (x % 4) {
	case 0: return 1 + (x >> 8) % 2;
	case 1: return 1 + (x >> 8) % 64;
	default: return 1 + (x >> 8) % WORDS;
	}
}

static struct slot *find(struct slot *part, uint64_t word)
{
	size_t at = (team_hash(word) >> 8) % SLOTS;

	while (part[at].word && part[at].word != word)
		at = (at + 1) % SLOTS;
	return &part[at];
}

static unsigned part_of(uint64_t word)
{
	return (unsigned)(team_hash(word) % PARTS);
}

static void add(struct team *t, struct slot (*table)[SLOTS], uint64_t word)
{
	const unsigned part = part_of(word);
	struct slot *slot;

	team_lock(t, part);
	slot = find(table[part], word);
	slot->word = word;
	slot->count++;
	team_unlock(t, part);
}

static void run(struct team *t)
{
	struct slot(*table)[SLOTS] = team_take(t, PARTS * sizeof *table);
	uint64_t *counts = team_take(t, (WORDS + 1) * sizeof *counts);

	for (size_t i = team_from(t, t->n); i < team_to(t, t->n); i++)
		add(t, table, word_of(t, i));
	team_barrier(t);
	/* Where a word is in the table depends on who came first. */
	for (uint64_t word = 1 + team_from(t, WORDS); word < 1 + team_to(t, WORDS); word++)
		counts[word] = find(table[part_of(word)], word)->count;
	t->result = counts;
	t->result_bytes = (WORDS + 1) * sizeof *counts;
	team_barrier(t);
}

/* About 2 us between words. */
const struct kernel kernel_table = { .name = "table",
	                             .run = run,
	                             .bytes = 128 << 10,
	                             .locks = PARTS,
	                             .full = { .n = 1 << 14, .work = 850 },
	                             .few = { .n = 200, .work = 100 } };
