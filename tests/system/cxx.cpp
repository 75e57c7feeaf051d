// SPDX-License-Identifier: BSD-2-Clause
// dsm.hpp's promises, on any number of nodes. What fails throws out of main: the node dies, and the
// job with it. Arguments: "thrown": see left_by_exception().
#include <dsm.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

#define CHECK(condition) \
	((condition) ? (void)0 : failed(__LINE__, #condition))

[[noreturn]] void failed(int line, const char *condition)
{
	std::fprintf(stderr, "cxx: node %d: %d: %s does not hold\n", dsm_rank(dsm_current()), line,
	             condition);
	std::_Exit(1);
}

template <class Call> std::error_code code_of(Call call)
{
	try {
		call();
	} catch (const std::system_error &e) {
		return e.code();
	}
	return {};
}

template <class T> using vector = std::vector<T, dsm::allocator<T>>;
using string = std::basic_string<char, std::char_traits<char>, dsm::allocator<char>>;
template <class K, class V>
using map = std::map<K, V, std::less<K>, dsm::allocator<std::pair<const K, V>>>;
template <class K, class V>
using hash_map = std::unordered_map<K, V, std::hash<K>, std::equal_to<K>,
                                    dsm::allocator<std::pair<const K, V>>>;

struct alignas(64) line {
	long n;
};

struct world {
	dsm::mutex mutex;
	dsm::condition turn_changed{mutex};
	int turn = 0;
	vector<int> numbers;
	map<int, string> names;
	hash_map<int, vector<int>> lists;
	vector<line> lines;
	std::atomic<long> sum{0};
	int calls = 0;
	dsm::array<double> view;
	explicit world(int first) : numbers(1, first) {}
};

string long_text(int of)
{
	return string(static_cast<std::size_t>(100 + of), static_cast<char>('a' + of % 26));
}

/* All nodes grow the same containers, under a lock. */
void containers(dsm::job &job, world &w)
{
	const int rounds = 50, size = job.size(), rank = job.rank();

	for (int i = 0; i < rounds; i++) {
		std::scoped_lock held(w.mutex);
		w.numbers.push_back(i * size + rank);
		w.names.emplace(i * size + rank, i % 2 ? long_text(i) : string("short"));
		w.lists[i % 7].push_back(rank);
		w.lines.push_back({rank});
	}
	job.barrier();
	const auto all = static_cast<std::size_t>(rounds * size);
	CHECK(w.numbers.size() == 1 + all && w.numbers[0] == -5);
	CHECK(w.names.size() == all);
	for (const auto &[key, name] : w.names)
		CHECK(name == (key / size % 2 ? long_text(key / size) : string("short")));
	std::size_t listed = 0;
	for (const auto &[key, list] : w.lists)
		listed += list.size();
	CHECK(listed == all);
	for (const line &l : w.lines)
		CHECK(reinterpret_cast<std::uintptr_t>(&l) % 64 == 0 && l.n < size);
	job.barrier();
}

/* Threads of all nodes count under unique_lock, scoped_lock of two, and try_lock. */
void locks(dsm::job &job, world &w)
{
	auto &other = job.shared<dsm::mutex>("cxx.other");
	const int threads = 3, rounds = 30;
	std::vector<std::thread> mine;

	for (int t = 0; t < threads; t++)
		mine.emplace_back([&] {
			for (int i = 0; i < rounds; i++) {
				if (i % 3 == 0) {
					std::scoped_lock held(w.mutex, other);
					w.calls++;
				} else if (i % 3 == 1) {
					std::unique_lock held(w.mutex, std::defer_lock);
					while (!held.try_lock())
						std::this_thread::yield();
					w.calls++;
				} else {
					std::unique_lock held(w.mutex);
					w.calls++;
				}
			}
		});
	for (auto &thread : mine)
		thread.join();
	job.barrier();
	CHECK(w.calls == threads * rounds * job.size());
	std::unique_lock held(w.mutex);
	CHECK(code_of([&] { w.mutex.lock(); }) == DSM_ERR_BUSY);
	CHECK(!w.mutex.try_lock());
	held.unlock();
	CHECK(code_of([&] { w.turn_changed.wait(held); }) == DSM_ERR_PERM);
	job.barrier();
}

/* The nodes take turns, twice. */
void conditions(dsm::job &job, world &w)
{
	for (int round = 0; round < 2; round++) {
		std::unique_lock held(w.mutex);
		const int mine = round * job.size() + job.rank();
		w.turn_changed.wait(held, [&] { return w.turn == mine; });
		w.turn++;
		w.turn_changed.notify_all();
	}
	job.barrier();
	CHECK(w.turn == 2 * job.size());
	w.turn_changed.notify_one(); // nobody is there
}

void atomics(dsm::job &job, world &w)
{
	auto words = job.array<std::uint32_t>("cxx.words", 4);
	auto longs = job.array<std::int64_t>("cxx.longs", 4);

	w.sum += job.rank() + 1;
	dsm::fetch_add(&words[0], 1);
	dsm::fetch_add(&longs[0], -1);
	job.barrier();
	CHECK(w.sum == job.size() * (job.size() + 1) / 2);
	CHECK(words[0] == static_cast<unsigned>(job.size()) && longs[0] == -job.size());
	if (dsm::compare_swap(&longs[1], 0, 7) == 0)
		CHECK(dsm::swap(&longs[2], 8) == 0);
	job.barrier();
	CHECK(longs[1] == 7 && dsm::fetch_add(&longs[2], 0) == 8 && longs[2] == 8);
	CHECK(code_of([] { int mine; dsm::swap(&mine, 1); }) == DSM_ERR_INVAL);
}

void arrays(dsm::job &job, world &w)
{
	auto a = job.array<double>("cxx.array", 5000);

	for (std::size_t i = static_cast<std::size_t>(job.rank()); i < a.size();
	     i += static_cast<std::size_t>(job.size()))
		a[i] = static_cast<double>(i);
	if (job.rank() == 0)
		w.view = a;
	job.barrier();
	a.prefetch(0, a.size());
	std::size_t i = 0;
	for (double x : w.view)
		CHECK(x == static_cast<double>(i++));
	CHECK(i == 5000 && w.view.data() == a.data());
	job.barrier();
	if (job.rank() == job.size() - 1) {
		a.release();
		CHECK(a.size() == 0 && a.data() == nullptr);
	}
	dsm::array<char> own(10000);
	std::memset(own.data(), 1, own.size());
	own.release();
}

void collective(dsm::job &job)
{
	const int size = job.size(), rank = job.rank();
	struct two {
		int a;
		double b;
	};

	CHECK(job.reduce(rank) == size * (size - 1) / 2);
	CHECK(job.reduce(-1.5 * rank, DSM_MIN) == -1.5 * (size - 1));
	CHECK(job.reduce(std::uint64_t{5} << 40, DSM_MAX) == std::uint64_t{5} << 40);
	const auto told = job.broadcast(two{rank, 0.5 * rank}, size - 1);
	CHECK(told.a == size - 1 && told.b == 0.5 * (size - 1));
	CHECK(code_of([&] { job.broadcast(1, size); }) == DSM_ERR_INVAL);
}

/* The nodes take turns by a word alone: an integer, and a std::atomic. */
void words(dsm::job &job)
{
	struct turns {
		std::atomic<int> a{0};
		std::uint32_t b = 0;
	};
	auto &turn = job.shared<turns>("cxx.turns");
	const int mine = job.rank(), last = 2 * job.size();

	for (int now; (now = turn.a) < last;) {
		if (now % job.size() != mine) {
			CHECK(dsm::futex_wait(&turn.a, now));
			continue;
		}
		turn.a = now + 1;
		dsm::futex_wake(&turn.a);
	}
	job.barrier();
	CHECK(dsm::futex_wait(&turn.b, 1u)); // it is another
	CHECK(!dsm::futex_wait(&turn.b, 0u, 1));
	const dsm_latency before = job.latency(DSM_LATENCY_FUTEX);
	job.barrier();
	if (mine == 0) {
		for (int i = 1; i < job.size(); i++)
			while (dsm::futex_wake(&turn.b, 1) == 0)
				;
	} else {
		CHECK(dsm::futex_wait(&turn.b, 0u));
		CHECK(job.latency(DSM_LATENCY_FUTEX).count == before.count + 1);
	}
	job.barrier();
	CHECK(dsm::futex_wake(&turn.b) == 0);
	std::uint32_t own = 0;
	CHECK(code_of([&] { dsm::futex_wait(&own, 0u); }) == DSM_ERR_INVAL);
	CHECK(code_of([&] { dsm::futex_wake(&own); }) == DSM_ERR_INVAL);
	CHECK(code_of([&] { job.latency(dsm_latency_kind(0)); }) == DSM_ERR_INVAL);
	job.barrier();
}

// Plain memory, all zero, in an array.
struct plain {
	dsm::sync::mutex mutex;
	dsm::sync::checked_mutex checked;
	dsm::sync::recursive_mutex recursive;
	dsm::sync::condition changed;
	dsm::sync::shared_mutex shared;
	dsm::sync::semaphore semaphore;
	dsm::sync::once_flag once;
	long count, ran, turn;
};

void plain_mutexes(dsm::job &job, plain &p)
{
	using namespace std::chrono_literals;

	for (int i = 0; i < 50; i++) {
		std::scoped_lock held(p.mutex);
		p.count++;
	}
	dsm::sync::call_once(p.once, [&p] { p.ran++; });
	CHECK(p.ran == 1);
	{
		std::scoped_lock held(p.recursive), again(p.recursive);
		p.count++;
	}
	{
		std::unique_lock held(p.checked);
		CHECK(code_of([&] { p.checked.lock(); }) == DSM_ERR_BUSY);
	}
	job.barrier();
	CHECK(p.count == 51 * job.size());
	if (job.rank() == 0)
		p.mutex.lock();
	job.barrier();
	if (job.rank() != 0)
		CHECK(!p.mutex.try_lock() && !p.mutex.try_lock_for(1ms));
	job.barrier();
	if (job.rank() == 0)
		p.mutex.unlock();
	else
		CHECK(p.mutex.try_lock_for(24h * 365 * 1000) && (p.mutex.unlock(), true));
	job.barrier();
}

void plain_others(dsm::job &job, plain &p)
{
	using namespace std::chrono_literals;
	dsm::sync::barrier &all = job.shared<dsm::sync::barrier>(
		"cxx.barrier", static_cast<std::uint32_t>(job.size()));

	{
		std::shared_lock reading(p.shared);
		CHECK(job.reduce(all.arrive_and_wait() ? 1 : 0) == 1);
		CHECK(!p.shared.try_lock() && !p.shared.try_lock_for(1ms));
		job.barrier();
	}
	{
		std::unique_lock writing(p.shared);
		CHECK(!p.shared.try_lock_shared() && !p.shared.try_lock_shared_for(1ms));
	}
	if (job.rank() == 0)
		p.semaphore.release(static_cast<std::uint32_t>(job.size()));
	p.semaphore.acquire();
	job.barrier();
	CHECK(!p.semaphore.try_acquire() && !p.semaphore.try_acquire_for(1ms));
	CHECK(p.semaphore.value() == 0);

	std::unique_lock held(p.mutex);
	CHECK(!p.changed.wait_for(held, 1ms, [&p] { return p.turn < 0; }));
	p.changed.wait(held, [&] { return p.turn == job.rank(); });
	p.turn++;
	p.changed.notify_all();
	held.unlock();
	CHECK(code_of([&] { p.changed.wait(held); }) == DSM_ERR_PERM);
	job.barrier();
	CHECK(p.turn == job.size());
}

void threads(dsm::job &job, plain &p)
{
	const long more[] = {1, 2, 3};

	if (job.rank() == 0) {
		p.count = 0;
		for (int at = 0; at < job.size(); at++) {
			dsm::thread small(at, [&p] { __atomic_fetch_add(&p.count, 1, 5); });
			dsm::thread large(dsm::any_node, [&p, more, at] {
				__atomic_fetch_add(&p.count, more[0] + more[1] + more[2] + at, 5);
			});
			CHECK(small.joinable() && small.node() == at);
			small.join();
			CHECK(!small.joinable());
			small = std::move(large);
			while (!small.try_join(1000))
				;
		}
		CHECK(p.count == 7 * job.size() + job.size() * (job.size() - 1) / 2);
		CHECK(code_of([&] { dsm::thread none(job.size(), [more] { (void)more; }); }) ==
		      DSM_ERR_INVAL);
		dsm::thread(job.size() - 1, [] {}).detach();
	}
	job.barrier();
}

void errors(dsm::job &job)
{
	auto code = code_of([&] { job.lookup("cxx.nobody", 0); });
	CHECK(code == DSM_ERR_NOENT && code == std::errc::no_such_file_or_directory);
	CHECK(code.category() == dsm::category() && code.message() == dsm_strerror(DSM_ERR_NOENT));
	code = code_of([&] { job.lookup("cxx.nobody", 1); });
	CHECK(code == DSM_ERR_TIMEDOUT && code == std::errc::timed_out);
	int private_one;
	code = code_of([&] { dsm::release(&private_one); });
	CHECK(code == DSM_ERR_NOT_OURS && code != std::errc::invalid_argument);
	code = code_of([] { dsm::job another; });
	CHECK(code == DSM_ERR_ACTIVE);
	try {
		vector<char> more(std::size_t(1) << 50);
		failed(__LINE__, "bad_alloc for a PiB");
	} catch (const std::bad_alloc &) {
	}
	try {
		dsm::job another;
	} catch (const std::system_error &e) {
		CHECK(std::strstr(e.what(), "a node already") != nullptr); // dsm_init_error's
	}
}

/* An exception that leaves the job's scope on the last node: the others, in a barrier, are told;
 * it does not wait for them, nor they for it. */
int left_by_exception()
{
	try {
		dsm::job job;
		if (job.rank() == job.size() - 1)
			throw std::runtime_error("as it happens");
		job.barrier();
	} catch (const std::system_error &e) {
		std::printf("cxx: %s\n", e.code() == DSM_ERR_LOST ? "lost" : e.what());
		return 0;
	} catch (const std::runtime_error &e) {
		std::printf("cxx: %s\n", e.what());
		return 0;
	}
	std::printf("cxx: the barrier was passed\n");
	return 1;
}

} // namespace

int main(int argc, char **argv)
{
	if (argc > 1 && !std::strcmp(argv[1], "thrown"))
		return left_by_exception();
	if (std::strcmp(dsm_version(), argc > 1 ? argv[1] : dsm_version()))
		failed(__LINE__, "the version is that of the build");
	{
		CHECK(dsm_current() == nullptr);
		dsm::job job;
		CHECK(dsm_current() == job.native_handle() && *job.provider());
		world &w = job.shared<world>("cxx.world", -5);
		containers(job, w);
		locks(job, w);
		conditions(job, w);
		atomics(job, w);
		arrays(job, w);
		collective(job);
		words(job);
		{
			plain &p = job.array<plain>("cxx.plain", 1)[0];
			plain_mutexes(job, p);
			plain_others(job, p);
			threads(job, p);
		}
		errors(job);
		CHECK(job.size() == 1 || job.stats().messages_sent > 0);
	}
	CHECK(dsm_current() == nullptr);
	vector<int> nothing_in_it;
	CHECK(code_of([&] { nothing_in_it.push_back(1); }) == DSM_ERR_INVAL);
}
