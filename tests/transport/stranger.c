/* SPDX-License-Identifier: BSD-2-Clause */
/* An endpoint that is no node's (stranger.h). */
#include "tests/transport/stranger.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STRANGER_BYTES 4096

struct stranger {
	struct node *node;
	struct fi_info *info;
	struct fid_fabric *fabric;
	struct fid_domain *domain;
	struct fid_av *av;
	struct fid_eq *eq;
	struct fid_cq *cq;
	struct fid_ep *ep;
	fi_addr_t victim;
	int received;
	uint8_t buf[STRANGER_BYTES], in[STRANGER_BYTES];
	struct fi_context2 context[2];
};

/* Part n of an address blob (transport/ofi.c). */
static const uint8_t *blob_part(const uint8_t *blob, int n, size_t *len)
{
	const uint8_t *at = blob + 1;

	for (; n > 0; n--)
		at += 1 + at[0];
	*len = at[0];
	return at + 1;
}

static int failed(const char *what, ssize_t rc)
{
	printf("    stranger: %s: %s\n", what, fi_strerror((int)-rc));
	return -1;
}

/* As the victim has it: libfabric may list others first. */
static int find_info(struct stranger *s, const char *provider, enum fi_ep_type type)
{
	struct fi_info *hints = fi_allocinfo(), *list = NULL, *at;
	int rc;

	hints->caps = FI_MSG | FI_RMA;
	hints->mode = FI_CONTEXT | FI_CONTEXT2;
	hints->ep_attr->type = type;
	hints->addr_format = FI_SOCKADDR_IN;
	hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED;
	hints->fabric_attr->prov_name = strdup(provider);
	rc = fi_getinfo(FI_VERSION(1, 17), "127.0.0.1", NULL, FI_SOURCE, hints, &list);
	for (at = rc ? NULL : list; at && !s->info; at = at->next)
		if (!strcmp(at->fabric_attr->prov_name, provider))
			s->info = fi_dupinfo(at);
	fi_freeinfo(list);
	fi_freeinfo(hints);
	return s->info ? 0 : -1;
}

/* named: as in the blob. */
static int open_fabric(struct stranger *s, const uint8_t *named, size_t len, enum fi_ep_type type)
{
	struct fi_cq_attr cq = {.format = FI_CQ_FORMAT_DATA, .size = 4096};
	struct fi_eq_attr eq = {.wait_obj = FI_WAIT_UNSPEC};
	struct fi_av_attr av = {.type = FI_AV_TABLE};
	char provider[64] = "";
	int rc;

	memcpy(provider, named, len < sizeof(provider) ? len : sizeof(provider) - 1);
	/* libfabric 1.17 calls it net. */
	if ((strcmp(provider, "tcp") || find_info(s, "net", type)) && find_info(s, provider, type))
		return failed(provider, -FI_ENODATA);
	rc = fi_fabric(s->info->fabric_attr, &s->fabric, NULL);
	if (!rc)
		rc = fi_domain(s->fabric, s->info, &s->domain, NULL);
	if (!rc)
		rc = fi_cq_open(s->domain, &cq, &s->cq, NULL);
	if (!rc && type == FI_EP_RDM)
		rc = fi_av_open(s->domain, &av, &s->av, NULL);
	if (!rc && type == FI_EP_MSG)
		rc = fi_eq_open(s->fabric, &eq, &s->eq, NULL);
	return rc ? failed("opening", rc) : 0;
}

static int open_endpoint(struct stranger *s)
{
	int rc = fi_endpoint(s->domain, s->info, &s->ep, NULL);

	if (!rc)
		rc = fi_ep_bind(s->ep, s->av ? &s->av->fid : &s->eq->fid, 0);
	if (!rc)
		rc = fi_ep_bind(s->ep, &s->cq->fid, FI_TRANSMIT | FI_RECV);
	if (!rc)
		rc = fi_enable(s->ep);
	if (!rc)
		rc = (int)fi_recv(s->ep, s->in, sizeof(s->in), NULL, FI_ADDR_UNSPEC, &s->context[1]);
	return rc ? failed("endpoint", rc) : 0;
}

int stranger_open(struct node *node, uint16_t victim, struct stranger **out)
{
	struct stranger *s = calloc(1, sizeof(*s));
	const uint8_t *blob = node->arena->address[victim], *name, *addr;
	size_t name_len, len;

	s->node = node;
	name = blob_part(blob, 0, &name_len);
	addr = blob_part(blob, 1, &len);
	if (open_fabric(s, name, name_len, FI_EP_RDM) || open_endpoint(s))
		goto err_close;
	if (fi_av_insert(s->av, addr, 1, &s->victim, 0, NULL) != 1) {
		failed("the victim's address", -FI_EINVAL);
		goto err_close;
	}
	*out = s;
	return 0;
err_close:
	stranger_close(s);
	return -1;
}

