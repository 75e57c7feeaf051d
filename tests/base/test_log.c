/* SPDX-License-Identifier: BSD-2-Clause */
/* The log's thread: whoever says something does not wait for whoever listens, but with a bound. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dsm/base/log.h"
#include "dsm/base/log_limit.h"
#include "dsm/base/log_queue.h"
#include "tests/suite.h"

/* Who listens: keeps the lines, and may be held up. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	char text[3000][64];
	unsigned n;
	pthread_t thread;
	sigset_t mask;
	int is_listener;
} heard = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
static pthread_mutex_t held_up = PTHREAD_MUTEX_INITIALIZER;
static sem_t listening;

static void listen_to(void *ctx, enum dsm_log_level level, const char *text)
{
	sem_post(&listening);
	pthread_mutex_lock(&held_up);
	pthread_mutex_unlock(&held_up);
	pthread_mutex_lock(&heard.lock);
	if (heard.n < sizeof heard.text / sizeof *heard.text)
		snprintf(heard.text[heard.n++], sizeof *heard.text, "%d %s", level, text);
	heard.thread = pthread_self();
	heard.is_listener = log_is_listener();
	pthread_sigmask(SIG_SETMASK, NULL, &heard.mask);
	pthread_cond_signal(&heard.more);
	pthread_mutex_unlock(&heard.lock);
}

static struct log log_of(int level)
{
	struct log log = {.fn = listen_to, .level = level};

	heard.n = 0;
	sem_destroy(&listening);
	sem_init(&listening, 0, 0);
	CU_ASSERT_EQUAL_FATAL(log_open(&log), 0);
	CU_ASSERT_FATAL(log.queue != NULL);
	return log;
}

/* Returns who has said the last of them. */
static pthread_t wait_for(unsigned lines)
{
	pthread_t thread;

	pthread_mutex_lock(&heard.lock);
	while (heard.n < lines)
		pthread_cond_wait(&heard.more, &heard.lock); /* the suite's alarm bounds it */
	thread = heard.thread;
	pthread_mutex_unlock(&heard.lock);
	return thread;
}

static void test_nobody_listens(void)
{
	struct log log = {.level = DSM_LOG_TRACE};

	CU_ASSERT_EQUAL(log_open(&log), 0);
	CU_ASSERT_PTR_NULL(log.queue);
	log_close(&log);
	log = (struct log){.fn = listen_to, .level = LOG_NONE};
	CU_ASSERT_EQUAL(log_open(&log), 0);
	CU_ASSERT_PTR_NULL(log.queue);
	log_flush(&log);
	log_close(&log);
}

/* In order, by a thread of its own, which takes no signal but SIGBUS. */
static void test_order(void)
{
	struct log log = log_of(DSM_LOG_TRACE);
	char text[64];

	for (int i = 0; i < QUEUE_TRACE; i++)
		log_line(&log, DSM_LOG_TRACE, "line %d", i);
	CU_ASSERT_FALSE(pthread_equal(wait_for(1), pthread_self()));
	CU_ASSERT_FALSE(log_is_listener());
	log_close(&log);
	CU_ASSERT_PTR_NULL(log.queue);
	CU_ASSERT_TRUE(heard.is_listener);
	CU_ASSERT_EQUAL_FATAL(heard.n, QUEUE_TRACE);
	for (int i = 0; i < QUEUE_TRACE; i++) {
		snprintf(text, sizeof text, "%d line %d", DSM_LOG_TRACE, i);
		CU_ASSERT_STRING_EQUAL(heard.text[i], text);
	}
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			CU_ASSERT_EQUAL(sigismember(&heard.mask, sig), sig != SIGBUS);
}

/* A listener that waits for a lock: nobody waits for it, and what there is no room for is
 * counted. All that was said comes at the end. */
