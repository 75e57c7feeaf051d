/* SPDX-License-Identifier: BSD-2-Clause */
/* The endpoint of the floors: opening, and what goes in and out. */
#include "tools/bench/bare_fabric.h"

#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tools/bench/bench.h"

#define API_VERSION FI_VERSION(1, 17)
#define BUFFERS 64      /* receives posted */
#define BUFFER_BYTES 64 /* of one message, a cache line each */
#define WRITES 64       /* under way at once */
#define ADDRESS_MAX 256

struct bare {
	struct fi_info *info;
	struct fid_fabric *fabric;
	struct fid_domain *domain;
	struct fid_cq *cq;
	struct fid_av *av;
	struct fid_ep *ep;
	struct fid_mr *buffers_mr; /* where the provider wants it */
	uint8_t *buffers;
	fi_addr_t *peer;
	struct fi_context2 receive[BUFFERS], write[WRITES];
	uint8_t idle[WRITES]; /* contexts of writes that are not under way */
	unsigned n_idle;
	uint64_t next_key;
	/* A message or landing that came while something was sent. */
	struct bare_event kept[BUFFERS];
	unsigned kept_first, n_kept;
};

static void bare_check(ssize_t rc, const char *what)
{
	if (rc < 0)
		bench_fail("libfabric: %s: %s", what, fi_strerror((int)-rc));
}

/* ----------------------------------------------------------------------- open -- */

static struct fi_info *find(const char *provider)
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
	bare_check(fi_getinfo(API_VERSION, node, NULL, node ? FI_SOURCE : 0, hints, &list), provider);
	/* Layered providers are listed, too. */
	for (info = list; info && strcmp(info->fabric_attr->prov_name, provider);)
		info = info->next;
	info = fi_dupinfo(info ? info : list);
	fi_freeinfo(list);
	fi_freeinfo(hints);
	if (!info)
		bench_fail("out of memory");
	return info;
}

