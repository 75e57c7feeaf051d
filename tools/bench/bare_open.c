/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening and closing the endpoint of the floors. */
#include "tools/bench/bare_impl.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tools/bench/bench.h"

#define API_VERSION FI_VERSION(1, 17)
#define ADDRESS_MAX 256

/* What libfabric has of this name, or NULL. */
static struct fi_info *find_named(const char *provider)
{
	struct fi_info *hints = fi_allocinfo(), *list = NULL, *info;
	const char *node = strcmp(provider, "shm") && getenv("DSM_JOB") ? "127.0.0.1" : NULL;

	if (!hints)
		bench_fail("out of memory");
	hints->caps = FI_MSG | FI_RMA;
	hints->mode = FI_CONTEXT | FI_CONTEXT2;
	hints->ep_attr->type = FI_EP_RDM;
	hints->domain_attr->mr_mode =
		FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
	hints->domain_attr->threading = FI_THREAD_DOMAIN;
	hints->fabric_attr->prov_name = strdup(provider);
	if (fi_getinfo(API_VERSION, node, NULL, node ? FI_SOURCE : 0, hints, &list))
		list = NULL;
	/* Layered providers are listed, too. */
	for (info = list; info && strcmp(info->fabric_attr->prov_name, provider);)
		info = info->next;
	if (info)
		info = fi_dupinfo(info);
	fi_freeinfo(list);
	fi_freeinfo(hints);
	return info;
}

/* The library's tcp is net to libfabric 1.17. */
static struct fi_info *find(const char *provider)
{
	struct fi_info *info = find_named(provider);

	if (!info && !strcmp(provider, "tcp"))
		info = find_named("net");
	if (!info)
		bench_fail("libfabric: no provider %s", provider);
	return info;
}

static void endpoint_open(struct bare *b)
{
	struct fi_cq_attr cq = { .size = 1024,
		                 .format = FI_CQ_FORMAT_DATA,
		                 .wait_obj = FI_WAIT_NONE };
	struct fi_av_attr av = { .type = FI_AV_TABLE, .count = (size_t)bench.size };

	bare_check(fi_fabric(b->info->fabric_attr, &b->fabric, NULL), "fabric");
	bare_check(fi_domain(b->fabric, b->info, &b->domain, NULL), "domain");
	bare_check(fi_cq_open(b->domain, &cq, &b->cq, NULL), "completion queue");
	bare_check(fi_av_open(b->domain, &av, &b->av, NULL), "address vector");
	bare_check(fi_endpoint(b->domain, b->info, &b->ep, NULL), "endpoint");
	bare_check(fi_ep_bind(b->ep, &b->av->fid, 0), "binding");
	bare_check(fi_ep_bind(b->ep, &b->cq->fid, FI_TRANSMIT | FI_RECV), "binding");
	bare_check(fi_enable(b->ep), "enabling the endpoint");
}

static void buffers_open(struct bare *b)
{
	const size_t bytes = BUFFERS * BUFFER_BYTES;

	b->buffers = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (b->buffers == MAP_FAILED)
		bench_fail("out of memory");
	if (b->info->domain_attr->mr_mode & FI_MR_LOCAL)
		bare_check(fi_mr_reg(b->domain, b->buffers, bytes, FI_RECV, 0, b->next_key++, 0,
		                     &b->buffers_mr, NULL),
		           "registering buffers");
	for (unsigned i = 0; i < BUFFERS; i++)
		bare_post(b, i);
}

/* An address is a string to some providers: it comes with a zero at its end. */
static void connect_all(struct bare *b)
{
	char mine[ADDRESS_MAX] = "", *all = calloc((size_t)bench.size, ADDRESS_MAX);
	size_t len = sizeof mine - 1;

	b->peer = calloc((size_t)bench.size, sizeof *b->peer);
	if (!all || !b->peer)
		bench_fail("out of memory");
	bare_check(fi_getname(&b->ep->fid, mine, &len), "own address");
	bench_gather(mine, sizeof mine, all);
	for (int i = 0; i < bench.size; i++)
		if (fi_av_insert(b->av, all + (size_t)i * ADDRESS_MAX, 1, &b->peer[i], 0, NULL) !=
		    1)
			bench_fail("libfabric does not take the address of node %d", i);
	free(all);
}

struct bare *bare_open(void)
{
	static const int taken[] = { SIGBUS, SIGSEGV, SIGINT, SIGTERM };
	struct sigaction before[sizeof taken / sizeof *taken];
	struct bare *b = calloc(1, sizeof *b);

	if (!b)
		bench_fail("out of memory");
	b->next_key = 1;
	while (b->n_idle < WRITES) {
		b->idle[b->n_idle] = (uint8_t)b->n_idle;
		b->n_idle++;
	}
	b->info = find(dsm_provider(bench.dsm));
	/* Some providers take signals, and SIGBUS may be what tells libdsm of faults. */
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		sigaction(taken[i], NULL, &before[i]);
	endpoint_open(b);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		sigaction(taken[i], &before[i], NULL);
	buffers_open(b);
	connect_all(b);
	return b;
}

void bare_close(struct bare *b)
{
	if (!b)
		return;
	fi_close(&b->ep->fid);
	if (b->buffers_mr)
		fi_close(&b->buffers_mr->fid);
	fi_close(&b->av->fid);
	fi_close(&b->cq->fid);
	fi_close(&b->domain->fid);
	fi_close(&b->fabric->fid);
	fi_freeinfo(b->info);
	munmap(b->buffers, BUFFERS * BUFFER_BYTES);
	free(b->peer);
	free(b);
}
