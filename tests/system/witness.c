/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library to preload into the nodes of a job. It counts the copies of a page and more
 * that memcpy and memmove make from or to the frames of shared memory, and when a node
 * leaves it adds a line to the file that WITNESS names: names and counts, of the copies
 * and of the node's statistics at rest.
 *
 * Frames are the mappings of the library's memfds that lie above all windows; what
 * applications copy from and to the window is their own affair, and counted apart.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dsm/dsm.h"

/* Preloaded into programs that are no nodes, too. */
#pragma weak dsm_get_stats
#pragma weak dsm_rank

#define PAGE_BYTES 4096
#define WINDOWS_END UINT64_C(0x7ef000000000)
#define RANGES_MAX 16
#define REST_MS 100 /* as long as this nothing arrives at a node at rest */
#define REST_TRIES 50

struct range {
	uint64_t from, to;
};

/* Published by the release of their number. */
static struct range frames[RANGES_MAX];
static _Atomic int n_frames;
static atomic_flag looking = ATOMIC_FLAG_INIT;
static _Atomic uint64_t of_frames, of_others;

static _Atomic uint64_t memory_home_most; /* at a barrier: at the end all is freed */

static void *(*real_move)(void *, const void *, size_t);

void *witness_copy(void *to, const void *from, size_t len);

/* --- where the frames are --- */

/* Reads a line of an open file of /proc. Without the C library's buffers: whoever copies
 * may be inside it. */
static int read_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	while (len < size - 1 && read(fd, &line[len], 1) == 1 && line[len] != '\n')
		len++;
	line[len] = '\0';
	return len != 0;
}

static uint64_t hex(const char **at)
{
	uint64_t value = 0;

	for (;; (*at)++) {
		if (**at >= '0' && **at <= '9')
			value = value << 4 | (uint64_t)(**at - '0');
		else if (**at >= 'a' && **at <= 'f')
			value = value << 4 | (uint64_t)(**at - 'a' + 10);
		else
			return value;
	}
}

static void find_frames(void)
{
	char line[256];
	int n = 0, fd;

	if (atomic_flag_test_and_set(&looking))
		return;
	fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && n < RANGES_MAX && read_line(fd, line, sizeof line)) {
		const char *at = line;
		struct range range = {.from = hex(&at)};

		at++;
		range.to = hex(&at);
		if (range.from >= WINDOWS_END && strstr(line, "/memfd:dsm-p"))
			frames[n++] = range;
	}
	close(fd);
	atomic_store_explicit(&n_frames, n, memory_order_release);
	atomic_flag_clear(&looking);
}

static int in_frames(const void *ptr, size_t len)
{
	int n = atomic_load_explicit(&n_frames, memory_order_acquire);
	uint64_t at = (uint64_t)(uintptr_t)ptr;

	for (int i = 0; i < n; i++)
		if (at < frames[i].to && at + len > frames[i].from)
			return 1;
	return 0;
}

/* --- the copies --- */

/* Byte by byte until the C library's own is known. */
static void *slow_move(void *to, const void *from, size_t len)
{
	volatile uint8_t *t = to;
	const volatile uint8_t *f = from;

	if (t <= f)
		for (size_t i = 0; i < len; i++)
			t[i] = f[i];
	else
		for (size_t i = len; i-- > 0;)
			t[i] = f[i];
	return to;
}

__attribute__((constructor)) static void witness_begin(void)
{
	void *found = dlsym(RTLD_NEXT, "memmove");

	/* ISO C knows no conversion from an object's pointer to a function's. */
	slow_move(&real_move, &found, sizeof found);
}

void *witness_copy(void *to, const void *from, size_t len)
{
	if (len >= PAGE_BYTES) {
		if (!atomic_load_explicit(&n_frames, memory_order_acquire))
			find_frames();
		if (in_frames(to, len) || in_frames(from, len))
			of_frames++;
		else
			of_others++;
	}
	return real_move ? real_move(to, from, len) : slow_move(to, from, len);
}

