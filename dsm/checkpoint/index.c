/* SPDX-License-Identifier: BSD-2-Clause */
/* A node's index to bytes, and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dsm/checkpoint/bytes.h"

#define MAGIC "DSMINDX\n"
#define FIXED (CKPT_ID_BYTES + 2 * 4 + 3 * 8)
#define RUN_BYTES (2 * 4 + 2 * 8 + CKPT_SUM_BYTES)
#define OBJECT_BYTES (4 * 4)
#define GONE_BYTES (2 * 4 + 2 * 8)
#define WITH_GONE 2 /* the version that has them, and their number, which is not 0 */
/* The one that has any number of those, sums by XXH3, and runs of which the file has fewer bytes. */
#define WITH_XXH3 3

static const uint64_t page_bytes[CKPT_ZONES] = {4096, 2 << 20};

uint64_t ckpt_run_bytes(const struct ckpt_run *run)
{
	switch (run->kind) {
	case CKPT_PTE: return run->count <= CKPT_RUN_PAGES ? run->count * page_bytes[CKPT_PTE] : 0;
	case CKPT_PMD: return run->count == 1 ? page_bytes[CKPT_PMD] : 0;
	case CKPT_PRIVATE: return run->count <= CKPT_PRIVATE_PART ? run->count : 0;
	default: return 0;
	}
}

uint64_t ckpt_run_stored(const struct ckpt_run *run)
{
	return run->packed ? run->packed : ckpt_run_bytes(run);
}

int ckpt_index_encode(const struct ckpt_index *x, uint8_t **out, size_t *len)
{
	const size_t n = ENVELOPE_BYTES + FIXED + x->runs * RUN_BYTES + x->objects * OBJECT_BYTES +
	                 8 + x->gones * GONE_BYTES;
	uint8_t *bytes = malloc(n), *at;

	if (!bytes)
		return -ENOMEM;
	at = envelope_begin(bytes, MAGIC, WITH_XXH3);
	at = put_bytes(at, x->id, sizeof x->id);
	at = put_32(at, x->rank);
	at = put_32(at, 0);
	at = put_64(at, x->data_bytes);
	at = put_64(at, x->runs);
	at = put_64(at, x->objects);
	at = put_64(at, x->gones);
	for (uint64_t i = 0; i < x->runs; i++) {
		at = put_32(at, x->run[i].kind);
		at = put_32(at, x->run[i].packed);
		at = put_64(at, x->run[i].first);
		at = put_64(at, x->run[i].count);
		at = put_bytes(at, x->run[i].sum, CKPT_SUM_BYTES);
	}
	for (uint64_t i = 0; i < x->objects; i++) {
		at = put_32(at, x->object[i].home);
		at = put_32(at, x->object[i].index);
		at = put_32(at, x->object[i].is_cond);
		at = put_32(at, x->object[i].mutex);
	}
	for (uint64_t i = 0; i < x->gones; i++) {
		at = put_32(at, x->gone[i].kind);
		at = put_32(at, 0);
		at = put_64(at, x->gone[i].first);
		at = put_64(at, x->gone[i].count);
	}
	envelope_seal(bytes, n);
	*out = bytes;
	*len = n;
	return 0;
}

/* Runs ascend, and do not overlap; the private bytes are all there. One that is packed is shorter. */
static int get_runs(struct cursor *c, const struct ckpt_manifest *m, uint32_t version,
                    struct ckpt_index *x)
{
	uint64_t sum = 0, next = 0;
	uint32_t kind = 0;

	for (uint64_t i = 0; i < x->runs; i++) {
		struct ckpt_run *run = &x->run[i];
		uint64_t bytes;

		run->kind = get_32(c);
		run->packed = get_32(c);
		run->first = get_64(c);
		run->count = get_64(c);
		get_bytes(c, run->sum, CKPT_SUM_BYTES);
		bytes = ckpt_run_bytes(run);
		if (run->kind < kind || !bytes || run->packed >= bytes ||
		    (run->packed && version < WITH_XXH3))
			return -EBADMSG;
		next = run->kind > kind ? 0 : next;
		kind = run->kind;
		if (run->first < next || (kind == CKPT_PRIVATE && run->first != next))
			return -EBADMSG;
		if (kind < CKPT_ZONES && (run->first > m->zone_bytes[kind] / page_bytes[kind] ||
		                          run->count > m->zone_bytes[kind] / page_bytes[kind] -
		                                               run->first))
			return -EBADMSG;
		next = run->first + run->count;
		sum += ckpt_run_stored(run);
	}
	return sum == x->data_bytes ? 0 : -EBADMSG;
}

