/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes as processes or threads, for the transport's tests (world.h).
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/hang.h"
#include "tests/transport/world.h"
#include "transport/ofi.h"

#define WORLD_SLICE_MS 100 /* how often a waiting node looks whether another failed */

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int64_t world_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

unsigned world_times(unsigned n)
{
	const char *text = getenv("TR_TEST_SHARE");
	int share = text ? atoi(text) : 1;

	return share > 1 ? (n + (unsigned)share - 1) / (unsigned)share : n;
}

int64_t world_now_ms(void)
{
	return world_now_ns() / 1000000;
}

int64_t node_cpu_us(const struct node *node)
{
	return clock_ns(node->fabric ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID) / 1000;
}

/* -------------------------------------------------------------------- node -- */

void node_fail(struct node *node, const char *format, ...)
{
	va_list args;
	int n;

	if (atomic_exchange(&node->arena->failed, 1))
		return;
	n = snprintf(node->arena->why, sizeof(node->arena->why), "node %u: ", node->self);
	va_start(args, format);
	vsnprintf(node->arena->why + n, sizeof(node->arena->why) - (size_t)n, format, args);
	va_end(args);
}

int node_failed(struct node *node)
{
	if (atomic_load(&node->arena->failed))
		return 1;
	if (world_now_ms() < node->deadline_ms)
		return 0;
	node_fail(node, "deadline passed");
	return 1;
}

static void barrier_wait_slice(_Atomic uint32_t *word, uint32_t value)
{
	struct timespec slice = {.tv_nsec = WORLD_SLICE_MS * 1000000l};

	syscall(SYS_futex, word, FUTEX_WAIT, value, &slice, NULL, 0);
}

/* Returns 1 when it was the last to come, which opens the barrier. */
static int barrier_arrive(struct node *node)
{
	struct arena *arena = node->arena;

	if (atomic_fetch_add(&arena->barrier_count, 1) + 1u < atomic_load(&arena->alive))
		return 0;
	atomic_store(&arena->barrier_count, 0);
	atomic_fetch_add(&arena->barrier_round, 1);
	syscall(SYS_futex, &arena->barrier_round, FUTEX_WAKE, WORLD_NODES_MAX, NULL, NULL, 0);
	return 1;
}

int node_barrier(struct node *node)
{
	const uint32_t round = atomic_load(&node->arena->barrier_round);

	if (barrier_arrive(node))
		return 0;
	while (atomic_load(&node->arena->barrier_round) == round) {
		if (node_failed(node))
			return -1;
		barrier_wait_slice(&node->arena->barrier_round, round);
	}
	return 0;
}

int node_barrier_polling(struct node *node)
{
	const uint32_t round = atomic_load(&node->arena->barrier_round);

	if (barrier_arrive(node))
		return 0;
	while (atomic_load(&node->arena->barrier_round) == round) {
		if (node_failed(node) || node_step(node) < 0)
			return -1;
		sched_yield();
	}
	return 0;
}

void node_die(struct node *node)
{
	atomic_fetch_sub(&node->arena->alive, 1);
	atomic_store(&node->arena->died[node->self], 1);
	if (node->fabric)
		mem_fabric_kill(node->fabric, node->self);
	else
		kill(getpid(), SIGKILL);
	node->dead = 1;
}

int node_step(struct node *node)
{
	struct tr_event events[32];
	int i, n;

	n = node->ops->poll(node->tr, events, 32);
	if (n < 0) {
		node_fail(node, "poll: %s", strerror(-n));
		return -1;
	}
	for (i = 0; i < n; i++)
		node->on_event(node, &events[i]);
	return n;
}

int node_sleep_step(struct node *node)
{
	struct pollfd pollfd = {.fd = node->ops->wait_fd(node->tr), .events = POLLIN};
	int rc = 1;

	if (node->ops->wait_arm(node->tr) == 0) {
		do {
			rc = poll(&pollfd, 1, WORLD_SLICE_MS);
		} while (rc == 0 && !node_failed(node));
		node->ops->wait_disarm(node->tr);
	}
	if (rc <= 0) {
		node_fail(node, "asleep: nobody woke us");
		return -1;
	}
	return node_step(node);
}

int node_send(struct node *node, uint16_t peer, const void *buf, size_t len)
{
	int rc;

	while ((rc = node->ops->send(node->tr, peer, buf, len)) == -ENOBUFS)
		if (node_failed(node) || node_step(node) < 0)
			return -1;
	if (!rc)
		return 0;
	node_fail(node, "send to %u: %s", peer, strerror(-rc));
	return -1;
}

