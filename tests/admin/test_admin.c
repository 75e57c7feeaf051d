/* SPDX-License-Identifier: BSD-2-Clause */
/* The admin socket answers its user, and nobody can make it wait. */
#include "config.h"

#include <errno.h>
#include <ev.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dsm/admin/socket.h"
#include "tests/suite.h"

#define BIG (4 << 20)

static char dir[64], path[90];
static struct admin *admin;
static struct ev_loop *loop;
static ev_async stop;
static pthread_t thread;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* --------------------------------------------------------------------- server -- */

static char *answer(void *ctx, const char *request)
{
	char *text;

	if (strcmp(request, "none") == 0)
		return NULL;
	if (strcmp(request, "big") == 0) {
		text = malloc(BIG + 1);
		memset(text, 'x', BIG);
		text[BIG] = '\0';
		return text;
	}
	if (asprintf(&text, "{\"%s\": \"%s\"}", (const char *)ctx, request) < 0)
		return NULL;
	return text;
}

static void on_stop(struct ev_loop *l, ev_async *w, int events)
{
	ev_break(l, EVBREAK_ALL);
}

static void *serve(void *arg)
{
	ev_run(loop, 0);
	return NULL;
}

static int server_start(void)
{
	strcpy(dir, "/tmp/dsm-test-admin.XXXXXX");
	if (!mkdtemp(dir))
		die("mkdtemp");
	snprintf(path, sizeof path, "%s/node-0.sock", dir);
	loop = ev_loop_new(0);
	ev_async_init(&stop, on_stop);
	ev_async_start(loop, &stop);
	errno = -admin_open(loop, path, answer, "you said", &admin);
	if (errno)
		die("admin_open");
	return pthread_create(&thread, NULL, serve, NULL);
}

static int server_stop(void)
{
	struct stat st;
	int gone;

	ev_async_send(loop, &stop);
	pthread_join(thread, NULL);
	admin_close(admin);
	ev_async_stop(loop, &stop);
	ev_loop_destroy(loop);
	gone = lstat(path, &st) && errno == ENOENT;
	rmdir(dir);
	return gone ? 0 : -1;
}

/* --------------------------------------------------------------------- client -- */

static int client(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr))
		die("connect");
	return fd;
}

static void say(int fd, const void *data, size_t len)
{
	send(fd, data, len, MSG_NOSIGNAL);
}

/* Reads to the end. Returns the bytes, or -ETIMEDOUT; the first ones are in buf. */
static long hear(int fd, char *buf, size_t len)
{
	static char sink[65536];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	long total = 0;
	ssize_t n;

	memset(buf, 0, len);
	for (;;) {
		if (poll(&p, 1, HANG_MS) <= 0)
			return -ETIMEDOUT;
		n = recv(fd, sink, sizeof sink, MSG_DONTWAIT);
		if (n <= 0)
			break;
		if (total == 0)
			memcpy(buf, sink, (size_t)n < len - 1 ? (size_t)n : len - 1);
		total += n;
	}
	close(fd);
	return total;
}

/* An ordinary client is served. */
static void expect_service(void)
{
	char text[100];
	int fd = client();

	say(fd, "status\n", 7);
	CU_ASSERT_EQUAL(hear(fd, text, sizeof text), 23);
	CU_ASSERT_STRING_EQUAL(text, "{\"you said\": \"status\"}\n");
}

/* It is served while one that says nothing is still waited for. On a machine that is very busy
 * the time of that one may be over before; if it is always, there is another reason. */
static void expect_service_meanwhile(void)
{
	struct pollfd p = { .events = POLLIN };
	char text[100];
	int open = 0;

	for (int i = 0; i < 20 && !open; i++) {
		p.fd = client();
		expect_service();
		open = poll(&p, 1, 0) == 0;
		CU_ASSERT_EQUAL(hear(p.fd, text, sizeof text), 0);
	}
	CU_ASSERT(open);
}

/* ---------------------------------------------------------------------- tests -- */

static void test_answers(void)
{
	char text[100];
	struct stat st;
	int fd;

	expect_service();
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	fd = client();
	say(fd, "pag", 3); /* in pieces */
	usleep(20000);
	say(fd, "es 1 2\n", 7);
	CU_ASSERT_EQUAL(hear(fd, text, sizeof text), 26);
	CU_ASSERT_STRING_EQUAL(text, "{\"you said\": \"pages 1 2\"}\n");
	fd = client();
	say(fd, "big\n", 4);
	CU_ASSERT_EQUAL(hear(fd, text, sizeof text), BIG + 1);
	fd = client();
	say(fd, "none\n", 5);
	CU_ASSERT_EQUAL(hear(fd, text, sizeof text), 0);
}

