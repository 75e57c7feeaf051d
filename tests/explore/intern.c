/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers for byte strings, and the hash and memory that the explorer uses everywhere. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/explore/explore.h"

#define CHUNK (1u << 20)

uint64_t x_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

/* 64 x 64 bits multiplied and folded, a word at a time. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t x_hash(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ len, word;

	for (; len >= 8; len -= 8, at += 8) {
		memcpy(&word, at, 8);
		h = fold(h ^ word, UINT64_C(0xe7037ed1a0b428db)) + UINT64_C(0x8ebc6af09c88c6e3);
	}
	word = 0;
	if (len)
		memcpy(&word, at, len);
	h = fold(h ^ word, UINT64_C(0x589965cc75374cc3));
	return x_mix(h);
}

void *x_map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED) {
		perror("explore: mmap");
		exit(2);
	}
	if (bytes >= 4u << 20)
		madvise(at, bytes, MADV_HUGEPAGE);
	return at;
}

void *x_remap(void *at, size_t bytes, size_t more)
{
	at = mremap(at, bytes, more, MREMAP_MAYMOVE);
	if (at == MAP_FAILED) {
		perror("explore: mremap");
		exit(2);
	}
	return at;
}

void x_unmap(void *at, size_t bytes)
{
	if (at)
		munmap(at, bytes);
}

static void grow(struct x_intern *in)
{
	uint64_t size = in->table ? 2 * (in->mask + 1) : 1024;

	free(in->table);
	in->table = calloc(size, sizeof *in->table);
	in->mask = size - 1;
	for (uint32_t i = 0; i < in->len; i++) {
		uint64_t at = in->item[i].hash & in->mask;
		while (in->table[at])
			at = (at + 1) & in->mask;
		in->table[at] = i + 1;
	}
}

static const uint8_t *keep(struct x_intern *in, const void *bytes, uint32_t len)
{
	uint8_t *at;

	if (!in->chunks || in->used + len > CHUNK) {
		in->chunk = realloc(in->chunk, (in->chunks + 1) * sizeof *in->chunk);
		in->chunk[in->chunks++] = malloc(CHUNK);
		in->used = 0;
	}
	at = in->chunk[in->chunks - 1] + in->used;
	if (len)
		memcpy(at, bytes, len);
	in->used += (len + 15) & ~15u;
	return at;
}

uint32_t x_intern(struct x_intern *in, const void *bytes, uint32_t len)
{
	uint64_t hash = x_hash(bytes, len), at;

	if (2 * (uint64_t)(in->len + 1) > in->mask)
		grow(in);
	for (at = hash & in->mask; in->table[at]; at = (at + 1) & in->mask) {
		struct x_interned *i = &in->item[in->table[at] - 1];
		if (i->hash == hash && i->len == len && (!len || !memcmp(i->bytes, bytes, len)))
			return in->table[at] - 1;
	}
	if (in->len == in->cap) {
		in->cap = in->cap ? 2 * in->cap : 1024;
		in->item = realloc(in->item, in->cap * sizeof *in->item);
	}
	in->item[in->len] =
		(struct x_interned){ .hash = hash, .bytes = keep(in, bytes, len), .len = len };
	in->table[at] = ++in->len;
	return in->len - 1;
}

void x_intern_free(struct x_intern *in)
{
	for (size_t i = 0; i < in->chunks; i++)
		free(in->chunk[i]);
	free(in->chunk);
	free(in->table);
	free(in->item);
	*in = (struct x_intern){ 0 };
}
