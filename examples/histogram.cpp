// SPDX-License-Identifier: BSD-2-Clause
//
// How long are the words of a text, and which is the longest? In C++, with a std::vector and a
// std::string in shared memory.
//
// Every node makes its part of the text, counts in a vector of its own, and adds that to the shared
// one under a mutex. The vector grows to the longest word that anybody has seen, wherever that is.
#include <dsm.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

template <class Vector, class String> struct histogram_of {
	Vector words; // by length
	String longest;

	void add(const char *word, std::size_t len)
	{
		if (len >= words.size())
			words.resize(len + 1);
		words[len]++;
		if (len > longest.size())
			longest.assign(word, len);
	}
	template <class Other> void add(const Other &other)
	{
		words.resize(std::max(words.size(), other.words.size()));
		for (std::size_t len = 0; len < other.words.size(); len++)
			words[len] += other.words[len];
		// Of those that are equally long the first in the alphabet, whoever comes first.
		if (other.longest.size() > longest.size() ||
		    (other.longest.size() == longest.size() &&
		     longest.compare(0, longest.npos, other.longest.data()) > 0))
			longest.assign(other.longest.data(), other.longest.size());
	}
};

using plain = histogram_of<std::vector<std::uint64_t>, std::string>;

struct shared : histogram_of<std::vector<std::uint64_t, dsm::allocator<std::uint64_t>>,
                             std::basic_string<char, std::char_traits<char>, dsm::allocator<char>>> {
	dsm::mutex mutex; // guards the rest
};

// A part of the text: sentences of words whose length falls off slowly, the same in every run.
plain count_part(std::uint64_t part, std::uint64_t words)
{
	std::uint64_t random = part * 2654435761u + 88172645463325252u;
	plain found;
	char word[64];

	for (std::uint64_t i = 0; i < words; i++) {
		std::size_t len = 1;
		do {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			word[len - 1] = static_cast<char>('a' + random % 26);
		} while ((random >> 32) % 5 && ++len < sizeof word);
		found.add(word, len);
	}
	return found;
}

void print(const plain &h)
{
	const std::uint64_t most = *std::max_element(h.words.begin(), h.words.end());

	for (std::size_t len = 1; len < h.words.size(); len++)
		if (const auto width = static_cast<int>(h.words[len] * 50 / most))
			std::printf("%4zu %10llu %.*s\n", len,
			            static_cast<unsigned long long>(h.words[len]), width,
			            "##################################################");
	std::printf("longest: %s\n", h.longest.c_str());
}

constexpr std::uint64_t parts = 64;

int run(std::uint64_t words)
{
	dsm::job job;
	shared &all = job.shared<shared>("histogram");
	plain mine;

	for (std::uint64_t part = 0; part < parts; part++)
		if (part % static_cast<unsigned>(job.size()) == static_cast<unsigned>(job.rank()))
			mine.add(count_part(part, words));
	{
		std::scoped_lock held(all.mutex);
		all.add(mine);
	}
	job.barrier();

	plain result, check;
	result.add(all);
	for (std::uint64_t part = 0; job.rank() == 0 && part < parts; part++)
		check.add(count_part(part, words));
	if (job.rank() == 0)
		print(result);
	if (job.rank() == 0 && (check.words != result.words || check.longest != result.longest))
		throw std::runtime_error("WRONG: a plain run counts other words");
	if (job.rank() == 0)
		std::printf("verified: %d nodes have counted what a plain run counts\n", job.size());
	job.barrier();
	return 0;
}

const char usage[] =
        "Usage: histogram [WORDS]\n"
        "Counts the words of a text by their length, on all nodes of a job (dsmctl run -n 4\n"
        "histogram), and checks the result. WORDS: in each of 64 parts (default 20000).\n";

} // namespace

int main(int argc, char **argv)
{
	std::uint64_t words = 20000;

	if (argc == 2 && (!std::strcmp(argv[1], "-h") || !std::strcmp(argv[1], "--help"))) {
		std::fputs(usage, stdout);
		return 0;
	}
	if (argc == 2) {
		char *end;
		words = std::strtoull(argv[1], &end, 10);
		if (*end || words == 0 || words > 1000000000 || argv[1][0] == '-') {
			std::fprintf(stderr, "histogram: WORDS is a whole number from 1 to 1000000000, "
			                     "not \"%s\"\n", argv[1]);
			return 1;
		}
	} else if (argc > 2) {
		std::fprintf(stderr, "histogram: what is \"%s\"?\n", argv[2]);
		return 1;
	}
	try {
		return run(words);
	} catch (const std::exception &e) {
		std::fprintf(stderr, "histogram: %s\n", e.what());
		return 1;
	}
}
