/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers of a test (splitmix64), which SEED=n in the environment gives again. */
#ifndef SEED_H
#define SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed_state;

/* Prints the seed: that of the environment, or else this one. */
static inline void seed_start(uint64_t otherwise)
{
	const char *seed = getenv("SEED");

	seed_state = seed ? strtoull(seed, NULL, 0) : otherwise;
	printf("SEED=%llu\n", (unsigned long long)seed_state);
}

static inline uint64_t rng(void)
{
	uint64_t z = seed_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

#endif
