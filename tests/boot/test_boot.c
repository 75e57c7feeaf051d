/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs on this machine find each other, and each way of failing has its sentence. */
#include "config.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coherence/wire.h"
#include "tests/boot/job.h"

#define GATHER_MS 20000

/* ---------------------------------------------------------------- environment -- */

static void set_env(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static int open_with(const char *dir, const char *rank, const char *size, char *why)
{
	struct boot *boot = NULL;
	int err;

	set_env("DSM_JOB", dir);
	set_env("DSM_RANK", rank);
	set_env("DSM_SIZE", size);
	why[0] = '\0';
	err = boot_open(&boot, why, 512);
	CU_ASSERT_EQUAL(err == 0, boot != NULL);
	if (boot)
		boot->ops->close(boot);
	return err;
}

static void test_environment(void)
{
	static const char *const bad[][3] = {
		{ "/tmp/x", NULL, NULL }, { NULL, "0", NULL }, { NULL, "0", "1" },
		{ "/tmp/x", "0", NULL },  { "/tmp/x", NULL, "1" },
		{ "tmp/x", "0", "1" },    { "", "0", "1" },
		{ "/tmp/x", "", "1" },    { "/tmp/x", "0", "" },  { "/tmp/x", "0", "0" },
		{ "/tmp/x", "0", "65" },  { "/tmp/x", "2", "2" }, { "/tmp/x", "-1", "2" },
		{ "/tmp/x", "+1", "2" },  { "/tmp/x", " 1", "2" }, { "/tmp/x", "1 ", "2" },
		{ "/tmp/x", "1x", "2" },  { "/tmp/x", "0x1", "2" }, { "/tmp/x", "1", "2.0" },
		{ "/tmp/x", "4294967296", "2" }, { "/tmp/x", "0", "4294967297" },
		{ "/tmp/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "0", "1" },
		{ "/dev/null", "0", "1" },
	};
	char why[512];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int err = open_with(bad[i][0], bad[i][1], bad[i][2], why);

		if (err != -EINVAL || !why[0])
			fprintf(stderr, "case %zu: %d \"%s\"\n", i, err, why);
		CU_ASSERT_EQUAL(err, -EINVAL);
		CU_ASSERT_NOT_EQUAL(why[0], '\0');
	}
	CU_ASSERT_EQUAL(open_with("/tmp/dsm-test-boot.none", "0", "1", why), -ECONNREFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "/tmp/dsm-test-boot.none"));
}

static void test_single(void)
{
	struct boot *boot;
	char why[512], all[8];
	uint32_t len = 0;

	set_env("DSM_JOB", NULL);
	set_env("DSM_RANK", NULL);
	set_env("DSM_SIZE", NULL);
	CU_ASSERT_EQUAL_FATAL(boot_open(&boot, why, sizeof why), 0);
	CU_ASSERT_EQUAL(boot->rank, 0);
	CU_ASSERT_EQUAL(boot->size, 1);
	CU_ASSERT_EQUAL(boot->one_machine, 1);
	CU_ASSERT_STRING_EQUAL(boot->runtime_dir, "");
	CU_ASSERT_EQUAL(boot->ops->fd(boot), -1);
	CU_ASSERT_EQUAL(boot->ops->ended(boot, why, sizeof why), 0);
	CU_ASSERT_EQUAL(boot->ops->allgather(boot, "abc", 3, all, sizeof all, &len, 0, why,
	                                     sizeof why), 0);
	CU_ASSERT_EQUAL(len, 3);
	CU_ASSERT_EQUAL(memcmp(all, "abc", 3), 0);
	CU_ASSERT_EQUAL(boot->ops->allgather(boot, "123456789", 9, all, sizeof all, &len, 0, why,
	                                     sizeof why), -EMSGSIZE);
	boot->ops->close(boot);
}

/* --------------------------------------------------------------------- rounds -- */

static size_t blob_fill(uint8_t *blob, int rank, int round)
{
	size_t len = (rank * 37u + round * 511u) % (BOOT_BLOB_MAX + 1);

	for (size_t i = 0; i < len; i++)
		blob[i] = (uint8_t)(rank * 7 + round * 13 + i);
	return len;
}

