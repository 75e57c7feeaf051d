/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which libfabric provider carries the job, and what we ask of it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <rdma/fi_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "transport/ofi.h"
#include "transport/ofi_impl.h"

enum ofi_where { OFI_ANYWHERE, OFI_ONE_MACHINE, OFI_MANY_MACHINES };

/* Best first. TCP by itself is libfabric's provider net up to 1.17, where its tcp has no reliable
 * datagrams. They moved there in 1.18.0, and sleep right from 1.18.1 on. To us both are tcp, and
 * they understand each other. Within one machine an RDMA device only takes the long way round. */
static const struct ofi_choice {
	const char *name;
	const char *libfabric; /* what libfabric calls it */
	enum ofi_where where;  /* the nodes have to be */
	uint32_t min_version;  /* of the provider */
} ofi_provider_order[] = {
	{"shm", "shm", OFI_ONE_MACHINE, 0},
	{OFI_VERBS, OFI_VERBS, OFI_MANY_MACHINES, 0},
	{"tcp", "tcp", OFI_ANYWHERE, FI_VERSION(118, 10)},
	{"tcp", "net", OFI_ANYWHERE, 0},
	{"tcp;ofi_rxm", "tcp;ofi_rxm", OFI_ANYWHERE, 0},
};
#define OFI_PROVIDERS (sizeof(ofi_provider_order) / sizeof(*ofi_provider_order))

int ofi_provider_is_shm(const char *provider)
{
	return !strcmp(provider, "shm");
}

int ofi_provider_is_verbs(const char *provider)
{
	return !strcmp(provider, OFI_VERBS);
}

static int ofi_provider_takes_keys(const char *provider)
{
	return !strcmp(tr_ofi_name(provider), "tcp") || !strcmp(provider, "tcp;ofi_rxm");
}

static struct fi_info *ofi_hints(const char *provider)
{
	struct fi_info *hints = fi_allocinfo();

	if (!hints)
		return NULL;
	hints->caps = FI_MSG | FI_RMA;
	hints->mode = FI_CONTEXT | FI_CONTEXT2;
	hints->ep_attr->type = FI_EP_RDM;
	hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED;
	/* Those over TCP would take the liberty, and choose 1, 2, 3. */
	if (!provider || !ofi_provider_takes_keys(provider))
		hints->domain_attr->mr_mode |= FI_MR_PROV_KEY;
	hints->domain_attr->threading = FI_THREAD_DOMAIN;
	hints->domain_attr->control_progress = FI_PROGRESS_MANUAL;
	hints->domain_attr->data_progress = FI_PROGRESS_MANUAL;
	hints->domain_attr->cq_data_size = sizeof(uint32_t);
	hints->tx_attr->msg_order = FI_ORDER_SAS;
	hints->rx_attr->msg_order = FI_ORDER_SAS;
	/* The addresses of RDMA devices have other forms, too, which need more set up. */
	if (provider && ofi_provider_is_verbs(provider))
		hints->addr_format = FI_SOCKADDR_IN;
	if (provider) {
		hints->fabric_attr->prov_name = strdup(provider);
		if (!hints->fabric_attr->prov_name) {
			fi_freeinfo(hints);
			return NULL;
		}
	}
	return hints;
}