static void test_held_up(void)
{
	struct log log = log_of(DSM_LOG_TRACE);
	unsigned n = 0, left_out = 0;

	pthread_mutex_lock(&held_up);
	log_line(&log, DSM_LOG_TRACE, "first");
	sem_wait(&listening);
	for (int i = 0; i < 2000; i++)
		log_line(&log, DSM_LOG_TRACE, "line %d", i);
	log_flush(&log); /* in vain, and back nevertheless */
	pthread_mutex_unlock(&held_up);
	log_close(&log);
	for (unsigned i = 0; i < heard.n; i++)
		if (sscanf(heard.text[i], "4 %u lines of the log left out", &n) == 1)
			left_out += n;
	CU_ASSERT_EQUAL(left_out, 2000 - QUEUE_TRACE);
	CU_ASSERT_EQUAL(heard.n, 1 + QUEUE_TRACE + 1);
	CU_ASSERT_STRING_EQUAL(heard.text[QUEUE_TRACE], "4 line 1023");
}

/* Repeated lines reach the listener once, and then with a count that loses none. */
static void test_repeated(void)
{
	struct log log = log_of(DSM_LOG_WARN);
	unsigned sum = 0;

	for (int i = 0; i < 65000; i++)
		log_line(&log, DSM_LOG_ERROR, "no page %d", 7);
	wait_for(2); /* nobody says anything meanwhile */
	log_close(&log);
	for (unsigned i = 0; i < heard.n; i++) {
		unsigned more = 1;
		const char *count = strchr(heard.text[i], '(');
		CU_ASSERT_NSTRING_EQUAL(heard.text[i], "0 no page 7", 11);
		if (count)
			CU_ASSERT_EQUAL(sscanf(count, "(%u more time", &more), 1);
		sum += more;
	}
	CU_ASSERT_EQUAL(sum, 65000);
}

/* What another node can make us say: a line for each node, however it varies. */
static void test_peers(void)
{
	struct log log = log_of(DSM_LOG_ERROR);

	for (int i = 0; i < 300; i++)
		log_peer(&log, DSM_LOG_ERROR, i % 3, "refused %c of node %d", 'a' + i % 26, i % 3);
	log_close(&log);
	/* Unless that took more than a second: three lines, then three counts. */
	CU_ASSERT(heard.n >= 6);
	for (unsigned i = 0, seen = 0; i < 3; i++) {
		seen |= 1u << atoi(strrchr(heard.text[i], ' '));
		CU_ASSERT_EQUAL(strchr(heard.text[i], '('), NULL);
		CU_ASSERT(i < 2 || seen == 7);
	}
}

static void *close_it(void *log)
{
	log_close(log);
	return NULL;
}

/* dsm_fini in a thread that has the lock that the listener waits for. */
static void test_close_is_bounded(void)
{
	struct log log = log_of(DSM_LOG_WARN);
	struct timespec moment;
	pthread_t thread;

	pthread_mutex_lock(&held_up);
	log_line(&log, DSM_LOG_WARN, "one");
	sem_wait(&listening);
	log_line(&log, DSM_LOG_WARN, "two");
	pthread_create(&thread, NULL, close_it, &log);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(heard.n, 0);
	pthread_mutex_unlock(&held_up);
	wait_for(1);
	/* "two" would come at once; that it comes later is not seen. */
	clock_gettime(CLOCK_REALTIME, &moment);
	moment.tv_sec++;
	CU_ASSERT_EQUAL(sem_timedwait(&listening, &moment), -1);
	CU_ASSERT_EQUAL(heard.n, 1);
}

/* A flush that was in vain is not tried again before something was said. */
static void test_flush(void)
{
	struct log log = log_of(DSM_LOG_WARN);

	for (int i = 0; i < 20; i++) {
		log_line(&log, DSM_LOG_WARN, "line %d of %d", i, i % 2);
		log_flush(&log);
		CU_ASSERT(heard.n >= (i < LIMIT_DIFFERENT ? i + 1u : LIMIT_DIFFERENT));
	}
	pthread_mutex_lock(&held_up);
	sem_init(&listening, 0, 0);
	log_line(&log, DSM_LOG_ERROR, "held up");
	sem_wait(&listening);
	/* Were each to wait, the suite would not end in time. */
	for (int i = 0; i < 10000; i++)
		log_flush(&log);
	pthread_mutex_unlock(&held_up);
	log_close(&log);
}

/* --- processes that end, and children --- */

static char written[4096];

