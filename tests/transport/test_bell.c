/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doorbell by itself: who is rung when, and two threads that race sleep against ring.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/ofi_bell.h"
#include "tests/suite.h"

#define NODES 3
#define RACE_ROUNDS 60000

static struct ofi_bell *bell[NODES];
static char place[] = "/tmp/dsm-test-bell.XXXXXX"; /* a directory of this run */

static int rung(int i)
{
	struct pollfd pollfd = {.fd = ofi_bell_fd(bell[i]), .events = POLLIN};

	return poll(&pollfd, 1, 0) == 1;
}

static int setup(void)
{
	uint16_t i, k;

	if (!mkdtemp(place))
		return 1;
	for (i = 0; i < NODES; i++)
		if (ofi_bell_open(NULL, i, NODES, &bell[i]))
			return 1;
	for (i = 0; i < NODES; i++)
		for (k = 0; k < NODES; k++)
			if (i != k && ofi_bell_connect(bell[i], k, ofi_bell_path(bell[k])))
				return 1;
	return 0;
}

static int teardown(void)
{
	char path[OFI_BELL_PATH_MAX];
	int i;

	for (i = 0; i < NODES; i++) {
		strcpy(path, ofi_bell_path(bell[i]));
		ofi_bell_close(bell[i]);
		*strrchr(path, '/') = '\0';
		if (access(path, F_OK) == 0)
			return 1; /* its directory is still there */
	}
	return rmdir(place) != 0;
}

/* Says that there is something for bell i, and rings at once; whether it was asleep. */
static unsigned ring(int by, int i)
{
	ofi_bell_want(bell[by], i);
	return ofi_bell_ring_now(bell[by]);
}

static unsigned serve(int i)
{
	ofi_bell_serve(bell[i]);
	return ofi_bell_ring_now(bell[i]);
}

static void test_ring(void)
{
	CU_ASSERT_EQUAL(ring(0, 1), 0);
	CU_ASSERT(!rung(1));
	ofi_bell_sleep(bell[1]);
	CU_ASSERT_EQUAL(ring(0, 1), 1);
	CU_ASSERT_EQUAL(ring(2, 1), 0); /* once is enough */
	CU_ASSERT(rung(1) && !rung(0) && !rung(2));
	ofi_bell_awake(bell[1]);
	CU_ASSERT(!rung(1));
	CU_ASSERT_EQUAL(ring(0, 1), 0);
}

/* Who is noted is rung soon, but not if he has looked meanwhile. */
static void test_soon(void)
{
	unsigned rings = 0;

	ofi_bell_sleep(bell[1]);
	ofi_bell_want(bell[0], 1);
	CU_ASSERT(!rung(1));
	ofi_bell_awake(bell[1]);
	CU_ASSERT_EQUAL(ofi_bell_ring_now(bell[0]), 0); /* awake */
	ofi_bell_sleep(bell[1]);
	ofi_bell_want(bell[0], 1);
	ofi_bell_awake(bell[1]);
	ofi_bell_sleep(bell[1]);
	CU_ASSERT_EQUAL(ofi_bell_ring_now(bell[0]), 0); /* asleep again, after a look */
	CU_ASSERT(!rung(1));
	ofi_bell_want(bell[0], 1);
	ofi_bell_awake(bell[1]);
	ofi_bell_sleep(bell[1]);
	ofi_bell_want(bell[0], 1); /* more, which that look has not seen */
	ofi_bell_want(bell[2], 1);
	while (rings == 0) /* ends, or the suite's watchdog does */
		rings = ofi_bell_ring_soon(bell[0]);
	CU_ASSERT_EQUAL(rings, 1);
	CU_ASSERT(rung(1));
	CU_ASSERT_EQUAL(ofi_bell_ring_now(bell[2]), 0); /* another one has rung */
	ofi_bell_awake(bell[1]);
	CU_ASSERT(!rung(1));
}

/* A ring is announced before it is in the socket: who wakes up in between finds it later, and
 * must not be woken by it for ever. */
static void test_late(void)
{
	char byte;

	ofi_bell_sleep(bell[1]);
	CU_ASSERT_EQUAL(ring(0, 1), 1);
	CU_ASSERT_EQUAL(recv(ofi_bell_fd(bell[1]), &byte, 1, MSG_DONTWAIT), 1); /* not there yet */
	ofi_bell_awake(bell[1]);
	CU_ASSERT_EQUAL(ofi_bell_probe(bell[0], 1), 0); /* now it is */
	CU_ASSERT(rung(1));
	ofi_bell_awake(bell[1]);
	CU_ASSERT(!rung(1));
}