/* Nodes report the first thing that is wrong. */
static int node_rounds(struct boot *boot, int rounds, struct job_report *r)
{
	static uint8_t all[BOOT_LOCAL_MAX * BOOT_BLOB_MAX];
	uint8_t mine[BOOT_BLOB_MAX], want[BOOT_BLOB_MAX];
	uint32_t lens[BOOT_LOCAL_MAX];

	for (int round = 0; round < rounds; round++) {
		size_t len = blob_fill(mine, boot->rank, round);

		r->code = boot->ops->allgather(boot, mine, len, all, BOOT_BLOB_MAX, lens, GATHER_MS,
		                               r->why, sizeof r->why);
		for (int rank = 0; rank < boot->size && !r->code; rank++) {
			len = blob_fill(want, rank, round);
			if (lens[rank] != len || memcmp(all + rank * BOOT_BLOB_MAX, want, len)) {
				snprintf(r->why, sizeof r->why, "round %d: wrong blob of rank %d", round, rank);
				r->code = -EBADMSG;
			}
		}
		if (r->code)
			return r->code;
	}
	return 0;
}

static void child_rounds(struct job *job, int rank, struct job_report *r)
{
	struct boot *boot;

	r->code = boot_open(&boot, r->why, sizeof r->why);
	if (r->code)
		return;
	if (boot->rank != rank || boot->size != job->nodes || !boot->one_machine ||
	    strcmp(boot->runtime_dir, job->dir) || strcmp(boot->job, strrchr(job->dir, '/') + 1))
		r->code = -EBADMSG;
	else if (!node_rounds(boot, 4, r))
		r->code = boot->ops->ended(boot, r->why, sizeof r->why);
	boot->ops->close(boot);
}

/* Every report has this code, and this text in its sentence. */
static void expect_reports(const struct job *job, int first, int end, int code, const char *text)
{
	for (int i = first; i < end; i++) {
		const struct job_report *r = &job->reports[i];

		if (!r->done || r->code != code || !strstr(r->why, text))
			fprintf(stderr, "child %d: done %d, code %d, \"%s\"\n", i, r->done, r->code, r->why);
		CU_ASSERT_EQUAL(r->done, 1);
		CU_ASSERT_EQUAL(r->code, code);
		CU_ASSERT_PTR_NOT_NULL(strstr(r->why, text));
	}
}