static void bare_post(struct bare *b, unsigned i)
{
	void *desc = b->buffers_mr ? fi_mr_desc(b->buffers_mr) : NULL;
	ssize_t rc;

	do
		rc = fi_recv(b->ep, b->buffers + i * BUFFER_BYTES, BUFFER_BYTES, desc,
		             FI_ADDR_UNSPEC, &b->receive[i]);
	while (rc == -FI_EAGAIN);
	bare_check(rc, "posting a receive");
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

/* --------------------------------------------------------------------- memory -- */

void bare_area_open(struct bare *b, void *at, size_t bytes, struct bare_area *out)
{
	struct {
		uint64_t base, key;
	} mine = { 0 }, *all = calloc((size_t)bench.size, sizeof *all);

	*out = (struct bare_area){ .at = at, .bytes = bytes };
	out->base = calloc((size_t)bench.size, sizeof *out->base);
	out->key = calloc((size_t)bench.size, sizeof *out->key);
	if (!all || !out->base || !out->key)
		bench_fail("out of memory");
	bare_check(fi_mr_reg(b->domain, at, bytes, FI_WRITE | FI_REMOTE_WRITE, 0, b->next_key++, 0,
	                     &out->mr, NULL),
	           "registering memory");
	out->desc = fi_mr_desc(out->mr);
	mine.key = fi_mr_key(out->mr);
	if (b->info->domain_attr->mr_mode & FI_MR_VIRT_ADDR)
		mine.base = (uintptr_t)at;
	bench_gather(&mine, sizeof mine, all);
	for (int i = 0; i < bench.size; i++) {
		out->base[i] = all[i].base;
		out->key[i] = all[i].key;
	}
	free(all);
}

void bare_area_close(struct bare_area *area)
{
	if (area->mr)
		fi_close(&area->mr->fid);
	free(area->base);
	free(area->key);
	*area = (struct bare_area){ 0 };
}

/* ----------------------------------------------------------------- in and out -- */

static void fail_completion(struct bare *b)
{
	struct fi_cq_err_entry error = { 0 };

	fi_cq_readerr(b->cq, &error, 0);
	bench_fail("libfabric: a transfer failed: %s", fi_strerror(error.err));
}

static bool is_receive(const struct bare *b, const void *context)
{
	const struct fi_context2 *at = context;

	return at >= b->receive && at < b->receive + BUFFERS;
}

/* Takes one completion. Returns true when it is an event. */
static bool take(struct bare *b, struct bare_event *event)
{
	struct fi_cq_data_entry entry;
	ssize_t n = fi_cq_read(b->cq, &entry, 1);

	if (n == -FI_EAGAIN)
		return false;
	if (n < 0)
		fail_completion(b);
	if (is_receive(b, entry.op_context)) {
		unsigned i = (unsigned)((struct fi_context2 *)entry.op_context - b->receive);

		event->kind = BARE_MSG;
		memcpy(&event->msg, b->buffers + i * BUFFER_BYTES, sizeof event->msg);
		bare_post(b, i);
		return true;
	}
	if (entry.flags & FI_REMOTE_CQ_DATA) {
		event->kind = BARE_LANDED;
		event->tag = entry.data;
		return true;
	}
	b->idle[b->n_idle++] = (uint8_t)((struct fi_context2 *)entry.op_context - b->write);
	return false;
}

/* Goes on while something cannot be sent: what comes meanwhile is kept. */
static void make_room(struct bare *b)
{
	struct bare_event event;

	if (!take(b, &event))
		return;
	if (b->n_kept == BUFFERS)
		bench_fail("more came in than was asked for");
	b->kept[(b->kept_first + b->n_kept++) % BUFFERS] = event;
}

bool bare_poll(struct bare *b, struct bare_event *event)
{
	if (b->n_kept == 0)
		return take(b, event);
	*event = b->kept[b->kept_first++ % BUFFERS];
	b->n_kept--;
	return true;
}

void bare_send(struct bare *b, int to, const struct bare_msg *msg)
{
	struct bare_msg m = *msg;
	ssize_t rc;

	m.from = (uint32_t)bench.rank;
	while ((rc = fi_inject(b->ep, &m, sizeof m, b->peer[to])) == -FI_EAGAIN)
		make_room(b);
	bare_check(rc, "sending");
}

void bare_write(struct bare *b, int to, const struct bare_area *area, uint64_t offset, size_t len,
                uint32_t tag)
{
	struct fi_context2 *context;
	ssize_t rc;

	while (b->n_idle == 0)
		make_room(b);
	context = &b->write[b->idle[--b->n_idle]];
	while ((rc = fi_writedata(b->ep, area->at + offset, len, area->desc, tag, b->peer[to],
	                          area->base[to] + offset, area->key[to], context)) == -FI_EAGAIN)
		make_room(b);
	bare_check(rc, "writing");
}

void bare_flush(struct bare *b)
{
	while (b->n_idle < WRITES)
		make_room(b);
}

/* -------------------------------------------------------------------- service -- */

static void serve_fetch(struct bare *b, const struct bare_area *area, const struct bare_msg *m)
{
	if (m->len > area->bytes || m->offset > area->bytes - m->len)
		bench_fail("node %u asks for what is not there", m->from);
	bare_write(b, (int)m->from, area, m->offset, m->len, (uint32_t)m->tag);
}

void bare_serve(struct bare *b, const struct bare_area *area)
{
	struct bare_event event;

	for (;;) {
		if (!bare_poll(b, &event) || event.kind != BARE_MSG)
			continue;
		if (event.msg.from >= (uint32_t)bench.size)
			bench_fail("a message from nowhere");
		if (event.msg.op == BARE_STOP)
			break;
		if (event.msg.op == BARE_FETCH)
			serve_fetch(b, area, &event.msg);
		else
			bare_send(b, (int)event.msg.from,
			          &(struct bare_msg){ .op = BARE_PONG, .tag = event.msg.tag });
	}
	bare_flush(b);
}

void bare_stop(struct bare *b, int node)
{
	bare_send(b, node, &(struct bare_msg){ .op = BARE_STOP });
}