/* A child that runs body, and the end of a pipe where its stderr is read. */
static int child_start(void (*body)(void), pid_t *pid)
{
	int fd[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(fd, O_CLOEXEC), 0);
	fflush(NULL);
	*pid = fork();
	if (*pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		alarm(HANG_S);
		body();
		exit(7);
	}
	close(fd[1]);
	return fd[0];
}

/* What a child that runs body writes to stderr; its status. */
static int child(void (*body)(void))
{
	int fd, status = -1;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	fd = child_start(body, &pid);
	while ((n = read(fd, written + len, sizeof written - 1 - len)) > 0)
		len += (size_t)n;
	written[len] = '\0';
	close(fd);
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	return status;
}

static void exit_with_lines(void)
{
	struct log log = {.fn = log_stderr, .level = DSM_LOG_WARN, .rank = 3};

	log_open(&log);
	for (int i = 0; i < 10; i++)
		log_line(&log, DSM_LOG_WARN, "again");
}

static void exit_held_up(void)
{
	struct log log = log_of(DSM_LOG_WARN);

	pthread_mutex_lock(&held_up);
	log_line(&log, DSM_LOG_WARN, "never heard");
}

static void die_with_a_word(void)
{
	struct log log = {.fn = log_stderr, .level = DSM_LOG_WARN, .rank = -1};

	log_open(&log);
	log_line(&log, DSM_LOG_ERROR, "last word");
	log_flush(&log);
	abort();
}

static void test_exit(void)
{
	int more = 0;

	CU_ASSERT_EQUAL(child(exit_with_lines), 7 << 8);
	CU_ASSERT_NSTRING_EQUAL(written, "dsm 3 warn: again\ndsm 3 warn: again (", 37);
	for (char *at = written; (at = strchr(at, '(')); at++)
		more += atoi(at + 1);
	CU_ASSERT_EQUAL(more, 9);
	CU_ASSERT_EQUAL(child(exit_held_up), 7 << 8);
	CU_ASSERT_STRING_EQUAL(written, "");
	CU_ASSERT_EQUAL(WTERMSIG(child(die_with_a_word)), SIGABRT);
	CU_ASSERT_STRING_EQUAL(written, "dsm error: last word\n");
}

static struct log parents;

static void use_parents(void)
{
	log_line(&parents, DSM_LOG_WARN, "the child's");
	log_flush(&parents);
}

/* A child has no thread that would say anything, and ends nevertheless. */
static void test_fork(void)
{
	parents = log_of(DSM_LOG_WARN);
	pthread_mutex_lock(&held_up);
	log_line(&parents, DSM_LOG_WARN, "waits");
	sem_wait(&listening);
	log_line(&parents, DSM_LOG_WARN, "the parent's");
	CU_ASSERT_EQUAL(child(use_parents), 7 << 8);
	pthread_mutex_unlock(&held_up);
	log_close(&parents);
	CU_ASSERT_EQUAL(heard.n, 2);
}

/* A descriptor that does not block, and a reader who comes when it is full. */
static void fill_stderr(void)
{
	struct log log = {.fn = log_stderr, .level = DSM_LOG_TRACE};

	fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
	fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096);
	for (int i = 0; i < 400; i++)
		log_line(&log, DSM_LOG_TRACE, "%08d", i);
	_exit(0);
}

static void test_does_not_block(void)
{
	int next = 0, n;
	char line[64];
	pid_t pid;
	FILE *f = fdopen(child_start(fill_stderr, &pid), "r");

	while (fgets(line, sizeof line, f) && sscanf(line, "dsm 0 trace: %d", &n) == 1)
		CU_ASSERT_EQUAL(n, next++);
	CU_ASSERT_EQUAL(next, 400);
	fclose(f);
	waitpid(pid, &n, 0);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "no thread where nobody listens", test_nobody_listens },
		{ "order", test_order },
		{ "a listener that is held up", test_held_up },
		{ "repeated lines", test_repeated },
		{ "lines by peer", test_peers },
		{ "the end has a bound", test_close_is_bounded },
		{ "flush", test_flush },
		{ "a process that ends", test_exit },
		{ "a child by fork", test_fork },
		{ "a descriptor that does not block", test_does_not_block },
		CU_TEST_INFO_NULL,
	};

	return suite_run("log", NULL, NULL, tests, 60);
}
