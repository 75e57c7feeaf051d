/* SPDX-License-Identifier: BSD-2-Clause */
/* A manifest to bytes, and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dsm/checkpoint/bytes.h"

#define MAGIC "DSMCKPT\n"
#define WHAT "the manifest"
#define FIXED (CKPT_ID_BYTES + 3 * 8 + CKPT_ZONES * 8 + 2 * 4 + CKPT_LIBRARY_MAX + 2 * 8)
#define FILE_BYTES (2 * 8 + CKPT_HASH_BYTES)
#define BLOCK_BYTES (2 * 4 + 4 * 8)
#define NAME_BYTES (8 + CKPT_NAME_MAX)
#define LAYER_BYTES (CKPT_ID_BYTES + 8) /* and the files */
#define WITH_LAYERS 2 /* the version that has them, and their number */

static const uint64_t page_bytes[CKPT_ZONES] = {4096, 2 << 20};

static size_t layer_bytes(const struct ckpt_manifest *m)
{
	return LAYER_BYTES + m->nodes * FILE_BYTES;
}

static uint8_t *put_files(uint8_t *at, const struct ckpt_manifest *m, const struct ckpt_file *file)
{
	for (uint32_t i = 0; i < m->nodes; i++) {
		at = put_64(at, file[i].index_bytes);
		at = put_64(at, file[i].data_bytes);
		at = put_bytes(at, file[i].hash, CKPT_HASH_BYTES);
	}
	return at;
}

int ckpt_manifest_encode(const struct ckpt_manifest *m, uint8_t **out, size_t *len)
{
	const size_t n = ENVELOPE_BYTES + FIXED + m->nodes * FILE_BYTES + m->blocks * BLOCK_BYTES +
	                 m->names * NAME_BYTES + (m->layers ? 8 + m->layers * layer_bytes(m) : 0);
	uint8_t *bytes = malloc(n), *at;

	if (!bytes)
		return -ENOMEM;
	at = envelope_begin(bytes, MAGIC, m->layers ? WITH_LAYERS : 1);
	at = put_bytes(at, m->id, sizeof m->id);
	at = put_64(at, m->generation);
	at = put_64(at, m->seconds);
	at = put_64(at, m->window);
	for (unsigned z = 0; z < CKPT_ZONES; z++)
		at = put_64(at, m->zone_bytes[z]);
	at = put_32(at, m->nodes);
	at = put_32(at, m->handle_homes);
	at = put_bytes(at, m->library, sizeof m->library);
	at = put_64(at, m->blocks);
	at = put_64(at, m->names);
	if (m->layers)
		at = put_64(at, m->layers);
	at = put_files(at, m, m->file);
	for (uint64_t i = 0; i < m->blocks; i++) {
		at = put_32(at, m->block[i].zone);
		at = put_32(at, m->block[i].taken);
		at = put_64(at, m->block[i].offset);
		at = put_64(at, m->block[i].bytes);
		at = put_64(at, m->block[i].dirty_lo);
		at = put_64(at, m->block[i].dirty_hi);
	}
	for (uint64_t i = 0; i < m->names; i++) {
		at = put_64(at, m->name[i].offset);
		at = put_bytes(at, m->name[i].name, CKPT_NAME_MAX);
	}
	for (uint64_t i = 0; i < m->layers; i++) {
		at = put_bytes(at, m->under[i].id, CKPT_ID_BYTES);
		at = put_64(at, m->under[i].generation);
		at = put_files(at, m, m->under[i].file);
	}
	envelope_seal(bytes, n);
	*out = bytes;
	*len = n;
	return 0;
}

static int wrong(struct ckpt_why *why, const char *how)
{
	return envelope_wrong(why, WHAT, how);
}

static uint64_t window_bytes(const struct ckpt_manifest *m)
{
	return (m->zone_bytes[CKPT_PTE] + page_bytes[CKPT_PMD] - 1) / page_bytes[CKPT_PMD] *
	               page_bytes[CKPT_PMD] + m->zone_bytes[CKPT_PMD];
}

