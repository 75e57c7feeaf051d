/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log of a node never keeps it. Two nodes, but where it says one; rank 0 has the log:
 *
 *	log stderr    its program writes shared pages to stderr, a pipe that is read slowly; needs
 *	              system calls on shared memory
 *	log lock      its program has a lock that the log function takes, and waits for a page
 *	log calls     its log function calls dsm_*, and reads shared pages
 *	log start     one node that cannot start says so before dsm_init returns
 *	log dies      it gets SIGBUS for a page of rank 1, which died: its last lines are out
 *	log aborts    the same when it calls abort() because the job is lost
 *	log blocked   a thread of one node has SIGBUS blocked: a warning where faults are signals
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/hang.h"
#include "tests/system/node.h"

#define PAGE 4096
#define PAGES 8
#define ROUNDS 8

static char (*page)[PAGE];

static int is_logged(void)
{
	const char *rank = getenv("DSM_RANK");

	return !rank || !strcmp(rank, "0");
}

static void join(dsm_log_fn fn)
{
	if (is_logged())
		node.log = fn;
	node_join("log", 60);
	page = node_shared("pages", PAGES * PAGE, PAGE);
}

/* Rank 1 has all pages then, and rank 0 none. */
static void take_pages(int c)
{
	node_barrier();
	for (int i = 0; node.rank == 1 && i < PAGES; i++) {
		memset(page[i], c, PAGE - 1);
		page[i][PAGE - 1] = '\n';
	}
	node_barrier();
}

/* --- stderr --- */

static struct {
	int fd;
	unsigned pages, lines;
} reader;

/* A line is a page, or of the log: each comes whole. */
static void check_line(const char *line, size_t len)
{
	if (line[0] == 'x') {
		CHECK(len == PAGE - 1 && strspn(line, "x") == len);
		reader.pages++;
	} else {
		CHECK(!strncmp(line, "dsm 0 ", 6));
		reader.lines++;
	}
}

/* Reads little at a time, so that the pipe is full most of the time. */
static void *read_slowly(void *arg)
{
	static char line[2 * PAGE];
	char text[100];
	size_t len = 0;
	ssize_t n;

	while ((n = read(reader.fd, text, sizeof text)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			line[len++] = text[i];
			CHECK(len < sizeof line);
			if (text[i] != '\n')
				continue;
			line[--len] = '\0';
			check_line(line, len);
			len = 0;
		}
	return NULL;
}

static void write_to_stderr(void)
{
	int own = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), fd[2];
	pthread_t thread;

	if (is_logged())
		setenv("DSM_LOG", "trace", 1);
	join(NULL);
	if (node.rank == 0) {
		CHECK(pipe2(fd, O_CLOEXEC) == 0 && fcntl(fd[1], F_SETPIPE_SZ, PAGE) > 0);
		reader.fd = fd[0];
		CHECK(pthread_create(&thread, NULL, read_slowly, NULL) == 0);
		CHECK(dup2(fd[1], STDERR_FILENO) == STDERR_FILENO && close(fd[1]) == 0);
	}
	for (int round = 0; round < ROUNDS; round++) {
		take_pages('x');
		for (int i = 0; node.rank == 0 && i < PAGES; i++)
			CHECK(write(STDERR_FILENO, page[i], PAGE) == PAGE);
	}
	node_barrier();
	if (node.rank == 0) {
		dup2(own, STDERR_FILENO);
		pthread_join(thread, NULL);
		CHECK(reader.pages == ROUNDS * PAGES);
		CHECK(reader.lines > 0);
		printf("%u pages and %u lines of the log\n", reader.pages, reader.lines);
	}
	node_leave();
}

/* --- lock --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned lines; /* under the lock */

static void count_line(void *ctx, enum dsm_log_level level, const char *text)
{
	pthread_mutex_lock(&lock);
	lines++;
	pthread_mutex_unlock(&lock);
}

static void fault_with_lock(void)
{
	unsigned sum = 0;

	join(count_line);
	for (int round = 0; round < ROUNDS; round++) {
		take_pages(1);
		pthread_mutex_lock(&lock);
		for (int i = 0; node.rank == 0 && i < PAGES; i++)
			sum += page[i][i]++;
		pthread_mutex_unlock(&lock);
	}
	CHECK(node.rank || sum == ROUNDS * PAGES);
	node_leave();
	CHECK(node.rank || lines > 0);
}

/* --- calls --- */

static pthread_cond_t used = PTHREAD_COND_INITIALIZER;
static int in_use, uses; /* under the lock */

static void hear_nothing(void *ctx, enum dsm_log_level level, const char *text)
{
}

static void use_dsm(void *ctx, enum dsm_log_level level, const char *text)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	struct dsm_stats stats;
	dsm_t *other;

	config.log = hear_nothing;
	pthread_mutex_lock(&lock);
	if (in_use && uses < 1000) {
		OK(dsm_get_stats(node.dsm, &stats, sizeof stats));
		EXPECT(DSM_ERR_BUSY, dsm_fini(node.dsm));
		EXPECT(DSM_ERR_ACTIVE, dsm_init(&config, &other));
		CHECK(page[uses % PAGES][0] < 'z');
		uses++;
		pthread_cond_signal(&used);
	}
	pthread_mutex_unlock(&lock);
}

static void set_in_use(int on)
{
	pthread_mutex_lock(&lock);
	in_use = on;
	pthread_mutex_unlock(&lock);
}

