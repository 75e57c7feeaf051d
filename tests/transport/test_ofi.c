/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is special to the libfabric backend: the choice of a provider, signal handlers,
 * addresses, what a killed node leaves, and that nothing is allocated in the steady state.
 */
#include <errno.h>
#include <netinet/in.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/transport/parts.h"
#include "tests/transport/world.h"
#include "transport/ofi.h"
#include "transport/ofi_impl.h"
#include "tests/suite.h"

/* The linker sends the allocations of our objects, not of libraries, through these. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

static _Atomic unsigned allocations;

void *__wrap_malloc(size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __real_calloc(n, size);
}

/* libfabric may be used only after fork: each test is a process of its own that returns
 * the line where it failed. */
#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("\n    line %d: %s\n", __LINE__, #cond);                            \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static int in_process(int (*fn)(void))
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(HANG_S);
		status = fn();
		fflush(NULL);
		_exit(status);
	}
	waitpid(pid, &status, 0);
	tr_ofi_sweep(pid);
	return status;
}

static char last_log[1024];

static void keep_log(void *ctx, int level, const char *text)
{
	if (level <= 1)
		snprintf(last_log, sizeof(last_log), "%s", text);
}

static struct tr_config config_of(const char *provider)
{
	return (struct tr_config){.nodes = 2, .provider = provider, .one_machine = 1,
	                          .sends_max = 16, .writes_max = 16, .log = keep_log};
}

/* ---------------------------------------------------------------- provider -- */

static int unknown_provider(void)
{
	struct tr_config config = config_of("nosuch");
	struct tr *tr = (struct tr *)&config;

	CHECK(tr_ofi_ops.open(&config, &tr) == -ENODEV);
	CHECK(tr == (struct tr *)&config);
	CHECK(strstr(last_log, "\"nosuch\" is not usable"));
	CHECK(strstr(last_log, "tcp;ofi_rxm"));
	return 0;
}

static int default_provider(void)
{
	struct tr_config config = config_of(NULL);
	struct statvfs fs;
	struct tr *tr;

	CHECK(statvfs("/dev/shm", &fs) == 0);
	CHECK(tr_ofi_ops.open(&config, &tr) == 0);
	if ((uint64_t)fs.f_blocks * fs.f_frsize > 64u << 20)
		CHECK(!strcmp(tr_ofi_ops.provider(tr), "shm"));
	tr_ofi_ops.close(tr);
	config.one_machine = 0;
	CHECK(tr_ofi_ops.open(&config, &tr) == 0);
	CHECK(strcmp(tr_ofi_ops.provider(tr), "shm"));
	tr_ofi_ops.close(tr);
	/* shm would not sleep across machines. */
	config.provider = "shm";
	CHECK(tr_ofi_ops.open(&config, &tr) == -ENODEV);
	return 0;
}

