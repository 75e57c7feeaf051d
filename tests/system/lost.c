/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that loses a node. The others learn it at once, where they wait for the others:
 *
 *	lost RANK           in a call, which returns DSM_ERR_LOST
 *	lost RANK access    in accesses to pages that this node has, which end in SIGBUS
 *	lost RANK calls     in system calls on pages that this node has, which end in EFAULT, and in
 *	                    dsm_alloc of a block whose pages it has
 *	lost RANK fails     as the first, but the node does not die: it fails and calls dsm_fini
 *	lost RANK children  as the first, but it leaves children behind; each says its number
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/hang.h"
#include "dsm/dsm_futex.h"
#include "tests/system/node.h"

#define THREADS 2     /* one reads, one writes */
#define BLOCK 2048 /* less than a page: it is cleared by stores, where the page is */
#define STOPPED_MS 500 /* so long the lost node does not answer, before it is killed */

static atomic_uint *pages; /* the victim's: its number, and one for each thread of each node */
static size_t page_uints;
static int victim;

static __thread sigjmp_buf *way_out;

static void on_sigbus(int sig)
{
	if (way_out)
		siglongjmp(*way_out, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Who is the last to leave it may find the lost node gone already. */
static void barrier(void)
{
	int rc = dsm_barrier(node.dsm);

	if (rc != DSM_ERR_LOST)
		OK(rc);
}

/* Accesses what the stopped node has, and gets no answer until it is dead. */
static void *touch(void *arg)
{
	int number = *(int *)arg;
	atomic_uint *mine = pages + (size_t)(1 + node.rank * THREADS + number) * page_uints;
	volatile uint64_t start = node_now_ns();
	sigjmp_buf out;

	if (!sigsetjmp(out, 1)) {
		way_out = &out;
		if (number)
			atomic_fetch_add(mine, 1);
		else
			atomic_load(mine);
		node_fail("has got a page of a node that was stopped");
	}
	way_out = NULL;
	node_say("SIGBUS after %llu ms", (unsigned long long)(node_now_ns() - start) / 1000000);
	return NULL;
}

static int thread_is_stopped(const char *path)
{
	char text[256] = "";
	const char *end;
	FILE *f = fopen(path, "r");

	if (!f)
		return 1; /* dead */
	if (!fgets(text, sizeof text, f))
		text[0] = '\0';
	fclose(f);
	end = strrchr(text, ')');
	return !end || !strchr("RSD", end[2]);
}

/* Whether none of its threads does anything any more: it is stopped, or dead already. */
static int is_stopped(unsigned pid)
{
	const struct dirent *e;
	char path[400];
	int stopped = 1;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%u/task", pid);
	d = opendir(path);
	while (d && stopped && (e = readdir(d))) {
		snprintf(path, sizeof path, "/proc/%u/task/%s/stat", pid, e->d_name);
		stopped = e->d_name[0] == '.' || thread_is_stopped(path);
	}
	if (d)
		closedir(d);
	return stopped;
}

/* Killed while it is stopped, with what others want. */
static _Noreturn void stop_and_die(void)
{
	struct sigevent kill = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec when = { .it_value.tv_nsec = STOPPED_MS * 1000000L };
	timer_t timer;

	CHECK(timer_create(CLOCK_MONOTONIC, &kill, &timer) == 0);
	CHECK(timer_settime(timer, 0, &when, NULL) == 0);
	raise(SIGSTOP);
	node_fail("goes on after it was stopped");
}

/* Of the first page, which the victim has written, every node has a copy. It stops; then each
 * other node runs its threads. */
static void lose_while(void *(*body)(void *))
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	size_t page = sysconf(_SC_PAGESIZE);
	pthread_t thread[THREADS];
	int number[THREADS];
	unsigned pid;

	page_uints = page / sizeof *pages;
	pages = node_shared("pages", page * (1 + THREADS * node.size), page);
	for (int i = 1; node.rank == victim && i < 1 + THREADS * node.size; i++)
		atomic_store(pages + i * page_uints, 1);
	if (node.rank == victim)
		atomic_store(pages, getpid());
	node_barrier();
	pid = atomic_load(pages);
	barrier();
	if (node.rank == victim)
		stop_and_die();
	while (!is_stopped(pid)) /* it may serve pages until then */
		nanosleep(&moment, NULL);
	for (int i = 0; i < THREADS; i++) {
		number[i] = i;
		CHECK(pthread_create(&thread[i], NULL, body, &number[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

static void expect_efault(ssize_t n, const char *what)
{
	if (n != -1 || errno != EFAULT)
		node_fail("%s: %zd, %s, not EFAULT", what, n, n < 0 ? strerror(errno) : "no error");
}

/* The kernel accesses what the stopped node has, for a thread that blocks all signals, too. */
static void *call(void *arg)
{
	int number = *(int *)arg;
	atomic_uint *mine = pages + (size_t)(1 + node.rank * THREADS + number) * page_uints;
	sigset_t all;
	int ends[2];
	void *again;

	CHECK(pipe(ends) == 0);
	sigfillset(&all);
	if (number == 0 && node.rank == (victim ? 0 : 1)) /* who is given the block again */
		EXPECT(DSM_ERR_LOST, dsm_alloc(node.dsm, BLOCK, 0, 0, &again));
	else if (number)
		pthread_sigmask(SIG_BLOCK, &all, NULL);
	expect_efault(write(ends[1], mine, 4), "write(2) of a page of the lost node");
	expect_efault(write(ends[1], mine, 4), "the same once more");
	CHECK(write(ends[1], ends, 4) == 4);
	expect_efault(read(ends[0], mine, 4), "read(2) into it");
	node_say("EFAULT");
	return NULL;
}

/* A block that the victim has written and freed is given to a survivor. */
static void lose_calls(void)
{
	char *block = node_shared("block", BLOCK, 0);
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	if (node.rank == victim) {
		memset(block, 1, BLOCK);
		OK(dsm_free(node.dsm, block));
	}
	lose_while(call);
	EXPECT(DSM_ERR_LOST, dsm_barrier(node.dsm));
	/* It is here, for reading only. */
	expect_efault(read(zero, pages, 4), "read(2) into a page that others have too");
	close(zero);
}

/* Takes a page of the window away from the library, which then cannot let anybody access it. */
static void fail_alone(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *taken = node_shared("taken", page, page);
	void *found;

	barrier();
	if (node.rank != victim)
		return;
	CHECK(munmap(taken, page) == 0);
	dsm_prefetch(node.dsm, taken, page);
	/* It does not come to the barrier before it has failed. */
	EXPECT(DSM_ERR_LOST, dsm_lookup(node.dsm, "nobody's", -1, &found));
}

/* Whatever a child does, but for having the node's memory and descriptors. One of them is in its parent's thread's
 * storage, too, so it calls nothing that a sanitizer follows. */
__attribute__((no_sanitize_thread)) static int be_there(void *arg)
{
	syscall(SYS_alarm, HANG_S); /* the script ends it before */
	for (;;)
		syscall(SYS_pause);
	return 0;
}

/* A child of each kind that has not come to exec. */
static _Noreturn void die_with_children(void)
{
	static _Alignas(16) char stack[16384];
	pid_t child[] = { fork(), -1, -1 };

	if (child[0] == 0)
		be_there(NULL);
	child[1] = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (child[1] == 0)
		be_there(NULL);
	child[2] = clone(be_there, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL); /* as by vfork */
	for (unsigned i = 0; i < sizeof child / sizeof *child; i++) {
		CHECK(child[i] > 0);
		node_say("child %d", (int)child[i]);
	}
	raise(SIGKILL);
	node_fail("goes on after it was killed");
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_sigbus };
	const uint32_t *word;

	victim = argc > 1 ? atoi(argv[1]) : 0;
	/* Before the library's own, where it has one: that passes on what is not its. */
	sigaction(SIGBUS, &action, NULL);
	node_join("lost", 30);
	word = node_shared("word", sizeof *word, 0);
	barrier();
	if (argc > 2 && !strcmp(argv[2], "fails"))
		fail_alone();
	else if (argc > 2 && !strcmp(argv[2], "children") && node.rank == victim)
		die_with_children();
	else if (argc > 2 && !strcmp(argv[2], "access"))
		lose_while(touch);
	else if (argc > 2 && !strcmp(argv[2], "calls"))
		lose_calls();
	else if (node.rank == victim)
		raise(SIGKILL);
	EXPECT(DSM_ERR_LOST, dsm_futex_wait(node.dsm, word, 0, -1));
	EXPECT(DSM_ERR_LOST, dsm_barrier(node.dsm));
	EXPECT(DSM_ERR_LOST, dsm_futex_wake(node.dsm, word, 1, NULL));
	node_say("the job is lost");
	dsm_fini(node.dsm);
	return 0;
}