void node_landing(struct node *node, uint16_t peer, size_t offset, uint8_t out[TR_LANDING_SIZE])
{
	uint64_t address;

	/* Landings within one registration differ in their little-endian address only. */
	memcpy(out, node->arena->landing[peer], TR_LANDING_SIZE);
	memcpy(&address, out, sizeof(address));
	address += offset;
	memcpy(out, &address, sizeof(address));
}

int node_write(struct node *node, uint16_t peer, size_t src_offset, size_t len,
               size_t landing_offset, uint32_t tag, uint64_t cookie)
{
	uint8_t landing[TR_LANDING_SIZE];
	int rc;

	node_landing(node, peer, landing_offset, landing);
	while ((rc = node->ops->write(node->tr, peer, node->reg, node->mem + src_offset, len,
	                              landing, tag, cookie)) == -ENOBUFS)
		if (node_failed(node) || node_step(node) < 0)
			return -1;
	if (!rc)
		return 0;
	node_fail(node, "write to %u: %s", peer, strerror(-rc));
	return -1;
}

static void node_log(void *ctx, int level, const char *text)
{
	struct node *node = ctx;

	if (node && strstr(text, "refused"))
		node->told_refused++;
	if (level <= 1 || getenv("TR_TEST_LOG"))
		printf("    log %d: %s\n", level, text);
}

static int node_open(struct node *node)
{
	const struct world_config *config = node->config;
	struct tr_config tr = {
		.self = node->self,
		.nodes = node->nodes,
		.provider = config->provider,
		.one_machine = !config->many_machines,
		.runtime_dir = config->private_bell ? NULL : node->arena->runtime_dir,
		.writes_max = config->writes_max,
		.sends_max = config->sends_max,
		.silent_max_ms = config->silent_max_ms,
		.secret = node->arena->secret,
		.log = node_log,
		.log_ctx = node,
		.fabric = node->fabric,
	};
	int len, rc = node->ops->open(&tr, &node->tr);

	if (rc) {
		node_fail(node, "open: %s", strerror(-rc));
		return rc;
	}
	len = node->ops->address(node->tr, node->arena->address[node->self]);
	node->mem = mmap(NULL, WORLD_MEM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	                 -1, 0);
	rc = node->mem == MAP_FAILED ? -ENOMEM : 0;
	if (!rc)
		rc = node->ops->mem_register(node->tr, node->mem, WORLD_MEM_BYTES, &node->reg);
	if (rc || len < 0) {
		node_fail(node, "address %d, register %d", len, rc);
		return rc ? rc : len;
	}
	node->arena->address_len[node->self] = (uint32_t)len;
	node->ops->landing(node->reg, node->mem, node->arena->landing[node->self]);
	return 0;
}

static void node_ignore(struct node *node, const struct tr_event *event)
{
}

/* The life of a node. */
static void node_live(struct node *node, world_fn fn)
{
	int rc;

	node->on_event = node_ignore;
	if (node_open(node) || node_barrier(node))
		goto out;
	rc = node->ops->connect(node->tr, node->arena->address[0], TR_ADDRESS_MAX,
	                        node->arena->address_len);
	if (rc) {
		node_fail(node, "connect: %s", strerror(-rc));
		goto out;
	}
	if (!node_barrier(node))
		fn(node);
	/* Peers may still need us until everybody is through, and has nothing on its way. */
	node->on_event = node_ignore;
	while (!node->dead && node->ops->pending(node->tr) && !node_failed(node))
		if (node_step(node) < 0)
			break;
	if (!node->dead && !atomic_load(&node->arena->failed))
		node_barrier_polling(node);
out:
	node->ops->mem_release(node->reg);
	node->ops->close(node->tr);
	if (node->mem && node->mem != MAP_FAILED)
		munmap(node->mem, WORLD_MEM_BYTES);
}

/* ------------------------------------------------------------------- world -- */

struct life {
	struct node node;
	world_fn fn;
};

static void *thread_main(void *arg)
{
	struct life *life = arg;

	node_live(&life->node, life->fn);
	return NULL;
}

static void world_run_threads(struct node *shape, world_fn fn)
{
	struct mem_fabric_config fabric = {.nodes = shape->nodes,
	                                   .seed = shape->config->seed,
	                                   .delay_max = shape->config->delay_max};
	struct life life[WORLD_NODES_MAX];
	pthread_t thread[WORLD_NODES_MAX];
	uint16_t i;

	if (mem_fabric_create(&fabric, &shape->fabric)) {
		node_fail(shape, "fabric");
		return;
	}
	for (i = 0; i < shape->nodes; i++) {
		life[i].node = *shape;
		life[i].node.self = i;
		life[i].fn = fn;
		pthread_create(&thread[i], NULL, thread_main, &life[i]);
	}
	for (i = 0; i < shape->nodes; i++)
		pthread_join(thread[i], NULL);
	mem_fabric_destroy(shape->fabric);
}

