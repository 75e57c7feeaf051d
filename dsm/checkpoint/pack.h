/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs packed by Zstandard, each alone: one is read without the others. */
#ifndef PACK_H
#define PACK_H

#include "dsm/checkpoint/checkpoint.h"

/* What packs; it has room for one run. */
struct pack;
/* NULL: there is no memory, or the library was built without libzstd. */
struct pack *pack_open(void);
void pack_close(struct pack *p); /* NULL is allowed */
/* Packs len bytes, which are no more than CKPT_RUN_MAX: how many it takes, at *out until the next
 * call; 0 where that would not be less. */
size_t pack_run(struct pack *p, const void *bytes, size_t len, const uint8_t **out);

/* Unpacks one that is of out_len bytes, and writes no more, whatever it says. 0; -EBADMSG: it is no
 * such thing; -ENOMEM; -ENOTSUP: built without. */
int unpack_run(const uint8_t *bytes, size_t len, uint8_t *out, size_t out_len);

#endif
