/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory, by the one who writes the manifest. What it names stays as it is until another
 * manifest, of which all has reached the disk, has taken its place.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm/checkpoint/disk.h"

#define MANIFEST_MAX (UINT64_C(1) << 32)
#define NEW "manifest.new"

/* The descriptor of the directory itself is locked: there is no file to be left. */
int ckpt_store_open(const char *dir, int *out, struct ckpt_why *why)
{
	int fd, err;

	if (mkdir(dir, 0777) && errno != EEXIST)
		return disk_failed(why, "make directory", dir, errno);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return disk_failed(why, "open directory", dir, errno);
	if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS)) {
		err = errno;
		close(fd);
		return disk_failed(why, "write to directory", dir, err);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		close(fd);
		snprintf(why->text, sizeof why->text,
		         "another job writes its checkpoints to %s: give each a directory of its own",
		         dir);
		return -EBUSY;
	}
	*out = fd;
	return 0;
}

/* A directory of ours is a number of ten digits. */
static int is_generation(const char *name)
{
	return strlen(name) == 10 && strspn(name, "0123456789") == 10;
}

/* NULL: it cannot be read. */
static DIR *entries_of(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *at = fd < 0 ? NULL : fdopendir(fd);

	if (!at && fd >= 0)
		close(fd);
	return at;
}

static void remove_generation(int dir, const char *name)
{
	DIR *at = entries_of(dir, name);
	const struct dirent *e;

	if (!at)
		return;
	while ((e = readdir(at)))
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9')
			unlinkat(dirfd(at), e->d_name, 0);
	closedir(at);
	unlinkat(dir, name, AT_REMOVEDIR);
}

static int has(const struct ckpt_manifest *m, const char *name)
{
	char is[DISK_NAME_MAX];

	for (uint64_t i = 0; i <= m->layers; i++) {
		disk_generation_name(i < m->layers ? m->under[i].generation : m->generation, is);
		if (!strcmp(is, name))
			return 1;
	}
	return 0;
}

/* All but those that this manifest names; of generation 0: none stays. */
static void remove_others(int dir, const struct ckpt_manifest *m)
{
	DIR *at = entries_of(dir, ".");
	const struct dirent *e;

	if (!at)
		return;
	while ((e = readdir(at)))
		if (is_generation(e->d_name) && (!m->generation || !has(m, e->d_name)))
			remove_generation(dir, e->d_name);
	closedir(at);
}

/* One that cannot be read is not written over. */
int ckpt_store_now(int dir, struct ckpt_manifest *out, struct ckpt_why *why)
{
	uint8_t *bytes;
	size_t len;
	int rc;

	*out = (struct ckpt_manifest){0};
	if (faccessat(dir, "manifest", F_OK, AT_EACCESS) && errno == ENOENT)
		return 0;
	rc = disk_read_file(dir, "manifest", MANIFEST_MAX, &bytes, &len, why);
	if (rc)
		return rc;
	rc = ckpt_manifest_decode(bytes, len, out, why);
	free(bytes);
	return rc;
}

int ckpt_store_begin(int dir, uint64_t *generation, struct ckpt_why *why)
{
	char name[DISK_NAME_MAX];
	struct ckpt_manifest now;
	int rc = ckpt_store_now(dir, &now, why);

	if (rc)
		return rc;
	remove_others(dir, &now);
	*generation = now.generation + 1;
	ckpt_manifest_free(&now);
	unlinkat(dir, NEW, 0);
	disk_generation_name(*generation, name);
	return mkdirat(dir, name, 0777) ? disk_failed(why, "make directory", name, errno) : 0;
}

int ckpt_store_generation(int dir, uint64_t generation, int *out)
{
	char name[DISK_NAME_MAX];
	int fd;

	disk_generation_name(generation, name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*out = fd;
	return 0;
}

/* What the manifest says of a node's files. */
static int look_at(int gen, struct ckpt_manifest *m, uint32_t rank, struct ckpt_why *why)
{
	struct ckpt_file *file = &m->file[rank];
	char name[DISK_NAME_MAX];
	struct ckpt_index index;
	uint8_t *bytes;
	size_t len;
	int rc;

	disk_name(DISK_INDEX, rank, name);
	rc = disk_read_file(gen, name, SIZE_MAX / 2, &bytes, &len, why);
	if (rc)
		return rc;
	rc = ckpt_index_decode(m, rank, bytes, len, &index, why);
	if (rc == 0) {
		file->index_bytes = len;
		file->data_bytes = index.data_bytes;
		ckpt_hash(bytes, len, file->hash);
		ckpt_index_free(&index);
	}
	free(bytes);
	return rc;
}

static int put_manifest(int dir, const struct ckpt_manifest *m, struct ckpt_why *why)
{
	uint8_t *bytes;
	size_t len;
	int rc = ckpt_manifest_encode(m, &bytes, &len);

	if (rc) {
		snprintf(why->text, sizeof why->text, "no memory for the manifest");
		return rc;
	}
	rc = disk_write_file(dir, NEW, bytes, len, why);
	free(bytes);
	if (rc == 0 && fsync(dir)) /* the generation's name */
		rc = disk_failed(why, "write", "the directory", errno);
	if (rc == 0 && renameat(dir, NEW, dir, "manifest"))
		rc = disk_failed(why, "rename", NEW, errno);
	if (rc)
		unlinkat(dir, NEW, 0);
	else if (fsync(dir))
		rc = disk_failed(why, "write", "the directory", errno);
	return rc;
}

int ckpt_store_commit(int dir, struct ckpt_manifest *m, struct ckpt_why *why)
{
	char name[DISK_NAME_MAX];
	int gen = -1, rc = ckpt_store_generation(dir, m->generation, &gen);

	disk_generation_name(m->generation, name);
	if (rc)
		return disk_failed(why, "open directory", name, -rc);
	for (uint32_t i = 0; i < m->nodes && rc == 0; i++)
		rc = look_at(gen, m, i, why);
	close(gen);
	if (rc == 0)
		rc = put_manifest(dir, m, why);
	if (rc == 0)
		remove_others(dir, m);
	return rc;
}

void ckpt_store_drop(int dir, uint64_t generation)
{
	char name[DISK_NAME_MAX];

	disk_generation_name(generation, name);
	remove_generation(dir, name);
}
