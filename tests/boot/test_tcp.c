/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs that are started by hand, over TCP: they form, and every way in which they do not,
 * or end early, has its sentence. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coherence/wire.h"
#include "dsm/boot/tcp.h"
#include "tests/boot/job.h"
#include "tests/suite.h"

/* Children that find each other at place; reports[] is shared with them. */
struct party {
	int size, timeout_ms, children;
	char host[20], place[40], port[12];
	pid_t pids[JOB_CHILDREN];
	struct job_report *reports;
};

typedef void (*child_fn)(struct party *p, int rank, struct job_report *r);

static void party_open(struct party *p, int size)
{
	static int last;
	int pid = getpid();

	memset(p, 0, sizeof *p);
	p->size = size;
	p->timeout_ms = HANG_MS;
	/* A loopback address of this process alone. Few listen at all addresses; ports are below those
	 * from which the kernel takes some for others. */
	last = last ? last + 1 : 10000 + pid % 200 * 45; /* those of the next process are others */
	snprintf(p->host, sizeof p->host, "127.%d.%d.%d", 64 + (pid >> 16), pid >> 8 & 255, pid & 255);
	snprintf(p->port, sizeof p->port, "%d", last);
	snprintf(p->place, sizeof p->place, "%s:%s", p->host, p->port);
	p->reports = mmap(NULL, JOB_CHILDREN * sizeof *p->reports, PROT_READ | PROT_WRITE,
	                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->reports == MAP_FAILED)
		die("mmap");
}

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	set_env(name, text);
}

static int party_start(struct party *p, int rank, child_fn fn)
{
	int i = p->children++;

	fflush(NULL);
	p->pids[i] = fork();
	if (p->pids[i] < 0)
		die("fork");
	if (p->pids[i] == 0) {
		alarm(HANG_S);
		set_env("DSM_RENDEZVOUS", p->place);
		set_number("DSM_RANK", rank);
		set_number("DSM_SIZE", p->size);
		fn(p, rank, &p->reports[i]);
		p->reports[i].done = 1;
		_exit(0);
	}
	return i;
}

static void party_wait(struct party *p, int first)
{
	for (int i = first; i < p->children; i++) {
		if (p->pids[i])
			waitpid(p->pids[i], NULL, 0);
		p->pids[i] = 0;
	}
}

static void party_close(struct party *p)
{
	party_wait(p, 0);
	munmap(p->reports, JOB_CHILDREN * sizeof *p->reports);
}

static void expect(const struct party *p, int i, int code, const char *text)
{
	expect_report(&p->reports[i], i, code, text);
}

/* -------------------------------------------------------------------- children -- */

static struct boot *child_boot(struct party *p, struct job_report *r)
{
	const struct boot_config c = { .timeout_ms = p->timeout_ms };
	struct boot *boot = NULL;

	r->code = boot_open(&c, &boot, r->why, sizeof r->why);
	r->joined = r->code == 0;
	return boot;
}

static void rounds(struct party *p, int rank, struct job_report *r)
{
	struct boot *boot = child_boot(p, r);

	if (!boot)
		return;
	if (boot->rank != rank || boot->size != p->size || !boot->one_machine ||
	    boot->nodes_here != p->size || boot->bind[0])
		r->code = -EBADMSG;
	else if (!node_rounds(boot, 4, r))
		r->code = boot->ops->ended(boot, r->why, sizeof r->why);
	boot->ops->close(boot);
}

static void leaves(struct party *p, int rank, struct job_report *r)
{
	struct boot *boot = child_boot(p, r);

	if (boot)
		boot->ops->close(boot);
}

/* Dies in the middle, but not before the others have got as far as they want. */
static void dies(struct party *p, int rank, struct job_report *r)
{
	struct boot *boot = child_boot(p, r);

	if (!boot || node_rounds(boot, 1, r))
		return;
	for (int i = 0; i < p->size; i++)
		while (i != rank && !p->reports[i].joined)
			usleep(1000);
	r->done = 1;
	_exit(0);
}

