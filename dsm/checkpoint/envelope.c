/* SPDX-License-Identifier: BSD-2-Clause */
/* Head and hash of a file. The version counts only where the hash is right. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <xxhash.h>

#include "dsm/checkpoint/bytes.h"

void ckpt_hash(const void *bytes, size_t len, uint8_t out[CKPT_HASH_BYTES])
{
	crypto_generichash(out, CKPT_HASH_BYTES, bytes, len, NULL, 0);
}

void ckpt_sum(enum ckpt_sums which, const void *bytes, size_t len, uint8_t out[CKPT_SUM_BYTES])
{
	XXH128_canonical_t sum;

	if (which == CKPT_BLAKE2B) {
		crypto_generichash(out, CKPT_SUM_BYTES, bytes, len, NULL, 0);
		return;
	}
	XXH128_canonicalFromHash(&sum, XXH3_128bits(bytes, len));
	memcpy(out, sum.digest, CKPT_SUM_BYTES);
}

int envelope_wrong(struct ckpt_why *why, const char *what, const char *how)
{
	snprintf(why->text, sizeof why->text, "%s %s", what, how);
	return -EBADMSG;
}

uint8_t *envelope_begin(uint8_t *bytes, const char magic[8], uint32_t version)
{
	bytes = put_bytes(bytes, magic, 8);
	bytes = put_32(bytes, version);
	return put_32(bytes, 0);
}

void envelope_seal(uint8_t *bytes, size_t len)
{
	ckpt_hash(bytes, len - CKPT_HASH_BYTES, bytes + len - CKPT_HASH_BYTES);
}

int envelope_open(const uint8_t *bytes, size_t len, const char magic[8], const char *what,
                  uint32_t *version, struct cursor *body, struct ckpt_why *why)
{
	struct cursor c = {.at = bytes, .left = len};
	uint8_t hash[CKPT_HASH_BYTES];
	char is[8];

	if (len < ENVELOPE_BYTES)
		return envelope_wrong(why, what, "is cut short");
	get_bytes(&c, is, sizeof is);
	if (memcmp(is, magic, sizeof is))
		return envelope_wrong(why, what, "does not begin as one does");
	ckpt_hash(bytes, len - CKPT_HASH_BYTES, hash);
	if (memcmp(hash, bytes + len - CKPT_HASH_BYTES, sizeof hash))
		return envelope_wrong(why, what, "is damaged: its checksum is another");
	*version = get_32(&c);
	if (*version == 0 || *version > CKPT_VERSION) {
		snprintf(why->text, sizeof why->text,
		         "%s is of version %u of the format, and this library reads up to version %d",
		         what, *version, CKPT_VERSION);
		return -ENOTSUP;
	}
	if (get_32(&c))
		return envelope_wrong(why, what, "has flags that are not known");
	*body = (struct cursor){.at = c.at, .left = c.left - CKPT_HASH_BYTES};
	return 0;
}