static void test_need(void)
{
	CU_ASSERT_EQUAL(serve(1), 0);
	ofi_bell_need(bell[0], 1);
	ofi_bell_sleep(bell[0]);
	CU_ASSERT_EQUAL(serve(2), 0); /* not of its concern */
	CU_ASSERT(!rung(0));
	CU_ASSERT_EQUAL(serve(1), 1);
	CU_ASSERT(rung(0));
	CU_ASSERT_EQUAL(serve(1), 0);
	ofi_bell_awake(bell[0]);
	/* Withdrawn on waking, whether it was served or not. */
	ofi_bell_need(bell[0], 1);
	ofi_bell_need(bell[0], 2);
	ofi_bell_sleep(bell[0]);
	CU_ASSERT_EQUAL(ring(2, 0), 1);
	ofi_bell_awake(bell[0]);
	ofi_bell_sleep(bell[0]);
	CU_ASSERT_EQUAL(serve(1), 0);
	CU_ASSERT_EQUAL(serve(2), 0);
	CU_ASSERT(!rung(0));
	ofi_bell_awake(bell[0]);
	/* Two that need the same one. */
	ofi_bell_need(bell[0], 1);
	ofi_bell_need(bell[2], 1);
	ofi_bell_sleep(bell[0]);
	ofi_bell_sleep(bell[2]);
	CU_ASSERT_EQUAL(serve(1), 2);
	CU_ASSERT(rung(0) && rung(2));
	ofi_bell_awake(bell[0]);
	ofi_bell_awake(bell[2]);
}

static void test_gone(void)
{
	struct ofi_bell *other;
	char path[OFI_BELL_PATH_MAX], want[OFI_BELL_PATH_MAX];

	snprintf(want, sizeof(want), "%s/bell.7", place);
	CU_ASSERT_EQUAL_FATAL(ofi_bell_open(place, 7, NODES, &other), 0);
	strcpy(path, ofi_bell_path(other));
	CU_ASSERT_STRING_EQUAL(path, want);
	ofi_bell_close(other);
	CU_ASSERT(access(path, F_OK));
	/* The longest directory that does not fit goes to /tmp instead. */
	char dir[200];
	memset(dir, 'd', sizeof(dir) - 1);
	dir[0] = '/';
	dir[sizeof(dir) - 1] = '\0';
	CU_ASSERT_EQUAL_FATAL(ofi_bell_open(dir, 1, NODES, &other), 0);
	CU_ASSERT(!strncmp(ofi_bell_path(other), "/tmp/dsm-bell.", 14));
	ofi_bell_close(other);
	/* A peer that is closed is found out by asking it. */
	CU_ASSERT_EQUAL(ofi_bell_probe(bell[0], 1), 0);
	CU_ASSERT(rung(1));
	ofi_bell_awake(bell[1]);
	CU_ASSERT_EQUAL(ofi_bell_gone(bell[0]), -1);
	/* It rings first, whom it has sent something to. */
	ofi_bell_sleep(bell[0]);
	ofi_bell_want(bell[1], 0);
	CU_ASSERT(!rung(0));
	ofi_bell_close(bell[1]);
	CU_ASSERT(rung(0));
	ofi_bell_awake(bell[0]);
	CU_ASSERT_EQUAL(ofi_bell_probe(bell[0], 1), -ENOTCONN);
	CU_ASSERT_EQUAL(ofi_bell_probe(bell[0], 1), -ENOTCONN);
	CU_ASSERT_EQUAL(ofi_bell_gone(bell[0]), 1);
	CU_ASSERT_EQUAL(ofi_bell_gone(bell[0]), -1);
	CU_ASSERT_EQUAL_FATAL(ofi_bell_open(NULL, 1, NODES, &bell[1]), 0);
}

static void test_impostors(void)
{
	struct ofi_bell *other;
	char path[64], link[64];
	int fd;

	snprintf(path, sizeof(path), "%s/file", place);
	snprintf(link, sizeof(link), "%s/link", place);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(ofi_bell_open(NULL, 0, NODES, &other), 0);
	CU_ASSERT_EQUAL(ofi_bell_connect(other, 1, path), -EINVAL); /* empty */
	CU_ASSERT_EQUAL(ftruncate(fd, 4096), 0);
	CU_ASSERT_EQUAL(ofi_bell_connect(other, 1, path), -EINVAL); /* no magic */
	CU_ASSERT_EQUAL(symlink(ofi_bell_path(bell[2]), link), 0);
	CU_ASSERT_EQUAL(ofi_bell_connect(other, 1, link), -ELOOP);
	CU_ASSERT_EQUAL(ofi_bell_connect(other, 1, place), -EISDIR);
	CU_ASSERT_EQUAL(ofi_bell_connect(other, 1, "/nonexistent"), -ENOENT);
	CU_ASSERT_EQUAL(ofi_bell_probe(other, 1), -ENOTCONN);
	CU_ASSERT_EQUAL(ofi_bell_connect(other, 2, ofi_bell_path(bell[2])), 0);
	CU_ASSERT_EQUAL(ofi_bell_connect(other, 2, ofi_bell_path(bell[2])), -EINVAL); /* twice */
	ofi_bell_close(other);
	unlink(link);
	unlink(path);
	close(fd);
}

