/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on shared memory, whatever state its pages are in, and fork. Each node in
 * turn makes the calls; the node after it has the data, or looks at what arrived.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hang.h"
#include "tests/system/node.h"

#define PAGE 4096
#define BYTES (4 * PAGE)

static int huge;

/* Of BYTES. On huge pages it lies astride of two. */
static uint8_t *block_share(const char *name)
{
	if (!huge)
		return node_shared(name, BYTES, PAGE);
	return (uint8_t *)node_shared_in(name, 2 * HUGE_PAGE, HUGE_PAGE, DSM_HUGE) + HUGE_PAGE -
	       BYTES / 2;
}

static void block_unshare(const char *name, uint8_t *block)
{
	node_unshare(name, huge ? block + BYTES / 2 - HUGE_PAGE : block);
}

/* Ways through the kernel: what is put in comes out again. */
enum channel { BY_FILE, BY_VECTOR, BY_PIPE, BY_SOCKET, CHANNELS };
static const char *const channel_name[CHANNELS] = { "pread, pwrite", "preadv, pwritev",
	                                            "read, write on a pipe", "recv, send" };
static int file, pipe_ends[2], socket_ends[2];

static void channels_open(void)
{
	int size = 1 << 20;

	file = memfd_create("kernel-test", MFD_CLOEXEC);
	CHECK(file >= 0);
	CHECK(!pipe(pipe_ends));
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, socket_ends));
	CHECK(!setsockopt(socket_ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
}

static ssize_t put(enum channel channel, void *from, size_t len)
{
	struct iovec half[2] = { { from, len / 2 }, { (char *)from + len / 2, len - len / 2 } };

	switch (channel) {
	case BY_FILE: return pwrite(file, from, len, 0);
	case BY_VECTOR: return pwritev(file, half, 2, 0);
	case BY_PIPE: return write(pipe_ends[1], from, len);
	default: return send(socket_ends[0], from, len, 0);
	}
}

static ssize_t get(enum channel channel, void *to, size_t len)
{
	struct iovec half[2] = { { to, len / 2 }, { (char *)to + len / 2, len - len / 2 } };

	switch (channel) {
	case BY_FILE: return pread(file, to, len, 0);
	case BY_VECTOR: return preadv(file, half, 2, 0);
	case BY_PIPE: return read(pipe_ends[0], to, len);
	default: return recv(socket_ends[1], to, len, MSG_WAITALL);
	}
}

enum state { COLD, INVALID, SHARED, OWNED, STATES };
static const char *const state_name[STATES] = { "untouched", "invalid", "shared", "owned" };

static uint8_t pattern(unsigned seed, size_t i)
{
	return (uint8_t)(seed * 31 + i * 7 + i / 251 + 1);
}

static void fill(uint8_t *at, unsigned seed)
{
	for (size_t i = 0; i < BYTES; i++)
		at[i] = pattern(seed, i);
}

/* Brings the block into a state at the acting node. Called by all. */
static void prepare(uint8_t *block, enum state state, int actor, unsigned seed)
{
	int writer = state == OWNED ? actor : (actor + 1) % node.size;

	if (state != COLD && node.rank == writer)
		fill(block, seed);
	node_barrier();
	if (state == SHARED)
		for (size_t i = 0; i < BYTES; i++)
			CHECK(block[i] == pattern(seed, i));
	node_barrier();
}

static void compare(const char *what, enum channel channel, enum state state, uint8_t got,
                    uint8_t want, size_t i)
{
	if (got != want)
		node_fail("%s by %s, page %s: byte %zu is %u, not %u", what, channel_name[channel],
		          state_name[state], i, got, want);
}

static void transferred(const char *what, enum channel channel, enum state state, ssize_t n,
                        size_t len)
{
	if (n < 0)
		node_fail("%s by %s, page %s: %m", what, channel_name[channel], state_name[state]);
	if ((size_t)n != len)
		node_fail("%s by %s, page %s: %zd bytes, not %zu", what, channel_name[channel],
		          state_name[state], n, len);
}

/* The kernel reads shared memory: a file or socket gets what is in it. */
static void kernel_reads(uint8_t *block, enum channel channel, enum state state, size_t from,
                         size_t len, unsigned seed)
{
	static uint8_t private[BYTES];

	transferred("output", channel, state, put(channel, block + from, len), len);
	transferred("fetching", channel, state, get(channel, private, len), len);
	for (size_t i = 0; i < len; i++)
		compare("output", channel, state, private[i],
		        state == COLD ? 0 : pattern(seed, from + i), from + i);
}

static void kernel_writes(uint8_t *block, enum channel channel, enum state state, size_t from,
                          size_t len, unsigned seed)
{
	static uint8_t private[BYTES];

	fill(private, seed + 1);
	transferred("filling", channel, state, put(channel, private + from, len), len);
	transferred("input", channel, state, get(channel, block + from, len), len);
}

/* What the kernel wrote is seen everywhere, and nothing around it changed. */
static void look(uint8_t *block, enum channel channel, enum state state, size_t from, size_t len,
                 unsigned seed)
{
	for (size_t i = 0; i < BYTES; i++) {
		uint8_t want = state == COLD ? 0 : pattern(seed, i);

		if (i >= from && i < from + len)
			want = pattern(seed + 1, i);
		compare("input", channel, state, block[i], want, i);
	}
}

static unsigned test_calls(int actor)
{
	static const struct {
		size_t from, len;
	} part[] = { { 0, 64 }, { PAGE - 8, 16 }, { PAGE - 100, PAGE + 900 }, { 17, 3 * PAGE } };
	unsigned n = 0;

	for (unsigned c = 0; c < CHANNELS; c++) {
		for (unsigned s = 0; s < STATES; s++) {
			for (unsigned p = 0; p < sizeof part / sizeof *part; p++, n++) {
				uint8_t *block = block_share("block");

				prepare(block, s, actor, n);
				if (node.rank == actor)
					kernel_reads(block, c, s, part[p].from, part[p].len, n);
				prepare(block, s, actor, n);
				if (node.rank == actor)
					kernel_writes(block, c, s, part[p].from, part[p].len, n);
				node_barrier();
				look(block, c, s, part[p].from, part[p].len, n);
				block_unshare("block", block);
			}
		}
	}
	return n;
}

/* ------------------------------------------------------------------- fork -- */

static _Atomic int stop;

static void *busy(void *arg)
{
	uint64_t random = 1 + (uint64_t)node.rank, *block = arg;

	while (!atomic_load(&stop))
		__atomic_fetch_add(&block[node_random(&random) % (BYTES / 8)], 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void child_dies(uint8_t *block, int write)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		/* Sanitizers report the signal that we want to see. */
		signal(SIGSEGV, SIG_DFL);
		alarm(HANG_S);
		if (write)
			*(volatile uint8_t *)block = 1;
		else
			(void)*(volatile uint8_t *)block;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
		node_fail("a child that %s shared memory ended with status %#x, not by SIGSEGV",
		          write ? "writes" : "reads", (unsigned)status);
}

/* Nothing that a child may call gets as far as to the node. */
static void call_from_child(uint8_t *block)
{
	dsm_mutex mutex = { (uint64_t)1 << 56 | 1 };
	dsm_cond cond = { (uint64_t)2 << 56 | 1 };
	struct dsm_stats stats;
	uint64_t old;
	void *out;

	EXPECT(DSM_ERR_INVAL, dsm_alloc(node.dsm, 1, 0, 0, &out));
	EXPECT(DSM_ERR_INVAL, dsm_free(node.dsm, block));
	EXPECT(DSM_ERR_INVAL, dsm_publish(node.dsm, "child", block));
	EXPECT(DSM_ERR_INVAL, dsm_lookup(node.dsm, "fork", -1, &out));
	EXPECT(DSM_ERR_INVAL, dsm_prefetch(node.dsm, block, 1));
	EXPECT(DSM_ERR_INVAL, dsm_pin(node.dsm, block, 1, DSM_PIN_READ));
	EXPECT(DSM_ERR_INVAL, dsm_unpin(node.dsm, block, 1));
	EXPECT(DSM_ERR_INVAL, dsm_barrier(node.dsm));
	EXPECT(DSM_ERR_INVAL, dsm_mutex_create(node.dsm, &mutex));
	EXPECT(DSM_ERR_INVAL, dsm_mutex_lock(node.dsm, mutex));
	EXPECT(DSM_ERR_INVAL, dsm_mutex_trylock(node.dsm, mutex));
	EXPECT(DSM_ERR_INVAL, dsm_mutex_unlock(node.dsm, mutex));
	EXPECT(DSM_ERR_INVAL, dsm_mutex_destroy(node.dsm, mutex));
	EXPECT(DSM_ERR_INVAL, dsm_cond_create(node.dsm, mutex, &cond));
	EXPECT(DSM_ERR_INVAL, dsm_cond_wait(node.dsm, cond, mutex));
	EXPECT(DSM_ERR_INVAL, dsm_cond_signal(node.dsm, cond));
	EXPECT(DSM_ERR_INVAL, dsm_cond_broadcast(node.dsm, cond));
	EXPECT(DSM_ERR_INVAL, dsm_cond_destroy(node.dsm, cond));
	EXPECT(DSM_ERR_INVAL, dsm_fetch_add64(node.dsm, (uint64_t *)block, 1, &old));
	EXPECT(DSM_ERR_INVAL, dsm_get_stats(node.dsm, &stats, sizeof stats));
	EXPECT(DSM_ERR_INVAL, dsm_fini(node.dsm));
	EXPECT(DSM_ERR_ACTIVE, dsm_init(NULL, (dsm_t **)&out));
}

/* A child that calls the library, and ends as programs do: all exit handlers run. The lock of
 * the node may be held by a thread that it has not got. */
static void child_calls(uint8_t *block)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(HANG_S);
		call_from_child(block);
		exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (status)
		node_fail("a child that calls the library ended with status %#x", (unsigned)status);
}

/* A child has no shared memory; its parent keeps it, busy as it may be. */
static void test_fork(void)
{
	uint8_t *block = block_share("fork");
	pthread_t thread;

	atomic_store(&stop, 0);
	CHECK(!pthread_create(&thread, NULL, busy, block));
	for (int i = 0; i < 10; i++) {
		child_dies(block, i & 1);
		child_calls(block);
		CHECK(system("exit 7") == 7 << 8);
	}
	atomic_store(&stop, 1);
	pthread_join(thread, NULL);
	node_barrier();
	if (node.rank == node.size - 1)
		memset(block, 42, BYTES);
	node_barrier();
	for (size_t i = 0; i < BYTES; i++)
		CHECK(block[i] == 42);
	block_unshare("fork", block);
}

/* Both parts, or the one that is named: "calls" or "fork". --huge: on pages of 2 MiB. */
int main(int argc, char **argv)
{
	const char *part;
	unsigned n = 0;

	huge = argc > 1 && !strcmp(argv[1], "--huge");
	part = argc > 1 + huge ? argv[1 + huge] : "";
	node.huge_bytes = huge * 2 * HUGE_PAGE;
	node_join("kernel", 120);
	channels_open();
	for (int actor = 0; actor < node.size && strcmp(part, "fork"); actor++)
		n += test_calls(actor);
	if (strcmp(part, "calls"))
		test_fork();
	if (node.rank == 0)
		printf("kernel: %d nodes: %u blocks on pages of %s through %d ways of system "
		       "calls%s\n", node.size, n, huge ? "2 MiB" : "4 KiB", CHANNELS,
		       strcmp(part, "calls") ? ", and fork" : "");
	node_leave();
	return 0;
}
