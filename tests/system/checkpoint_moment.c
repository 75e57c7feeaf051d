/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is saved is of one moment, whatever is written while it is not saved yet:
 *
 *	checkpoint_moment DIR here|wait|next|leave|full [huge]
 *
 * Saving is held open where each node is about to make the file of its pages: this program has an
 * openat() of its own, which the library finds before libc's. Threads of all nodes store all over the
 * memory then: on pages that are here to be written, and on ones that are here to be read. They may
 * not go on. In the background (all but "here") they may, and pages do whatever pages can do: they are written where
 * they are, move away and come back, are read by all and written, take atomics, are freed and used
 * again, and have to leave for others. Then the program waits for the end of saving: by
 * dsm_checkpoint_wait, by the next dsm_checkpoint (to DIR.next), or by dsm_fini. With "full" there is no
 * room on the disk for what has none in memory (DSM_CHECKPOINT_COPIES). With DSM_RESTORE it
 * checks that nothing of all that was saved.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm/dsm_checkpoint.h"
#include "dsm/dsm_coll.h"
#include "tests/hang.h"
#include "tests/system/node.h"

enum part { OWN, READ, MOVED, ATOMIC, STAYS, PARTS }; /* a page of each node */

#define PAGE ((size_t)4096)
#define ATOMICS 16           /* words */
#define BIG ((size_t)4 << 20) /* bytes of each node */
#define BIG_WORDS (BIG / sizeof(uint64_t))

static uint64_t *memory, *freed, *big; /* freed: a page of each node */
static size_t page_words;
static unsigned stored; /* atomic: writers who have */
static int go;          /* atomic: they may begin */

/* The openat() that is held open. */
static struct hold {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int wanted, here, over;
	int background;
} hold = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static uint64_t *page_of(int rank, int part)
{
	return memory + ((size_t)rank * PARTS + (size_t)part) * page_words;
}

static void fill(uint64_t *at, uint64_t with, size_t words)
{
	for (size_t i = 0; i < words; i++)
		at[i] = with + i;
}

static int holds(const uint64_t *at, uint64_t with, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (at[i] != with + i)
			return 0;
	return 1;
}

static uint64_t before(int rank, int part)
{
	return ((uint64_t)rank * (PARTS + 2) + (uint64_t)part + 1) << 32;
}

static uint64_t after(int rank, int part)
{
	return part == STAYS ? before(rank, part) : before(rank, part) << 16;
}

/* --- holding --- */

static void *write_part(void *part)
{
	const int k = (int)(intptr_t)part;

	while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
		sched_yield();
	page_of(node.rank, k)[page_words - 1] = after(node.rank, k) + page_words - 1;
	__atomic_add_fetch(&stored, 1, __ATOMIC_RELEASE);
	fill(page_of(node.rank, k), after(node.rank, k), page_words);
	return NULL;
}

static uint64_t faults(void)
{
	struct dsm_stats stats;

	OK(dsm_get_stats(node.dsm, &stats, sizeof stats));
	return stats.faults;
}

/* Until all writers have either faulted or stored. */
static void let_write(void)
{
	const uint64_t end_ns = node_now_ns() + (uint64_t)HANG_S * 1000000000;
	const uint64_t faults_before = faults();

	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	while (faults() + __atomic_load_n(&stored, __ATOMIC_ACQUIRE) < faults_before + 2) {
		CHECK(node_now_ns() < end_ns);
		sched_yield();
	}
	CHECK(__atomic_load_n(&stored, __ATOMIC_ACQUIRE) == 0);
}

/* Waits for a member of hold. */
static void await(const int *what)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += HANG_S;
	pthread_mutex_lock(&hold.lock);
	while (!*what)
		CHECK(pthread_cond_timedwait(&hold.changed, &hold.lock, &end) == 0);
	pthread_mutex_unlock(&hold.lock);
}

static void set(int *what)
{
	pthread_mutex_lock(&hold.lock);
	*what = 1;
	pthread_cond_broadcast(&hold.changed);
	pthread_mutex_unlock(&hold.lock);
}

