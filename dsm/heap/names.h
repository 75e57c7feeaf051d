/* SPDX-License-Identifier: BSD-2-Clause */
/* The name registry of a job: names of up to 63 bytes to 64-bit values, those who wait for a
 * name, and who has claimed one, to add it soon. Private memory of the serving node. One thread at
 * a time. */
#ifndef NAMES_H
#define NAMES_H

#include <stdint.h>

#define NAMES_MAX 65536

struct names;
/* Whose request it is, by which number where nodes may die. bytes: of who would claim the name; 0 of
 * others. */
struct names_waiter { uint16_t node, slot; uint64_t bytes; uint32_t serial; };

int names_open(struct names **out); /* -ENOMEM */
void names_close(struct names *n);  /* NULL is allowed */
/* name: 1 to 63 bytes. -EINVAL, -EEXIST, -ENOMEM (NAMES_MAX are there). */
int names_add(struct names *n, const char *name, uint64_t value);
int names_remove(struct names *n, const char *name); /* -ENOENT */
int names_find(const struct names *n, const char *name, uint64_t *value); /* -ENOENT */
/* Calls fn for every name that is there, in no order. */
void names_each(const struct names *n, void (*fn)(void *ctx, const char *name, uint64_t value),
                void *ctx);
/* Remembers who waits for a name that is not there. -EINVAL, -ENOMEM. */
int names_wait(struct names *n, const char *name, struct names_waiter who);
/* Forgets a waiter: 0, or -ENOENT when it does not wait. */
int names_unwait(struct names *n, const char *name, struct names_waiter who);
/* Takes one waiter of a name that is there, first come, first served: 1 and *who, or 0
 * when none is left. */
int names_next_waiter(struct names *n, const char *name, struct names_waiter *who);
/* A name that is not there is claimed: by one at a time (-EBUSY), until it is added, by whomever,
 * or the claim is given up. -EINVAL, -ENOMEM. */
int names_claim(struct names *n, const char *name, uint16_t node);
/* By this node, whoever has claimed it before: for who follows what another one tells. -EINVAL, -ENOMEM. */
int names_claim_for(struct names *n, const char *name, uint16_t node);
/* Gives it up. Where somebody waits who would claim it he has the claim: 1 and *who; else 0. */
int names_unclaim(struct names *n, const char *name, struct names_waiter *who);
/* Only these nodes live, of at most 64 (one bit each): the others wait for nothing any more, and claim
 * nothing. Where that gives a claim to somebody else, 1, *who, and which name, and there may be more; else
 * 0. */
int names_bury(struct names *n, uint64_t living, struct names_waiter *who, const char **name);
/* The next name that is there, or claimed: 1; 0: there is none. *cursor is NULL at first; not across
 * changes. */
struct names_saved {
	const char *name;
	uint64_t value;    /* where it is there */
	int claimed;
	uint16_t claimant; /* where it is claimed */
};
int names_next(const struct names *n, const void **cursor, struct names_saved *out);

#endif