/* -------------------------------------------------------------------- race -- */

/* The sender posts (here: a counter) and rings, a moment later; the sleeper goes to sleep unless it
 * sees the post. Half of the rounds the other direction, by need and serve. */
static _Atomic unsigned posted, taken;
static _Atomic int lost;

/* Shifts the two against each other, by some ns more each round. */
static void race_shift(unsigned n)
{
	volatile unsigned i;

	for (i = 0; i < n % 100; i++)
		;
}

static void *race_sleeper(void *arg)
{
	struct pollfd pollfd = {.fd = ofi_bell_fd(bell[0]), .events = POLLIN};
	unsigned seen = 0;

	while (seen < RACE_ROUNDS && !atomic_load(&lost)) {
		if (seen % 2)
			ofi_bell_need(bell[0], 2);
		race_shift(seen / 2);
		ofi_bell_sleep(bell[0]);
		if (seen % 3 == 0) { /* woken for another reason, without a look at posted */
			ofi_bell_awake(bell[0]);
			if (seen % 2)
				ofi_bell_need(bell[0], 2);
			ofi_bell_sleep(bell[0]);
		}
		/* Relaxed: the bell's fences alone must order it. */
		if (atomic_load_explicit(&posted, memory_order_relaxed) == seen &&
		    poll(&pollfd, 1, HANG_MS) == 0)
			atomic_store(&lost, 1);
		ofi_bell_awake(bell[0]);
		if (atomic_load_explicit(&posted, memory_order_relaxed) > seen) {
			seen++;
			atomic_store_explicit(&taken, seen, memory_order_relaxed);
		}
	}
	return NULL;
}

static void *race_sender(void *arg)
{
	unsigned n;

	for (n = 0; n < RACE_ROUNDS && !atomic_load(&lost); n++) {
		while (atomic_load_explicit(&taken, memory_order_relaxed) < n && !atomic_load(&lost))
			ofi_bell_serve(bell[2]);
		atomic_store_explicit(&posted, n + 1, memory_order_relaxed);
		if (n % 2)
			ofi_bell_serve(bell[2]);
		else
			ofi_bell_want(bell[2], 0);
		race_shift(n / 3);
		ofi_bell_ring_now(bell[2]);
	}
	return NULL;
}

static void test_race(void)
{
	pthread_t thread[2];

	pthread_create(&thread[0], NULL, race_sleeper, NULL);
	pthread_create(&thread[1], NULL, race_sender, NULL);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	CU_ASSERT(!atomic_load(&lost));
	CU_ASSERT_EQUAL(atomic_load(&taken), RACE_ROUNDS);
	/* The last ring may have come after the last look, and one of 16 looks finds all. */
	for (int i = 0; i < 16; i++)
		ofi_bell_awake(bell[0]);
	CU_ASSERT(!rung(0));
}

/* Rings 1, with the rights that this process has now, after its path has gone. */
static int ring_without_path(int may_rename)
{
	char path[OFI_BELL_PATH_MAX], hidden[OFI_BELL_PATH_MAX + 8];
	int rings;

	strcpy(path, ofi_bell_path(bell[1]));
	*strrchr(path, '/') = '\0';
	snprintf(hidden, sizeof hidden, "%s.gone", path);
	if (may_rename && rename(path, hidden))
		return -1;
	ofi_bell_sleep(bell[1]);
	rings = ring(0, 1) == 1 && rung(1);
	ofi_bell_awake(bell[1]);
	if (may_rename && rename(hidden, path))
		return -1;
	return rings;
}

/* As after a logout that takes XDG_RUNTIME_DIR away, and after setuid(). */
static void test_no_path(void)
{
	CU_ASSERT_EQUAL(ring_without_path(1), 1);
	if (geteuid())
		return;
	CU_ASSERT_FATAL(!seteuid(65534));
	CU_ASSERT_EQUAL(ring_without_path(0), 1); /* nor may it get there */
	CU_ASSERT_FATAL(!seteuid(0));
}

static CU_TestInfo tests[] = {
	{"ring", test_ring},
	{"noted now, rung soon", test_soon},
	{"rings that come late", test_late},
	{"need and serve", test_need},
	{"impostors", test_impostors},
	{"a path that is gone, another user", test_no_path},
	{"sleep against ring", test_race},
	{"gone peers, odd directories", test_gone},
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return suite_run("doorbell", setup, teardown, tests, 120);
}
