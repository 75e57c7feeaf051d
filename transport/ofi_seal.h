/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What proves that a message is a node's: a MAC over all of it, under a key that only the two know.
 * Each direction of each pair has a key of its own, derived from the job's secret and from a
 * random number of each endpoint, which it tells with its address. SipHash-2-4, made for this: a
 * cryptographic hash costs several times as much, and what it resists in addition (who knows the
 * key) does not arise here.
 */
#ifndef TR_OFI_SEAL_H
#define TR_OFI_SEAL_H

#include <stddef.h>
#include <stdint.h>

#define SEAL_BYTES 8   /* before a message; nothing of it is read before they were checked */
#define SEAL_NONCE 16  /* bytes of an endpoint's random number */
#define SEAL_SECRET 32 /* bytes of the job's secret */

struct seal {
	uint8_t key[16];
};

/* Fills in an endpoint's random number. -EIO: there are none here. */
int seal_nonce(uint8_t nonce[SEAL_NONCE]);
/* The key for what goes from one to the other. */
void seal_make(struct seal *seal, const uint8_t secret[SEAL_SECRET],
               const uint8_t from_nonce[SEAL_NONCE], const uint8_t to_nonce[SEAL_NONCE],
               uint16_t from, uint16_t to);
/* A frame is its first SEAL_BYTES, and what they prove. */
void seal_put(const struct seal *seal, uint8_t *frame, size_t len);
/* 0, or -EACCES; in constant time. */
int seal_check(const struct seal *seal, const uint8_t *frame, size_t len);

/* What goes with a page write has 32 bits beside its tag: these are who wrote, in as many bits
 * as it takes to number the nodes, and as many of a MAC over the tag and the write's number as
 * there is room for: 22 among 1024 nodes. Who guesses gets only so many tries (seal_write_tries()). */
uint32_t seal_write(const struct seal *seal, uint16_t from, uint16_t nodes, uint32_t tag,
                    uint32_t number);
uint16_t seal_writer(uint32_t sealed, uint16_t nodes);
/* After so many that were wrong, one of 4096 who try would have been right once. */
unsigned seal_write_tries(uint16_t nodes);

#endif
