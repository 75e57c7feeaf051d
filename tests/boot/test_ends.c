/* SPDX-License-Identifier: BSD-2-Clause */
/* Each way in which a job can end early has its sentence, and nonsense harms nobody. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coherence/wire.h"
#include "dsm/boot/keeper_state.h"
#include "tests/boot/job.h"
#include "tests/suite.h"

/* -------------------------------------------------------------------- failures -- */

static void child_impatient(struct job *job, int rank, struct job_report *r)
{
	uint8_t all[4 * 8];
	uint32_t lens[4];
	struct boot *boot;

	r->code = boot_open(NULL, &boot, r->why, sizeof r->why);
	if (r->code)
		return;
	r->code = boot->ops->allgather(boot, "x", 1, all, 8, lens, 100, r->why, sizeof r->why);
	r->why[0] = '\0';
	/* It says so again, at once. */
	if (boot->ops->allgather(boot, "x", 1, all, 8, lens, 100, r->why, sizeof r->why) != r->code)
		r->code = -EBADMSG;
	boot->ops->close(boot);
}

static void test_missing(void)
{
	struct boot_msg give;
	struct job job;
	int fd;

	job_open(&job, 4);
	/* Rank 2 has given before rank 0 asks. */
	fd = raw_connect(&job);
	raw_hello(fd, 2, 4, PACKAGE_VERSION, COH_WIRE_VERSION);
	job_serve_until(&job, fd);
	boot_msg_set(&give, BOOT_GIVE, "x", 1);
	CU_ASSERT_EQUAL(boot_msg_send(fd, &give), 0);
	job_serve(&job, 0);
	job_start(&job, 0, child_impatient);
	job_run(&job);
	expect_reports(&job, 0, 1, -ETIMEDOUT, "with rank 1, 3");
	close(fd);
	job_close(&job);
}