/* Not that either: then what stays within the machine, and no device, which would take the long way round. */
static int without_shm(void)
{
	struct tr_config config = config_of(NULL);
	uint8_t blob[TR_ADDRESS_MAX];
	struct sockaddr_in in;
	struct tr *tr;

	config.no_shm = 1;
	CHECK(tr_ofi_ops.open(&config, &tr) == 0);
	CHECK(!strcmp(tr_ofi_ops.provider(tr), "tcp"));
	CHECK(tr_ofi_ops.address(tr, blob) > 0);
	/* A version, the provider's name, and its address, each of these with its length before it */
	CHECK(blob[5] == sizeof(in));
	memcpy(&in, blob + 6, sizeof(in));
	CHECK(in.sin_family == AF_INET && in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	tr_ofi_ops.close(tr);
	config.provider = "shm";
	CHECK(tr_ofi_ops.open(&config, &tr) == 0);
	CHECK(!strcmp(tr_ofi_ops.provider(tr), "shm"));
	tr_ofi_ops.close(tr);
	return 0;
}

static int small_shm(void)
{
	struct tr_config config = config_of(NULL);
	struct statvfs fs;
	struct tr *tr;

	CHECK(statvfs("/dev/shm", &fs) == 0);
	if ((uint64_t)fs.f_blocks * fs.f_frsize / (16u << 20) >= 60000)
		return 0;
	config.nodes = (uint16_t)((uint64_t)fs.f_blocks * fs.f_frsize / (16u << 20) + 1);
	CHECK(tr_ofi_ops.open(&config, &tr) == 0);
	CHECK(strcmp(tr_ofi_ops.provider(tr), "shm"));
	CHECK(strstr(last_log, "/dev/shm is too small"));
	tr_ofi_ops.close(tr);
	return 0;
}

/* The provider that opens when this name is given. */
static int opens_as(const char *named, const char *no_better_than, const char *name)
{
	struct tr_config config = config_of(named);
	struct tr *tr;

	config.no_better_than = no_better_than;
	CHECK(tr_ofi_ops.open(&config, &tr) == 0);
	CHECK(!strcmp(tr_ofi_ops.provider(tr), name));
	tr_ofi_ops.close(tr);
	return 0;
}

/* tcp does reliable datagrams by itself with every libfabric that we work with, whatever that calls
 * it; net is another word; where another node has less, tcp is that. */
static int one_tcp(void)
{
	CHECK(!opens_as("tcp", NULL, "tcp"));
	CHECK(!opens_as("net", NULL, "tcp"));
	CHECK(!opens_as("tcp;ofi_rxm", NULL, "tcp;ofi_rxm"));
	CHECK(!opens_as(NULL, "tcp", "tcp"));
	CHECK(!opens_as("tcp", "tcp;ofi_rxm", "tcp;ofi_rxm"));
	CHECK(!opens_as("net", "tcp;ofi_rxm", "tcp;ofi_rxm"));
	return 0;
}

static void test_tcp(void)
{
	CU_ASSERT_EQUAL(in_process(one_tcp), 0);
}

static void test_unknown(void)
{
	CU_ASSERT_EQUAL(in_process(unknown_provider), 0);
}

static void test_default(void)
{
	CU_ASSERT_EQUAL(in_process(default_provider), 0);
	CU_ASSERT_EQUAL(in_process(without_shm), 0);
}

/* Whoever set up the machine may have chosen for all. */
static int filtered(void)
{
	struct tr_config config = config_of(NULL);
	struct tr *tr;

	CHECK(setenv("FI_PROVIDER", "nonesuch", 1) == 0);
	CHECK(tr_ofi_ops.open(&config, &tr) == -ENODEV);
	CHECK(strstr(last_log, "FI_PROVIDER is 'nonesuch'"));
	config.provider = "tcp";
	CHECK(tr_ofi_ops.open(&config, &tr) == -ENODEV);
	CHECK(strstr(last_log, "FI_PROVIDER is 'nonesuch'"));
	return 0;
}

static void test_filtered(void)
{
	CU_ASSERT_EQUAL(in_process(filtered), 0);
}

static void test_small_shm(void)
{
	CU_ASSERT_EQUAL(in_process(small_shm), 0);
}

/* ----------------------------------------------------------------- signals -- */

static void on_signal(int signal)
{
}

static int handlers(void)
{
	static const int taken[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL};
	struct tr_config config = config_of("shm");
	struct sigaction action;
	struct tr *tr;
	size_t i;

	signal(SIGTERM, on_signal);
	signal(SIGINT, SIG_IGN);
	CHECK(tr_ofi_ops.open(&config, &tr) == 0);
	CHECK(!sigaction(SIGTERM, NULL, &action) && action.sa_handler == on_signal);
	CHECK(!sigaction(SIGINT, NULL, &action) && action.sa_handler == SIG_IGN);
	/* Never set by this program; whoever did, it was a library. */
	for (i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		CHECK(!sigaction(taken[i], NULL, &action) && action.sa_handler == SIG_DFL);
	tr_ofi_ops.close(tr);
	CHECK(!sigaction(SIGTERM, NULL, &action) && action.sa_handler == on_signal);
	return 0;
}

static void test_signals(void)
{
	CU_ASSERT_EQUAL(in_process(handlers), 0);
}

/* --------------------------------------------------------------- addresses -- */

static int addresses(void)
{
	struct tr_config config = config_of("tcp");
	uint8_t blob[2][TR_ADDRESS_MAX], good[TR_ADDRESS_MAX];
	uint32_t len[2], cut;
	struct tr *tr, *other;

	if (tr_ofi_ops.open(&config, &tr))
		return 0; /* not here */
	config.self = 1;
	CHECK(tr_ofi_ops.open(&config, &other) == 0);
	len[0] = (uint32_t)tr_ofi_ops.address(tr, blob[0]);
	len[1] = (uint32_t)tr_ofi_ops.address(other, blob[1]);
	memcpy(good, blob[1], sizeof(good));
	CHECK(tr_ofi_ops.send(tr, 1, "early", 5) == -ENOTCONN);
	for (cut = 0; cut < len[1]; cut++) {
		uint32_t lens[2] = {len[0], cut};

		CHECK(tr_ofi_ops.connect(tr, blob[0], TR_ADDRESS_MAX, lens) == -EINVAL);
	}
	blob[1][0] ^= 1; /* version */
	CHECK(tr_ofi_ops.connect(tr, blob[0], TR_ADDRESS_MAX, len) == -EINVAL);
	memcpy(blob[1], good, sizeof(good));
	blob[1][2] ^= 1; /* the provider's name */
	CHECK(tr_ofi_ops.connect(tr, blob[0], TR_ADDRESS_MAX, len) == -EINVAL);
	CHECK(strstr(last_log, "uses provider"));
	memcpy(blob[1], good, sizeof(good));
	CHECK(tr_ofi_ops.connect(tr, blob[0], TR_ADDRESS_MAX, len) == 0);
	CHECK(tr_ofi_ops.send(tr, 1, "now", 3) == 0);
	tr_ofi_ops.close(tr);
	tr_ofi_ops.close(other);
	tr_ofi_ops.close(NULL);
	return 0;
}

static void test_addresses(void)
{
	CU_ASSERT_EQUAL(in_process(addresses), 0);
}

/* --------------------------------------------------------------- strangers -- */

/* Polls both until tr has an event (1) or has logged something (0). */
static int await_message_or_log(struct tr *tr, struct tr *other, struct tr_event *event)
{
	const int64_t until = world_now_ms() + 5000;
	struct tr_event ignored[4];
	int n;

	do {
		tr_ofi_ops.poll(other, ignored, 4);
		n = tr_ofi_ops.poll(tr, event, 1);
	} while (n == 0 && !last_log[0] && world_now_ms() < until);
	return n;
}

/* A node of some job, to whom all others are the one under test. */
struct stranger {
	uint16_t rank, nodes;
	uint8_t secret;
	int believed;
};

static int stranger(const struct stranger *s)
{
	const uint8_t secret[2][TR_SECRET_SIZE] = {{0}, {s->secret}};
	struct tr_config config = config_of("tcp");
	uint8_t blob[3][TR_ADDRESS_MAX], pair[2][TR_ADDRESS_MAX];
	struct tr_event event = {0};
	struct tr_stats stats;
	struct tr *tr, *other;
	uint32_t len[3];

	config.secret = secret[0];
	if (tr_ofi_ops.open(&config, &tr))
		return 0; /* not here */
	config.self = s->rank;
	config.nodes = s->nodes;
	config.secret = secret[1];
	CHECK(tr_ofi_ops.open(&config, &other) == 0);
	for (int i = 0; i < 3; i++)
		len[i] = (uint32_t)tr_ofi_ops.address(tr, blob[i]);
	memcpy(pair[0], blob[0], TR_ADDRESS_MAX);
	CHECK(tr_ofi_ops.address(other, pair[1]) == (int)len[1]);
	CHECK(tr_ofi_ops.connect(tr, pair[0], TR_ADDRESS_MAX, len) == 0);
	CHECK(tr_ofi_ops.connect(other, blob[0], TR_ADDRESS_MAX, len) == 0);
	CHECK(tr_ofi_ops.send(other, (uint16_t)((s->rank + 1) % s->nodes), "hello", 5) == 0);
	last_log[0] = '\0';
	CHECK(await_message_or_log(tr, other, &event) == s->believed);
	tr_ofi_ops.stats(tr, &stats);
	CHECK(stats.messages_received == (unsigned)s->believed);
	CHECK(stats.refused == !s->believed);
	CHECK(s->believed || strstr(last_log, "refused 1 message"));
	CHECK(!s->believed || (event.kind == TR_EV_MSG && event.peer == 1 && event.len == 5));
	tr_ofi_ops.close(other);
	tr_ofi_ops.close(tr);
	return 0;
}

/* Who has a rank that cannot be, or another secret, is not believed. */
static int strangers(void)
{
	static const struct stranger all[] = {
		{.rank = 0, .nodes = 3}, /* our own rank */
		{.rank = 2, .nodes = 3}, /* nobody's */
		{.rank = 1, .nodes = 2, .secret = 1},
		{.rank = 1, .nodes = 2, .believed = 1},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		CHECK(stranger(&all[i]) == 0);
	return 0;
}

static void test_strangers(void)
{
	CU_ASSERT_EQUAL(in_process(strangers), 0);
}

/* Of page writes that are refused a node stands only so many. */
static int forged_writes(void)
{
	struct tr_config config = config_of("tcp");
	const unsigned tries = seal_write_tries(1000);
	struct tr_event event[2];
	struct tr *tr;

	config.nodes = 1000;
	if (tr_ofi_ops.open(&config, &tr))
		return 0; /* not here */
	CHECK(tries == 1024);
	for (unsigned i = 0; i < tries - 1; i++)
		ofi_refuse_write(ofi_of(tr), 7);
	CHECK(tr_ofi_ops.poll(tr, event, 2) == 0);
	ofi_refuse_write(ofi_of(tr), 8);
	CHECK(tr_ofi_ops.wait_arm(tr) == 1);
	CHECK(tr_ofi_ops.poll(tr, event, 2) == 1);
	CHECK(event->kind == TR_EV_ERROR && event->peer == TR_NO_PEER);
	CHECK(event->status == -EACCES);
	ofi_refuse_write(ofi_of(tr), 8);
	CHECK(tr_ofi_ops.poll(tr, event, 2) == 0);
	tr_ofi_ops.close(tr);
	return 0;
}

static void test_forged(void)
{
	CU_ASSERT_EQUAL(in_process(forged_writes), 0);
}

/* The keys of two registrations have nothing to do with each other, or with small numbers. */
static int keys_of(const char *provider)
{
	struct tr_config config = config_of(provider);
	static uint8_t memory[2][4096] __attribute__((aligned(4096)));
	uint64_t word[2][2];
	struct tr_mem *mem;
	struct tr *tr;

	if (tr_ofi_ops.open(&config, &tr))
		return 0; /* not here */
	for (int i = 0; i < 2; i++) {
		CHECK(tr_ofi_ops.mem_register(tr, memory[i], sizeof(memory[i]), &mem) == 0);
		tr_ofi_ops.landing(mem, memory[i], (uint8_t *)word[i]);
	}
	CHECK((word[0][1] ^ word[1][1]) >> 32 != 0);
	CHECK(word[0][1] >> 32 != 0 && word[1][1] >> 32 != 0);
	tr_ofi_ops.close(tr);
	return 0;
}

static int keys(void)
{
	return keys_of("tcp") || keys_of("tcp;ofi_rxm");
}

static void test_keys(void)
{
	CU_ASSERT_EQUAL(in_process(keys), 0);
}

/* ------------------------------------------------------------- environment -- */

/* Reads the environment all the time, as C libraries do for time zones and words. */
static void *reader(void *arg)
{
	_Atomic int *stop = arg;
	uintptr_t found = 0;

	while (!*stop)
		found += (uintptr_t)getenv("DSM_NO_SUCH_VARIABLE");
	return (void *)found;
}

/* What libfabric is told by the environment is there, what the user set stays, and the array
 * that another thread may be reading is neither changed nor freed. */
static int environment(void)
{
	struct tr_config config = config_of("tcp");
	char **before, *copy[1024], monitor[64] = "";
	_Atomic int stop = 0;
	pthread_t thread;
	void *found;
	struct tr *tr;
	size_t n;

	CHECK(unsetenv("FI_UNIVERSE_SIZE") == 0);
	CHECK(setenv("FI_MR_CACHE_MONITOR", "memhooks", 1) == 0); /* and the array is malloc's */
	before = environ;
	for (n = 0; before[n]; n++) {
		CHECK(n + 1 < sizeof(copy) / sizeof(*copy));
		copy[n] = before[n];
	}
	copy[n] = NULL;
	CHECK(pthread_create(&thread, NULL, reader, &stop) == 0);
	config.nodes = 3;
	CHECK(tr_ofi_ops.open(&config, &tr) == 0);
	CHECK(getenv("FI_UNIVERSE_SIZE") && !strcmp(getenv("FI_UNIVERSE_SIZE"), "3"));
	snprintf(monitor, sizeof(monitor), "%s", getenv("FI_MR_CACHE_MONITOR"));
	CHECK(!strcmp(monitor, "memhooks"));
	CHECK(memcmp(before, copy, (n + 1) * sizeof(*copy)) == 0);
	stop = 1;
	CHECK(pthread_join(thread, &found) == 0);
	CHECK(!found);
	tr_ofi_ops.close(tr);
	/* It is the program's to change. */
	CHECK(setenv("FI_UNIVERSE_SIZE", "4", 1) == 0 && !strcmp(getenv("FI_UNIVERSE_SIZE"), "4"));
	CHECK(unsetenv("FI_UNIVERSE_SIZE") == 0 && !getenv("FI_UNIVERSE_SIZE"));
	CHECK(setenv("DSM_NO_SUCH_VARIABLE", "now", 1) == 0 && getenv("DSM_NO_SUCH_VARIABLE"));
	return 0;
}

static void test_environment(void)
{
	CU_ASSERT_EQUAL(in_process(environment), 0);
}

/* ------------------------------------------------------------------- sweep -- */

static void test_sweep(void)
{
	struct tr_config config = config_of("shm");
	struct tr *tr;
	int ready[2], status;
	char byte;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		byte = tr_ofi_ops.open(&config, &tr) ? 'n' : 'y';
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	CU_ASSERT_EQUAL_FATAL(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	CU_ASSERT_EQUAL(tr_ofi_sweep(pid), -EBUSY);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(byte, 'y');
	/* The provider's file and the doorbell. */
	CU_ASSERT_EQUAL(tr_ofi_sweep(pid), 2);
	CU_ASSERT_EQUAL(tr_ofi_sweep(pid), 0);
	CU_ASSERT_EQUAL(tr_ofi_sweep(0), -EINVAL);
	CU_ASSERT_EQUAL(tr_ofi_sweep(-1), -EINVAL);
	CU_ASSERT_EQUAL(tr_ofi_sweep(getpid()), -EBUSY);
}

/* A file, or by a slash at its end a directory, at a path with the number of a process and the
 * user's. */
struct left {
	const char *path;
	int is_ours;
	int is_anothers; /* by its name, that of a node's process with another number */
};

static const struct left sweep_left[] = {
	{"/dev/shm/%1$ld.0badcafe:%2$u:0", 1, 0},
	{"/dev/shm/%1$ld.0badcafe:%2$u:12", 1, 0},
	{"/dev/shm/%1$ld.0badcafe:%2$u:0_17", 1, 0},
	{"/dev/shm/%1$ld.", 0, 0},
	{"/dev/shm/%1$ld.dat", 0, 0},
	{"/dev/shm/%1$ld.log:%2$u:0", 0, 0},
	{"/dev/shm/%1$ld.0badcafe", 0, 0},
	{"/dev/shm/%1$ld.0badcafe:", 0, 0},
	{"/dev/shm/%1$ld.0badcafe:%2$u", 0, 0},
	{"/dev/shm/%1$ld.0badcafe:%2$u:", 0, 0},
	{"/dev/shm/%1$ld.0badcafe:%2$u:x", 0, 0},
	{"/dev/shm/%1$ld.0badcafe:%2$u:0x", 0, 0},
	{"/dev/shm/%1$ld.0badcafe:%2$u:0.bak", 0, 0},
	{"/dev/shm/%1$ld.0badcafe:%2$u:0_", 0, 0},
	{"/dev/shm/%1$ld.0badcafe:%2$u:0_1_2", 0, 0},
	{"/dev/shm/%1$ld.0badcafe:%2$u1:0", 0, 0},
	{"/dev/shm/%1$ld.0badcaf:%2$u:0", 0, 0},
	{"/dev/shm/%1$ld.0badcafe0:%2$u:0", 0, 0},
	{"/dev/shm/%1$ld.0badcafg:%2$u:0", 0, 0},
	{"/dev/shm/%1$ld:%2$u:0", 0, 0},
	{"/dev/shm/%1$ld0.0badcafe:%2$u:0", 0, 1},
	{"/dev/shm/x%1$ld.0badcafe:%2$u:0", 0, 0},
	{"/tmp/dsm-bell.%1$ld.abcDEF/", 1, 0},
	{"/tmp/dsm-bell.%1$ld.abcDE/", 0, 0},
	{"/tmp/dsm-bell.%1$ld.abcDEFG/", 0, 0},
	{"/tmp/dsm-bell.%1$ld.abc-EF/", 0, 0},
	{"/tmp/dsm-bell.%1$ld.mine/", 0, 0},
	{"/tmp/dsm-bell.%1$ld0.abcDEF/", 0, 1},
};
#define LEFT (sizeof(sweep_left) / sizeof(*sweep_left))

static void make_left(const char *path)
{
	if (path[strlen(path) - 1] == '/')
		CU_ASSERT_EQUAL(mkdir(path, 0700), 0)
	else
		CU_ASSERT_EQUAL(mknod(path, S_IFREG | 0600, 0), 0)
}

/* A process that is gone. */
static pid_t dead_process(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(0);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* What others call by the number of a node's process, too, stays. */
static void test_sweep_by_exact_names(void)
{
	int ours = 0, here;
	pid_t pid = dead_process();
	char path[LEFT][80];

	for (size_t i = 0; i < LEFT; i++) {
		snprintf(path[i], sizeof(path[i]), sweep_left[i].path, (long)pid, getuid());
		make_left(path[i]);
		ours += sweep_left[i].is_ours;
	}
	CU_ASSERT_EQUAL(tr_ofi_sweep(pid), ours);
	for (size_t i = 0; i < LEFT; i++) {
		here = !access(path[i], F_OK);
		if (here == sweep_left[i].is_ours)
			printf("\n    %s is %s", path[i], here ? "left" : "gone");
		CU_ASSERT_NOT_EQUAL(here, sweep_left[i].is_ours);
		remove(path[i]);
	}
}

/* As if it had been made long ago. */
static void make_old(const char *path)
{
	static const struct timespec then[2] = {{1000000000, 0}, {1000000000, 0}};

	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, then, 0), 0);
}

/* Without a process that is known: by the name, and what is young stays. */
static void test_sweep_all_by_exact_names(void)
{
	pid_t pid = dead_process();
	char path[LEFT][80];
	int here, goes;

	for (size_t i = 0; i < LEFT; i++) {
		snprintf(path[i], sizeof(path[i]), sweep_left[i].path, (long)pid, getuid());
		make_left(path[i]);
	}
	tr_ofi_sweep_all(60);
	for (size_t i = 0; i < LEFT; i++) {
		CU_ASSERT_EQUAL(access(path[i], F_OK), 0);
		make_old(path[i]);
	}
	tr_ofi_sweep_all(60);
	for (size_t i = 0; i < LEFT; i++) {
		here = !access(path[i], F_OK);
		goes = sweep_left[i].is_ours || sweep_left[i].is_anothers;
		if (here == goes)
			printf("\n    %s is %s", path[i], here ? "left" : "gone");
		CU_ASSERT_NOT_EQUAL(here, goes);
		remove(path[i]);
	}
}

/* What somebody uses stays, whoever; and what nobody does goes, though its process lives. */
static void test_sweep_all_in_use(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char file[80], dir[60];
	void *map;
	int fd, bell;

	snprintf(file, sizeof(file), "/dev/shm/%ld.0badcafe:%u:0", (long)dead_process(), getuid());
	fd = open(file, O_RDWR | O_CREAT | O_EXCL, 0600);
	CU_ASSERT_EQUAL(ftruncate(fd, 4096), 0);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	CU_ASSERT_NOT_EQUAL_FATAL(map, MAP_FAILED);
	make_old(file);
	snprintf(dir, sizeof(dir), "/tmp/dsm-bell.%ld.abcDEF", (long)getpid());
	CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/bell.1.s", dir);
	bell = socket(AF_UNIX, SOCK_DGRAM, 0);
	CU_ASSERT_EQUAL(bind(bell, (struct sockaddr *)&to, sizeof(to)), 0);
	make_old(dir);
	tr_ofi_sweep_all(60);
	CU_ASSERT_EQUAL(access(file, F_OK), 0);
	CU_ASSERT_EQUAL(access(to.sun_path, F_OK), 0);
	munmap(map, 4096);
	close(bell);
	tr_ofi_sweep_all(60);
	CU_ASSERT_NOT_EQUAL(access(file, F_OK), 0);
	CU_ASSERT_NOT_EQUAL(access(dir, F_OK), 0);
}

/* A doorbell's directory that has more in it than the doorbell's files loses only these. */
static void test_sweep_in_a_bell(void)
{
	static const struct left in[] = {{"bell.0", 1, 0}, {"bell.65534.s", 1, 0}, {"bell.", 0, 0},
	                                 {"bell.jpg", 0, 0}, {"bell.0.sh", 0, 0}, {"bell.7.s2", 0, 0}};
	pid_t pid = dead_process();
	char dir[60], path[80];

	snprintf(dir, sizeof(dir), "/tmp/dsm-bell.%ld.abcDEF", (long)pid);
	CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, in[i].path);
		make_left(path);
	}
	CU_ASSERT_EQUAL(tr_ofi_sweep(pid), 0);
	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, in[i].path);
		CU_ASSERT_EQUAL(access(path, F_OK) == 0, !in[i].is_ours);
		remove(path);
	}
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

