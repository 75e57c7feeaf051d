/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs of others do with threads, and threaded.c does not: it says the same alone.
 *
 *	threaded_others FILE        reads and writes FILE by threads, sends them signals, gives up joins
 *	threaded_others leave       main leaves by pthread_exit: the last thread's end is the program's
 *	threaded_others _exit N     a thread calls _exit
 *	threaded_others many N      so many threads one after the other
 *	threaded_others wide N      so many at once
 *	threaded_others deep        a thread's stack is too small
 *	threaded_others over        a little too small
 *	threaded_others fixed       a thread uses memory that main has put somewhere
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BYTES 100000
#define CHECK(condition)                                                                          \
	((condition) ? (void)0                                                                    \
	             : (fprintf(stderr, "threaded_others: line %d: %s: %s\n", __LINE__, #condition, \
	                        strerror(errno)),                                                 \
	                _exit(1)))

static int file, handled;
static char block[BYTES];
static __thread char own[64];
static pthread_barrier_t met;
static sigset_t set;

/* --- descriptors --- */

static void *write_part(void *arg)
{
	const long part = (long)arg;

	memset(block + part * (BYTES / 4), 'a' + (int)part, BYTES / 4);
	CHECK(pwrite(file, block + part * (BYTES / 4), BYTES / 4, part * (BYTES / 4)) == BYTES / 4);
	memset(own, 'z', sizeof own); /* memory that is not shared */
	CHECK(pwrite(file, own, 10, BYTES + 10 * part) == 10);
	return NULL;
}

/* At what main has opened, from where main has left off; and at what the thread opens itself. */
static void *read_both(void *arg)
{
	int another;

	CHECK(read(file, own, 10) == 10 && own[0] == 'z' && own[9] == 'z');
	CHECK(lseek(file, 0, SEEK_CUR) == BYTES + 10);
	another = open("/proc/self/stat", O_RDONLY);
	CHECK(another >= 0 && another != file && read(another, own, 5) == 5);
	CHECK(close(another) == 0 && read(another, own, 5) == -1 && errno == EBADF);
	return arg;
}

static void *close_it(void *arg)
{
	CHECK(close(file) == 0);
	return arg;
}

static void do_threads(void *(*fn)(void *), int n)
{
	pthread_t thread[4];

	for (long i = 0; i < n; i++)
		CHECK(!pthread_create(&thread[i], NULL, fn, (void *)i));
	for (int i = 0; i < n; i++)
		CHECK(!pthread_join(thread[i], NULL));
}

static void try_file(const char *name)
{
	file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(file >= 0);
	do_threads(write_part, 4);
	for (int i = 0; i < 4; i++)
		CHECK(block[i * (BYTES / 4)] == 'a' + i);
	CHECK(lseek(file, 0, SEEK_END) == BYTES + 40);
	CHECK(lseek(file, BYTES, SEEK_SET) == BYTES);
	do_threads(read_both, 1);
	CHECK(lseek(file, 0, SEEK_CUR) == BYTES + 10);
	do_threads(close_it, 1);
	CHECK(fcntl(file, F_GETFD) == -1);
}

/* --- signals --- */

static void on_signal(int number)
{
	__atomic_fetch_add(&handled, number, __ATOMIC_SEQ_CST);
}

static void *take_signals(void *arg)
{
	int number;

	CHECK(!sigwait(&set, &number)); /* it is blocked, for main has it so */
	pthread_barrier_wait(&met);
	while (!__atomic_load_n(&handled, __ATOMIC_SEQ_CST))
		usleep(1000);
	return (void *)(long)number;
}

static void try_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct timespec until;
	pthread_t thread;
	void *number;

	CHECK(!sigaction(SIGUSR2, &action, NULL));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(!pthread_sigmask(SIG_BLOCK, &set, NULL));
	CHECK(!pthread_barrier_init(&met, NULL, 2));
	CHECK(!pthread_create(&thread, NULL, take_signals, NULL));
	CHECK(!clock_gettime(CLOCK_REALTIME, &until));
	CHECK(pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT);
	CHECK(pthread_kill(thread, 0) == 0);
	CHECK(pthread_kill(thread, SIGUSR1) == 0);
	pthread_barrier_wait(&met);
	CHECK(pthread_kill(thread, SIGUSR2) == 0);
	until.tv_sec += 600;
	CHECK(pthread_timedjoin_np(thread, &number, &until) == 0 && number == (void *)SIGUSR1);
	CHECK(handled == SIGUSR2);
}