/* Cannot go on, says so, and leaves as nodes do. */
static void fails(struct party *p, int rank, struct job_report *r)
{
	struct boot *boot = child_boot(p, r);

	if (!boot || node_rounds(boot, 1, r))
		return;
	boot->ops->fail(boot, "no memory for it", 1);
	r->code = node_rounds(boot, 1, r) == -ECONNRESET ? 0 : -EBADMSG;
	boot->ops->close(boot);
}

/* Waits in the way a node's event loop does. */
static void watches(struct party *p, int rank, struct job_report *r)
{
	struct pollfd f = { .events = POLLIN };
	struct boot *boot = child_boot(p, r);

	if (!boot || node_rounds(boot, 1, r))
		return;
	f.fd = boot->ops->fd(boot);
	while (r->code == 0 && poll(&f, 1, HANG_MS) == 1)
		r->code = boot->ops->ended(boot, r->why, sizeof r->why);
	boot->ops->close(boot);
}

static void wrong_secret(struct party *p, int rank, struct job_report *r)
{
	set_env("DSM_SECRET", "xyzzy");
	rounds(p, rank, r);
}

static void right_secret(struct party *p, int rank, struct job_report *r)
{
	set_env("DSM_SECRET", "a secret of some length, which is not written anywhere else");
	rounds(p, rank, r);
}

/* An exchange of the caller's: a board that all see. */
#define BOARD_BYTES 4096
static struct board {
	_Atomic int given;
	uint8_t blob[2][BOARD_BYTES];
} *board;

static int board_exchange(void *ctx, const void *mine, void *all, size_t len)
{
	const int rank = *(const int *)ctx;

	if (len > BOARD_BYTES)
		return -1;
	memcpy(board->blob[rank], mine, len);
	atomic_fetch_or(&board->given, 1 << rank);
	while (atomic_load(&board->given) != 3)
		usleep(1000);
	for (int i = 0; i < 2; i++)
		memcpy((uint8_t *)all + i * len, board->blob[i], len);
	return 0;
}

static void exchanges(struct party *p, int rank, struct job_report *r)
{
	const struct boot_config c = { .timeout_ms = p->timeout_ms, .allgather = board_exchange,
	                               .allgather_ctx = &rank, .rank = rank, .size = 2 };
	struct boot *boot = NULL;

	r->code = boot_open(&c, &boot, r->why, sizeof r->why);
	if (boot)
		node_rounds(boot, 1, r);
	if (boot)
		boot->ops->close(boot);
}

static void of_another_size(struct party *p, int rank, struct job_report *r)
{
	set_number("DSM_SIZE", p->size + 1);
	rounds(p, rank, r);
}

static int patience_ms; /* of those who give up */

static void hurried(struct party *p, int rank, struct job_report *r)
{
	p->timeout_ms = patience_ms;
	rounds(p, rank, r);
}

/* Comes, but stays away from the first round. */
static void absent(struct party *p, int rank, struct job_report *r)
{
	struct boot *boot = child_boot(p, r);

	r->gave_up = 1;
	for (int i = 0; boot && i < p->size; i++)
		while (i != rank && !p->reports[i].done)
			usleep(1000);
	if (boot)
		boot->ops->close(boot);
}

/* Who leaves before another one has given up is what that one is told of. */
static void give_up_together(struct party *p, struct job_report *r)
{
	r->gave_up = 1;
	for (int i = 0; i < p->size; i++)
		while (!p->reports[i].gave_up && !p->reports[i].done)
			usleep(1000);
}

static void impatient(struct party *p, int rank, struct job_report *r)
{
	struct boot *boot = child_boot(p, r);
	uint8_t all[8 * 8];
	uint32_t lens[8];
	int ms = rank ? 2 * patience_ms : patience_ms; /* rank 0 is the first to lose it */

	if (!boot)
		return;
	r->code = boot->ops->allgather(boot, "x", 1, all, 8, lens, ms, r->why, sizeof r->why);
	/* It says so again, at once. */
	if (boot->ops->allgather(boot, "x", 1, all, 8, lens, ms, r->why, sizeof r->why) != r->code)
		r->code = -EBADMSG;
	give_up_together(p, r);
	boot->ops->close(boot);
}

