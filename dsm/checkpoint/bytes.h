/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers in files, lowest byte first; and where a reader is. */
#ifndef BYTES_H
#define BYTES_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dsm/checkpoint/checkpoint.h"

/* Writes what there was counted room for. */
static inline uint8_t *put_32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof value);
	return at + sizeof value;
}

static inline uint8_t *put_64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof value);
	return at + sizeof value;
}

static inline uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

/* Reads what there is, and zeroes behind it. */
struct cursor {
	const uint8_t *at;
	size_t left;
};

static inline void get_bytes(struct cursor *c, void *out, size_t len)
{
	const size_t n = len < c->left ? len : c->left;

	memset(out, 0, len);
	if (n)
		memcpy(out, c->at, n);
	c->at += n;
	c->left -= n;
}

static inline uint32_t get_32(struct cursor *c)
{
	uint32_t value;

	get_bytes(c, &value, sizeof value);
	return le32toh(value);
}

static inline uint64_t get_64(struct cursor *c)
{
	uint64_t value;

	get_bytes(c, &value, sizeof value);
	return le64toh(value);
}

/* --- envelope.c: what a manifest and an index have in common --- */

#define ENVELOPE_HEAD 16 /* magic, version, 0 */
#define ENVELOPE_BYTES (ENVELOPE_HEAD + CKPT_HASH_BYTES)

/* Writes the head of a file of len bytes, and returns where it goes on. */
uint8_t *envelope_begin(uint8_t *bytes, const char magic[8], uint32_t version);
/* All but the hash is written. */
void envelope_seal(uint8_t *bytes, size_t len);
/* Checks head and hash, and sets version, and body to what is between. what: for the sentence. */
int envelope_open(const uint8_t *bytes, size_t len, const char magic[8], const char *what,
                  uint32_t *version, struct cursor *body, struct ckpt_why *why);
/* -EBADMSG, and the sentence. */
int envelope_wrong(struct ckpt_why *why, const char *what, const char *how);

#endif