/* What libfabric's net, or later tcp, says of itself when it connects: the port is the only thing
 * by which it is told from others of its machine. */
struct introduction {
	uint8_t version, reserved;
	uint16_t port;
	uint32_t pid;
};

int stranger_pose(struct node *node, uint16_t victim, uint16_t other, struct stranger **out)
{
	struct stranger *s = calloc(1, sizeof(*s));
	const uint8_t *blob = node->arena->address[victim];
	struct introduction say = {.pid = htonl(1)}; /* whoever that is, it is no node */
	struct fi_eq_cm_entry entry;
	struct sockaddr_in addr;
	const uint8_t *name;
	size_t name_len, len;
	uint32_t event;
	ssize_t rc = 0;

	s->node = node;
	memcpy(&addr, blob_part(node->arena->address[other], 1, &len), sizeof(addr));
	say.port = addr.sin_port;
	memcpy(&addr, blob_part(blob, 1, &len), sizeof(addr));
	name = blob_part(blob, 0, &name_len);
	if (open_fabric(s, name, name_len, FI_EP_MSG) || open_endpoint(s))
		goto err_close;
	rc = fi_connect(s->ep, &addr, &say, sizeof(say));
	while (!rc && !node_failed(node)) {
		rc = fi_eq_sread(s->eq, &event, &entry, sizeof(entry), 100, 0);
		if (rc > 0 && event == FI_CONNECTED) {
			*out = s;
			return 0;
		}
		rc = rc == -FI_EAGAIN ? 0 : rc > 0 ? -FI_ECONNREFUSED : rc;
	}
	if (rc != -FI_EAVAIL)
		failed("connecting in another's name", rc ? rc : -FI_ETIMEDOUT);
err_close:
	stranger_close(s);
	return rc == -FI_EAVAIL ? 1 : -1;
}

/* One completion of s's own operations; -1 an error. What it receives is counted. */
static int look(struct stranger *s)
{
	struct fi_cq_data_entry entry;
	struct fi_cq_err_entry error = {0};
	ssize_t rc = fi_cq_read(s->cq, &entry, 1);

	if (rc == 1 && entry.op_context == &s->context[1]) {
		s->received++;
		fi_recv(s->ep, s->in, sizeof(s->in), NULL, FI_ADDR_UNSPEC, &s->context[1]);
		return 0;
	}
	if (rc == -FI_EAVAIL && fi_cq_readerr(s->cq, &error, 0) == 1)
		return error.op_context == &s->context[1] ? 0 : failed("sent", -error.err);
	return rc == 1;
}

/* Until the operation that post starts is over. */
static int complete(struct stranger *s, ssize_t (*post)(struct stranger *, const void *),
                    const void *arg)
{
	ssize_t rc;
	int done;

	while ((rc = post(s, arg)) == -FI_EAGAIN && !node_failed(s->node))
		look(s);
	if (rc)
		return failed("posting", rc);
	while ((done = look(s)) == 0 && !node_failed(s->node))
		;
	return done == 1 ? 0 : -1;
}

static ssize_t post_send(struct stranger *s, const void *len)
{
	return fi_send(s->ep, s->buf, *(const size_t *)len, NULL, s->victim, &s->context[0]);
}

int stranger_send(struct stranger *s, const void *data, size_t len)
{
	memcpy(s->buf, data, len);
	return complete(s, post_send, &len);
}

static ssize_t post_nothing(struct stranger *s, const void *data)
{
	struct fi_msg_rma msg = {
		.addr = s->victim, .context = &s->context[0], .data = *(const uint64_t *)data};

	return fi_writemsg(s->ep, &msg, FI_REMOTE_CQ_DATA | FI_COMPLETION);
}

int stranger_write_nothing(struct stranger *s, uint64_t data)
{
	return complete(s, post_nothing, &data);
}

static ssize_t post_anywhere(struct stranger *s, const void *data)
{
	return fi_writedata(s->ep, s->buf, 8, NULL, *(const uint64_t *)data, s->victim, 0, 1,
	                    &s->context[0]);
}

int stranger_write_anywhere(struct stranger *s, uint64_t data)
{
	return complete(s, post_anywhere, &data);
}

int stranger_received(struct stranger *s)
{
	return look(s) < 0 ? -1 : s->received;
}

void stranger_close(struct stranger *s)
{
	struct fid *fids[] = {
		s && s->ep ? &s->ep->fid : NULL,         s && s->cq ? &s->cq->fid : NULL,
		s && s->av ? &s->av->fid : NULL,         s && s->eq ? &s->eq->fid : NULL,
		s && s->domain ? &s->domain->fid : NULL, s && s->fabric ? &s->fabric->fid : NULL,
	};

	for (size_t i = 0; i < sizeof(fids) / sizeof(*fids); i++)
		if (fids[i])
			fi_close(fids[i]);
	if (s)
		fi_freeinfo(s->info);
	free(s);
}
