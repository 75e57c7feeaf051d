/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The libfabric backend: open, addresses, connect, close.
 */
#include <errno.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utlist.h>

#include "transport/ofi.h"
#include "transport/ofi_impl.h"

#define OFI_BLOB_VERSION 4
#define OFI_CQ_MAX 16384 /* some completion queues hold no more than 32767 entries */

/* -------------------------------------------------------------------- open -- */

static int ofi_fail(const struct ofi *ofi, const char *what, int rc)
{
	ofi_log(ofi, 1, "%s: %s: %s", ofi->provider, what, fi_strerror(-rc));
	return ofi_errno(rc) ? ofi_pin_errno(ofi, ofi_errno(rc)) : -EIO;
}

static void ofi_fabric_close(struct ofi *ofi)
{
	struct fid *fids[] = {
		ofi->ep ? &ofi->ep->fid : NULL,         ofi->slots_mr ? &ofi->slots_mr->fid : NULL,
		ofi->cq ? &ofi->cq->fid : NULL,         ofi->av ? &ofi->av->fid : NULL,
		ofi->domain ? &ofi->domain->fid : NULL, ofi->fabric ? &ofi->fabric->fid : NULL,
	};
	size_t i;

	for (i = 0; i < sizeof(fids) / sizeof(*fids); i++)
		if (fids[i])
			fi_close(fids[i]);
	ofi->ep = NULL;
	ofi->slots_mr = NULL;
	ofi->cq = NULL;
	ofi->av = NULL;
	ofi->domain = NULL;
	ofi->fabric = NULL;
	fi_freeinfo(ofi->info);
	ofi->info = NULL;
}

static int ofi_cq_make(struct ofi *ofi)
{
	struct fi_cq_attr attr = {.format = FI_CQ_FORMAT_DATA};
	size_t size = ofi->n_rx + OFI_TX_SLOTS + 2u * ofi->writes_max;
	int rc;

	attr.size = size > OFI_CQ_MAX ? OFI_CQ_MAX : size;
	attr.wait_obj = FI_WAIT_FD;
	rc = fi_cq_open(ofi->domain, &attr, &ofi->cq, NULL);
	if (rc) {
		/* No descriptor: the doorbell has to do. That works on one machine only. */
		attr.wait_obj = FI_WAIT_NONE;
		rc = fi_cq_open(ofi->domain, &attr, &ofi->cq, NULL);
	}
	ofi->has_cq_fd = attr.wait_obj == FI_WAIT_FD;
	return rc;
}

static int ofi_rx_make(struct ofi *ofi)
{
	unsigned i;
	int rc;

	if (ofi->mr_local) {
		rc = ofi_mr_make(ofi, ofi->slots, ofi->slots_bytes, FI_SEND | FI_RECV, &ofi->slots_mr);
		if (rc)
			return rc;
	}
	for (i = 0; i < ofi->n_rx; i++) {
		rc = ofi_rx_post(ofi, &ofi->rx[i]);
		if (rc)
			return rc;
	}
	return 0;
}

static int ofi_ep_make(struct ofi *ofi)
{
	int rc = fi_endpoint(ofi->domain, ofi->info, &ofi->ep, NULL);

	if (rc)
		return ofi_fail(ofi, "endpoint", rc);
	rc = fi_ep_bind(ofi->ep, &ofi->av->fid, 0);
	if (!rc)
		rc = fi_ep_bind(ofi->ep, &ofi->cq->fid, FI_TRANSMIT | FI_RECV);
	if (!rc)
		rc = fi_enable(ofi->ep);
	return rc ? ofi_fail(ofi, "enabling the endpoint", rc) : 0;
}

static int ofi_ep_make_shm(struct ofi *ofi)
{
	int turn, rc = ofi_shm_enter(&turn);

	if (rc)
		return ofi_fail(ofi, "/dev/shm, where it wants 16 MiB for each node", rc);
	rc = ofi_ep_make(ofi);
	if (!rc) {
		rc = ofi_shm_reserve(ofi);
		if (rc)
			ofi_fail(ofi, "its file in /dev/shm", rc);
	}
	ofi_shm_leave(turn);
	return rc;
}