static int get_objects(struct cursor *c, const struct ckpt_manifest *m, struct ckpt_index *x)
{
	for (uint64_t i = 0; i < x->objects; i++) {
		struct ckpt_object *o = &x->object[i];

		o->home = get_32(c);
		o->index = get_32(c);
		o->is_cond = get_32(c);
		o->mutex = get_32(c);
		if (o->home >= m->handle_homes || o->index > UINT16_MAX || o->is_cond > 1 ||
		    o->mutex > UINT16_MAX)
			return -EBADMSG;
	}
	return 0;
}

/* In ascending order, too. */
static int get_gone(struct cursor *c, const struct ckpt_manifest *m, struct ckpt_index *x)
{
	uint64_t next = 0;
	uint32_t kind = 0;

	for (uint64_t i = 0; i < x->gones; i++) {
		struct ckpt_gone *gone = &x->gone[i];
		uint64_t pages;

		gone->kind = get_32(c);
		if (get_32(c) || gone->kind < kind || gone->kind >= CKPT_ZONES)
			return -EBADMSG;
		gone->first = get_64(c);
		gone->count = get_64(c);
		next = gone->kind > kind ? 0 : next;
		kind = gone->kind;
		pages = m->zone_bytes[kind] / page_bytes[kind];
		if (gone->first < next || gone->first > pages || !gone->count ||
		    gone->count > pages - gone->first)
			return -EBADMSG;
		next = gone->first + gone->count;
	}
	return 0;
}

/* How many there are of each, as far as the file has room for them. */
static int get_counts(struct cursor *c, uint32_t version, struct ckpt_index *x)
{
	x->data_bytes = get_64(c);
	x->runs = get_64(c);
	x->objects = get_64(c);
	x->gones = version >= WITH_GONE ? get_64(c) : 0;
	x->sums = version >= WITH_XXH3 ? CKPT_XXH3 : CKPT_BLAKE2B;
	return (version == WITH_GONE && !x->gones) || x->runs > c->left / RUN_BYTES ||
	                       x->objects > c->left / OBJECT_BYTES ||
	                       x->gones > c->left / GONE_BYTES ||
	                       c->left != x->runs * RUN_BYTES + x->objects * OBJECT_BYTES +
	                                          x->gones * GONE_BYTES
	               ? -EBADMSG : 0;
}

int ckpt_index_decode(const struct ckpt_manifest *m, uint32_t rank, const uint8_t *bytes,
                      size_t len, struct ckpt_index *out, struct ckpt_why *why)
{
	struct ckpt_index x = {0};
	char what[48];
	struct cursor c;
	uint32_t version;
	int rc;

	snprintf(what, sizeof what, "the index of node %u", rank);
	rc = envelope_open(bytes, len, MAGIC, what, &version, &c, why);
	if (rc)
		return rc;
	if (c.left < FIXED + (version >= WITH_GONE ? sizeof(uint64_t) : 0))
		return envelope_wrong(why, what, "is cut short");
	get_bytes(&c, x.id, sizeof x.id);
	x.rank = get_32(&c);
	if (memcmp(x.id, m->id, sizeof x.id) || x.rank != rank)
		return envelope_wrong(why, what, "is of another checkpoint, or of another node");
	if (get_32(&c))
		return envelope_wrong(why, what, "has flags that are not known");
	if (get_counts(&c, version, &x))
		return envelope_wrong(why, what, "has another length than it says");
	x.run = calloc(x.runs + 1, sizeof *x.run);
	x.object = calloc(x.objects + 1, sizeof *x.object);
	x.gone = calloc(x.gones + 1, sizeof *x.gone);
	if (!x.run || !x.object || !x.gone) {
		snprintf(why->text, sizeof why->text, "no memory to read %s", what);
		rc = -ENOMEM;
		goto err_free;
	}
	rc = get_runs(&c, m, version, &x);
	if (rc == 0)
		rc = get_objects(&c, m, &x);
	if (rc == 0)
		rc = get_gone(&c, m, &x);
	if (rc) {
		envelope_wrong(why, what, "has entries that cannot be");
		goto err_free;
	}
	*out = x;
	return 0;

err_free:
	ckpt_index_free(&x);
	return rc;
}

void ckpt_index_free(struct ckpt_index *index)
{
	free(index->run);
	free(index->object);
	free(index->gone);
	index->gone = NULL;
	index->run = NULL;
	index->object = NULL;
}