/* What the library calls, where this is to be seen. */
__attribute__((visibility("default"))) int openat(int dir, const char *name, int flags, ...)
{
	int (*next)(int, const char *, int, ...) =
		(int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
	const size_t len = strlen(name);
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	if (hold.wanted && flags & O_CREAT && len > 5 && !strcmp(name + len - 5, ".data")) {
		hold.wanted = 0;
		set(&hold.here);
		if (hold.background)
			await(&hold.over);
		else
			let_write();
	}
	return next(dir, name, flags, mode);
}

/* --- all that may become of a page --- */

static void move_there_and_back(int neighbour)
{
	fill(page_of(neighbour, MOVED), after(neighbour, MOVED), page_words);
	node_barrier();
	CHECK(holds(page_of(node.rank, MOVED), after(node.rank, MOVED), page_words));
	node_barrier();
}

static void add(int neighbour)
{
	const uint64_t difference = after(neighbour, ATOMIC) - before(neighbour, ATOMIC);
	uint64_t was;

	for (size_t i = 0; i < ATOMICS; i++) {
		OK(dsm_fetch_add64(node.dsm, page_of(neighbour, ATOMIC) + i, difference, &was));
		CHECK(was == before(neighbour, ATOMIC) + i);
	}
	node_barrier();
	fill(page_of(node.rank, ATOMIC), after(node.rank, ATOMIC), page_words);
}

static void free_and_use_again(void)
{
	const size_t bytes = (size_t)node.size * page_words * sizeof *freed;
	uint64_t *again;

	node_barrier();
	node_unshare("freed", freed);
	again = node_shared_in("again", bytes, 0, page_words * sizeof *freed > PAGE ? DSM_HUGE : 0);
	fill(again + (size_t)node.rank * page_words, 77, page_words);
	node_barrier();
}

/* Pages that are written in order do not fault one by one: where nobody else has them, that is seen. */
static void fill_big(int rank)
{
	const uint64_t faults_before = faults();

	fill(big + (size_t)rank * BIG_WORDS, after(rank, PARTS + 1), BIG_WORDS);
	CHECK(node.size > 1 || faults() - faults_before < BIG / PAGE / 8);
}

static void do_all(void)
{
	const int neighbour = (node.rank + 1) % node.size;

	move_there_and_back(neighbour);
	add(neighbour);
	fill_big(neighbour);
	free_and_use_again();
}

/* --- copies that have no room in memory --- */

/* Bytes of the file without a name. */
static uint64_t in_file(void)
{
	static const char of_it[] = "0.copies (deleted)";
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	struct stat st = {0};
	char to[512];

	CHECK(dir != NULL);
	while ((e = readdir(dir))) {
		const ssize_t len = readlinkat(dirfd(dir), e->d_name, to, sizeof to - 1);

		to[len > 0 ? len : 0] = 0;
		if (strstr(to, of_it))
			CHECK(fstat(atoi(e->d_name), &st) == 0);
	}
	closedir(dir);
	return (uint64_t)st.st_blocks * 512;
}

/* One node has written all of its big block: what it held is somewhere. */
static void check_copies(void)
{
	const char *kib = getenv("DSM_CHECKPOINT_COPIES");

	if (kib && node.size == 1)
		CHECK(in_file() + (strtoull(kib, NULL, 10) << 10) >= BIG && in_file() < 4 * BIG);
}

/* --- saving, and what was saved --- */

static void begin(unsigned flags)
{
	const size_t pages = (size_t)node.size * page_words * sizeof *memory;
	uint64_t sum = 0;

	OK(dsm_shared(node.dsm, "memory", pages * PARTS, flags, (void **)&memory));
	CHECK((uintptr_t)memory % (page_words * sizeof *memory) == 0);
	freed = node_shared_in("freed", pages, 0, flags);
	OK(dsm_shared(node.dsm, "big", (size_t)node.size * BIG, 0, (void **)&big));
	for (int part = 0; part < PARTS; part++)
		fill(page_of(node.rank, part), before(node.rank, part), page_words);
	fill(freed + (size_t)node.rank * page_words, before(node.rank, PARTS), page_words);
	fill(big + (size_t)node.rank * BIG_WORDS, before(node.rank, PARTS + 1), BIG_WORDS);
	node_barrier();
	for (int rank = 0; rank < node.size; rank++)
		sum += *page_of(rank, READ);
	CHECK(sum);
}

static void end(const char *dir, const char *how)
{
	struct dsm_checkpoint_args a = DSM_CHECKPOINT_ARGS_INIT;
	char other[256];

	snprintf(other, sizeof other, "%s.next", dir);
	a.dir = other;
	if (!strcmp(how, "full")) {
		set(&hold.over);
		EXPECT(DSM_ERR_STORAGE, dsm_checkpoint_wait(node.dsm));
		CHECK(strstr(dsm_checkpoint_error(), "what is written meanwhile"));
		CHECK(strstr(dsm_checkpoint_error(), "No space left on device"));
		return;
	}
	check_copies();
	set(&hold.over);
	if (!strcmp(how, "next"))
		OK(dsm_checkpoint(node.dsm, &a));
	if (strcmp(how, "leave") != 0) {
		OK(dsm_checkpoint_wait(node.dsm));
		OK(dsm_checkpoint_wait(node.dsm));
	}
}

static void save(const char *dir, const char *how)
{
	struct dsm_checkpoint_args a = DSM_CHECKPOINT_ARGS_INIT;
	char given[256];
	pthread_t writer[2];

	OK(dsm_checkpoint_wait(node.dsm)); /* for none */
	for (intptr_t part = OWN; part <= READ; part++)
		CHECK(pthread_create(&writer[part], NULL, write_part, (void *)part) == 0);
	snprintf(given, sizeof given, "%s", dir);
	node_barrier();
	hold.background = strcmp(how, "here") != 0;
	hold.wanted = 1;
	a.dir = given;
	a.flags = hold.background ? DSM_CHECKPOINT_BACKGROUND : 0;
	a.private_data = given;
	a.private_bytes = sizeof given;
	OK(dsm_checkpoint(node.dsm, &a));
	given[0] = 0; /* it has a copy */
	await(&hold.here);
	node_barrier();
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	for (int part = OWN; part <= READ; part++)
		pthread_join(writer[part], NULL);
	do_all();
	if (hold.background)
		end(dir, how);
	for (int rank = 0; rank < node.size; rank++) {
		for (int part = 0; part < PARTS; part++)
			CHECK(holds(page_of(rank, part), after(rank, part), page_words));
		CHECK(holds(big + (size_t)rank * BIG_WORDS, after(rank, PARTS + 1), BIG_WORDS));
	}
	node_barrier();
}

static void check_restored(const char *dir)
{
	char given[256];
	int old;

	OK(dsm_lookup(node.dsm, "memory", 0, (void **)&memory));
	OK(dsm_lookup(node.dsm, "freed", 0, (void **)&freed));
	OK(dsm_lookup(node.dsm, "big", 0, (void **)&big));
	for (old = 0; dsm_restored(node.dsm, old, given, sizeof given) >= 0; old++) {
		CHECK(!strcmp(given, dir));
		for (int part = 0; part < PARTS; part++)
			if (!holds(page_of(old, part), before(old, part), page_words))
				node_fail("page %d of node %d is not as it was", part, old);
		CHECK(holds(freed + (size_t)old * page_words, before(old, PARTS), page_words));
		CHECK(holds(big + (size_t)old * BIG_WORDS, before(old, PARTS + 1), BIG_WORDS));
	}
	CHECK(old > 0);
	node_barrier();
}

int main(int argc, char **argv)
{
	const int huge = argc > 3 && !strcmp(argv[3], "huge");

	page_words = (huge ? HUGE_PAGE : PAGE) / sizeof *memory;
	node.huge_bytes = huge ? 24 * HUGE_PAGE : 0;
	node_join("checkpoint_moment", 60);
	CHECK(argc > 2);
	if (dsm_restored(node.dsm, 0, NULL, 0) == DSM_ERR_NOENT) {
		begin(huge ? DSM_HUGE : 0);
		save(argv[1], argv[2]);
	} else {
		check_restored(argv[1]);
	}
	node_leave();
	return 0;
}
