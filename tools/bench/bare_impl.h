/* SPDX-License-Identifier: BSD-2-Clause */
/* The endpoint of the floors, for the files that it is made of: bare_open.c, bare_area.c and
 * bare_fabric.c. */
#ifndef BARE_IMPL_H
#define BARE_IMPL_H

#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <sys/types.h>

#include "tools/bench/bare_fabric.h"

#define BUFFERS 64      /* receives posted */
#define BUFFER_BYTES 64 /* of one message, a cache line each */
#define WRITES 64       /* under way at once */

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

/* A call of libfabric that has to answer 0 or more. */
void bare_check(ssize_t rc, const char *what);
/* Posts receive i. */
void bare_post(struct bare *b, unsigned i);

#endif
