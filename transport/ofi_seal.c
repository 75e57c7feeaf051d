/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys and MACs of messages and page writes (ofi_seal.h). */
#include "transport/ofi_seal.h"

#include <endian.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

_Static_assert(crypto_shorthash_BYTES == SEAL_BYTES &&
                       crypto_shorthash_KEYBYTES == sizeof(struct seal),
               "the seal's sizes");

int seal_nonce(uint8_t nonce[SEAL_NONCE])
{
	if (sodium_init() < 0)
		return -EIO;
	randombytes_buf(nonce, SEAL_NONCE);
	return 0;
}

void seal_make(struct seal *seal, const uint8_t secret[SEAL_SECRET],
               const uint8_t from_nonce[SEAL_NONCE], const uint8_t to_nonce[SEAL_NONCE],
               uint16_t from, uint16_t to)
{
	static const char label[] = "dsm transport 1";
	const uint16_t pair[2] = {htole16(from), htole16(to)};
	crypto_generichash_state s;

	crypto_generichash_init(&s, secret, SEAL_SECRET, sizeof(seal->key));
	crypto_generichash_update(&s, (const uint8_t *)label, sizeof(label));
	crypto_generichash_update(&s, from_nonce, SEAL_NONCE);
	crypto_generichash_update(&s, to_nonce, SEAL_NONCE);
	crypto_generichash_update(&s, (const uint8_t *)pair, sizeof(pair));
	crypto_generichash_final(&s, seal->key, sizeof(seal->key));
	sodium_memzero(&s, sizeof(s));
}

void seal_put(const struct seal *seal, uint8_t *frame, size_t len)
{
	crypto_shorthash(frame, frame + SEAL_BYTES, len - SEAL_BYTES, seal->key);
}

int seal_check(const struct seal *seal, const uint8_t *frame, size_t len)
{
	uint8_t mac[SEAL_BYTES];

	if (len < SEAL_BYTES)
		return -EACCES;
	crypto_shorthash(mac, frame + SEAL_BYTES, len - SEAL_BYTES, seal->key);
	return sodium_memcmp(mac, frame, SEAL_BYTES) ? -EACCES : 0;
}

static unsigned seal_rank_bits(uint16_t nodes)
{
	return nodes > 1 ? 32u - (unsigned)__builtin_clz(nodes - 1u) : 0;
}

uint32_t seal_write(const struct seal *seal, uint16_t from, uint16_t nodes, uint32_t tag,
                    uint32_t number)
{
	/* Shorter than any message: no MAC of one is the other's. */
	const uint32_t what[2] = {htole32(tag), htole32(number)};
	const unsigned bits = seal_rank_bits(nodes);
	uint8_t mac[SEAL_BYTES];
	uint32_t word;

	crypto_shorthash(mac, (const uint8_t *)what, sizeof(what), seal->key);
	memcpy(&word, mac, sizeof(word));
	return le32toh(word) << bits | from;
}

uint16_t seal_writer(uint32_t sealed, uint16_t nodes)
{
	return (uint16_t)(sealed & ((UINT32_C(1) << seal_rank_bits(nodes)) - 1));
}

unsigned seal_write_tries(uint16_t nodes)
{
	return 1u << (32 - seal_rank_bits(nodes) - 12);
}