DSM_API void *memcpy(void *restrict to, const void *restrict from, size_t len)
	__attribute__((alias("witness_copy")));
DSM_API void *memmove(void *to, const void *from, size_t len)
	__attribute__((alias("witness_copy")));

/* What _FORTIFY_SOURCE makes of them. */
DSM_API void *__memcpy_chk(void *to, const void *from, size_t len, size_t room);
DSM_API void *__memmove_chk(void *to, const void *from, size_t len, size_t room);

void *__memcpy_chk(void *to, const void *from, size_t len, size_t room)
{
	if (len > room)
		abort();
	return witness_copy(to, from, len);
}

void *__memmove_chk(void *to, const void *from, size_t len, size_t room)
{
	if (len > room)
		abort();
	return witness_copy(to, from, len);
}

/* --- the statistics --- */

/* Those of a node that nothing is on its way to. */
static void get_at_rest(dsm_t *dsm, struct dsm_stats *out)
{
	const struct timespec rest = {.tv_nsec = REST_MS * 1000000};
	struct dsm_stats before = {0};

	for (int i = 0; i < REST_TRIES; i++) {
		dsm_get_stats(dsm, out, sizeof *out);
		if (i && out->messages_received == before.messages_received &&
		    out->page_writes_landed == before.page_writes_landed)
			return;
		before = *out;
		nanosleep(&rest, NULL);
	}
}

static void tell(dsm_t *dsm, const char *path)
{
	struct dsm_stats s = {0};
	char line[1024];
	int fd, len;

	get_at_rest(dsm, &s);
	len = snprintf(line, sizeof line, "rank %d", dsm_rank(dsm));
#define PUT(name)                                                                         \
	len += snprintf(line + len, sizeof line - (size_t)len, " %s %llu", #name, \
	                (unsigned long long)s.name)
	PUT(faults);
	PUT(pages_fetched);
	PUT(pages_supplied);
	PUT(refreshes);
	PUT(write_backs);
	PUT(page_writes);
	PUT(page_writes_landed);
	PUT(pages_written);
	PUT(registered_bytes);
	PUT(memory_used);
	PUT(memory_home);
	PUT(memory_budget);
	len += snprintf(line + len, sizeof line - (size_t)len, " memory_home_most %llu",
	                (unsigned long long)memory_home_most);
	PUT(evicted_shared);
	PUT(evicted_modified);
	PUT(frames_returned);
	PUT(faults_rwp);
	PUT(extents_to_wp);
	PUT(extents_to_rwp);
#undef PUT
	len += snprintf(line + len, sizeof line - (size_t)len, " copies_of_frames %llu copies %llu\n",
	                (unsigned long long)of_frames, (unsigned long long)of_others);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, line, (size_t)len) != len) {
		perror(path);
		_exit(98);
	}
	close(fd);
}

int dsm_barrier(dsm_t *dsm)
{
	int (*barrier)(dsm_t *) = NULL;
	void *found = dlsym(RTLD_NEXT, "dsm_barrier");
	struct dsm_stats s = {0};

	slow_move(&barrier, &found, sizeof found);
	if (!barrier)
		return DSM_ERR_LOST;
	dsm_get_stats(dsm, &s, sizeof s);
	if (s.memory_home > memory_home_most)
		memory_home_most = s.memory_home;
	return barrier(dsm);
}

int dsm_fini(dsm_t *dsm)
{
	int (*fini)(dsm_t *) = NULL;
	void *found = dlsym(RTLD_NEXT, "dsm_fini");
	const char *path = getenv("WITNESS");

	slow_move(&fini, &found, sizeof found);
	if (dsm && path && dsm_barrier(dsm) == 0)
		tell(dsm, path);
	return fini ? fini(dsm) : DSM_ERR_LOST;
}