/* --------------------------------------------------------------------- the tests -- */

static int open_with(const char *place, const char *rank, const char *size, char *why)
{
	const struct boot_config c = { .timeout_ms = 100 };
	struct boot *boot = NULL;
	int err;

	set_env("DSM_RENDEZVOUS", place);
	set_env("DSM_RANK", rank);
	set_env("DSM_SIZE", size);
	why[0] = '\0';
	err = boot_open(&c, &boot, why, 512);
	if (boot)
		boot->ops->close(boot);
	set_env("DSM_RENDEZVOUS", NULL);
	set_env("DSM_RANK", NULL);
	set_env("DSM_SIZE", NULL);
	return err;
}

static void test_environment(void)
{
	static const char *const bad[][3] = {
		{ "h:1", NULL, NULL }, { "h:1", "0", NULL }, { "h:1", NULL, "1" }, { "", "0", "2" },
		{ "h", "0", "2" },     { ":1", "0", "2" },   { "h:", "0", "2" },   { "h:0", "0", "2" },
		{ "h:65536", "0", "2" }, { "h:1x", "0", "2" }, { "h:-1", "0", "2" }, { "h: 1", "0", "2" },
		{ "::1:80", "0", "2" }, { "[::1]80", "0", "2" }, { "[]:80", "0", "2" },
		{ "[::1:80", "0", "2" }, { "h:1", "2", "2" }, { "h:1", "0", "0" }, { "h:1", "0", "1025" },
		{ "h:4294967297", "0", "2" }, { "h:1", "x", "2" },
	};
	char why[512];

	expect_invalid(bad, sizeof bad / sizeof bad[0], open_with);
	CU_ASSERT_EQUAL(open_with("localhost:1", "0", "1", why), 0); /* nobody to wait for */
	set_env("DSM_JOB", "/tmp/x");
	CU_ASSERT_EQUAL(open_with("localhost:1", "0", "2", why), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "set one"));
	set_env("DSM_JOB", NULL);
	CU_ASSERT_EQUAL(open_with("localhost:1", "1", "2", why), -ETIMEDOUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "for rank 0, the rendezvous, at port 1"));
}

static void run_rounds(int size, child_fn fn)
{
	struct party p;

	party_open(&p, size);
	for (int rank = size - 1; rank >= 0; rank--) /* rank 0 comes last */
		party_start(&p, rank, fn);
	party_wait(&p, 0);
	for (int i = 0; i < size; i++)
		expect(&p, i, 0, "");
	party_close(&p);
}

static void test_rounds(void)
{
	run_rounds(1, rounds);
	run_rounds(2, rounds);
	run_rounds(5, right_secret);
	run_rounds(64, rounds);
}

/* The secret that both nodes of a job have. */
static void run_secret(const char *host, child_fn fn, uint8_t secret[BOOT_SECRET], int unguarded)
{
	struct party p;

	party_open(&p, 2);
	if (host)
		snprintf(p.place, sizeof p.place, "%s:%s", host, p.port);
	for (int rank = 0; rank < 2; rank++)
		party_start(&p, rank, fn);
	party_wait(&p, 0);
	for (int i = 0; i < 2; i++) {
		expect(&p, i, 0, "");
		CU_ASSERT_EQUAL(memcmp(p.reports[0].secret, p.reports[i].secret, BOOT_SECRET), 0);
		CU_ASSERT_EQUAL(p.reports[i].unguarded, unguarded);
	}
	memcpy(secret, p.reports[0].secret, BOOT_SECRET);
	CU_ASSERT(is_secret(secret));
	party_close(&p);
}

/* By hand it is the one that was given; where none was, and others can come, that is known. An
 * exchange of the caller's brings a random one. */