/* How much we like to bind to this address. */
static int ofi_address_rank(const struct fi_info *info)
{
	const struct sockaddr_in *in = info->src_addr;
	const struct sockaddr_in6 *in6 = info->src_addr;

	if (!info->src_addr)
		return 1;
	if (info->addr_format == FI_SOCKADDR_IN)
		return (ntohl(in->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET ? 2 : 4;
	if (info->addr_format == FI_SOCKADDR_IN6) {
		if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
			return 0;
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ? 1 : 3;
	}
	return 1;
}

/* Of what getinfo returned the entry to use: the provider named exactly so if there is
 * one (it lists layered ones too), at the best address. */
static const struct fi_info *ofi_pick(const struct fi_info *list, const char *provider)
{
	const struct fi_info *info, *best = NULL;
	int rank, best_rank = -1;

	for (info = list; info; info = info->next) {
		rank = ofi_address_rank(info);
		if (!strcmp(info->fabric_attr->prov_name, provider))
			rank += 10;
		if (rank > best_rank) {
			best = info;
			best_rank = rank;
		}
	}
	return best;
}

/* The shm provider names its file in /dev/shm after the process. A killed one may have left
 * such a file, and a process of the same number could be told that it is in use: ours is
 * named by a random number as well. */
static void ofi_shm_name(char *name, size_t len)
{
	uint32_t salt = 0;

	if (getrandom(&salt, sizeof(salt), GRND_NONBLOCK) < 0)
		salt = (uint32_t)time(NULL);
	snprintf(name, len, "%ld.%08x", (long)getpid(), salt);
}

static int ofi_getinfo(const struct tr_config *config, const char *provider, struct fi_info **out)
{
	struct fi_info *hints = ofi_hints(provider), *list = NULL;
	const char *node = config->bind;
	char name[32];
	int rc;

	if (!hints)
		return -ENOMEM;
	/* Devices do not reach the loopback address. */
	if (!node && config->one_machine && !ofi_provider_is_verbs(provider))
		node = "127.0.0.1";
	if (ofi_provider_is_shm(provider)) {
		ofi_shm_name(name, sizeof(name));
		node = name;
	}
	rc = fi_getinfo(OFI_API_VERSION, node, NULL, node ? FI_SOURCE : 0, hints, &list);
	fi_freeinfo(hints);
	if (rc)
		return -ENODEV;
	*out = fi_dupinfo(ofi_pick(list, provider));
	fi_freeinfo(list);
	return *out ? 0 : -ENOMEM;
}

/* The shm provider keeps a file of 16 MiB per node in /dev/shm, which is soon full in a container.
 * Judged by its size, which all nodes see alike; what is free counts when it is opened. */
static int ofi_shm_fits(const struct ofi *ofi)
{
	struct statvfs fs;

	if (statvfs("/dev/shm", &fs))
		return 0;
	if ((uint64_t)fs.f_blocks * fs.f_frsize / OFI_SHM_BYTES > ofi->nodes)
		return 1;
	ofi_log(ofi, 1, "/dev/shm is too small for provider shm with %u nodes, which is faster",
	        ofi->nodes);
	return 0;
}

static int ofi_provider_fits(enum ofi_where where, int one_machine)
{
	return where == OFI_ANYWHERE || (where == OFI_ONE_MACHINE) == !!one_machine;
}

int tr_ofi_rank(const char *provider)
{
	unsigned n = 0;

	while (n < OFI_PROVIDERS && strcmp(provider, ofi_provider_order[n].name))
		n++;
	return (int)n;
}

/* What the user calls verbs are connected endpoints, which say what we want of them. */
const char *tr_ofi_name(const char *name)
{
	if (!strcmp(name, "verbs"))
		return OFI_VERBS;
	return strcmp(name, "net") ? name : "tcp";
}

int tr_ofi_means(const char *named, const char *provider)
{
	return !strcmp(named, provider) ||
	       (!strcmp(named, "tcp") && !strcmp(provider, "tcp;ofi_rxm"));
}

/* Whether this one is to be tried. */
static int ofi_provider_wanted(const struct ofi *ofi, const struct tr_config *config,
                               const struct ofi_choice *choice)
{
	if (config->no_better_than &&
	    tr_ofi_rank(choice->name) < tr_ofi_rank(config->no_better_than))
		return 0;
	if (config->provider)
		return tr_ofi_means(tr_ofi_name(config->provider), choice->name);
	if (!ofi_provider_fits(choice->where, config->one_machine) ||
	    (config->no_shm && ofi_provider_is_shm(choice->name)))
		return 0;
	return !ofi_provider_is_shm(choice->name) || ofi_shm_fits(ofi);
}

const char *tr_ofi_next(const char *provider)
{
	unsigned n = (unsigned)tr_ofi_rank(provider);

	while (n < OFI_PROVIDERS && !strcmp(provider, ofi_provider_order[n].name))
		n++;
	return ofi_provider_nth(n);
}

void tr_ofi_made(const struct tr *tr, struct tr_ofi_make *out)
{
	const struct fi_info *info = ofi_of(tr)->info;

	out->version = info->fabric_attr->prov_version;
	out->protocol = info->ep_attr->protocol;
	out->protocol_version = info->ep_attr->protocol_version;
}

int tr_ofi_makes_match(const char *provider, const struct tr_ofi_make *a,
                       const struct tr_ofi_make *b)
{
	/* Its structures in shared memory change from release to release, its protocol's version
	 * does not: one of 1.17 makes one of 2.1 crash. */
	if (ofi_provider_is_shm(provider) && a->version != b->version)
		return 0;
	if (a->protocol != b->protocol)
		return 0;
	/* Each connection settles on the lesser version, of which we need no more than the first:
	 * net in 1.17 has 0, tcp in 2.1 has 1. */
	return a->protocol == FI_PROTO_XNET || a->protocol_version == b->protocol_version;
}

int ofi_provider_try(const struct ofi *ofi, const struct tr_config *config, unsigned n,
                     struct fi_info **info)
{
	const char *named = config->provider ? tr_ofi_name(config->provider) : NULL;
	const struct ofi_choice *choice;
	int rc;

	if (named && tr_ofi_rank(named) == (int)OFI_PROVIDERS)
		return n ? -ERANGE : ofi_getinfo(config, named, info);
	if (n >= OFI_PROVIDERS)
		return -ERANGE;
	choice = &ofi_provider_order[n];
	if (!ofi_provider_wanted(ofi, config, choice))
		return -ENODEV;
	rc = ofi_getinfo(config, choice->libfabric, info);
	if (rc)
		return rc;
	/* getinfo may offer a layered one in place of what was asked for. */
	if (strcmp((*info)->fabric_attr->prov_name, choice->libfabric) ||
	    FI_VERSION_LT((*info)->fabric_attr->prov_version, choice->min_version)) {
		fi_freeinfo(*info);
		return -ENODEV;
	}
	return 0;
}

const char *ofi_provider_nth(unsigned n)
{
	return n < OFI_PROVIDERS ? ofi_provider_order[n].name : NULL;
}

/* Appends the names of all providers that would do, each once. */
static void ofi_provider_list(char *text, size_t len)
{
	struct fi_info *hints = ofi_hints(NULL), *list = NULL, *info, *earlier;
	size_t used = 0;
	int n;

	text[0] = '\0';
	if (hints && !fi_getinfo(OFI_API_VERSION, NULL, NULL, 0, hints, &list))
		for (info = list; info; info = info->next) {
			for (earlier = list; earlier != info; earlier = earlier->next)
				if (!strcmp(earlier->fabric_attr->prov_name,
				            info->fabric_attr->prov_name))
					break;
			if (earlier != info)
				continue;
			n = snprintf(text + used, len - used, "%s%s", used ? ", " : "",
			             info->fabric_attr->prov_name);
			if (n < 0 || (size_t)n >= len - used)
				break;
			used += (size_t)n;
		}
	fi_freeinfo(list);
	fi_freeinfo(hints);
}

/* libfabric itself leaves others out when the site has chosen by its variable. */
static void ofi_provider_filter(char *text, size_t len)
{
	const char *filter = getenv("FI_PROVIDER");

	text[0] = '\0';
	if (filter && *filter)
		snprintf(text, len, "; FI_PROVIDER is '%.60s', and libfabric leaves all others out",
		         filter);
}

void ofi_provider_explain(const struct ofi *ofi, const struct tr_config *config)
{
	char names[160], filter[160];
	const char *listed = names;

	ofi_provider_list(names, sizeof(names));
	ofi_provider_filter(filter, sizeof(filter));
	if (!names[0])
		listed = "none";
	if (config->provider && ofi_provider_is_shm(config->provider) && !ofi_shm_has_room())
		ofi_log(ofi, 0, "libfabric provider \"%s\" wants 16 MiB for each node, and /dev/shm is full",
		        config->provider);
	else if (config->provider)
		ofi_log(ofi, 0, "libfabric provider \"%s\" is not usable here; usable: %s%s",
		        config->provider, listed, filter);
	else if (config->no_better_than)
		ofi_log(ofi, 0, "another node can use no better provider than %s, and neither that "
		        "nor a lesser one is usable here (listed: %s)%s", config->no_better_than,
		        listed, filter);
	else
		ofi_log(ofi, 0, "no libfabric provider is usable here (listed: %s)%s", listed, filter);
}
