// SPDX-License-Identifier: BSD-2-Clause
// A program of C++ about how threads, and it itself, end: it says the same alone. With an argument a
// thread calls exit with that.
#include <setjmp.h>
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/system/threaded.h"

namespace {

std::atomic<int> made, gone, cleaned;

struct counted {
	std::string text = "long enough to be in a block of its own";
	counted() { made++; }
	~counted()
	{
		CHECK(text.size() > 30);
		gone++;
	}
};

counted &the_static()
{
	static counted one; // by whoever comes first, and gone after main's are
	return one;
}

void say(const char *text)
{
	CHECK(write(STDOUT_FILENO, text, strlen(text)) > 0);
}

struct last_words {
	const char *text;
	~last_words() { say(text); }
};

// --- exceptions, jumps ---

int thrown(int depth)
{
	counted on_the_way;

	if (depth == 0)
		throw std::runtime_error("from below");
	return thrown(depth - 1) + 1;
}

void try_exceptions()
{
	std::future<int> result = std::async(std::launch::async, [] {
		try {
			thrown(5);
		} catch (const std::runtime_error &e) {
			CHECK(std::string(e.what()) == "from below");
		}
		return thrown(20);
	});

	try {
		result.get();
		CHECK(false);
	} catch (const std::runtime_error &e) { // of an object that the thread has made
		CHECK(std::string(e.what()) == "from below");
	}
	CHECK(made == gone && made == 27);
}

void jump()
{
	static thread_local jmp_buf back;
	volatile int times = 0;

	if (setjmp(back) < 3) {
		times = times + 1;
		longjmp(back, times);
	}
	CHECK(times == 3);
}

// --- objects ---

thread_local counted own;

void try_locals()
{
	made = gone = 0;
	std::vector<std::thread> threads;
	for (int i = 0; i < 4; i++)
		threads.emplace_back([] {
			CHECK(own.text.size() > 30 && the_static().text.size() > 30);
			jump();
		});
	for (std::thread &t : threads)
		t.join();
	CHECK(made == 5 && gone == 4);
}

// --- cancellation, signals ---

void clean(void *)
{
	cleaned++;
}

void *until_cancelled(void *ready)
{
	counted here;

	pthread_cleanup_push(clean, nullptr);
	*static_cast<std::atomic<bool> *>(ready) = true;
	for (;;)
		pthread_testcancel();
	pthread_cleanup_pop(0);
}

void try_cancel()
{
	made = gone = 0;
	for (int i = 0; i < 3; i++) { // here and elsewhere
		std::atomic<bool> ready(false);
		pthread_t thread;
		void *value;

		CHECK(!pthread_create(&thread, nullptr, until_cancelled, &ready));
		while (!ready)
			usleep(100);
		CHECK(!pthread_setname_np(thread, "named"));
		char name[16] = "";
		CHECK(!pthread_getname_np(thread, name, sizeof name) && !strcmp(name, "named"));
		CHECK(!pthread_cancel(thread) && !pthread_join(thread, &value));
		CHECK(value == PTHREAD_CANCELED);
	}
	CHECK(cleaned == 3 && made == 3 && gone == 3);
}

void *end_at_once(void *arg)
{
	return arg;
}

// Threads that are just ending, or have.
void try_kill()
{
	for (int i = 0; i < 50; i++) {
		pthread_t thread;

		CHECK(!pthread_create(&thread, nullptr, end_at_once, nullptr));
		for (int j = 0; j < 5; j++)
			CHECK(!pthread_kill(thread, SIGURG));
		CHECK(!pthread_join(thread, nullptr));
	}
}

// --- the end ---

void at_exit_of_main()
{
	say("registered by main\n");
}

void at_exit_of_thread()
{
	say("registered by a thread\n");
}

last_words global = { "global\n" };

} // namespace

int main(int argc, char **argv)
{
	CHECK(!atexit(at_exit_of_main));
	std::thread([] {
		static last_words of_thread = { "static of a thread\n" };
		CHECK(of_thread.text && !atexit(at_exit_of_thread));
	}).join();
	if (argc > 1) {
		std::thread([=] {
			static thread_local last_words mine = { "local\n" };
			CHECK(mine.text);
			exit(atoi(argv[1]));
		}).join();
		return 1;
	}
	try_exceptions();
	try_locals();
	try_cancel();
	try_kill();
	std::thread([] {
		for (;;)
			made++;
	}).detach();
	return 4;
}