static void test_secrets(void)
{
	uint8_t of[5][BOOT_SECRET];

	run_secret(NULL, right_secret, of[0], 0);
	run_secret("0.0.0.0", right_secret, of[1], 0);
	CU_ASSERT_EQUAL(memcmp(of[0], of[1], BOOT_SECRET), 0);
	run_secret(NULL, rounds, of[1], 0);
	CU_ASSERT_NOT_EQUAL(memcmp(of[0], of[1], BOOT_SECRET), 0);
	run_secret("0.0.0.0", rounds, of[2], 1);
	for (int i = 3; i < 5; i++) {
		board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		             -1, 0);
		if (board == MAP_FAILED)
			die("mmap");
		run_secret(NULL, exchanges, of[i], 0);
		munmap(board, sizeof *board);
	}
	CU_ASSERT_NOT_EQUAL(memcmp(of[3], of[4], BOOT_SECRET), 0);
}

/* Of those there is one loopback address for all processes, so a port that is free. */
static void place_ipv6(struct party *p)
{
	int port, fd = -1;

	for (int i = 0; i < 1000 && fd < 0; i++) {
		snprintf(p->port, sizeof p->port, "%d", 10000 + (getpid() * 16 + i) % 10000);
		fd = tcp_listen("::1", p->port, &port);
	}
	if (fd < 0)
		die("no port is free");
	close(fd);
	snprintf(p->place, sizeof p->place, "[::1]:%s", p->port);
}

/* Two jobs at a time, and an address of IPv6. */
static void test_two(void)
{
	struct party a, b;

	party_open(&a, 3);
	party_open(&b, 3);
	place_ipv6(&b);
	for (int rank = 0; rank < 3; rank++) {
		party_start(&a, rank, rounds);
		party_start(&b, rank, rounds);
	}
	for (int rank = 0; rank < 3; rank++) {
		party_wait(&a, 0);
		party_wait(&b, 0);
		expect(&a, rank, 0, "");
		expect(&b, rank, 0, "");
	}
	party_close(&a);
	party_close(&b);
}

/* Two of four come. Rank 0 gives up; whether it has seen rank 2 before. */
static bool two_missing(void)
{
	struct party p;
	char text[80];
	bool seen;

	party_open(&p, 4);
	party_start(&p, 2, rounds);
	party_start(&p, 0, hurried);
	party_wait(&p, 1);
	seen = !strstr(p.reports[1].why, "rank 1, 2, 3");
	snprintf(text, sizeof text, "waited %d s for the nodes with rank %s", patience_ms / 1000,
	         seen ? "1, 3" : "1, 2, 3");
	expect(&p, 1, -ETIMEDOUT, text);
	if (seen) {
		party_wait(&p, 0);
		expect(&p, 0, -ETIMEDOUT, "with rank 1, 3");
	} else if (p.pids[0]) {
		kill(p.pids[0], SIGKILL); /* it would go on looking for a rank 0 */
	}
	party_close(&p);
	return seen;
}

/* Whether it was another member's end that this one was told of, and not who is away. */
static bool told_of_another(const char *why, int away)
{
	if (away)
		return strstr(why, "rank 0, which does not answer") ||
		       strstr(why, "ended without leaving the job");
	return strstr(why, "rank 1 (") || strstr(why, "rank 2 (");
}

/* One stays away from a round: a member, or rank 0. Whether each of the others has heard of the
 * one that is missing; else a member has lost patience first: before rank 0 was in the round, or
 * so that rank 0 saw it go. */
static bool round_missing(int away)
{
	const char *text = away ? "rank 1" : "rank 0";
	bool heard = true;
	struct party p;

	party_open(&p, 3);
	for (int rank = 0; rank < 3; rank++)
		party_start(&p, rank, rank == away ? absent : impatient);
	party_wait(&p, 0);
	for (int rank = 0; rank < 3; rank++)
		heard &= rank == away || !told_of_another(p.reports[rank].why, away);
	for (int rank = 0; rank < 3 && heard; rank++)
		if (rank != away)
			expect(&p, rank, away && !rank ? -ETIMEDOUT : p.reports[rank].code, text);
	party_close(&p);
	return heard;
}

