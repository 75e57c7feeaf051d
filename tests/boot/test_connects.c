/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of many addresses is found, and how long those that lead nowhere are waited for. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsm/boot/connects.h"
#include "tests/suite.h"

#define NOWHERE 14
/* One after the other, each waited for until it is given up, they take 28 s. */
#define LIMIT_MS 14000

static char port[6];

/* Addresses of this process alone, all at one port. */
static void address(int i, struct sockaddr_in *out, char *text, size_t len)
{
	int pid = getpid();

	*out = (struct sockaddr_in){ .sin_family = AF_INET };
	out->sin_port = htons((uint16_t)(10000 + pid % 9000));
	out->sin_addr.s_addr = htonl(127u << 24 | (unsigned)(96 + (pid >> 8 & 31)) << 16 |
	                             (unsigned)(pid & 255) << 8 | (unsigned)(1 + i));
	inet_ntop(AF_INET, &out->sin_addr, text, (socklen_t)len);
	snprintf(port, sizeof port, "%d", 10000 + pid % 9000);
}

static int listens(int i, int backlog, char *text, size_t len)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in a;

	address(i, &a, text, len);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, backlog), 0);
	return fd;
}

/* Nobody accepts here, and no more fit into the queue: the kernel drops what else comes. */
static void nowhere(int i, char *text, size_t len, int fds[3])
{
	struct sockaddr_in a;

	fds[0] = listens(i, 0, text, len);
	address(i, &a, text, len);
	for (int k = 1; k < 3; k++) {
		fds[k] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(fds[k], (struct sockaddr *)&a, sizeof a))
			CU_ASSERT_EQUAL_FATAL(errno, EINPROGRESS);
	}
}

static void test_nowhere(void)
{
	struct tcp_place place = { .hosts = NOWHERE + 1 };
	int fds[NOWHERE][3], last, fd;
	char why[256] = "", name[256] = "";
	struct connects c;

	for (int i = 0; i < NOWHERE; i++)
		nowhere(i, place.host[i], sizeof place.host[i], fds[i]);
	last = listens(NOWHERE, 4, place.host[NOWHERE], sizeof place.host[NOWHERE]);
	snprintf(place.port, sizeof place.port, "%s", port);
	CU_ASSERT_EQUAL_FATAL(connects_open(&c, &place, why, sizeof why), 0);
	fd = connects_next(&c, boot_now_ms() + LIMIT_MS, name, sizeof name);
	CU_ASSERT(fd >= 0);
	CU_ASSERT_STRING_EQUAL(name, place.host[NOWHERE]);
	close(fd);
	connects_close(&c);
	close(last);
	for (int i = 0; i < NOWHERE; i++)
		for (int k = 0; k < 3; k++)
			close(fds[i][k]);
}

/* Whoever has connected but is not the one: the next. */
static void test_in_order(void)
{
	struct tcp_place place = { .hosts = 4 };
	int listener[4], fd;
	char why[256] = "", name[256] = "";
	struct connects c;

	for (int i = 0; i < 4; i++)
		listener[i] = listens(i, 4, place.host[i], sizeof place.host[i]);
	close(listener[1]); /* refuses */
	snprintf(place.port, sizeof place.port, "%s", port);
	CU_ASSERT_EQUAL_FATAL(connects_open(&c, &place, why, sizeof why), 0);
	for (int i = 0; i < 4; i++) {
		if (i == 1)
			continue;
		fd = connects_next(&c, boot_now_ms() + LIMIT_MS, name, sizeof name);
		CU_ASSERT(fd >= 0);
		CU_ASSERT_STRING_EQUAL(name, place.host[i]);
		close(fd);
		close(listener[i]);
	}
	CU_ASSERT_EQUAL(connects_next(&c, boot_now_ms() + LIMIT_MS, name, sizeof name), -ECONNREFUSED);
	connects_close(&c);
}

static void test_deadline(void)
{
	struct tcp_place place = { .hosts = 1 };
	char why[256] = "", name[256] = "";
	struct connects c;
	int fds[3];

	nowhere(0, place.host[0], sizeof place.host[0], fds);
	snprintf(place.port, sizeof place.port, "%s", port);
	CU_ASSERT_EQUAL_FATAL(connects_open(&c, &place, why, sizeof why), 0);
	CU_ASSERT_EQUAL(connects_next(&c, boot_now_ms() + 50, name, sizeof name), -ETIMEDOUT);
	CU_ASSERT_STRING_EQUAL(name, place.host[0]);
	connects_close(&c);
	for (int k = 0; k < 3; k++)
		close(fds[k]);
}

static void test_words(void)
{
	struct tcp_place place = { .hosts = 1, .host = { "localhost" } };
	char why[256] = "", name[256] = "";
	struct sockaddr_in a;
	struct connects c;

	address(0, &a, name, sizeof name);
	snprintf(place.port, sizeof place.port, "%s", port);
	CU_ASSERT_EQUAL_FATAL(connects_open(&c, &place, why, sizeof why), 0);
	CU_ASSERT(connects_next(&c, boot_now_ms() + LIMIT_MS, name, sizeof name) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(name, "localhost ("));
	CU_ASSERT_PTR_NOT_NULL(strstr(name, ", which is this machine itself)"));
	connects_close(&c);
	snprintf(place.host[0], sizeof place.host[0], "no.such.host.invalid");
	CU_ASSERT_EQUAL(connects_open(&c, &place, why, sizeof why), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no.such.host.invalid: "));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "addresses that lead nowhere", test_nowhere },
		{ "others answer, too", test_in_order },
		{ "deadline", test_deadline },
		{ "words", test_words },
		CU_TEST_INFO_NULL,
	};

	return suite_run("connects", NULL, NULL, tests, 30);
}