/* Waits for the process until the world's deadline is over by a second. */
static int wait_for(struct node *shape, pid_t pid)
{
	struct pollfd pollfd = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	int64_t left = shape->deadline_ms + 1000 - world_now_ms();
	int status = 0;

	if (poll(&pollfd, 1, left < 0 ? 0 : (int)left) == 0) {
		node_fail(shape, "process %d hangs", (int)pid);
		kill(pid, SIGKILL);
	}
	close(pollfd.fd);
	waitpid(pid, &status, 0);
	return status;
}

static void world_run_processes(struct node *shape, world_fn fn)
{
	pid_t pid[WORLD_NODES_MAX];
	struct node node;
	uint16_t i;
	int status;

	for (i = 0; i < shape->nodes; i++) {
		fflush(NULL);
		pid[i] = fork();
		if (pid[i] == 0) {
			/* Whoever ends the test ends its nodes. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			node = *shape;
			node.self = i;
			atomic_store(&node.arena->pid[i], getpid());
			node_live(&node, fn);
			fflush(NULL);
			_exit(0);
		}
	}
	for (i = 0; i < shape->nodes; i++) {
		status = wait_for(shape, pid[i]);
		/* A node may kill itself on purpose, with SIGKILL. The kernel may, too. */
		if (WIFSIGNALED(status) &&
		    (WTERMSIG(status) != SIGKILL || !atomic_load(&shape->arena->died[i])))
			node_fail(shape, "process of node %u: signal %d", i, WTERMSIG(status));
		if (WIFEXITED(status) && WEXITSTATUS(status))
			node_fail(shape, "process of node %u: exit %d", i, WEXITSTATUS(status));
	}
	for (i = 0; i < shape->nodes; i++)
		tr_ofi_sweep(pid[i]);
}

static void world_remove_dir(const char *dir)
{
	char path[128];
	uint16_t i;

	for (i = 0; i < WORLD_NODES_MAX; i++) {
		snprintf(path, sizeof(path), "%s/bell.%u", dir, i);
		unlink(path);
		snprintf(path, sizeof(path), "%s/bell.%u.s", dir, i);
		unlink(path);
	}
	rmdir(dir);
}

int world_run(const struct world_config *config, const char *name, world_fn fn)
{
	struct arena *arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
	                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int timeout_s = config->timeout_s ? config->timeout_s : HANG_S;
	struct node shape = {.config = config, .ops = config->ops, .nodes = config->nodes};
	cpu_set_t all, some;
	int i, failed;

	if (arena == MAP_FAILED)
		return 1;
	shape.arena = arena;
	atomic_store(&arena->alive, config->nodes);
	memset(arena->secret, 's', sizeof(arena->secret));
	shape.deadline_ms = world_now_ms() + timeout_s * 1000ll;
	strcpy(arena->runtime_dir, "/tmp/dsm-tr-test.XXXXXX");
	if (!mkdtemp(arena->runtime_dir))
		node_fail(&shape, "mkdtemp: %s", strerror(errno));
	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&some);
	for (i = 0; i < CPU_SETSIZE && CPU_COUNT(&some) < config->cpus; i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &some);
	if (config->cpus)
		sched_setaffinity(0, sizeof(some), &some);
	if (config->ops == &tr_mem_ops)
		world_run_threads(&shape, fn);
	else
		world_run_processes(&shape, fn);
	sched_setaffinity(0, sizeof(all), &all);
	world_remove_dir(arena->runtime_dir);
	failed = atomic_load(&arena->failed);
	if (failed)
		printf("\n    %s (seed %llu): %s\n", name, (unsigned long long)config->seed,
		       arena->why);
	munmap(arena, sizeof(*arena));
	return failed;
}

int world_probe(const struct world_config *config)
{
	struct tr_config tr = {
		.nodes = 2, .provider = config->provider, .one_machine = 1, .log = node_log};
	struct tr *out;
	int status = 0, rc;
	pid_t pid;

	if (config->ops == &tr_mem_ops)
		return 1;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		rc = config->ops->open(&tr, &out);
		if (!rc)
			config->ops->close(out);
		fflush(NULL);
		_exit(rc != 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
