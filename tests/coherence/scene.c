/* SPDX-License-Identifier: BSD-2-Clause */
/* Beginnings and ends of the scenarios of pages. */
#include "tests/coherence/scene.h"

#include <CUnit/Basic.h>

struct cluster *c;

void start(coh_node nodes, unsigned pages)
{
	struct coh_config config = cluster_config(nodes, pages);

	c = cluster_new(&config);
}

void start_with_tenure(coh_node nodes)
{
	struct coh_config config = cluster_config(nodes, 1);

	config.holds = 2;
	c = cluster_new(&config);
}

void start_one_block(coh_node nodes, unsigned pages)
{
	struct coh_config config = cluster_config(nodes, pages);

	config.zone[0].block_pages = CLUSTER_PAGES;
	c = cluster_new(&config);
}

void finish(void)
{
	CU_ASSERT_EQUAL(cluster_run(c), 0);
	CU_ASSERT(cluster_is_quiet(c));
	if (cluster_error(c))
		CU_FAIL_FATAL(cluster_error(c));
	cluster_free(c);
}

void settle(void)
{
	CU_ASSERT_EQUAL_FATAL(cluster_run(c), 0);
	cluster_forget(c);
}

void own(coh_node node, uint32_t page)
{
	CU_ASSERT(cluster_write(c, node, page) >= 0);
	settle();
}

void share(coh_node node, uint32_t page)
{
	CU_ASSERT(cluster_read(c, node, page) >= 0);
	settle();
}

unsigned state(coh_node node, uint32_t page)
{
	return cluster_info(c, node, page).cache_state;
}