static void call_from_it(void)
{
	join(use_dsm);
	set_in_use(node.rank == 0);
	for (int round = 0; round < ROUNDS; round++)
		take_pages('a' + round);
	pthread_mutex_lock(&lock);
	while (node.rank == 0 && uses < PAGES)
		pthread_cond_wait(&used, &lock);
	pthread_mutex_unlock(&lock);
	node_barrier();
	set_in_use(0);
	node_leave();
}

/* --- start --- */

static char said[600];
static pthread_t sayer;

static void keep_line(void *ctx, enum dsm_log_level level, const char *text)
{
	snprintf(said, sizeof said, "%d %s", level, text);
	sayer = pthread_self();
}

enum { STARTS, FAILS_EARLY, FAILS_LATE, OUTCOMES }; /* late: there is a thread already */
#define OUTCOME 50 /* as a status, they begin there */

static unsigned timers; /* to be made until one fails; 0: none does */

/* Descriptors are reckoned before, and for those that come late there is always one. */
__attribute__((visibility("default"))) int timerfd_create(int clock, int flags)
{
	if (timers && --timers == 0) {
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_timerfd_create, clock, flags);
}

static int try(unsigned files, unsigned last_timer)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	struct rlimit limit = {files, files};
	char want[600];
	dsm_t *dsm;

	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	timers = last_timer;
	config.log = keep_line;
	config.log_level = DSM_LOG_DEBUG;
	if (dsm_init(&config, &dsm) == 0)
		return STARTS;
	snprintf(want, sizeof want, "%d %s", DSM_LOG_ERROR, dsm_init_error());
	CHECK(!strcmp(said, want));
	CHECK(pthread_equal(sayer, pthread_self()));
	return strstr(said, "service thread") ? FAILS_LATE : FAILS_EARLY;
}

static int outcome(unsigned files, unsigned last_timer)
{
	int status = -1;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(HANG_S);
		_exit(OUTCOME + try(files, last_timer));
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	status = WEXITSTATUS(status) - OUTCOME;
	CHECK(status >= 0 && status < OUTCOMES);
	return status;
}

/* With ever more files, until it starts; and with ever more timers. */
static void fail_to_start(void)
{
	unsigned seen[OUTCOMES] = {0};

	for (unsigned files = 3; !seen[STARTS] && files < 200; files++)
		seen[outcome(files, 0)]++;
	for (unsigned timer = 1; seen[STARTS] == 1 && timer < 20; timer++)
		seen[outcome(200, timer)]++;
	printf("%u starts failed early, %u late\n", seen[FAILS_EARLY], seen[FAILS_LATE]);
	CHECK(seen[STARTS] && seen[FAILS_EARLY] && seen[FAILS_LATE]);
}

/* --- blocked --- */

static void count_blocked(void *ctx, enum dsm_log_level level, const char *text)
{
	lines += level == DSM_LOG_WARN && strstr(text, "has SIGBUS blocked") != NULL;
}

static int warnings(int early)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	sigset_t bus;

	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	if (early)
		sigprocmask(SIG_BLOCK, &bus, NULL);
	config.log = count_blocked;
	config.log_level = DSM_LOG_WARN;
	OK(dsm_init(&config, &node.dsm));
	OK(dsm_barrier(node.dsm));
	sigprocmask(SIG_BLOCK, &bus, NULL);
	for (int i = 0; i < 3; i++)
		OK(dsm_barrier(node.dsm));
	OK(dsm_fini(node.dsm)); /* all of the log is said then */
	return (int)lines;
}

static void warn_blocked(void)
{
	const int want = !strcmp(getenv("DSM_FAULTS"), "signal");

	for (int early = 0; early < 2; early++) {
		int status = -1;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			alarm(HANG_S);
			_exit(OUTCOME + warnings(early));
		}
		CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
		if (WEXITSTATUS(status) != OUTCOME + want)
			node_fail("blocked %s: %d warnings, not %d", early ? "before" : "after",
			          WEXITSTATUS(status) - OUTCOME, want);
	}
}

/* --- dies, aborts --- */

/* Slower than whoever dies. */
static void tell_slowly(void *ctx, enum dsm_log_level level, const char *text)
{
	const struct timespec moment = {.tv_nsec = 20000000};

	if (level != DSM_LOG_ERROR)
		return;
	nanosleep(&moment, NULL);
	dprintf(STDERR_FILENO, "%s\n", text);
}

static void die(int by_abort)
{
	int rc;

	join(tell_slowly);
	if (node.rank == 1)
		memset(page[0], 'x', PAGE);
	rc = dsm_barrier(node.dsm);
	if (node.rank == 1)
		raise(SIGKILL);
	if (rc == 0)
		rc = dsm_barrier(node.dsm);
	CHECK(rc == DSM_ERR_LOST);
	if (by_abort)
		abort();
	*(volatile char *)page[0] = 1;
	node_fail("has got a page of a node that died");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	node.program = "log";
	if (!strcmp(what, "stderr"))
		write_to_stderr();
	else if (!strcmp(what, "lock"))
		fault_with_lock();
	else if (!strcmp(what, "calls"))
		call_from_it();
	else if (!strcmp(what, "start"))
		fail_to_start();
	else if (!strcmp(what, "blocked"))
		warn_blocked();
	else if (!strcmp(what, "dies") || !strcmp(what, "aborts"))
		die(!strcmp(what, "aborts"));
	else
		return 2;
	return 0;
}
