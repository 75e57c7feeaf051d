/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a checkpoint: the manifest, the indexes, and runs of pages. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm/checkpoint/bytes.h"
#include "dsm/checkpoint/disk.h"
#include "dsm/checkpoint/pack.h"

#define MANIFEST_MAX (UINT64_C(1) << 32)

static int read_manifest(struct ckpt *c, int dir, const char *path, struct ckpt_why *why)
{
	uint8_t *bytes;
	size_t len;
	int rc;

	if (faccessat(dir, "manifest", F_OK, AT_EACCESS) && errno == ENOENT) {
		snprintf(why->text, sizeof why->text,
		         "there is no whole checkpoint in %s: it has no manifest", path);
		return -ENOENT;
	}
	rc = disk_read_file(dir, "manifest", MANIFEST_MAX, &bytes, &len, why);
	if (rc)
		return rc;
	rc = ckpt_manifest_decode(bytes, len, &c->manifest, why);
	free(bytes);
	return rc;
}

/* Without what unpacks them nothing is begun. */
static int can_read(const struct ckpt_index *x, struct ckpt_why *why)
{
	for (uint64_t i = 0; i < x->runs && !ckpt_can_pack(); i++)
		if (x->run[i].packed) {
			snprintf(why->text, sizeof why->text, "the data of node %u is compressed, and this "
			         "library was built without libzstd", x->rank);
			return -ENOTSUP;
		}
	return 0;
}

static int read_index(struct ckpt *c, uint32_t rank, struct ckpt_why *why)
{
	const struct ckpt_file *file = &c->manifest.file[rank];
	char name[DISK_NAME_MAX], what[64];
	uint8_t hash[CKPT_HASH_BYTES], *bytes;
	size_t len;
	int rc;

	disk_name(DISK_INDEX, rank, name);
	snprintf(what, sizeof what, "the index of node %u", rank);
	rc = disk_read_file(c->dir, name, SIZE_MAX / 2, &bytes, &len, why);
	if (rc)
		return rc;
	ckpt_hash(bytes, len, hash);
	/* Its own words first: they say what is wrong. */
	rc = ckpt_index_decode(&c->manifest, rank, bytes, len, &c->index[rank], why);
	free(bytes);
	if (rc)
		return rc;
	if (len != file->index_bytes || c->index[rank].data_bytes != file->data_bytes ||
	    memcmp(hash, file->hash, sizeof hash))
		return envelope_wrong(why, what, "is not the one that the manifest means");
	return can_read(&c->index[rank], why);
}

static int open_files(struct ckpt *c, const char *path, struct ckpt_why *why)
{
	const int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[DISK_NAME_MAX];
	int rc;

	if (dir < 0)
		return disk_failed(why, "open directory", path, errno);
	rc = read_manifest(c, dir, path, why);
	if (rc == 0) {
		disk_generation_name(c->manifest.generation, name);
		rc = ckpt_store_generation(dir, c->manifest.generation, &c->dir);
		if (rc)
			disk_failed(why, "open directory", name, -rc);
	}
	close(dir);
	return rc;
}

static int read_indexes(struct ckpt *c, struct ckpt_why *why)
{
	int rc = 0;

	c->index = calloc(c->manifest.nodes, sizeof *c->index);
	if (!c->index) {
		snprintf(why->text, sizeof why->text, "no memory to read a checkpoint");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < c->manifest.nodes && rc == 0; i++)
		rc = read_index(c, i, why);
	return rc;
}

/* What this layer of c has of its manifest. */
static int open_layer(const struct ckpt *c, int dir, uint64_t i, struct ckpt_why *why)
{
	const struct ckpt_layer *layer = &c->manifest.under[i];
	struct ckpt *under = &c->under[i];
	char name[DISK_NAME_MAX];
	int rc;

	under->manifest = (struct ckpt_manifest){
		.generation = layer->generation, .window = c->manifest.window,
		.nodes = c->manifest.nodes, .handle_homes = c->manifest.handle_homes,
		.file = layer->file};
	memcpy(under->manifest.id, layer->id, CKPT_ID_BYTES);
	memcpy(under->manifest.zone_bytes, c->manifest.zone_bytes, sizeof c->manifest.zone_bytes);
	rc = ckpt_store_generation(dir, layer->generation, &under->dir);
	disk_generation_name(layer->generation, name);
	return rc ? disk_failed(why, "open directory", name, -rc) : read_indexes(under, why);
}

static int open_layers(struct ckpt *c, const char *path, struct ckpt_why *why)
{
	int dir, rc = 0;

	if (!c->manifest.layers)
		return 0;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return disk_failed(why, "open directory", path, errno);
	c->under = calloc(c->manifest.layers, sizeof *c->under);
	for (uint64_t i = 0; c->under && i < c->manifest.layers; i++)
		c->under[i].dir = -1;
	if (!c->under) {
		snprintf(why->text, sizeof why->text, "no memory to read a checkpoint");
		rc = -ENOMEM;
	}
	for (uint64_t i = 0; i < c->manifest.layers && rc == 0; i++)
		rc = open_layer(c, dir, i, why);
	close(dir);
	return rc;
}

const struct ckpt *ckpt_layer(const struct ckpt *c, uint64_t i)
{
	return i < c->manifest.layers ? &c->under[i] : c;
}