static void test_errors(void)
{
	char long_path[200];
	struct admin *other = NULL;
	struct ev_loop *l = ev_loop_new(0);

	memset(long_path, 'x', sizeof long_path);
	long_path[0] = '/';
	long_path[sizeof long_path - 1] = '\0';
	CU_ASSERT_EQUAL(admin_open(l, path, answer, NULL, &other), -EADDRINUSE);
	CU_ASSERT_EQUAL(admin_open(l, long_path, answer, NULL, &other), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(admin_open(l, "/tmp/dsm-none/x", answer, NULL, &other), -ENOENT);
	CU_ASSERT_PTR_NULL(other);
	ev_loop_destroy(l);
	expect_service(); /* the failed one has not taken the socket away */
}

static void test_garbage(void)
{
	unsigned seed = 4711;
	char bytes[300], text[100];
	int fd;

	for (int i = 0; i < 200; i++) {
		fd = client();
		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (char)((seed = seed * 1103515245u + 12345u) >> 16);
		say(fd, bytes, (seed >> 8) % sizeof bytes);
		close(fd);
	}
	memset(bytes, 'x', sizeof bytes);
	fd = client();
	say(fd, bytes, sizeof bytes); /* a line without end */
	CU_ASSERT_EQUAL(hear(fd, text, sizeof text), 0);
	fd = client();
	say(fd, "sta\0tus\n", 8);
	CU_ASSERT_EQUAL(hear(fd, text, sizeof text), 0);
	fd = client();
	close(fd); /* says nothing */
	fd = client();
	say(fd, "stat", 4); /* and this one half of it */
	close(fd);
	fd = client();
	say(fd, "big\n", 4); /* does not wait for the answer */
	close(fd);
	expect_service();
}

static void test_slow(void)
{
	double start = now();
	int silent = client(), half = client(), deaf = client();
	char text[100];
	long n;

	say(half, "stat", 4);
	say(deaf, "big\n", 4);
	expect_service_meanwhile();
	CU_ASSERT_EQUAL(hear(silent, text, sizeof text), 0);
	CU_ASSERT_EQUAL(hear(half, text, sizeof text), 0);
	CU_ASSERT(now() - start > 1.9);
	n = hear(deaf, text, sizeof text); /* what had fitted, no more */
	CU_ASSERT(n > 0 && n < BIG);
	expect_service();
}

/* 16 places, all taken by silent ones: the others wait, and are served in the end. */
static void test_many(void)
{
	int silent[16], fds[10];
	double start = now();
	char text[100];
	struct pollfd p = { .events = POLLIN };

	for (int i = 0; i < 16; i++)
		silent[i] = client();
	for (int i = 0; i < 10; i++) {
		fds[i] = client();
		say(fds[i], "stats\n", 6);
	}
	p.fd = fds[0];
	/* Unless the time of the silent ones is over, 2 s after they came. */
	CU_ASSERT(poll(&p, 1, 300) == 0 || now() - start > 1.9);
	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(hear(fds[i], text, sizeof text), 22);
	for (int i = 0; i < 16; i++)
		CU_ASSERT_EQUAL(hear(silent[i], text, sizeof text), 0);
	expect_service();
}

static void test_other_user(void)
{
	char text[100];
	int status, fd;
	pid_t pid;

	if (geteuid() != 0) {
		printf("(needs root) ");
		return;
	}
	CU_ASSERT_EQUAL(chmod(dir, 0755), 0);
	CU_ASSERT_EQUAL(chmod(path, 0666), 0);
	pid = fork();
	if (pid == 0) {
		alarm(HANG_S);
		if (setgid(65534) || setuid(65534))
			_exit(2);
		fd = client();
		say(fd, "status\n", 7);
		_exit(hear(fd, text, sizeof text) == 0 ? 0 : 1);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	expect_service();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "answers", test_answers },
		{ "errors of admin_open", test_errors },
		{ "garbage", test_garbage },
		{ "slow clients", test_slow },
		{ "more clients than places", test_many },
		{ "another user", test_other_user },
		CU_TEST_INFO_NULL,
	};

	return suite_run("admin", server_start, server_stop, tests, 60);
}
