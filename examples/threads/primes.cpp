// SPDX-License-Identifier: BSD-2-Clause
// How many primes there are below a number: std::thread takes pieces by a std::atomic, and puts what it
// finds into a std::map under a std::mutex.
//
//	primes [THREADS [BELOW]]
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

static const long piece = 1000;
static long below = 100000;
static std::atomic<long> next_piece;
static std::mutex mutex;
static std::map<long, std::vector<long>> found; // by piece; guarded by mutex

static bool is_prime(long n)
{
	for (long d = 2; d * d <= n; d++)
		if (n % d == 0)
			return false;
	return n >= 2;
}

static void look()
{
	for (;;) {
		const long from = next_piece.fetch_add(1) * piece;
		std::vector<long> primes;

		if (from >= below)
			return;
		for (long n = from; n < std::min(from + piece, below); n++)
			if (is_prime(n))
				primes.push_back(n);
		std::lock_guard<std::mutex> guard(mutex);
		found[from] = std::move(primes);
	}
}

int main(int argc, char **argv)
{
	const int threads = argc > 1 ? std::atoi(argv[1]) : 4;
	std::vector<std::thread> team;
	long count = 0, last = 0;

	below = argc > 2 ? std::atol(argv[2]) : below;
	for (int i = 0; i < threads; i++)
		team.emplace_back(look);
	for (auto &thread : team)
		thread.join();
	for (const auto &entry : found) {
		count += static_cast<long>(entry.second.size());
		last = entry.second.empty() ? last : entry.second.back();
	}
	std::cout << count << " primes below " << below << ", the last is " << last << '\n';
}