int ckpt_open(const char *path, struct ckpt **out, struct ckpt_why *why)
{
	struct ckpt *c = calloc(1, sizeof *c);
	int rc;

	if (!c) {
		snprintf(why->text, sizeof why->text, "no memory to read a checkpoint");
		return -ENOMEM;
	}
	c->dir = -1;
	rc = open_files(c, path, why);
	if (rc == 0)
		rc = read_indexes(c, why);
	if (rc == 0)
		rc = open_layers(c, path, why);
	for (unsigned z = 0; z < CKPT_ZONES && rc == 0; z++)
		c->place[z] = (struct ckpt_place){.kind = z, .bytes = c->manifest.zone_bytes[z]};
	if (rc)
		ckpt_close(c);
	else
		*out = c;
	return rc;
}

static void shed(struct ckpt *c)
{
	for (uint64_t i = 0; c->under && i < c->manifest.layers; i++)
		shed(&c->under[i]);
	free(c->under);
	c->under = NULL;
	for (uint32_t i = 0; c->index && i < c->manifest.nodes; i++)
		ckpt_index_free(&c->index[i]);
	free(c->index);
	c->index = NULL;
	if (c->dir >= 0)
		close(c->dir);
	c->dir = -1;
}

void ckpt_close(struct ckpt *c)
{
	if (!c)
		return;
	shed(c);
	for (uint32_t i = 0; c->kept && i < c->manifest.nodes; i++)
		free(c->kept[i].bytes);
	free(c->kept);
	ckpt_manifest_free(&c->manifest);
	free(c);
}

int ckpt_data_open(const struct ckpt *c, uint32_t rank, struct ckpt_why *why)
{
	char name[DISK_NAME_MAX];
	struct stat st;
	int fd;

	disk_name(DISK_DATA, rank, name);
	fd = openat(c->dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return disk_failed(why, "open", name, errno);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != c->manifest.file[rank].data_bytes) {
		close(fd);
		snprintf(why->text, sizeof why->text, "the data of node %u has another length than "
		         "its index says", rank);
		return -EBADMSG;
	}
	return fd;
}

/* What the file has of it. */
static int read_stored(const struct ckpt_index *x, int fd, uint64_t at, const struct ckpt_run *run,
                       uint8_t *buf, struct ckpt_why *why)
{
	const size_t len = ckpt_run_stored(run);
	char name[DISK_NAME_MAX];
	uint8_t sum[CKPT_SUM_BYTES];

	disk_name(DISK_DATA, x->rank, name);
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, buf + done, len - done, (off_t)(at + done));
		if (n == 0 || (n < 0 && errno != EINTR))
			return disk_failed(why, "read", name, n ? errno : EBADMSG);
		done += n > 0 ? (size_t)n : 0;
	}
	ckpt_sum(x->sums, buf, len, sum);
	if (memcmp(sum, run->sum, sizeof sum)) {
		snprintf(why->text, sizeof why->text, "the data of node %u is damaged: from byte %llu "
		         "on its checksum is another", x->rank, (unsigned long long)at);
		return -EBADMSG;
	}
	return 0;
}

static int unpack(const struct ckpt_index *x, uint64_t at, const struct ckpt_run *run, const uint8_t *in,
                  uint8_t *out, struct ckpt_why *why)
{
	int rc = unpack_run(in, run->packed, out, ckpt_run_bytes(run));

	if (rc == -ENOMEM)
		snprintf(why->text, sizeof why->text, "no memory to unpack a checkpoint");
	else if (rc)
		snprintf(why->text, sizeof why->text, "the data of node %u cannot be unpacked from byte "
		         "%llu on", x->rank, (unsigned long long)at);
	return rc;
}

int ckpt_data_run(const struct ckpt_index *x, int fd, uint64_t at, const struct ckpt_run *run,
                  void *buf, struct ckpt_why *why)
{
	uint8_t *in;
	int rc;

	if (!run->packed)
		return read_stored(x, fd, at, run, buf, why);
	in = malloc(run->packed);
	if (!in) {
		snprintf(why->text, sizeof why->text, "no memory to unpack a checkpoint");
		return -ENOMEM;
	}
	rc = read_stored(x, fd, at, run, in, why);
	if (rc == 0)
		rc = unpack(x, at, run, in, buf, why);
	free(in);
	return rc;
}

/* Its private bytes are the last runs of its data. */
static int keep_of(struct ckpt *c, uint32_t rank, struct ckpt_why *why)
{
	const struct ckpt_index *x = &c->index[rank];
	struct ckpt_kept *kept = &c->kept[rank];
	uint64_t first = x->runs, at = x->data_bytes;
	int fd, rc = 0;

	while (first && x->run[first - 1].kind == CKPT_PRIVATE) {
		kept->len += x->run[--first].count;
		at -= ckpt_run_stored(&x->run[first]);
	}
	if (!kept->len)
		return 0;
	kept->bytes = malloc(kept->len);
	if (!kept->bytes) {
		snprintf(why->text, sizeof why->text, "no memory for the private bytes of node %u", rank);
		return -ENOMEM;
	}
	fd = ckpt_data_open(c, rank, why);
	if (fd < 0)
		return fd;
	for (uint64_t i = first; i < x->runs && rc == 0; at += ckpt_run_stored(&x->run[i]), i++)
		rc = ckpt_data_run(x, fd, at, &x->run[i], kept->bytes + x->run[i].first, why);
	close(fd);
	return rc;
}

int ckpt_keep_private(struct ckpt *c, struct ckpt_why *why)
{
	int rc = 0;

	c->kept = calloc(c->manifest.nodes, sizeof *c->kept);
	if (!c->kept) {
		snprintf(why->text, sizeof why->text, "no memory for the private bytes of nodes");
		return -ENOMEM;
	}
	for (uint32_t rank = 0; rank < c->manifest.nodes && rc == 0; rank++)
		rc = keep_of(c, rank, why);
	return rc;
}
