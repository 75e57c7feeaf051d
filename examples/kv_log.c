/* SPDX-License-Identifier: BSD-2-Clause */
/* What a node of kv.c has done, and what it was answered. */
#include "kv_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

static const char magic[8] = "dsm-kv1";

uint64_t kv_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void map(struct kv_log *log, int fd, const char *path)
{
	void *at = mmap(NULL, log->bytes, PROT_READ | PROT_WRITE,
	                fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		ex_fail("%s: %s", path, strerror(errno));
	log->head = at;
	log->record = (struct kv_record *)(log->head + 1);
}

void kv_log_open(struct kv_log *log, const char *dir, int rank, int nodes, uint64_t room)
{
	char path[4096] = "memory for the log";
	int fd = -1;

	log->bytes = sizeof *log->head + room * sizeof *log->record;
	if (dir) {
		snprintf(path, sizeof path, "%s/kv.%d", dir, rank);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (fd < 0 || ftruncate(fd, (off_t)log->bytes))
			ex_fail("%s: %s", path, strerror(errno));
	}
	map(log, fd, path);
	if (fd >= 0)
		close(fd);
	log->head->rank = (uint32_t)rank;
	log->head->nodes = (uint32_t)nodes;
	log->head->room = room;
	memcpy(log->head->magic, magic, sizeof magic);
}

static void load(struct kv_log *log, const char *path)
{
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat is;

	if (fd < 0 || fstat(fd, &is))
		ex_fail("%s: %s", path, strerror(errno));
	if ((uint64_t)is.st_size < sizeof *log->head)
		ex_fail("%s is no log of kv", path);
	log->bytes = (uint64_t)is.st_size;
	map(log, fd, path);
	close(fd);
	if (memcmp(log->head->magic, magic, sizeof magic) ||
	    log->head->room != (log->bytes - sizeof *log->head) / sizeof *log->record)
		ex_fail("%s is no log of kv", path);
	if (log->head->used > log->head->room)
		log->head->used = log->head->room; /* somebody found no room */
}

unsigned kv_log_load(struct kv_log log[KV_LOGS_MAX], const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	unsigned n = 0;

	if (!d)
		ex_fail("%s: %s", dir, strerror(errno));
	while ((entry = readdir(d))) {
		char path[4096];

		if (strncmp(entry->d_name, "kv.", 3) || n == KV_LOGS_MAX)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		load(&log[n++], path);
	}
	closedir(d);
	if (n == 0)
		ex_fail("%s has no logs of kv in it", dir);
	return n;
}

void kv_log_close(struct kv_log *log)
{
	munmap(log->head, log->bytes);
}

struct kv_record *kv_log_begin(struct kv_log *log, enum kv_kind kind, uint64_t key, uint64_t id)
{
	const uint64_t i = __atomic_fetch_add(&log->head->used, 1, __ATOMIC_RELAXED);
	struct kv_record *r = &log->record[i];

	if (i >= log->head->room)
		return NULL;
	r->key = key;
	r->id = id;
	r->kind = kind;
	/* Before what it is about, and whatever follows. */
	__atomic_store_n(&r->begin_ns, kv_now_ns(), __ATOMIC_SEQ_CST);
	return r;
}

void kv_log_end(struct kv_record *r, uint32_t answer, uint64_t seq, uint64_t id)
{
	const uint64_t now = kv_now_ns();

	r->answer = answer;
	r->seq = seq;
	r->id = id;
	/* After the rest, so that a record with an end has all of it. */
	__atomic_store_n(&r->end_ns, now, __ATOMIC_RELEASE);
}