/* What those who give up say depends on who has come before. So they are the more patient, the
 * longer the others take on this machine. */
static void test_missing(void)
{
	struct party p;

	for (patience_ms = 1000; !two_missing(); patience_ms *= 2)
		CU_ASSERT_FATAL(patience_ms < 100000);

	patience_ms = 1000;
	party_open(&p, 2); /* the member is the first to lose patience */
	party_start(&p, 1, hurried);
	party_wait(&p, 0);
	expect(&p, 0, -ETIMEDOUT, "waited 1 s for rank 0, the rendezvous");
	party_close(&p);

	for (int away = 0; away < 2; away++)
		for (patience_ms = 1000; !round_missing(away); patience_ms *= 2)
			CU_ASSERT_FATAL(patience_ms < 100000);
}

static void test_strangers(void)
{
	struct party p;
	int i, again;

	party_open(&p, 3);
	party_start(&p, 0, rounds);
	party_start(&p, 1, rounds);
	while (!p.reports[2].done) { /* not before rank 0 listens */
		i = party_start(&p, 2, wrong_secret);
		party_wait(&p, i);
	}
	expect(&p, 2, -EACCES, "another DSM_SECRET");
	i = party_start(&p, 2, of_another_size);
	party_wait(&p, i);
	expect(&p, i, -EINVAL, "told of 4 nodes, rank 0 of 3");
	again = party_start(&p, 1, rounds); /* either of the two may have been first */
	while (!p.reports[1].done && !p.reports[again].done)
		usleep(1000);
	expect(&p, p.reports[1].done ? 1 : again, -EEXIST, "rank 1 is taken by process ");
	again = p.reports[1].done ? again : 1;
	i = party_start(&p, 0, rounds);
	party_wait(&p, i);
	expect(&p, i, -EADDRINUSE, "in use here, perhaps by another job");
	party_start(&p, 2, rounds);
	party_wait(&p, 0);
	expect(&p, 0, 0, "");
	expect(&p, again, 0, "");
	party_close(&p);
}

/* A node that fails by itself, between rounds and while others are in one. */
static void test_failures(void)
{
	struct party p;
	char text[40];

	for (int failed = 0; failed < 3; failed++)
		for (int watched = 0; watched < 2; watched++) {
			party_open(&p, 3);
			for (int rank = 0; rank < 3; rank++)
				party_start(&p, rank,
				            rank == failed ? fails : watched ? watches : rounds);
			party_wait(&p, 0);
			snprintf(text, sizeof text, "rank %d %s", failed,
			         failed ? "(process " : "has failed");
			for (int rank = 0; rank < 3; rank++) {
				if (rank == failed)
					continue;
				expect(&p, rank, -ECONNRESET, text);
				expect(&p, rank, -ECONNRESET, "has failed: no memory for it");
			}
			expect(&p, failed, 0, "no memory for it");
			party_close(&p);
		}
}

static void test_deaths(void)
{
	struct party p;

	for (int dead = 0; dead < 3; dead++) {
		char text[40];

		party_open(&p, 3);
		for (int rank = 0; rank < 3; rank++)
			party_start(&p, rank, rank == dead ? dies : watches);
		party_wait(&p, 0);
		snprintf(text, sizeof text, "rank %d %s", dead, dead ? "(process " : "ended");
		for (int rank = 0; rank < 3; rank++)
			if (rank != dead)
				expect(&p, rank, -ECONNRESET, text);
		party_close(&p);

		party_open(&p, 3); /* in a round */
		for (int rank = 0; rank < 3; rank++)
			party_start(&p, rank, rank == dead ? dies : rounds);
		party_wait(&p, 0);
		for (int rank = 0; rank < 3; rank++)
			if (rank != dead)
				expect(&p, rank, -ECONNRESET, text);
		party_close(&p);

		party_open(&p, 3);
		for (int rank = 0; rank < 3; rank++)
			party_start(&p, rank, rank == dead ? leaves : rounds);
		party_wait(&p, 0);
		snprintf(text, sizeof text, "rank %d has left", dead);
		for (int rank = 0; rank < 3; rank++)
			expect(&p, rank, rank == dead ? 0 : -ECONNRESET, rank == dead ? "" : text);
		party_close(&p);
	}
}