/* ------------------------------------------------------------- steady state -- */

static void steady(struct node *node)
{
	unsigned before;

	part_order(node);
	before = atomic_load(&allocations);
	part_writes_4k(node);
	REQUIRE(node, before > 0);
	REQUIRE(node, atomic_load(&allocations) == before, "%u allocations",
	        atomic_load(&allocations) - before);
}

static void test_steady(void)
{
	static const char *const providers[] = {"shm", "tcp", "tcp;ofi_rxm"};
	struct world_config config = {.ops = &tr_ofi_ops, .nodes = 2};
	size_t i;

	for (i = 0; i < sizeof(providers) / sizeof(*providers); i++) {
		config.provider = providers[i];
		if (world_probe(&config))
			CU_ASSERT_EQUAL(world_run(&config, providers[i], steady), 0);
	}
}

/* ----------------------------------------------------------------- network -- */

/* As on several machines: no shm, and an address that is not the loopback's if there is
 * one. */
static void test_network(void)
{
	struct world_config config = {.ops = &tr_ofi_ops, .nodes = 3, .many_machines = 1};

	CU_ASSERT_EQUAL(world_run(&config, "network, order", part_order), 0);
	config.nodes = 2;
	CU_ASSERT_EQUAL(world_run(&config, "network, asleep", part_sleep_written), 0);
}

static CU_TestInfo tests[] = {
	{"unknown provider", test_unknown},
	{"default provider", test_default},
	{"one name for TCP", test_tcp},
	{"FI_PROVIDER", test_filtered},
	{"small /dev/shm", test_small_shm},
	{"signal handlers", test_signals},
	{"addresses", test_addresses},
	{"strangers", test_strangers},
	{"too many forged page writes", test_forged},
	{"keys of memory", test_keys},
	{"environment", test_environment},
	{"sweep", test_sweep},
	{"sweep by exact names", test_sweep_by_exact_names},
	{"sweep in a bell", test_sweep_in_a_bell},
	{"sweep of all by exact names", test_sweep_all_by_exact_names},
	{"sweep of all in use", test_sweep_all_in_use},
	{"no allocation in the steady state", test_steady},
	{"network", test_network},
	CU_TEST_INFO_NULL,
};

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	return suite_run("libfabric transport", NULL, NULL, tests, 300);
}
