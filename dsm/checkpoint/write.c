/* SPDX-License-Identifier: BSD-2-Clause */
/* A node's files of a generation. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/checkpoint/disk.h"
#include "dsm/checkpoint/pack.h"

#define BEGIN_BYTES (16u << 20)

static int no_memory(struct ckpt_why *why)
{
	snprintf(why->text, sizeof why->text, "no memory for the index of the checkpoint");
	return -ENOMEM;
}

static int wrote(const struct ckpt_writer *w, int rc, struct ckpt_why *why)
{
	char name[DISK_NAME_MAX];

	disk_name(DISK_DATA, w->index.rank, name);
	return rc ? disk_failed(why, "write", name, -rc) : 0;
}

int ckpt_writer_open(struct ckpt_writer *w, int dir, const uint8_t id[CKPT_ID_BYTES],
                     uint32_t rank, struct ckpt_why *why)
{
	char name[DISK_NAME_MAX];

	*w = (struct ckpt_writer){.dir = dir, .index = {.rank = rank}};
	memcpy(w->index.id, id, CKPT_ID_BYTES);
	disk_name(DISK_DATA, rank, name);
	w->fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return w->fd < 0 ? disk_failed(why, "make", name, errno) : 0;
}

/* What has been written goes to the disk meanwhile: less is left for fsync to wait for. */
static int append(struct ckpt_writer *w, const void *bytes, uint64_t len)
{
	const int rc = disk_write_all(w->fd, bytes, len);

	if (rc == 0 && w->index.data_bytes - w->begun >= BEGIN_BYTES) {
		sync_file_range(w->fd, (off_t)w->begun, (off_t)(w->index.data_bytes - w->begun),
		                SYNC_FILE_RANGE_WRITE);
		w->begun = w->index.data_bytes;
	}
	return rc;
}

int ckpt_writer_pack(struct ckpt_writer *w, struct ckpt_why *why)
{
	if (!ckpt_can_pack()) {
		snprintf(why->text, sizeof why->text,
		         "this library was built without libzstd, and cannot compress");
		return -ENOTSUP;
	}
	w->pack = pack_open();
	if (w->pack)
		return 0;
	snprintf(why->text, sizeof why->text, "no memory to compress a checkpoint");
	return -ENOMEM;
}

int ckpt_writer_run(struct ckpt_writer *w, uint32_t kind, uint64_t first, uint64_t count,
                    const void *bytes, struct ckpt_why *why)
{
	struct ckpt_run run = {.kind = kind, .first = first, .count = count};
	const uint8_t *at = bytes;

	if (w->index.runs == w->room) {
		const uint64_t room = w->room ? 2 * w->room : 256;
		struct ckpt_run *more = realloc(w->index.run, room * sizeof *more);
		if (!more)
			return no_memory(why);
		w->index.run = more;
		w->room = room;
	}
	if (w->pack)
		run.packed = (uint32_t)pack_run(w->pack, bytes, ckpt_run_bytes(&run), &at);
	if (!run.packed)
		at = bytes;
	ckpt_sum(w->index.sums, at, ckpt_run_stored(&run), run.sum);
	w->index.run[w->index.runs++] = run;
	w->index.data_bytes += ckpt_run_stored(&run);
	return wrote(w, append(w, at, ckpt_run_stored(&run)), why);
}

int ckpt_writer_private(struct ckpt_writer *w, const void *bytes, uint64_t len,
                        struct ckpt_why *why)
{
	int rc = 0;

	for (uint64_t at = 0, n; at < len && rc == 0; at += n) {
		n = len - at < CKPT_PRIVATE_PART ? len - at : CKPT_PRIVATE_PART;
		rc = ckpt_writer_run(w, CKPT_PRIVATE, at, n, (const uint8_t *)bytes + at, why);
	}
	return rc;
}

int ckpt_writer_object(struct ckpt_writer *w, struct ckpt_object object, struct ckpt_why *why)
{
	struct ckpt_object *more =
		reallocarray(w->index.object, w->index.objects + 1, sizeof *more);

	if (!more)
		return no_memory(why);
	w->index.object = more;
	more[w->index.objects++] = object;
	return 0;
}

int ckpt_writer_gone(struct ckpt_writer *w, uint32_t kind, uint64_t first, uint64_t count,
                     struct ckpt_why *why)
{
	struct ckpt_index *x = &w->index;
	struct ckpt_gone *last = x->gones ? &x->gone[x->gones - 1] : NULL;

	if (last && last->kind == kind && last->first + last->count == first) {
		last->count += count;
		return 0;
	}
	if (x->gones == w->gone_room) {
		const uint64_t room = w->gone_room ? 2 * w->gone_room : 64;
		struct ckpt_gone *more = realloc(x->gone, room * sizeof *more);
		if (!more)
			return no_memory(why);
		x->gone = more;
		w->gone_room = room;
	}
	x->gone[x->gones++] = (struct ckpt_gone){.kind = kind, .first = first, .count = count};
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct ckpt_gone *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

int ckpt_writer_finish(struct ckpt_writer *w, struct ckpt_why *why)
{
	char name[DISK_NAME_MAX];
	uint8_t *bytes;
	size_t len;
	int rc = fsync(w->fd) ? -errno : 0;

	if (close(w->fd) && rc == 0)
		rc = -errno;
	w->fd = -1;
	if (rc)
		return wrote(w, rc, why);
	if (w->index.gones)
		qsort(w->index.gone, w->index.gones, sizeof *w->index.gone, by_place);
	if (ckpt_index_encode(&w->index, &bytes, &len))
		return no_memory(why);
	disk_name(DISK_INDEX, w->index.rank, name);
	rc = disk_write_file(w->dir, name, bytes, len, why);
	free(bytes);
	if (rc == 0 && fsync(w->dir))
		rc = wrote(w, -errno, why);
	return rc;
}

void ckpt_writer_close(struct ckpt_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	pack_close(w->pack);
	w->pack = NULL;
	ckpt_index_free(&w->index);
}