/* ---------------------------------------------------------------- raw connections -- */

static int raw(const struct party *p)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int fd = -1;

	if (getaddrinfo(p->host, p->port, &hints, &list))
		die("getaddrinfo");
	for (int i = 0; i < HANG_MS; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(fd, list->ai_addr, list->ai_addrlen) == 0)
			break;
		close(fd);
		fd = -1;
		usleep(1000);
	}
	freeaddrinfo(list);
	if (fd < 0)
		die("connect");
	return fd;
}

/* A member of another version, or one that turns bad: msg follows its HELLO. */
static void raw_member(const struct party *p, int rank, const char *version, unsigned protocol,
                       const struct boot_msg *then, int bad_mac)
{
	struct tcp_hello t = { .hello = { .protocol = protocol, .size = p->size } };
	int64_t deadline = boot_now_ms() + HANG_MS;
	uint8_t secret[LINK_SECRET];
	struct boot_msg msg;
	struct link link;

	crypto_generichash(secret, sizeof secret, (const uint8_t *)"", 0, NULL, 0);
	if (link_open(&link, raw(p), deadline) || link_receive(&link, &msg, deadline) != 1 ||
	    link_secure(&link, secret, &msg, false))
		die("no challenge");
	snprintf(t.hello.version, sizeof t.hello.version, "%s", version);
	boot_msg_set(&msg, BOOT_HELLO, &t, sizeof t);
	msg.rank = rank;
	link_send(&link, &msg, deadline);
	link_receive(&link, &msg, deadline);
	link.key_out[0] ^= bad_mac;
	if (then)
		link_send(&link, then, deadline);
	while (link_receive(&link, &msg, deadline) == 1)
		;
	link_close(&link);
}

/* Rank 0 does not run for longer than it waits for a visitor's proof: a member that has given it
 * meanwhile is welcome. */
static void test_late_hub(void)
{
	struct tcp_hello t = { .hello = { .protocol = COH_WIRE_VERSION, .size = 2 } };
	int64_t deadline = boot_now_ms() + HANG_MS;
	uint8_t secret[LINK_SECRET];
	struct boot_msg msg;
	struct party p;
	struct link link;
	int fd;

	party_open(&p, 2);
	party_start(&p, 0, rounds);
	crypto_generichash(secret, sizeof secret, (const uint8_t *)"", 0, NULL, 0);
	fd = raw(&p);
	/* Its challenge is here, so it has let us in. */
	CU_ASSERT_EQUAL_FATAL(boot_wait(fd, POLLIN, deadline), 0);
	kill(p.pids[0], SIGSTOP);
	CU_ASSERT_EQUAL(waitpid(p.pids[0], NULL, WUNTRACED), p.pids[0]);
	CU_ASSERT_EQUAL_FATAL(link_open(&link, fd, deadline), 0);
	CU_ASSERT_EQUAL_FATAL(link_receive(&link, &msg, deadline), 1);
	CU_ASSERT_EQUAL_FATAL(link_secure(&link, secret, &msg, false), 0);
	snprintf(t.hello.version, sizeof t.hello.version, "%s", PACKAGE_VERSION);
	boot_msg_set(&msg, BOOT_HELLO, &t, sizeof t);
	msg.rank = 1;
	CU_ASSERT_EQUAL(link_send(&link, &msg, deadline), 0);
	usleep(5200000);
	kill(p.pids[0], SIGCONT);
	CU_ASSERT_EQUAL(link_receive(&link, &msg, deadline), 1);
	CU_ASSERT_EQUAL(msg.type, BOOT_WELCOME);
	link_close(&link);
	kill(p.pids[0], SIGKILL);
	party_close(&p);
}