/* How much there is of all, before any of it is read. */
static int get_fixed(struct cursor *c, uint32_t version, struct ckpt_manifest *m, struct ckpt_why *why)
{
	if (version > WITH_LAYERS)
		return wrong(why, "is of a version that only an index has");
	if (c->left < FIXED)
		return wrong(why, "is cut short");
	get_bytes(c, m->id, sizeof m->id);
	m->generation = get_64(c);
	m->seconds = get_64(c);
	m->window = get_64(c);
	for (unsigned z = 0; z < CKPT_ZONES; z++)
		m->zone_bytes[z] = get_64(c);
	m->nodes = get_32(c);
	m->handle_homes = get_32(c);
	get_bytes(c, m->library, sizeof m->library);
	m->blocks = get_64(c);
	m->names = get_64(c);
	m->layers = version >= WITH_LAYERS ? get_64(c) : 0;
	for (unsigned z = 0; z < CKPT_ZONES; z++)
		if (m->zone_bytes[z] % page_bytes[z] || m->zone_bytes[z] > UINT64_C(1) << 47)
			return wrong(why, "has a zone of a size that cannot be");
	if (m->window % page_bytes[CKPT_PMD] || !window_bytes(m))
		return wrong(why, "has a window that cannot be");
	if (m->nodes == 0 || m->nodes > CKPT_NODES_MAX || m->handle_homes < m->nodes ||
	    m->handle_homes > UINT16_MAX)
		return wrong(why, "has a number of nodes that cannot be");
	if (m->library[CKPT_LIBRARY_MAX - 1])
		return wrong(why, "names a library without an end");
	if (m->layers >= CKPT_LAYERS_MAX || (version >= WITH_LAYERS && !m->layers))
		return wrong(why, "lies on a number of checkpoints that cannot be");
	if (m->blocks > c->left / BLOCK_BYTES || m->names > c->left / NAME_BYTES ||
	    c->left != m->nodes * FILE_BYTES + m->blocks * BLOCK_BYTES + m->names * NAME_BYTES +
	                       m->layers * layer_bytes(m))
		return wrong(why, "has another length than it says");
	return 0;
}

/* Blocks cover each zone that there is, in the order of their places. */
static int get_blocks(struct cursor *c, struct ckpt_manifest *m, struct ckpt_why *why)
{
	uint64_t end = 0;
	uint32_t zone = 0;

	for (uint64_t i = 0; i < m->blocks; i++) {
		struct ckpt_block *b = &m->block[i];
		const uint32_t of = get_32(c), taken = get_32(c);

		*b = (struct ckpt_block){.zone = (uint8_t)of, .taken = (uint8_t)taken};
		b->offset = get_64(c);
		b->bytes = get_64(c);
		b->dirty_lo = get_64(c);
		b->dirty_hi = get_64(c);
		while (zone < of && zone < CKPT_ZONES && end == m->zone_bytes[zone]) {
			zone++;
			end = 0;
		}
		if (of != zone || zone >= CKPT_ZONES || taken > 1 || b->offset != end || !b->bytes ||
		    b->bytes % 16 || b->bytes > m->zone_bytes[zone] - end ||
		    b->dirty_lo < b->offset || b->dirty_lo > b->dirty_hi ||
		    b->dirty_hi > b->offset + b->bytes)
			return wrong(why, "has blocks of memory that do not fit together");
		end += b->bytes;
	}
	for (; zone < CKPT_ZONES; zone++, end = 0)
		if (end != m->zone_bytes[zone])
			return wrong(why, "has blocks of memory that do not cover it");
	return 0;
}

static int get_names(struct cursor *c, struct ckpt_manifest *m, struct ckpt_why *why)
{
	for (uint64_t i = 0; i < m->names; i++) {
		struct ckpt_name *name = &m->name[i];

		name->offset = get_64(c);
		get_bytes(c, name->name, CKPT_NAME_MAX);
		if (name->offset >= window_bytes(m) || !name->name[0] || name->name[CKPT_NAME_MAX - 1])
			return wrong(why, "has a name that cannot be");
	}
	return 0;
}

