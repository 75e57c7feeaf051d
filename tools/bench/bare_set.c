/* SPDX-License-Identifier: BSD-2-Clause */
/* What the floors have in common: an endpoint, memory, and one side that serves. */
#include "tools/bench/bare.h"

#include <string.h>

#include "tools/bench/bench.h"

/* Opened by the first floor that needs it. */
static struct bare *endpoint;

static uint64_t word_of(uint64_t index)
{
	return (index + 1) * 0x9e3779b97f4a7c15u;
}

uint64_t bare_set_word(uint64_t page)
{
	return word_of(page << 32);
}

static uint64_t *words_of(const struct bare_set *set, uint64_t page)
{
	return (uint64_t *)(set->window.alias + page * set->window.page_bytes);
}

bool bare_set_open(struct bare_set *set, size_t page_bytes, size_t pages)
{
	const size_t words = page_bytes / sizeof(uint64_t);
	const bool by_signal = !strcmp(bench.options->faults, "signal");
	bool there = bare_window_open(&set->window, page_bytes, pages, by_signal);

	if (bench_sum(there) < bench.size) {
		if (there)
			bare_window_close(&set->window);
		return false;
	}
	if (!endpoint)
		endpoint = bare_open();
	set->fabric = endpoint;
	bare_area_open(set->fabric, set->window.alias, pages * page_bytes, &set->area);
	for (uint64_t page = 0; bench.rank == 1 && page < pages; page++)
		for (size_t i = 0; i < words; i++)
			words_of(set, page)[i] = word_of(page << 32 | i);
	bench_barrier();
	return true;
}

void bare_set_close(struct bare_set *set)
{
	bench_barrier();
	bare_area_close(&set->area);
	bare_window_close(&set->window);
}

void bare_set_clear(struct bare_set *set)
{
	memset(set->window.alias, 0, set->window.pages * set->window.page_bytes);
}

void bare_set_verify(const struct bare_set *set)
{
	const size_t words = set->window.page_bytes / sizeof(uint64_t);

	for (uint64_t page = 0; page < set->window.pages; page++)
		for (size_t i = 0; i < words; i++)
			if (words_of(set, page)[i] != word_of(page << 32 | i))
				bench_fail("word %zu of page %llu is wrong", i,
				           (unsigned long long)page);
}

void bare_set_fetch(struct bare_set *set, uint64_t page)
{
	const struct bare_msg msg = { .op = BARE_FETCH,
		                      .offset = page * set->window.page_bytes,
		                      .len = set->window.page_bytes,
		                      .tag = page };
	struct bare_event event;

	bare_send(set->fabric, 1, &msg);
	while (!bare_poll(set->fabric, &event))
		;
	if (event.kind != BARE_LANDED || event.tag != page)
		bench_fail("asked for page %llu, got something else", (unsigned long long)page);
}

void bare_set_ping(struct bare_set *set)
{
	struct bare_event event;

	bare_send(set->fabric, 1, &(struct bare_msg){ .op = BARE_PING });
	while (!bare_poll(set->fabric, &event))
		;
	if (event.kind != BARE_MSG || event.msg.op != BARE_PONG)
		bench_fail("sent a message, got something else back");
}

void bare_set_serve(struct bare_set *set)
{
	if (bench.rank == 0)
		bare_stop(set->fabric, 1);
	else if (bench.rank == 1)
		bare_serve(set->fabric, &set->area);
}

void bare_finish(void)
{
	bench_barrier();
	bare_close(endpoint);
	endpoint = NULL;
}
