/* SPDX-License-Identifier: BSD-2-Clause */
/* What survivors find in the end: the same, and all of it told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/dsm_survive.h"
#include "tests/hang.h"
#include "tests/system/node.h"
#include "tests/system/survive.h"

static int note_run(void *ctx, void *ptr, size_t bytes)
{
	uint64_t *map = ctx;
	int first = (int)((size_t)((uint8_t *)ptr - run.at) / run.page_bytes);

	CHECK(bytes % run.page_bytes == 0);
	for (int p = first; p < first + (int)(bytes / run.page_bytes); p++)
		map[p / 64] |= UINT64_C(1) << p % 64;
	return 0;
}

void survive_compare_lost(void)
{
	uint64_t map[PAGES_MAX / 64] = { 0 }, random = run.seed;
	unsigned lost = 0;

	OK(dsm_lost(node.dsm, run.at, run.page_bytes * (size_t)run.pages, note_run, map));
	for (int p = 0; p < run.pages; p++) {
		survive_look(p, &random);
		lost += run.page_lost[p];
		if ((int)(map[p / 64] >> p % 64 & 1) != run.page_lost[p])
			node_fail("page %d is %slost, and dsm_lost says otherwise", p,
			          run.page_lost[p] ? "" : "not ");
	}
	if (node.rank == survive_first_living()) {
		for (int i = 0; i < PAGES_MAX / 64; i++)
			atomic_store(&run.tally->lost_map[i], map[i]);
	}
	survive_meet(2);
	for (int i = 0; i < PAGES_MAX / 64; i++)
		if (atomic_load(&run.tally->lost_map[i]) != map[i])
			node_fail("others have lost other pages");
	if (run.worst_ns / 1000000 > (run.loss_ms + GO_ON_MS) * (uint64_t)HANG_TIMES)
		node_fail("has waited for %llu ms", (unsigned long long)run.worst_ns / 1000000);
	node_say("%u of %d pages are lost, worst wait %llu ms", lost, run.pages,
	         (unsigned long long)run.worst_ns / 1000000);
}

void survive_compare_counters(void)
{
	survive_meet(3);
	for (int k = 0; k < COUNTERS; k++) {
		uint64_t low = 0, high = 0, value;
		int rc = dsm_fetch_add64(node.dsm, survive_counter(k), 0, &value);

		if (rc == DSM_ERR_LOST_DATA)
			continue;
		OK(rc);
		for (int rank = 0; rank < node.size; rank++) {
			low += atomic_load(&run.tally->add_done[rank][k]);
			high += survive_is_dead(rank) ? atomic_load(&run.tally->add_begun[rank][k])
			                       : atomic_load(&run.tally->add_done[rank][k]);
		}
		if (value < low || value > high)
			node_fail("counter %d is %llu, and %llu to %llu were added", k,
			          (unsigned long long)value, (unsigned long long)low,
			          (unsigned long long)high);
	}
}

void survive_refused(void)
{
	char name[] = "a name";
	void *at;

	OK(dsm_barrier(node.dsm));
	EXPECT(DSM_ERR_NOTSUP, dsm_pin(node.dsm, run.at, 1, DSM_PIN_READ));
	/* Whoever has served names before. */
	name[0] = (char)(name[0] + node.rank);
	OK(dsm_publish(node.dsm, name, run.at));
	EXPECT(DSM_ERR_EXIST, dsm_publish(node.dsm, name, run.at));
	OK(dsm_lookup(node.dsm, "pages", 0, &at));
	CHECK(at == run.at);
	EXPECT(DSM_ERR_TIMEDOUT, dsm_lookup(node.dsm, "nobody's", 1, &at));
}

void survive_call_lost(void)
{
	int ends[2];

	if (getenv("DSM_FAULTS") && !strcmp(getenv("DSM_FAULTS"), "signal"))
		return;
	CHECK(pipe(ends) == 0);
	for (int p = 0; p < run.pages; p++)
		if (run.page_lost[p] && (write(ends[1], survive_page(p), 8) != -1 || errno != EFAULT))
			node_fail("write(2) of page %d, which is lost, is no EFAULT", p);
}