static void get_files(struct cursor *c, const struct ckpt_manifest *m, struct ckpt_file *file)
{
	for (uint32_t i = 0; i < m->nodes; i++) {
		file[i].index_bytes = get_64(c);
		file[i].data_bytes = get_64(c);
		get_bytes(c, file[i].hash, CKPT_HASH_BYTES);
	}
}

/* Each is younger than the one before, and this one than all. */
static int get_layers(struct cursor *c, struct ckpt_manifest *m, struct ckpt_why *why)
{
	uint64_t last = 0;

	for (uint64_t i = 0; i < m->layers; i++) {
		struct ckpt_layer *layer = &m->under[i];

		get_bytes(c, layer->id, CKPT_ID_BYTES);
		layer->generation = get_64(c);
		layer->file = calloc(m->nodes, sizeof *layer->file);
		if (!layer->file) {
			snprintf(why->text, sizeof why->text, "no memory to read " WHAT);
			return -ENOMEM;
		}
		get_files(c, m, layer->file);
		if (layer->generation <= last || layer->generation >= m->generation)
			return wrong(why, "lies on checkpoints that cannot be");
		last = layer->generation;
	}
	return 0;
}

int ckpt_manifest_decode(const uint8_t *bytes, size_t len, struct ckpt_manifest *out,
                         struct ckpt_why *why)
{
	struct ckpt_manifest m = {0};
	uint32_t version;
	struct cursor c;
	int rc = envelope_open(bytes, len, MAGIC, WHAT, &version, &c, why);

	if (rc == 0)
		rc = get_fixed(&c, version, &m, why);
	if (rc)
		return rc;
	m.file = calloc(m.nodes, sizeof *m.file);
	m.block = calloc(m.blocks + 1, sizeof *m.block);
	m.name = calloc(m.names + 1, sizeof *m.name);
	m.under = calloc(m.layers + 1, sizeof *m.under);
	if (!m.file || !m.block || !m.name || !m.under) {
		snprintf(why->text, sizeof why->text, "no memory to read " WHAT);
		rc = -ENOMEM;
		goto err_free;
	}
	get_files(&c, &m, m.file);
	rc = get_blocks(&c, &m, why);
	if (rc == 0)
		rc = get_names(&c, &m, why);
	if (rc == 0)
		rc = get_layers(&c, &m, why);
	if (rc)
		goto err_free;
	*out = m;
	return 0;

err_free:
	ckpt_manifest_free(&m);
	return rc;
}

void ckpt_manifest_free(struct ckpt_manifest *m)
{
	for (uint64_t i = 0; m->under && i < m->layers; i++)
		free(m->under[i].file);
	free(m->under);
	free(m->file);
	free(m->block);
	free(m->name);
	*m = (struct ckpt_manifest){0};
}

static int copy_layer(const struct ckpt_manifest *m, struct ckpt_layer *to, const uint8_t *id,
                      uint64_t generation, const struct ckpt_file *file)
{
	memcpy(to->id, id, CKPT_ID_BYTES);
	to->generation = generation;
	to->file = calloc(m->nodes, sizeof *to->file);
	if (!to->file)
		return -ENOMEM;
	memcpy(to->file, file, m->nodes * sizeof *file);
	return 0;
}

int ckpt_manifest_lay(struct ckpt_manifest *m, const struct ckpt_manifest *base)
{
	int rc = 0;

	m->under = calloc(base->layers + 1, sizeof *m->under);
	if (!m->under)
		return -ENOMEM;
	m->layers = base->layers + 1;
	for (uint64_t i = 0; i < base->layers && rc == 0; i++)
		rc = copy_layer(m, &m->under[i], base->under[i].id, base->under[i].generation,
		                base->under[i].file);
	if (rc == 0)
		rc = copy_layer(m, &m->under[base->layers], base->id, base->generation, base->file);
	return rc;
}