/* Opens the provider that info describes; info is ofi's then. */
static int ofi_fabric_open(struct ofi *ofi, struct fi_info *info)
{
	struct fi_av_attr av = {.type = FI_AV_TABLE, .count = ofi->nodes};
	int rc;

	ofi->info = info;
	snprintf(ofi->provider, sizeof(ofi->provider), "%s",
	         tr_ofi_name(info->fabric_attr->prov_name));
	ofi->virt_addr = !!(info->domain_attr->mr_mode & FI_MR_VIRT_ADDR);
	ofi->mr_local = !!(info->domain_attr->mr_mode & FI_MR_LOCAL);
	ofi->mr_allocated = !!(info->domain_attr->mr_mode & FI_MR_ALLOCATED);
	/* Injected messages have no completion, so on providers with connections those that
	 * a broken one takes along would be lost without a word. */
	ofi->inject_bytes = ofi_provider_is_shm(ofi->provider) ? info->tx_attr->inject_size : 0;
	ofi->counts = !ofi_provider_is_shm(ofi->provider);
	ofi->counts_writes = ofi->counts && info->domain_attr->cq_data_size >= sizeof(uint64_t);
	ofi->n_rx = info->rx_attr->size < OFI_RX_SLOTS ? (unsigned)info->rx_attr->size : OFI_RX_SLOTS;
	rc = fi_fabric(info->fabric_attr, &ofi->fabric, NULL);
	if (rc)
		return ofi_fail(ofi, "fabric", rc);
	rc = fi_domain(ofi->fabric, info, &ofi->domain, NULL);
	if (rc)
		return ofi_fail(ofi, "domain", rc);
	rc = ofi_cq_make(ofi);
	if (rc)
		return ofi_fail(ofi, "completion queue", rc);
	rc = fi_av_open(ofi->domain, &av, &ofi->av, NULL);
	if (rc)
		return ofi_fail(ofi, "address vector", rc);
	rc = ofi_provider_is_shm(ofi->provider) ? ofi_ep_make_shm(ofi) : ofi_ep_make(ofi);
	if (rc)
		return rc;
	rc = ofi_rx_make(ofi);
	return rc ? ofi_fail(ofi, "posting receives", rc) : 0;
}

/* Takes the first provider that opens. */
static int ofi_provider_open(struct ofi *ofi, const struct tr_config *config)
{
	struct fi_info *info;
	int rc, found = 0, last = -ENODEV;
	unsigned n;

	for (n = 0; (rc = ofi_provider_try(ofi, config, n, &info)) != -ERANGE; n++) {
		if (rc == -ENODEV)
			continue;
		if (rc)
			return rc;
		found = 1;
		last = ofi_fabric_open(ofi, info);
		if (!last)
			return 0;
		ofi_fabric_close(ofi);
	}
	if (found)
		ofi_log(ofi, 0, "no libfabric provider could be opened: %s%s", strerror(-last),
		        last == -ENOSPC ? ": /dev/shm is full" : "");
	else
		ofi_provider_explain(ofi, config);
	return last;
}

static struct ofi_op *ofi_ops_make(unsigned n, uint8_t kind, uint8_t *slots)
{
	struct ofi_op *ops = calloc(n, sizeof(*ops));
	unsigned i;

	for (i = 0; ops && i < n; i++) {
		ops[i].kind = kind;
		if (slots)
			ops[i].slot = slots + (size_t)i * OFI_SLOT_BYTES;
	}
	return ops;
}