/* --- ends --- */

static void *outlive(void *main_thread)
{
	void *value;

	CHECK(!pthread_join(*(pthread_t *)main_thread, &value) && value == main_thread);
	CHECK(write(STDOUT_FILENO, "main is gone\n", 13) == 13);
	return NULL;
}

static void leave(void)
{
	static pthread_t self;
	pthread_t thread;

	self = pthread_self();
	CHECK(!pthread_create(&thread, NULL, outlive, &self));
	pthread_exit(&self);
}

static void *end_now(void *status)
{
	_exit((int)(long)status);
}

static void at_exit(void)
{
	CHECK(write(STDOUT_FILENO, "exit\n", 5) == 5);
}

/* --- how many, and how deep --- */

static void *say_it(void *arg)
{
	return arg;
}

static void many(long n)
{
	pthread_t thread;
	void *value;

	for (long i = 0; i < n; i++) {
		CHECK(!pthread_create(&thread, NULL, say_it, (void *)i));
		CHECK(!pthread_join(thread, &value) && value == (void *)i);
	}
}

static void *meet(void *arg)
{
	pthread_barrier_wait(&met);
	return arg;
}

static void wide(int n)
{
	pthread_t *thread = calloc((size_t)n, sizeof *thread);

	CHECK(thread && !pthread_barrier_init(&met, NULL, (unsigned)n));
	for (int i = 0; i < n; i++)
		CHECK(!pthread_create(&thread[i], NULL, meet, NULL));
	for (int i = 0; i < n; i++)
		CHECK(!pthread_join(thread[i], NULL));
	free(thread);
}

static int fall(int levels)
{
	volatile char room[1000];

	memset((void *)room, levels, sizeof room);
	return levels ? fall(levels - 1) + room[levels % 1000] : 1;
}

static void *deep(void *unused)
{
	return (void *)(long)fall(1 << 30);
}

static int sink(const char *until)
{
	volatile char room[1000];

	memset((void *)room, 1, sizeof room);
	return (const char *)room > until ? sink(until) + room[5] : 1;
}

static void *over(void *unused)
{
	pthread_attr_t attr;
	size_t bytes;
	void *lo;

	CHECK(!pthread_getattr_np(pthread_self(), &attr) && !pthread_attr_getstack(&attr, &lo, &bytes));
	return (void *)(long)sink((char *)lo - 100000);
}

static void *use(void *at)
{
	return (void *)(long)*(volatile char *)at;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const long n = argc > 2 ? atol(argv[2]) : 0;
	pthread_t thread;

	CHECK(*what);
	atexit(at_exit);
	if (strcmp(what, "leave") == 0) {
		leave();
	} else if (strcmp(what, "_exit") == 0 || strcmp(what, "deep") == 0) {
		CHECK(!pthread_create(&thread, NULL, *what == 'd' ? deep : end_now, (void *)n));
		pthread_join(thread, NULL);
		return 1;
	} else if (strcmp(what, "over") == 0) {
		CHECK(!pthread_create(&thread, NULL, over, NULL) && !pthread_join(thread, NULL));
	} else if (strcmp(what, "fixed") == 0) {
		void *at = mmap((void *)0x600000000000, 4096, PROT_READ | PROT_WRITE,
		                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		CHECK(at != MAP_FAILED);
		CHECK(!pthread_create(&thread, NULL, use, at) && !pthread_join(thread, NULL));
	} else if (strcmp(what, "many") == 0) {
		many(n);
	} else if (strcmp(what, "wide") == 0) {
		wide((int)n);
	} else {
		try_file(what);
		try_signals();
	}
	return 0;
}
