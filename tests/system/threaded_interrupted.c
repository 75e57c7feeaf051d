/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program whose threads wait in system calls that signals interrupt, and cancellation: it says the same
 * alone. Under dsmctl run --threads on two nodes each is tried here and there.
 */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/system/threaded.h"

#define PLACES 4 /* threads one after the other, on all nodes */

static int pair[2];
static int over, handled, cleaned; /* atomic */
static pthread_t thread;

static int read_atomic(int *at)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

static void on_signal(int number)
{
	__atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}

static void handle(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	CHECK(!sigaction(SIGUSR1, &action, NULL));
	over = handled = cleaned = 0;
}

/* A signal may come before the call has begun: so another one, until it is as it should be. */
static void kill_until(int *atomic, int least)
{
	while (read_atomic(atomic) < least) {
		CHECK(!pthread_kill(thread, SIGUSR1));
		usleep(1000);
	}
}

static void start(void *(*fn)(void *))
{
	CHECK(!pthread_create(&thread, NULL, fn, NULL));
}

static void *join(void)
{
	void *value;

	CHECK(!pthread_join(thread, &value));
	return value;
}

static void is_interrupted(long got)
{
	CHECK(got == -1 && errno == EINTR);
	__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
}

/* --- EINTR --- */

static void *in_read(void *unused)
{
	char byte;

	is_interrupted(read(pair[1], &byte, 1));
	return NULL;
}

static void *in_poll(void *unused)
{
	struct pollfd wait = { .fd = pair[1], .events = POLLIN };

	is_interrupted(poll(&wait, 1, -1));
	return NULL;
}

static void *in_accept(void *unused)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr address = { .sa_family = AF_UNIX };

	CHECK(fd >= 0 && !bind(fd, &address, sizeof address.sa_family) && !listen(fd, 1));
	is_interrupted(accept(fd, NULL, NULL));
	CHECK(!close(fd));
	return NULL;
}

static void interrupt(void *(*fn)(void *), int flags)
{
	for (int i = 0; i < PLACES; i++) {
		handle(flags);
		start(fn);
		kill_until(&over, 1);
		join();
		CHECK(handled > 0);
	}
}

/* --- and not --- */

static void *in_read_again(void *unused)
{
	char byte = 0;

	CHECK(read(pair[1], &byte, 1) == 1 && byte == 'a');
	return NULL;
}

/* Its handler has run while it waits, if it is to, as often as is asked for. */
static void go_on(void)
{
	for (int i = 0; i < PLACES; i++) {
		handle(SA_RESTART);
		start(in_read_again);
		kill_until(&handled, 20);
		CHECK(write(pair[0], "a", 1) == 1);
		join();
	}
}

static void *in_read_deaf(void *unused)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(!pthread_sigmask(SIG_BLOCK, &set, NULL));
	__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
	in_read_again(NULL);
	CHECK(handled == 0 && !pthread_sigmask(SIG_UNBLOCK, &set, NULL) && handled == 1);
	return NULL;
}

static void go_on_deaf(void)
{
	for (int i = 0; i < PLACES; i++) {
		handle(0);
		start(in_read_deaf);
		while (!read_atomic(&over))
			usleep(1000);
		for (int k = 0; k < 20; k++) {
			CHECK(!pthread_kill(thread, SIGUSR1));
			usleep(1000);
		}
		CHECK(write(pair[0], "a", 1) == 1);
		join();
	}
}

/* --- cancellation --- */

static void clean(void *unused)
{
	__atomic_fetch_add(&cleaned, 1, __ATOMIC_SEQ_CST);
}

static void *in_read_for_ever(void *unused)
{
	char byte;

	pthread_cleanup_push(clean, NULL);
	__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
	CHECK(read(pair[1], &byte, 1) < 0);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *in_read_at_all_costs(void *unused)
{
	int state;

	pthread_cleanup_push(clean, NULL);
	CHECK(!pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state));
	__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
	in_read_again(NULL);
	CHECK(!cleaned && !pthread_setcancelstate(state, NULL));
	pthread_testcancel();
	CHECK(!"cancelled");
	pthread_cleanup_pop(0);
	return NULL;
}

/* After so many ms: at once, it may not wait yet; and when the node that makes the call is at it. */
static void cancel(void *(*fn)(void *), int ms, int bytes)
{
	for (int i = 0; i < PLACES; i++) {
		handle(0);
		start(fn);
		while (!read_atomic(&over))
			usleep(1000);
		usleep((unsigned)ms * 1000);
		CHECK(!pthread_cancel(thread));
		usleep((unsigned)ms * 1000);
		CHECK(write(pair[0], "a", (size_t)bytes) == bytes);
		CHECK(join() == PTHREAD_CANCELED && cleaned == 1);
	}
}

int main(void)
{
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	interrupt(in_read, 0);
	interrupt(in_poll, 0);
	interrupt(in_poll, SA_RESTART);
	interrupt(in_accept, 0);
	go_on();
	go_on_deaf();
	for (int ms = 0; ms < 60; ms += 20) {
		cancel(in_read_for_ever, ms, 0);
		cancel(in_read_at_all_costs, ms, 1);
	}
	puts("interrupted");
	return 0;
}
