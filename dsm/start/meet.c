/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes of a job meet: each tells what it is, what it wants and where it is reached, and
 * all see whether they fit together.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coherence/wire.h"
#include "config.h"
#include "dsm/checkpoint/checkpoint.h"
#include "dsm/start/steps.h"

#define HELLO_MAGIC 0x4d534432u /* "2DSM" */

/* What nodes tell each other first. All run on machines of one kind. */
struct hello {
	int32_t status; /* first */
	uint32_t magic, wire_version;
	char version[16];
	uint32_t address_len;
	uint32_t survives;
	uint64_t region_bytes, huge_bytes, page_bytes, keep2_bytes;
	uint8_t restored[CKPT_ID_BYTES]; /* the checkpoint; 0: none */
	char restore_pages[8];           /* and in which pages */
	struct budget_claim claim;
	struct post_name post; /* rank 0's counts */
	uint8_t address[TR_ADDRESS_MAX];
};

static int check_hello(struct dsm *d, const struct hello *mine, const struct hello *h, int i)
{
	if (h->magic != mine->magic || h->wire_version != mine->wire_version ||
	    strncmp(h->version, mine->version, sizeof h->version)) {
		init_error_set("node %d runs version %.16s of libdsm, this one %s", i, h->version,
		               mine->version);
		return DSM_ERR_VERSION;
	}
	if (h->survives != mine->survives) {
		init_error_set("node %d %s when a node is lost, and this one does not: DSM_ON_LOSS must be "
		               "the same on all nodes", i, h->survives ? "goes on" : "ends");
		return DSM_ERR_CONFIG;
	}
	if (memcmp(h->restored, mine->restored, sizeof h->restored)) {
		init_error_set("node %d goes on from another checkpoint, or from none: DSM_RESTORE must "
		               "be the same on all nodes", i);
		return DSM_ERR_CONFIG;
	}
	if (d->restored && memcmp(h->restore_pages, mine->restore_pages, sizeof h->restore_pages)) {
		init_error_set("node %d goes on in pages \"%.8s\", this one \"%s\": DSM_RESTORE_PAGES "
		               "must be the same on all nodes", i, h->restore_pages, mine->restore_pages);
		return DSM_ERR_CONFIG;
	}
	if (h->region_bytes - h->keep2_bytes == mine->region_bytes - mine->keep2_bytes &&
	    h->keep2_bytes != mine->keep2_bytes) {
		init_error_set("node %d has %llu bytes that two nodes hold, this one %llu: DSM_KEEP2 must be the "
		               "same on all nodes", i, (unsigned long long)h->keep2_bytes,
		               (unsigned long long)mine->keep2_bytes);
		return DSM_ERR_CONFIG;
	}
	if (h->region_bytes != mine->region_bytes || h->huge_bytes != mine->huge_bytes ||
	    h->page_bytes != mine->page_bytes) {
		init_error_set("node %d has a region of %llu bytes and %llu in huge pages, this one "
		               "%llu and %llu: DSM_REGION and DSM_HUGE must be the same on all nodes",
		               i, (unsigned long long)h->region_bytes,
		               (unsigned long long)h->huge_bytes,
		               (unsigned long long)mine->region_bytes,
		               (unsigned long long)mine->huge_bytes);
		return DSM_ERR_CONFIG;
	}
	return 0;
}

/* What each node has for frames. */
static int share_memory(struct dsm *d, const struct hello *all)
{
	struct budget_claim *claim = calloc(d->boot->size, sizeof *claim);

	d->memory.budgets = calloc(d->boot->size, sizeof *d->memory.budgets);
	if (!claim || !d->memory.budgets) {
		free(claim);
		return DSM_ERR_NOMEM;
	}
	for (int i = 0; i < d->boot->size; i++)
		claim[i] = all[i].claim;
	budget_agree(claim, d->boot->size, d->memory.budgets);
	chunks_init(&d->memory.chunks, &d->memory.region, d->tr, d->settings->by_chunk);
	for (int i = 0; d->memory.chunks.pinned && i < d->boot->size; i++)
		d->memory.budgets[i].chunk =
			chunks_pages(&d->memory.chunks, REGION_PTE) * REGION_PTE_BYTES;
	free(claim);
	return 0;
}

static void set_address(struct dsm *d, struct hello *mine)
{
	int len = d->tr->ops->address(d->tr, mine->address);

	if (len >= 0) {
		mine->address_len = len;
		return;
	}
	init_error_set("provider %s does not tell this node's address: %s",
	               d->tr->ops->provider(d->tr), strerror(-len));
	mine->status = DSM_ERR_PROVIDER;
}

int node_meet(struct dsm *d, int status, struct post_name *post)
{
	struct hello mine = {.magic = HELLO_MAGIC,
	                     .wire_version = COH_WIRE_VERSION,
	                     .version = PACKAGE_VERSION,
	                     .survives = (uint32_t)d->settings->survives,
	                     .region_bytes = d->settings->region_bytes,
	                     .huge_bytes = d->settings->huge_bytes,
	                     .page_bytes = sysconf(_SC_PAGESIZE),
	                     .keep2_bytes = d->settings->keep2_bytes,
	                     .claim = {.machine = budget_machine(),
	                               .available = budget_available(""),
	                               .memory = d->settings->memory_bytes}};
	struct hello *all = calloc(d->boot->size, sizeof *all);
	uint32_t lens[COH_MAX_NODES];
	int rc;

	if (!all)
		return DSM_ERR_NOMEM;
	if (d->restored)
		memcpy(mine.restored, d->restored->manifest.id, sizeof mine.restored);
	memcpy(mine.restore_pages, d->settings->restore_pages, sizeof mine.restore_pages);
	post_name_new(&mine.post);
	rc = provider_agree(d, status);
	if (rc == 0) {
		set_address(d, &mine);
		rc = node_agree_with(d, &mine, sizeof mine, all);
	}
	for (int i = 0; i < d->boot->size && rc == 0; i++) {
		rc = check_hello(d, &mine, &all[i], i);
		lens[i] = all[i].address_len;
	}
	if (rc == 0)
		rc = share_memory(d, all);
	*post = all[0].post;
	if (rc == 0 && d->tr->ops->connect(d->tr, all[0].address, sizeof *all, lens)) {
		init_error_set("the nodes cannot reach each other: %s", log_last_error());
		rc = DSM_ERR_PROVIDER;
	}
	free(all);
	return rc;
}