static void child_dies(struct job *job, int rank, struct job_report *r)
{
	struct boot *boot;

	r->code = boot_open(NULL, &boot, r->why, sizeof r->why);
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

	r->code = boot_open(NULL, &boot, r->why, sizeof r->why);
	if (r->code || node_rounds(boot, 1, r))
		return;
	p.fd = boot->ops->fd(boot);
	r->code = poll(&p, 1, 0); /* not yet */
	job->reports[JOB_CHILDREN - 1 - rank].done = 1;
	if (r->code == 0 && poll(&p, 1, HANG_MS) == 1)
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
	while (poll(&p, 1, HANG_MS) == 1) {
		r->code = boot->ops->ended(boot, why, sizeof why);
		if (r->code < 0) {
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

	r->code = boot_open(NULL, &boot, r->why, sizeof r->why);
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

	r->code = boot_open(NULL, &boot, r->why, sizeof r->why);
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

	r->code = boot_open(NULL, &boot, r->why, sizeof r->why);
	if (r->code || node_rounds(boot, 1, r))
		return;
	while (!job->reports[JOB_CHILDREN - 1].done || !job->reports[JOB_CHILDREN - 2].done)
		usleep(1000);
	r->done = 1;
	_exit(0);
}

static int fails_watched; /* the others of the job are child_watches */

static void child_fails(struct job *job, int rank, struct job_report *r)
{
	struct boot *boot;

	r->code = boot_open(NULL, &boot, r->why, sizeof r->why);
	if (r->code || node_rounds(boot, 1, r))
		return;
	while (fails_watched &&
	       !(job->reports[JOB_CHILDREN - 1].done && job->reports[JOB_CHILDREN - 3].done))
		usleep(1000); /* until both watch, who see that nothing has come yet */
	boot->ops->fail(boot, "no memory for it", 1);
	r->code = node_rounds(boot, 1, r) == -ECONNRESET ? 0 : -EBADMSG;
	boot->ops->close(boot);
}

/* A node that fails by itself, while others watch and while others are in a round. */
static void test_failing(void)
{
	struct job job;

	for (int watched = 0; watched < 2; watched++) {
		fails_watched = watched;
		job_open(&job, 3);
		job_start(&job, 0, watched ? child_watches : child_rounds);
		job_start(&job, 1, child_fails);
		job_start(&job, 2, watched ? child_watches : child_rounds);
		job_run(&job);
		expect_reports(&job, 0, 1, -ECONNRESET, "rank 1 (process ");
		expect_reports(&job, 0, 1, -ECONNRESET, "has failed: no memory for it");
		expect_reports(&job, 1, 2, 0, "no memory for it");
		expect_reports(&job, 2, 3, -ECONNRESET, "has failed: no memory for it");
		job_close(&job);
	}
}

static int outlive[2]; /* a pipe: children of the node that dies live until its end */

/* Whatever a child does, but for having the node's memory and descriptors. */
static int be_there(void *arg)
{
	char byte;

	close(outlive[1]);
	while (read(outlive[0], &byte, 1) > 0)
		;
	_exit(0);
}

/* Leaves a child of each kind behind. */
static void child_has_children(struct job *job, int rank, struct job_report *r)
{
	static _Alignas(16) char stack[16384];
	struct boot *boot;

	r->code = boot_open(NULL, &boot, r->why, sizeof r->why);
	if (r->code || node_rounds(boot, 1, r))
		return;
	if (fork() == 0 || syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) == 0)
		be_there(NULL);
	/* As one of vfork that does not get to its exec. */
	if (clone(be_there, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL) < 0)
		return;
	while (!job->reports[JOB_CHILDREN - 1].done || !job->reports[JOB_CHILDREN - 3].done)
		usleep(1000);
	r->done = 1;
	raise(SIGKILL);
}

/* The others learn of a node's end while its children live on. */
static void test_children(void)
{
	struct job job;

	CU_ASSERT_EQUAL_FATAL(pipe(outlive), 0);
	job_open(&job, 3);
	job_start(&job, 0, child_watches);
	job_start(&job, 1, child_has_children);
	job_start(&job, 2, child_watches);
	job_run(&job);
	expect_reports(&job, 0, 1, -ECONNRESET, "rank 1 (process ");
	expect_reports(&job, 2, 3, -ECONNRESET, "rank 1 (process ");
	job_close(&job);
	close(outlive[0]);
	close(outlive[1]);
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
	job_serve_until(&job, fd);
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

static void *take_part(void *boot)
{
	uint8_t all[2 * 8];
	uint32_t lens[2];
	char why[512];

	((struct boot *)boot)->ops->allgather(boot, "x", 1, all, 8, lens, HANG_MS, why, sizeof why);
	_exit(0);
}

/* Fails while another thread is in a round, which ends the process when that is over. */
static void child_fails_in_round(struct job *job, int rank, struct job_report *r)
{
	pthread_t thread;
	struct boot *boot;

	r->code = boot_open(NULL, &boot, r->why, sizeof r->why);
	if (r->code)
		return;
	pthread_create(&thread, NULL, take_part, boot);
	while (pthread_mutex_trylock(&((struct keeper *)boot)->turn) == 0) {
		pthread_mutex_unlock(&((struct keeper *)boot)->turn);
		sched_yield();
	}
	r->code = boot->ops->fail(boot, "no memory for it", 0);
	r->done = 1;
	pthread_join(thread, NULL);
}

static void test_failing_in_round(void)
{
	struct boot_msg give;
	struct job job;
	int fd;

	job_open(&job, 2);
	fd = raw_connect(&job);
	raw_hello(fd, 1, 2, PACKAGE_VERSION, COH_WIRE_VERSION);
	job_serve_until(&job, fd);
	job_start(&job, 0, child_fails_in_round);
	while (!job.reports[0].done)
		job_serve(&job, 0);
	CU_ASSERT_EQUAL(job.reports[0].code, 1);
	boot_msg_set(&give, BOOT_GIVE, "y", 1);
	CU_ASSERT_EQUAL(boot_msg_send(fd, &give), 0);
	job_run(&job);
	CU_ASSERT_PTR_NOT_NULL(strstr(job_ended(&job), "has failed: no memory for it"));
	close(fd);
	job_close(&job);
}

/* Who cannot go on, because another is dead, is not to blame, even where he is heard first. */
static void test_blame(void)
{
	struct boot_msg end;
	struct job job;
	int fd[2];

	job_open(&job, 2);
	for (int rank = 0; rank < 2; rank++) {
		fd[rank] = raw_connect(&job);
		raw_hello(fd[rank], rank, 2, PACKAGE_VERSION, COH_WIRE_VERSION);
		job_serve_until(&job, fd[rank]);
	}
	boot_msg_set(&end, BOOT_END, "its connection broke", 20);
	CU_ASSERT_EQUAL(boot_msg_send(fd[0], &end), 0);
	close(fd[1]);
	job_serve(&job, 0);
	CU_ASSERT_EQUAL(rendezvous_culprit(job.rendezvous), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(rendezvous_ended(job.rendezvous), "ended without leaving the job"));
	close(fd[0]);
	job_close(&job);
}

static void leave_quietly(int number)
{
	_exit(1);
}

/* A process that has our descriptors, and connects. It waits to be killed, or ended. */
static pid_t connect_for_us(const struct job *job, int *fd)
{
	int said[2];
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe2(said, O_CLOEXEC), 0);
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	CU_ASSERT_FATAL(pid >= 0);
	if (!pid) {
		*fd = raw_connect(job);
		signal(SIGTERM, leave_quietly);
		if (write(said[1], fd, sizeof *fd) == sizeof *fd)
			for (;;)
				pause();
		_exit(1);
	}
	CU_ASSERT_EQUAL_FATAL(read(said[0], fd, sizeof *fd), sizeof *fd);
	close(said[0]);
	close(said[1]);
	return pid;
}

/* Rank 0 cannot go on while rank 1 is dead, but has not been taken apart: its connection is still there.
 * Returns who is to blame. */
static int blame_while_ending(int number)
{
	struct boot_msg end;
	siginfo_t info;
	struct job job;
	pid_t pid;
	int fd[2], culprit;

	job_open(&job, 2);
	fd[0] = raw_connect(&job);
	pid = connect_for_us(&job, &fd[1]);
	for (int rank = 0; rank < 2; rank++) {
		raw_hello(fd[rank], rank, 2, PACKAGE_VERSION, COH_WIRE_VERSION);
		job_serve_until(&job, fd[rank]);
	}
	CU_ASSERT_EQUAL(kill(pid, number), 0);
	CU_ASSERT_EQUAL(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	boot_msg_set(&end, BOOT_END, "it cannot read what is there", 28);
	CU_ASSERT_EQUAL(boot_msg_send(fd[0], &end), 0);
	job_serve(&job, 0);
	culprit = rendezvous_culprit(job.rendezvous);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	close(fd[0]);
	close(fd[1]);
	job_close(&job);
	return culprit;
}

/* Who was killed is why the other cannot; who left, left as that one cannot. */
static void test_blame_dying(void)
{
	CU_ASSERT_EQUAL(blame_while_ending(SIGKILL), 1);
	CU_ASSERT_EQUAL(blame_while_ending(SIGTERM), 0);
}

/* Connections that say nothing give their places to those who come, the oldest first, and are told. */
static void test_silent_strangers(void)
{
	struct boot_msg msg;
	int fds[200];
	struct job job;

	job_open(&job, 2);
	for (int i = 0; i < 200; i++) {
		fds[i] = raw_connect(&job);
		job_serve(&job, 0);
	}
	CU_ASSERT_EQUAL(raw_receive(fds[0], &msg), 1);
	CU_ASSERT_EQUAL(msg.type, BOOT_END);
	CU_ASSERT_EQUAL(msg.code, -EBUSY);
	CU_ASSERT_EQUAL(recv(fds[199], &msg, sizeof msg, MSG_DONTWAIT), -1);
	CU_ASSERT_EQUAL(errno, EAGAIN);
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
		{ "missing nodes are named", test_missing },
		{ "death in a round", test_death_in_round },
		{ "leaving in a round", test_leaving_in_round },
		{ "a process that never joins", test_gone },
		{ "watching for the end", test_watching },
		{ "children that outlive a node", test_children },
		{ "a node that fails", test_failing },
		{ "looking for the end during rounds", test_looking },
		{ "garbage of strangers", test_garbage_of_strangers },
		{ "garbage of members", test_garbage_of_members },
		{ "failing in a round", test_failing_in_round },
		{ "who is to blame", test_blame },
		{ "who is to blame, while another dies", test_blame_dying },
		{ "silent strangers", test_silent_strangers },
		CU_TEST_INFO_NULL,
	};

	return suite_run("boot, ends", NULL, NULL, tests, 60);
}
