/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs on this machine find each other, and who has no place in one is told why. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coherence/wire.h"
#include "tests/boot/job.h"
#include "tests/suite.h"

/* ---------------------------------------------------------------- environment -- */

static int open_with(const char *dir, const char *rank, const char *size, char *why)
{
	struct boot *boot = NULL;
	int err;

	set_env("DSM_JOB", dir);
	set_env("DSM_RANK", rank);
	set_env("DSM_SIZE", size);
	why[0] = '\0';
	err = boot_open(NULL, &boot, why, 512);
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

	expect_invalid(bad, sizeof bad / sizeof bad[0], open_with);
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
	CU_ASSERT_EQUAL_FATAL(boot_open(NULL, &boot, why, sizeof why), 0);
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
	job_serve_until(&job, first);
	job_serve_until(&job, second);
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

/* A process may take its time between coming and saying who it is: the machine may be busy. */
static void test_late_hello(void)
{
	struct boot_msg msg;
	struct job job;
	int fd;

	job_open(&job, 1);
	fd = raw_connect(&job);
	job_serve(&job, 0);
	for (int i = 0; i < 30; i++) {
		usleep(100000);
		job_serve(&job, 0);
	}
	raw_hello(fd, 0, 1, PACKAGE_VERSION, COH_WIRE_VERSION);
	job_serve_until(&job, fd);
	CU_ASSERT_EQUAL(raw_receive(fd, &msg), 1);
	CU_ASSERT_EQUAL(msg.type, BOOT_WELCOME);
	close(fd);
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
	rmdir(job.base);
}

/* All nodes of a job get the same, and those of another another, which its starter has made. */
static void test_secret(void)
{
	struct job job[2];

	for (int i = 0; i < 2; i++) {
		job_open(&job[i], 2);
		job_start(&job[i], 0, child_rounds);
		job_start(&job[i], 1, child_rounds);
		job_run(&job[i]);
		expect_reports(&job[i], 0, 2, 0, "");
		CU_ASSERT(is_secret(job[i].reports[0].secret));
		CU_ASSERT_EQUAL(memcmp(job[i].reports[0].secret, job[i].reports[1].secret,
		                       BOOT_SECRET), 0);
		CU_ASSERT_EQUAL(job[i].reports[0].unguarded, 0);
	}
	CU_ASSERT_NOT_EQUAL(memcmp(job[0].reports[0].secret, job[1].reports[0].secret, BOOT_SECRET),
	                    0);
	job_close(&job[0]);
	job_close(&job[1]);
}

/* ------------------------------------------------------------------- refusals -- */


static void version_mismatch(const char *version, unsigned protocol, const char *text)
{
	struct boot_msg msg;
	struct job job;
	int fd;

	job_open(&job, 3);
	job_start(&job, 0, child_rounds);
	job_start(&job, 2, child_rounds);
	while (!job.reports[0].joined || !job.reports[1].joined)
		job_serve(&job, 1); /* the odd one is to come last */
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
	CU_ASSERT_PTR_NOT_NULL(strstr(job_ended(&job), text));
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
	while (!job.reports[0].joined)
		job_serve(&job, 1);
	job_start(&job, 0, child_open);
	job_wait(&job, 1);
	expect_reports(&job, 1, 2, -EEXIST, "rank 0 is taken by process");
	job_start(&job, 33, child_other_size);
	job_wait(&job, 2);
	expect_reports(&job, 2, 3, -EINVAL, "DSM_SIZE says 40 nodes, but the job has 2");
	fd = raw_connect(&job);
	raw_hello(fd, 2, 2, PACKAGE_VERSION, COH_WIRE_VERSION);
	job_serve_until(&job, fd);
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
	CU_ASSERT_EQUAL(chmod(job.base, 0755), 0);
	CU_ASSERT_EQUAL(chmod(job.dir, 0755), 0);
	CU_ASSERT_EQUAL(chmod(path, 0666), 0);
	job_start(&job, 1, child_nobody);
	job_run(&job);
	expect_reports(&job, 0, 1, -EACCES, "belongs to user 0");
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
		{ "a hello that comes late", test_late_hello },
		{ "versions that differ", test_versions },
		{ "nodes without a place are refused", test_refused },
		{ "another user", test_other_user },
		{ "the directory", test_directory },
		{ "each job has a secret", test_secret },
		CU_TEST_INFO_NULL,
	};

	return suite_run("boot", NULL, NULL, tests, 60);
}