static void rounds_with(int nodes)
{
	struct job job;
	struct stat st;

	job_open(&job, nodes);
	for (int rank = nodes - 1; rank >= 0; rank--)
		job_start(&job, rank, child_rounds);
	job_run(&job);
	expect_reports(&job, 0, nodes, 0, "");
	CU_ASSERT_PTR_NULL(rendezvous_ended(job.rendezvous));
	/* All have left: the places are free again. */
	job.children = 0;
	for (int rank = 0; rank < nodes; rank++)
		job_start(&job, rank, child_rounds);
	job_run(&job);
	expect_reports(&job, 0, nodes, 0, "");
	CU_ASSERT_EQUAL(lstat(job.dir, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0700);
	job_close(&job);
	CU_ASSERT_EQUAL(lstat(job.dir, &st), -1);
}

static void test_rounds_1(void)
{
	rounds_with(1);
}

static void test_rounds_4(void)
{
	rounds_with(4);
}

static void test_rounds_64(void)
{
	rounds_with(64);
}

/* A node of a second generation that comes while one of the first is still there. */
static void test_early_successor(void)
{
	struct job job;
	struct boot_msg bye;
	int first, second, next;

	job_open(&job, 2);
	first = raw_connect(&job);
	raw_hello(first, 0, 2, PACKAGE_VERSION, COH_WIRE_VERSION);
	second = raw_connect(&job);
	raw_hello(second, 1, 2, PACKAGE_VERSION, COH_WIRE_VERSION);
	job_serve(&job, 50);
	boot_msg_set(&bye, BOOT_BYE, NULL, 0);
	CU_ASSERT_EQUAL(boot_msg_send(first, &bye), 0);
	close(first);
	job_serve(&job, 50);
	next = job_start(&job, 0, child_rounds);
	job_serve(&job, 100);
	CU_ASSERT_NOT_EQUAL(job.pids[next], 0);
	CU_ASSERT_EQUAL(boot_msg_send(second, &bye), 0);
	close(second);
	job_start(&job, 1, child_rounds);
	job_run(&job);
	expect_reports(&job, 0, 2, 0, "");
	job_close(&job);
}

/* ------------------------------------------------------------------- refusals -- */

static void child_open(struct job *job, int rank, struct job_report *r)
{
	struct boot *boot;

	r->code = boot_open(&boot, r->why, sizeof r->why);
	if (!r->code)
		boot->ops->close(boot);
}

static void version_mismatch(const char *version, unsigned protocol, const char *text)
{
	struct boot_msg msg;
	struct job job;
	int fd;

	job_open(&job, 3);
	job_start(&job, 0, child_rounds);
	job_start(&job, 2, child_rounds);
	job_serve(&job, 200);
	fd = raw_connect(&job);
	raw_hello(fd, 1, 3, version, protocol);
	job_run(&job);
	expect_reports(&job, 0, 2, -EPROTONOSUPPORT, text);
	expect_reports(&job, 0, 2, -EPROTONOSUPPORT, "rank 1 runs libdsm");
	/* The one that differs is told too, and so is who comes later. */
	CU_ASSERT_EQUAL(raw_receive(fd, &msg), 1);
	CU_ASSERT_EQUAL(msg.type, BOOT_END);
	CU_ASSERT_EQUAL(msg.code, -EPROTONOSUPPORT);
	CU_ASSERT_EQUAL(raw_receive(fd, &msg), 0);
	close(fd);
	job_start(&job, 0, child_open);
	job_run(&job);
	expect_reports(&job, 2, 3, -EPROTONOSUPPORT, text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rendezvous_ended(job.rendezvous));
	CU_ASSERT_PTR_NOT_NULL(strstr(rendezvous_ended(job.rendezvous), text));
	job_close(&job);
}

static void test_versions(void)
{
	char protocol[40];

	version_mismatch("0.0.7", COH_WIRE_VERSION, "libdsm 0.0.7");
	snprintf(protocol, sizeof protocol, "protocol %u", COH_WIRE_VERSION + 5u);
	version_mismatch(PACKAGE_VERSION, COH_WIRE_VERSION + 5, protocol);
}

static void child_other_size(struct job *job, int rank, struct job_report *r)
{
	set_env("DSM_SIZE", "40");
	child_open(job, rank, r);
}

/* Whoever has no place is refused; the job does not suffer. */
static void test_refused(void)
{
	struct boot_msg msg;
	struct job job;
	int fd;

	job_open(&job, 2);
	job_start(&job, 0, child_rounds);
	job_serve(&job, 200);
	job_start(&job, 0, child_open);
	job_wait(&job, 1);
	expect_reports(&job, 1, 2, -EEXIST, "rank 0 is taken by process");
	job_start(&job, 33, child_other_size);
	job_wait(&job, 2);
	expect_reports(&job, 2, 3, -EINVAL, "DSM_SIZE says 40 nodes, but the job has 2");
	fd = raw_connect(&job);
	raw_hello(fd, 2, 2, PACKAGE_VERSION, COH_WIRE_VERSION);
	job_serve(&job, 100);
	CU_ASSERT_EQUAL(raw_receive(fd, &msg), 1);
	CU_ASSERT_EQUAL(msg.code, -EINVAL);
	close(fd);
	job_start(&job, 1, child_rounds);
	job_run(&job);
	expect_reports(&job, 0, 1, 0, "");
	expect_reports(&job, 3, 4, 0, "");
	job_close(&job);
}

static void child_nobody(struct job *job, int rank, struct job_report *r)
{
	struct boot_hello hello = { COH_WIRE_VERSION, 2, PACKAGE_VERSION };
	struct boot_msg msg;
	int fd;

	if (setgid(65534) || setuid(65534))
		die("setuid");
	/* Shown the door, whatever it says. */
	fd = raw_connect(job);
	boot_msg_set(&msg, BOOT_HELLO, &hello, sizeof hello);
	msg.rank = 1;
	boot_msg_send(fd, &msg);
	if (raw_receive(fd, &msg) != 0) {
		r->code = -EPERM;
		return;
	}
	r->code = open_with(job->dir, "1", "2", r->why);
}

static void test_other_user(void)
{
	char path[200];
	struct job job;

	if (geteuid() != 0) {
		printf("(needs root) ");
		return;
	}
	job_open(&job, 2);
	snprintf(path, sizeof path, "%s/%s", job.dir, BOOT_SOCKET);
	CU_ASSERT_EQUAL(chmod(job.dir, 0755), 0);
	CU_ASSERT_EQUAL(chmod(path, 0666), 0);
	job_start(&job, 1, child_nobody);
	job_run(&job);
	expect_reports(&job, 0, 1, -EACCES, "belongs to user 0");
	job_close(&job);
}

/* -------------------------------------------------------------------- failures -- */

static void child_impatient(struct job *job, int rank, struct job_report *r)
{
	uint8_t all[4 * 8];
	uint32_t lens[4];
	struct boot *boot;

	r->code = boot_open(&boot, r->why, sizeof r->why);
	if (r->code)
		return;
	r->code = boot->ops->allgather(boot, "x", 1, all, 8, lens, 300, r->why, sizeof r->why);
	r->why[0] = '\0';
	/* It says so again, at once. */
	if (boot->ops->allgather(boot, "x", 1, all, 8, lens, 300, r->why, sizeof r->why) != r->code)
		r->code = -EBADMSG;
	/* Stay until the others have had their answer, too: leaving would be another reason. */
	job->reports[job->nodes + rank].done = 1;
	while (!job->reports[job->nodes + 2 - rank].done)
		usleep(1000);
	boot->ops->close(boot);
}

static void test_missing(void)
{
	struct job job;

	job_open(&job, 4);
	job_start(&job, 0, child_impatient);
	job_start(&job, 2, child_impatient);
	job_run(&job);
	expect_reports(&job, 0, 2, -ETIMEDOUT, "with rank 1, 3");
	job_close(&job);
}

static void child_dies(struct job *job, int rank, struct job_report *r)
{
	struct boot *boot;

	r->code = boot_open(&boot, r->why, sizeof r->why);
	r->done = 1;
	_exit(1);
}

static void test_death_in_round(void)
{
	struct job job;

	job_open(&job, 4);
	for (int rank = 0; rank < 3; rank++)
		job_start(&job, rank, child_rounds);
	job_serve(&job, 100);
	job_start(&job, 3, child_dies);
	job_run(&job);
	expect_reports(&job, 0, 3, -ECONNRESET, "rank 3 (process ");
	expect_reports(&job, 3, 4, 0, "");
	job_close(&job);
}

static void child_leaves(struct job *job, int rank, struct job_report *r)
{
	child_open(job, rank, r);
}

static void test_leaving_in_round(void)
{
	struct job job;

	job_open(&job, 2);
	job_start(&job, 0, child_rounds);
	job_start(&job, 1, child_leaves);
	job_run(&job);
	expect_reports(&job, 0, 1, -ECONNRESET, "rank 1 has left");
	expect_reports(&job, 1, 2, 0, "");
	job_close(&job);
}

static void test_gone(void)
{
	struct job job;

	job_open(&job, 3);
	rendezvous_gone(job.rendezvous, 1);
	job_start(&job, 0, child_rounds);
	job_start(&job, 2, child_rounds);
	job_run(&job);
	expect_reports(&job, 0, 2, -ECONNRESET, "rank 1 has ended without joining");
	job_close(&job);
}

/* Waits in the way a node's event loop does. */
static void child_watches(struct job *job, int rank, struct job_report *r)
{
	struct boot *boot;
	struct pollfd p = { .events = POLLIN };

	r->code = boot_open(&boot, r->why, sizeof r->why);
	if (r->code || node_rounds(boot, 1, r))
		return;
	job->reports[JOB_CHILDREN - 1 - rank].done = 1;
	p.fd = boot->ops->fd(boot);
	r->code = poll(&p, 1, 0); /* not yet */
	if (r->code == 0 && poll(&p, 1, 10000) == 1)
		r->code = boot->ops->ended(boot, r->why, sizeof r->why);
	boot->ops->close(boot);
}

/* The node's loop looks at the descriptor while another thread takes part in a round. */
static void *look(void *arg)
{
	struct job_report *r = arg;
	struct boot *boot;
	struct pollfd p = { .events = POLLIN };
	char why[512];

	memcpy(&boot, r->why, sizeof boot);
	p.fd = boot->ops->fd(boot);
	while (poll(&p, 1, 10000) == 1) {
		r->code = boot->ops->ended(boot, why, sizeof why);
		if (r->code) {
			strcpy(r->why, why);
			break;
		}
	}
	return NULL;
}

static void child_looks(struct job *job, int rank, struct job_report *r)
{
	struct job_report looked = { 0 };
	struct boot *boot;
	pthread_t thread;

	r->code = boot_open(&boot, r->why, sizeof r->why);
	if (r->code)
		return;
	memcpy(looked.why, &boot, sizeof boot);
	pthread_create(&thread, NULL, look, &looked);
	r->code = 1;
	if (!node_rounds(boot, 300, r)) {
		job->reports[JOB_CHILDREN - 1 - rank].done = 1;
		pthread_join(thread, NULL);
		r->code = looked.code;
		strcpy(r->why, looked.why);
	}
	boot->ops->close(boot);
}

static void child_dies_after_rounds(struct job *job, int rank, struct job_report *r)
{
	struct boot *boot;

	r->code = boot_open(&boot, r->why, sizeof r->why);
	if (r->code || node_rounds(boot, 300, r))
		return;
	while (!job->reports[JOB_CHILDREN - 1].done || !job->reports[JOB_CHILDREN - 2].done)
		usleep(1000);
	r->done = 1;
	_exit(0);
}

static void test_looking(void)
{
	struct job job;

	job_open(&job, 3);
	job_start(&job, 0, child_looks);
	job_start(&job, 1, child_looks);
	job_start(&job, 2, child_dies_after_rounds);
	job_run(&job);
	expect_reports(&job, 0, 2, -ECONNRESET, "rank 2 (process ");
	expect_reports(&job, 2, 3, 0, "");
	job_close(&job);
}

static void child_dies_later(struct job *job, int rank, struct job_report *r)
{
	struct boot *boot;

	r->code = boot_open(&boot, r->why, sizeof r->why);
	if (r->code || node_rounds(boot, 1, r))
		return;
	while (!job->reports[JOB_CHILDREN - 1].done || !job->reports[JOB_CHILDREN - 2].done)
		usleep(1000);
	usleep(20000); /* they look at the descriptor meanwhile */
	r->done = 1;
	_exit(0);
}

static void test_watching(void)
{
	struct job job;

	job_open(&job, 3);
	job_start(&job, 0, child_watches);
	job_start(&job, 1, child_watches);
	job_start(&job, 2, child_dies_later);
	job_run(&job);
	expect_reports(&job, 0, 2, -ECONNRESET, "rank 2 (process ");
	job_close(&job);

	/* The starter itself goes away. */
	job_open(&job, 1);
	job_start(&job, 0, child_watches);
	while (!job.reports[JOB_CHILDREN - 1].done)
		job_serve(&job, 10);
	job_serve(&job, 20);
	rendezvous_close(job.rendezvous);
	job.rendezvous = NULL;
	waitpid(job.pids[0], NULL, 0);
	expect_reports(&job, 0, 1, -ECONNRESET, "starter is gone");
	job_close(&job);
}

static void test_directory(void)
{
	char path[200], outside[200];
	struct rendezvous *r = NULL;
	struct stat st;
	struct job job;

	job_open(&job, 1);
	CU_ASSERT_EQUAL(rendezvous_open(job.dir, 1, &r), -EEXIST);
	CU_ASSERT_EQUAL(rendezvous_open("relative", 1, &r), -EINVAL);
	CU_ASSERT_EQUAL(rendezvous_open("/tmp/dsm-none/x", 1, &r), -ENOENT);
	CU_ASSERT_EQUAL(rendezvous_open("/tmp/dsm-test-x", 65, &r), -EINVAL);
	CU_ASSERT_PTR_NULL(r);
	snprintf(outside, sizeof outside, "%s.outside", job.dir);
	CU_ASSERT_EQUAL(mkdir(outside, 0700), 0);
	snprintf(path, sizeof path, "%s/link", job.dir);
	CU_ASSERT_EQUAL(symlink(outside, path), 0);
	snprintf(path, sizeof path, "%s/sub", job.dir);
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/sub/node-0.sock", job.dir);
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	job_close(&job);
	CU_ASSERT_EQUAL(lstat(job.dir, &st), -1);
	CU_ASSERT_EQUAL(lstat(outside, &st), 0); /* what a link points to is not ours */
	rmdir(outside);
}

/* --------------------------------------------------------------------- garbage -- */

static unsigned seed = 12345;

static unsigned draw(void)
{
	seed = seed * 1103515245u + 12345u;
	return seed >> 8;
}

/* Mostly headers that are almost right: those reach further in. */
static void send_garbage(int fd)
{
	struct boot_msg msg;
	size_t len = draw() % (sizeof msg + 1);

	for (size_t i = 0; i < sizeof msg; i++)
		((uint8_t *)&msg)[i] = (uint8_t)draw();
	if (draw() % 4) {
		msg.magic = BOOT_MAGIC;
		msg.type = draw() % (BOOT_TYPES + 2);
		msg.rank = draw() % 3;
		msg.round = draw() % 2;
		if (draw() % 2)
			len = offsetof(struct boot_msg, data) + draw() % 64;
		msg.len = (uint32_t)(len - offsetof(struct boot_msg, data) + (draw() % 8 == 0));
	}
	send(fd, &msg, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void test_garbage_of_strangers(void)
{
	struct job job;

	job_open(&job, 4);
	for (int i = 0; i < 300; i++) {
		int fd = raw_connect(&job);
		struct boot_msg msg;

		/* Whatever comes first is no hello of this job. */
		boot_msg_set(&msg, 1 + draw() % (BOOT_TYPES - 1), "nonsense", 8);
		send(fd, &msg, draw() % 20, MSG_NOSIGNAL);
		for (int k = draw() % 3; k > 0; k--)
			send_garbage(fd);
		job_serve(&job, 1);
		close(fd);
	}
	CU_ASSERT_PTR_NULL(rendezvous_ended(job.rendezvous));
	for (int rank = 0; rank < 4; rank++)
		job_start(&job, rank, child_rounds);
	job_run(&job);
	expect_reports(&job, 0, 4, 0, "");
	job_close(&job);
}

/* A member that sends nonsense ends the job, for all, by name. */
static void test_garbage_of_members(void)
{
	struct job job;
	int fd;

	job_open(&job, 2);
	job_start(&job, 0, child_rounds);
	fd = raw_connect(&job);
	raw_hello(fd, 1, 2, PACKAGE_VERSION, COH_WIRE_VERSION);
	job_serve(&job, 100);
	send(fd, "garbage", 7, MSG_NOSIGNAL);
	job_run(&job);
	expect_reports(&job, 0, 1, -ECONNRESET, "rank 1 sent nonsense");
	close(fd);
	job_close(&job);

	for (int i = 0; i < 200; i++) {
		job_open(&job, 2);
		for (int rank = 0; rank < 2; rank++) {
			fd = raw_connect(&job);
			raw_hello(fd, rank, 2, PACKAGE_VERSION, COH_WIRE_VERSION);
			for (int k = 0; k < 8; k++)
				send_garbage(fd);
			errno = -rendezvous_step(job.rendezvous, 0);
			CU_ASSERT_EQUAL(errno, 0);
		}
		job_close(&job); /* the connections stay open here: it must not mind */
		close(fd);
		close(fd - 1);
	}
}

/* Connections that say nothing take no place for long. */
static void test_silent_strangers(void)
{
	int fds[200];
	struct job job;

	job_open(&job, 2);
	for (int i = 0; i < 200; i++) {
		fds[i] = raw_connect(&job);
		job_serve(&job, 0);
	}
	job_serve(&job, 2500);
	for (int rank = 0; rank < 2; rank++)
		job_start(&job, rank, child_rounds);
	job_run(&job);
	expect_reports(&job, 0, 2, 0, "");
	for (int i = 0; i < 200; i++)
		close(fds[i]);
	job_close(&job);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "the environment is checked", test_environment },
		{ "a job of one", test_single },
		{ "rounds of 1 node", test_rounds_1 },
		{ "rounds of 4 nodes", test_rounds_4 },
		{ "rounds of 64 nodes", test_rounds_64 },
		{ "a successor that comes early", test_early_successor },
		{ "versions that differ", test_versions },
		{ "nodes without a place are refused", test_refused },
		{ "another user", test_other_user },
		{ "missing nodes are named", test_missing },
		{ "death in a round", test_death_in_round },
		{ "leaving in a round", test_leaving_in_round },
		{ "a process that never joins", test_gone },
		{ "watching for the end", test_watching },
		{ "looking for the end during rounds", test_looking },
		{ "the directory", test_directory },
		{ "garbage of strangers", test_garbage_of_strangers },
		{ "garbage of members", test_garbage_of_members },
		{ "silent strangers", test_silent_strangers },
		CU_TEST_INFO_NULL,
	};
	const CU_SuiteInfo suites[] = {
		{ "boot", NULL, NULL, NULL, NULL, (CU_TestInfo *)tests },
		CU_SUITE_INFO_NULL,
	};
	unsigned failed;

	alarm(60);
	if (CU_initialize_registry() || CU_register_suites((CU_SuiteInfo *)suites))
		return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
