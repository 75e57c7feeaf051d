/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_coll.h: what all nodes do together. */
#include "dsm/dsm_coll.h"

#include <string.h>

#include "dsm/heap/heap.h"
#include "dsm/node/node.h"

/* A block for a name that this node has claimed. 0, or the code for which the claim is given up; or
 * DSM_ERR_EXIST: somebody has published another one meanwhile. */
static int allocate_claimed(struct dsm *d, struct coh_svc *svc, size_t bytes, unsigned flags,
                            void **out)
{
	void *at = NULL;
	int rc = dsm_alloc(d, bytes, 0, flags, &at);

	if (rc == 0)
		rc = dsm_publish(d, svc->name, at);
	if (rc == 0) {
		*out = at;
		return 0;
	}
	dsm_free(d, at);
	if (rc != DSM_ERR_EXIST && rc != DSM_ERR_LOST) {
		svc->op = SVC_UNSHARE;
		heap_call(d, svc, -1, "dsm_shared");
	}
	return rc;
}

int dsm_shared(dsm_t *d, const char *name, size_t bytes, unsigned flags, void **out)
{
	NODE_ENTRY(dsm_shared, d, name, bytes, flags, out);
	struct coh_svc svc = {.op = SVC_SHARE};
	const size_t len = name ? strnlen(name, COH_NAME_MAX) : 0;
	int rc;

	if (!out || len == 0 || len == COH_NAME_MAX || bytes == 0)
		return DSM_ERR_INVAL;
	memcpy(svc.name, name, len);
	do {
		svc.op = SVC_SHARE;
		svc.arg[0] = bytes;
		rc = heap_call(d, &svc, -1, "dsm_shared");
		if (rc)
			return rc;
		if (svc.arg[1]) { /* there it is */
			*out = region_at_offset(&d->memory.region, svc.arg[0]);
			return 0;
		}
		rc = allocate_claimed(d, &svc, bytes, flags, out);
	} while (rc == DSM_ERR_EXIST);
	return rc;
}

static size_t width_of(enum dsm_type type)
{
	return type == DSM_INT32 || type == DSM_UINT32 ? 4 : 8;
}

/* Up to HEAP_WORDS values as words of 64 bits, with their signs. */
static void widen(enum dsm_type type, const uint8_t *from, size_t n, uint64_t word[HEAP_WORDS])
{
	for (size_t i = 0; i < n; i++) {
		uint32_t narrow;

		if (width_of(type) == 8) {
			memcpy(&word[i], from + 8 * i, 8);
			continue;
		}
		memcpy(&narrow, from + 4 * i, 4);
		word[i] = type == DSM_INT32 ? (uint64_t)(int32_t)narrow : narrow;
	}
}

static void narrow(enum dsm_type type, const uint64_t word[HEAP_WORDS], size_t n, uint8_t *to)
{
	for (size_t i = 0; i < n; i++) {
		const uint32_t low = (uint32_t)word[i];

		if (width_of(type) == 8)
			memcpy(to + 8 * i, &word[i], 8);
		else
			memcpy(to + 4 * i, &low, 4);
	}
}

static int meet(struct dsm *d, struct heap_round what, uint64_t word[HEAP_WORDS], const char *name)
{
	return d->view.on ? heap_meet(d, what, word, name) : heap_round(d, what, word, name);
}

int dsm_reduce(dsm_t *d, void *values, size_t count, enum dsm_type type, enum dsm_op op)
{
	NODE_ENTRY(dsm_reduce, d, values, count, type, op);
	const struct heap_round what = {(uint8_t)op, (uint8_t)type, 0, (uint16_t)count};
	const size_t width = width_of(type);
	uint8_t all[DSM_COLL_BYTES];
	int rc;

	if (!values || count == 0 || count > sizeof all / width || type < DSM_INT32 ||
	    type > DSM_DOUBLE || op < DSM_SUM || op > DSM_MAX)
		return DSM_ERR_INVAL;
	memcpy(all, values, count * width);
	for (size_t done = 0, n; done < count; done += n) {
		uint64_t word[HEAP_WORDS] = {0};

		n = count - done < HEAP_WORDS ? count - done : HEAP_WORDS;
		widen(type, all + done * width, n, word);
		rc = meet(d, what, word, "dsm_reduce");
		if (rc)
			return rc;
		narrow(type, word, n, all + done * width);
	}
	memcpy(values, all, count * width);
	return 0;
}

int dsm_broadcast(dsm_t *d, void *data, size_t bytes, int root)
{
	NODE_ENTRY(dsm_broadcast, d, data, bytes, root);
	const struct heap_round what = {HEAP_BROADCAST, 0, (uint16_t)root, (uint16_t)bytes};
	uint8_t all[DSM_COLL_BYTES];
	int rc;

	if (!data || bytes == 0 || bytes > sizeof all || root < 0 || root >= dsm_size(d))
		return DSM_ERR_INVAL;
	memcpy(all, data, bytes);
	for (size_t done = 0, n; done < bytes; done += n) {
		uint64_t word[HEAP_WORDS] = {0};

		n = bytes - done < sizeof word ? bytes - done : sizeof word;
		memcpy(word, all + done, n);
		rc = meet(d, what, word, "dsm_broadcast");
		if (rc)
			return rc;
		memcpy(all + done, word, n);
	}
	memcpy(data, all, bytes);
	return 0;
}
