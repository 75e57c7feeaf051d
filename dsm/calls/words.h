/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words of shared memory that an object of dsm_sync.h is made of: atomics where the page is, and
 * threads that wait. Without the node's lock: what is done here by the processor may fault.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stdint.h>

struct dsm;

/* Whether all of an object is in the region, and aligned: 0 or DSM_ERR_INVAL. In a child of fork
 * nothing is. */
int word_check(const struct dsm *d, const void *at, unsigned bytes, unsigned align);

/* Whether this node has the word for writing, or for reading: what was so a moment ago. If it is
 * not so any more an atomic by the processor moves the page, which is slower, not wrong. Where nodes may die
 * it is never so. */
int word_is_here(const struct dsm *d, const void *at);
int word_is_readable(const struct dsm *d, const void *at);

/* What this node could read, without doing so: from the frame. 1; 0: it is not here, and nothing is set. If this
 * node is out it is old: for what does not change while others have a say. */
int word_peek(struct dsm *d, const void *at, unsigned bytes, void *value);

/* Zeroes of a page that this node could write, without doing so: in the frame. 1; 0: it could not. */
int word_clear_here(struct dsm *d, void *at, unsigned bytes);

/*
 * Where this node has had to wait lately, who comes does not take the page away from whoever is at
 * work there; else he does, as the data is mostly beside it. A guess, by a table of the node's.
 */
int word_is_fought_for(const struct dsm *d, const void *at);
void word_waited(struct dsm *d, const void *at);
void word_not_waited(struct dsm *d, const void *at);

/*
 * By the processor if near, else wherever the page is, by a request if that is elsewhere. old is
 * always set. 0 or DSM_ERR_LOST, with nothing done.
 */
int word_add(struct dsm *d, int near, uint32_t *at, uint32_t value, uint32_t *old);
int word_compare_swap(struct dsm *d, int near, uint32_t *at, uint32_t expected, uint32_t desired,
                      uint32_t *old);
int word_load(struct dsm *d, int near, uint32_t *at, uint32_t *value);
int word_add64(struct dsm *d, int near, uint64_t *at, uint64_t value, uint64_t *old);
int word_compare_swap64(struct dsm *d, int near, uint64_t *at, uint64_t expected, uint64_t desired,
                        uint64_t *old);
int word_load64(struct dsm *d, int near, uint64_t *at, uint64_t *value);

/* --- atomics.c: wherever the page is --- */
int word_add_there(struct dsm *d, void *at, unsigned width, uint64_t value, uint64_t *old);
int word_compare_swap_there(struct dsm *d, void *at, unsigned width, uint64_t expected,
                            uint64_t desired, uint64_t *old);

/* --- futex.c: as the calls of dsm_futex.h, until a time of clock_now_ns(). own: 0, or
 * COH_FUTEX_OWN: beside those whom the program wakes, in whatever it had in that memory before, and
 * whatever the word is --- */
int word_wait(struct dsm *d, const uint32_t *word, unsigned own, uint32_t expected,
              uint64_t end_ns);
/* The same if this node is in that view still when the wait begins, else DSM_ERR_VIEW; 0: in any. */
int word_wait_in(struct dsm *d, uint32_t view, const uint32_t *word, unsigned own,
                 uint32_t expected, uint64_t end_ns);
int word_wake(struct dsm *d, const uint32_t *word, unsigned own, uint32_t count, uint32_t *woken);

#endif