static void *ofi_map(size_t len)
{
	/* Large, and mostly never touched. */
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static int ofi_pools_make(struct ofi *ofi)
{
	unsigned i;

	ofi->slots_bytes = (size_t)(OFI_RX_SLOTS + OFI_TX_SLOTS) * OFI_SLOT_BYTES;
	ofi->frames_bytes = (size_t)ofi->nodes * ofi->sends_max * sizeof(struct ofi_frame);
	ofi->slots = ofi_map(ofi->slots_bytes);
	ofi->frames = ofi_map(ofi->frames_bytes);
	ofi->peer = calloc(ofi->nodes, sizeof(*ofi->peer));
	if (!ofi->slots || !ofi->frames || !ofi->peer)
		return -ENOMEM;
	ofi->rx = ofi_ops_make(OFI_RX_SLOTS, OFI_RX, ofi->slots);
	ofi->tx = ofi_ops_make(OFI_TX_SLOTS, OFI_TX, ofi->slots + OFI_RX_SLOTS * OFI_SLOT_BYTES);
	ofi->writes = ofi_ops_make(ofi->writes_max, OFI_WRITE, NULL);
	if (!ofi->rx || !ofi->tx || !ofi->writes)
		return -ENOMEM;
	for (i = OFI_TX_SLOTS; i-- > 0;)
		LL_PREPEND(ofi->tx_free, &ofi->tx[i]);
	for (i = ofi->writes_max; i-- > 0;)
		LL_PREPEND(ofi->write_free, &ofi->writes[i]);
	for (i = 0; i < ofi->nodes; i++) {
		ofi->peer[i].addr = FI_ADDR_UNSPEC;
		ofi->peer[i].probe_fd = -1;
		ofi->peer[i].frame = ofi->frames + (size_t)i * ofi->sends_max;
	}
	return 0;
}

#define OFI_DRAIN_MAX 100000

/* What ofi_rxm finds in its queue while it closes connections it takes as ever, and then
 * gives the buffer back to a connection that is no more (libfabric issue 11828): so empty
 * it first. */
static void ofi_drain(struct ofi *ofi)
{
	struct fi_cq_data_entry entry[OFI_CQ_BATCH];
	struct fi_cq_err_entry error;
	ssize_t n = 1;
	int i;

	for (i = 0; i < OFI_DRAIN_MAX && (n > 0 || n == -FI_EAVAIL); i++) {
		n = fi_cq_read(ofi->cq, entry, OFI_CQ_BATCH);
		memset(&error, 0, sizeof(error));
		if (n == -FI_EAVAIL && fi_cq_readerr(ofi->cq, &error, 0) < 0)
			return;
	}
}

static void ofi_close(struct tr *tr)
{
	struct ofi *ofi = ofi_of(tr);
	uint16_t i;

	if (!ofi)
		return;
	ofi_refuse_tell(ofi, 1);
	ofi_wait_close(ofi);
	if (ofi->ep) {
		ofi_drain(ofi);
		fi_close(&ofi->ep->fid);
		ofi->ep = NULL;
	}
	while (ofi->mem)
		ofi_mem_release(ofi->mem);
	ofi_fabric_close(ofi);
	ofi_bell_close(ofi->bell);
	for (i = 0; ofi->peer && i < ofi->nodes; i++)
		ofi_probe_forget(&ofi->peer[i]);
	if (ofi->life_fd >= 0)
		close(ofi->life_fd);
	if (ofi->slots)
		munmap(ofi->slots, ofi->slots_bytes);
	if (ofi->frames)
		munmap(ofi->frames, ofi->frames_bytes);
	free(ofi->peer);
	free(ofi->rx);
	free(ofi->tx);
	free(ofi->writes);
	free(ofi);
}

static int ofi_start(struct ofi *ofi, const struct tr_config *config)
{
	struct ofi_signals signals;
	int rc = ofi_pools_make(ofi);

	if (!rc)
		rc = ofi_environment(config->nodes);
	if (!rc)
		rc = seal_nonce(ofi->nonce);
	if (rc) {
		ofi_log(ofi, 0, rc == -ENOMEM ? "out of memory" : "no random numbers");
		return rc;
	}
	ofi_signals_save(&signals);
	rc = ofi_provider_open(ofi, config);
	ofi_signals_restore(&signals);
	if (rc)
		return rc;
	if (!ofi->has_cq_fd) {
		if (!config->one_machine) {
			ofi_log(ofi, 0, "%s cannot wake a sleeping node across machines",
			        ofi->provider);
			return -ENODEV;
		}
		rc = ofi_bell_open(config->runtime_dir, ofi->self, ofi->nodes, &ofi->bell);
		if (rc) {
			ofi_log(ofi, 0, "doorbell: %s", strerror(-rc));
			return rc;
		}
	}
	rc = ofi_wait_open(ofi);
	if (rc)
		ofi_log(ofi, 0, "wait descriptor: %s", strerror(-rc));
	return rc;
}

static int ofi_open(const struct tr_config *config, struct tr **out)
{
	struct ofi *ofi;
	int rc;

	if (config->nodes == 0 || config->nodes == TR_NO_PEER || config->self >= config->nodes)
		return -EINVAL;
	ofi = calloc(1, sizeof(*ofi));
	if (!ofi)
		return -ENOMEM;
	ofi->tr.ops = &tr_ofi_ops;
	ofi->self = config->self;
	ofi->nodes = config->nodes;
	ofi->wake_at_once = config->wake_at_once != 0;
	ofi->log = config->log;
	ofi->log_ctx = config->log_ctx;
	ofi->sends_max = config->sends_max ? config->sends_max : OFI_SENDS_MAX;
	ofi->writes_max = config->writes_max ? config->writes_max : OFI_WRITES_MAX;
	ofi->silent_max_ms = config->silent_max_ms;
	if (config->secret)
		memcpy(ofi->secret, config->secret, sizeof(ofi->secret));
	ofi->epoll_fd = ofi->timer_fd = ofi->confirm_fd = ofi->life_fd = -1;
	rc = ofi_start(ofi, config);
	if (rc) {
		ofi_close(&ofi->tr);
		return rc;
	}
	ofi_log(ofi, 2, "transport: libfabric %u.%u, provider %s, there %s%s",
	        FI_MAJOR(fi_version()), FI_MINOR(fi_version()), ofi->provider,
	        ofi->info->fabric_attr->prov_name, ofi->bell ? ", with doorbell" : "");
	*out = &ofi->tr;
	return 0;
}

static const char *ofi_provider(const struct tr *tr)
{
	return ofi_of(tr)->provider;
}

/* --------------------------------------------------------------- addresses -- */
/* A blob is a version byte and five parts, each with its length in a byte before it:
 * the provider's name, its address, the bell's path, the address of the life line
 * (both empty without one), and a random number, for the keys of the seals. */

#define OFI_PARTS 5

struct ofi_part {
	const uint8_t *data;
	size_t len;
};

static int ofi_blob_put(uint8_t *buf, int at, const void *part, size_t len)
{
	if (at < 0 || len > UINT8_MAX || (size_t)at + 1 + len > TR_ADDRESS_MAX)
		return -ENAMETOOLONG;
	buf[at] = (uint8_t)len;
	memcpy(buf + at + 1, part, len);
	return at + 1 + (int)len;
}

static int ofi_address(struct tr *tr, uint8_t *buf)
{
	struct ofi *ofi = ofi_of(tr);
	const char *bell = ofi->bell ? ofi_bell_path(ofi->bell) : "";
	uint8_t name[UINT8_MAX] __attribute__((aligned(8)));
	size_t len = sizeof(name);
	int at, rc;

	rc = fi_getname(&ofi->ep->fid, name, &len);
	if (rc)
		return ofi_fail(ofi, "own address", rc);
	buf[0] = OFI_BLOB_VERSION;
	at = ofi_blob_put(buf, 1, ofi->provider, strlen(ofi->provider));
	at = ofi_blob_put(buf, at, name, len);
	at = ofi_blob_put(buf, at, bell, strlen(bell));
	len = 0;
	if (ofi_provider_is_verbs(ofi->provider)) {
		rc = ofi_life_open(ofi, (const struct sockaddr_in *)name);
		if (rc)
			return rc;
		len = sizeof(ofi->life);
	}
	at = ofi_blob_put(buf, at, &ofi->life, len);
	return ofi_blob_put(buf, at, ofi->nonce, sizeof(ofi->nonce));
}

static int ofi_blob_parse(const uint8_t *blob, size_t len, struct ofi_part part[OFI_PARTS])
{
	size_t at = 1;
	int i;

	if (len < 1 || len > TR_ADDRESS_MAX || blob[0] != OFI_BLOB_VERSION)
		return -EINVAL;
	for (i = 0; i < OFI_PARTS; i++) {
		if (at >= len || blob[at] > len - at - 1)
			return -EINVAL;
		part[i].len = blob[at];
		part[i].data = blob + at + 1;
		at += 1 + part[i].len;
	}
	return at == len ? 0 : -EINVAL;
}

static int ofi_connect_bell(struct ofi *ofi, uint16_t id, const struct ofi_part *part)
{
	char path[OFI_BELL_PATH_MAX];

	if (!part->len || part->len >= sizeof(path) || memchr(part->data, 0, part->len))
		return -EINVAL;
	memcpy(path, part->data, part->len);
	path[part->len] = '\0';
	return ofi_bell_connect(ofi->bell, id, path);
}

static void ofi_connect_seals(struct ofi *ofi, uint16_t id, const uint8_t *nonce)
{
	struct ofi_peer *peer = &ofi->peer[id];

	seal_make(&peer->seal_out, ofi->secret, ofi->nonce, nonce, ofi->self, id);
	seal_make(&peer->seal_in, ofi->secret, nonce, ofi->nonce, id, ofi->self);
}

static int ofi_connect_peer(struct ofi *ofi, uint16_t id, const uint8_t *blob, size_t len)
{
	struct ofi_part part[OFI_PARTS];
	uint8_t addr[UINT8_MAX + 1];
	int rc = ofi_blob_parse(blob, len, part);

	if (!rc && part[4].len != SEAL_NONCE)
		rc = -EINVAL;
	if (rc) {
		ofi_log(ofi, 0, "the address of node %u is malformed", id);
		return rc;
	}
	if (part[0].len != strlen(ofi->provider) ||
	    memcmp(part[0].data, ofi->provider, part[0].len)) {
		ofi_log(ofi, 0, "node %u uses provider %.*s, this one %s", id, (int)part[0].len,
		        (const char *)part[0].data, ofi->provider);
		return -EINVAL;
	}
	ofi_connect_seals(ofi, id, part[4].data);
	/* Copied for its alignment, and because names are strings to some providers. */
	memcpy(addr, part[1].data, part[1].len);
	addr[part[1].len] = '\0';
	if (fi_av_insert(ofi->av, addr, 1, &ofi->peer[id].addr, 0, NULL) != 1) {
		ofi->peer[id].addr = FI_ADDR_UNSPEC;
		ofi_log(ofi, 0, "%s does not take the address of node %u", ofi->provider, id);
		return -EINVAL;
	}
	if (ofi_provider_is_shm(ofi->provider))
		ofi_cma_connect(&ofi->peer[id], (const char *)addr);
	else if (ofi_provider_is_verbs(ofi->provider))
		ofi_life_connect(&ofi->peer[id], part[3].data, part[3].len);
	else if (ofi->info->addr_format == FI_SOCKADDR_IN ||
	         ofi->info->addr_format == FI_SOCKADDR_IN6)
		memcpy(&ofi->peer[id].sockaddr, addr,
		       part[1].len < sizeof(ofi->peer[id].sockaddr) ?
			       part[1].len : sizeof(ofi->peer[id].sockaddr));
	rc = ofi->bell ? ofi_connect_bell(ofi, id, &part[2]) : 0;
	if (rc)
		ofi_log(ofi, 0, "doorbell of node %u: %s", id, strerror(-rc));
	return rc;
}

static int ofi_connect(struct tr *tr, const uint8_t *addresses, size_t stride,
                       const uint32_t *len)
{
	struct ofi *ofi = ofi_of(tr);
	uint16_t i;
	int rc;

	for (i = 0; i < ofi->nodes; i++) {
		if (i == ofi->self)
			continue;
		rc = ofi_connect_peer(ofi, i, addresses + i * stride, len[i]);
		if (rc)
			return rc;
	}
	return 0;
}

static int ofi_pending(const struct tr *tr)
{
	const struct ofi *ofi = ofi_of(tr);

	return (int)(ofi->queued + ofi->posted);
}

static void ofi_stats(const struct tr *tr, struct tr_stats *out)
{
	*out = ofi_of(tr)->stats;
}

const struct tr_ops tr_ofi_ops = {
	.name = "ofi",
	.open = ofi_open,
	.provider = ofi_provider,
	.address = ofi_address,
	.connect = ofi_connect,
	.descriptors = ofi_descriptors,
	.reach = ofi_reach,
	.pins_memory = ofi_pins_memory,
	.mem_register = ofi_mem_register,
	.mem_release = ofi_mem_release,
	.landing = ofi_mem_landing,
	.send = ofi_send,
	.write = ofi_write,
	.cut = ofi_cut,
	.poll = ofi_poll,
	.wait_fd = ofi_wait_fd,
	.wait_arm = ofi_wait_arm,
	.wait_disarm = ofi_wait_disarm,
	.wake_peers = ofi_wake_peers,
	.pending = ofi_pending,
	.stats = ofi_stats,
	.close = ofi_close,
};