static void test_versions(void)
{
	struct party p;

	party_open(&p, 3);
	party_start(&p, 0, rounds);
	raw_member(&p, 2, "0.0.9", COH_WIRE_VERSION, NULL, 0);
	party_wait(&p, 0);
	expect(&p, 0, -EPROTONOSUPPORT, "rank 2 runs libdsm 0.0.9");
	party_close(&p);
	party_open(&p, 2);
	party_start(&p, 0, rounds);
	raw_member(&p, 1, PACKAGE_VERSION, 9999, NULL, 0);
	party_wait(&p, 0);
	expect(&p, 0, -EPROTONOSUPPORT, "(protocol 9999)");
	party_close(&p);
}

static void test_bad_members(void)
{
	struct boot_msg bad[3];
	struct party p;

	boot_msg_set(&bad[0], BOOT_GIVE, "x", 1);
	bad[0].round = 7;
	boot_msg_set(&bad[1], BOOT_BLOB, "x", 1);
	boot_msg_set(&bad[2], BOOT_GIVE, "x", 1);
	for (int i = 0; i < 3; i++) {
		party_open(&p, 2);
		party_start(&p, 0, rounds);
		raw_member(&p, 1, PACKAGE_VERSION, COH_WIRE_VERSION, &bad[i], i == 2);
		party_wait(&p, 0);
		expect(&p, 0, -ECONNRESET, i ? "sent nonsense" : "out of turn");
		party_close(&p);
	}
}

/* Whoever is no member can neither break nor delay the job's start. */
static void test_garbage(void)
{
	uint32_t seed = 4711;
	int silent[40];
	struct party p;

	party_open(&p, 3);
	party_start(&p, 0, rounds);
	party_start(&p, 1, rounds);
	for (int i = 0; i < 40; i++)
		silent[i] = raw(&p);
	for (int i = 0; i < 300; i++) {
		struct boot_msg msg;
		int fd = raw(&p);
		size_t len;

		for (size_t k = 0; k < sizeof msg; k++)
			((uint8_t *)&msg)[k] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
		len = seed % sizeof msg;
		if (i % 3) {
			msg.magic = BOOT_MAGIC;
			msg.type = i % 2 ? BOOT_CHALLENGE : seed % BOOT_TYPES;
			msg.len = i % 4 ? LINK_NONCE : seed % 2000;
		}
		send(fd, &msg, len, MSG_NOSIGNAL);
		close(fd);
	}
	party_start(&p, 2, rounds);
	party_wait(&p, 0);
	for (int i = 0; i < 3; i++)
		expect(&p, i, 0, "");
	for (int i = 0; i < 40; i++)
		close(silent[i]);
	party_close(&p);
}

#define HELD 200 /* more than rank 0 has places for those who have proved nothing */

/* Who comes is heard, however many hold connections on which they say nothing. */
static void test_held(void)
{
	struct boot_msg challenge;
	struct party p;
	int held[HELD];

	party_open(&p, 2);
	party_start(&p, 0, rounds);
	for (int i = 0; i < HELD; i++) {
		held[i] = raw(&p);
		CU_ASSERT_FATAL(recv(held[i], &challenge, sizeof challenge, 0) > 0);
	}
	party_start(&p, 1, rounds);
	party_wait(&p, 0);
	for (int i = 0; i < 2; i++)
		expect(&p, i, 0, "");
	for (int i = 0; i < HELD; i++)
		close(held[i]);
	party_close(&p);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "the environment is checked", test_environment },
		{ "rounds of 1, 2, 5 and 64 nodes", test_rounds },
		{ "two jobs at a time", test_two },
		{ "secrets", test_secrets },
		{ "missing nodes are named", test_missing },
		{ "who has no place is told so", test_strangers },
		{ "deaths and departures", test_deaths },
		{ "nodes that fail", test_failures },
		{ "a rank 0 that comes late", test_late_hub },
		{ "versions that differ", test_versions },
		{ "members that turn bad", test_bad_members },
		{ "garbage of strangers", test_garbage },
		{ "connections that are held", test_held },
		CU_TEST_INFO_NULL,
	};

	if (link_library_init())
		return 1;
	return suite_run("boot over TCP", NULL, NULL, tests, 60);
}
