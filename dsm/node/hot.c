/* SPDX-License-Identifier: BSD-2-Clause */
/* Counting the pages that fault most, in a table that stays as small as it is. */
#include "dsm/node/hot.h"

static uint32_t faults_of(const struct hot_page *p)
{
	return p->reads + p->writes;
}

static int is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

/* Neighbours go to different sets. */
static struct hot_page *set_of(struct hot *hot, uint64_t page)
{
	return hot->set[(page ^ page >> 6 ^ page >> 12) % HOT_SETS];
}

static struct hot_page *place_of(struct hot *hot, uint64_t page)
{
	struct hot_page *set = set_of(hot, page), *least = set;

	for (unsigned i = 0; i < HOT_WAYS; i++) {
		if (set[i].page == page && faults_of(&set[i]))
			return &set[i];
		if (faults_of(&set[i]) < faults_of(least))
			least = &set[i];
	}
	*least = (struct hot_page){ .page = page,
		                    .reads = faults_of(least),
		                    .over = faults_of(least) };
	return least;
}

void hot_note(struct hot *hot, uint64_t page, unsigned part, int write)
{
	struct hot_page *p = place_of(hot, page);
	const uint64_t bit = UINT64_C(1) << (part % HOT_PARTS);

	if (hot->count && page < hot->pages) {
		hot->count[page].writes += write;
		hot->count[page].reads += !write;
	}
	if (faults_of(p) == UINT32_MAX)
		return;
	/* What a page was first filled by does not count for ever. */
	if (is_power_of_two(faults_of(p)))
		p->read_parts = p->write_parts = 0;
	if (write) {
		p->writes++;
		p->write_parts |= bit;
	} else {
		p->reads++;
		p->read_parts |= bit;
	}
}

unsigned hot_list(const struct hot *hot, struct hot_page *out, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HOT_SETS * HOT_WAYS; i++) {
		const struct hot_page *p = &hot->set[i / HOT_WAYS][i % HOT_WAYS];
		unsigned at = n < max ? n : max - 1;
		if (!faults_of(p) || !max || (n == max && faults_of(&out[at]) >= faults_of(p)))
			continue;
		n += n < max;
		for (; at > 0 && faults_of(&out[at - 1]) < faults_of(p); at--)
			out[at] = out[at - 1];
		out[at] = *p;
	}
	return n;
}
