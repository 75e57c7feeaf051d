/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doorbell: wakes nodes of one machine that sleep, for providers whose completion
 * queue has no descriptor (shm).
 *
 * Each node owns a bell: a small shared file with its state, which its peers map, and
 * a datagram socket beside it, on which it sleeps. Both ends of a sleep are a store
 * followed by a load of what the other side stores, with a full fence between, so at
 * least one of them sees the other:
 *
 *	sleeper: asleep = 1;            fence; look for completions
 *	sender:  post to the provider;  fence; is asleep 1? then ring
 *
 * A node that sleeps while something of its own is under way to a peer also needs that
 * peer's progress (a queue to be drained, a page to be fetched by the target), which
 * raises no completion there. It says so in the peer's bell, and the peer rings:
 *
 *	sleeper: need[self] = 1, needed++;  fence; look for completions
 *	peer:    progress;                  fence; is needed not 0? then ring those
 *
 * To ring takes the ringer a system call, and the other side a thread that wakes up. A node
 * between two calls of its application counts as asleep, but mostly looks by itself a few
 * microseconds later. So who is to be rung is only noted, with the number of the sleep he was
 * seen in. He is rung a little later, if he is still in that sleep: he has looked otherwise.
 *
 * Threads: calls on one struct ofi_bell are made by one thread at a time.
 */
#ifndef TR_OFI_BELL_H
#define TR_OFI_BELL_H

#include <stddef.h>
#include <stdint.h>

#define OFI_BELL_PATH_MAX 108 /* of a bell's path, NUL included */

struct ofi_bell;

/* Makes this node's bell in dir, or when dir is NULL or its name too long in a
 * directory of its own under /tmp. 0 or a negative errno. */
int ofi_bell_open(const char *dir, uint16_t self, uint16_t nodes, struct ofi_bell **out);
/* Rings those that are to be rung. NULL is allowed. */
void ofi_bell_close(struct ofi_bell *bell);
const char *ofi_bell_path(const struct ofi_bell *bell);
int ofi_bell_fd(const struct ofi_bell *bell);

/* Finds the bell of a peer: from now on its path is not needed any more, by this node. -EINVAL when
 * path is no bell of this user. */
int ofi_bell_connect(struct ofi_bell *bell, uint16_t peer, const char *path);

/* From now on peers ring, and those of ofi_bell_need() after their progress. Look for
 * completions afterwards, then sleep. */
void ofi_bell_sleep(struct ofi_bell *bell);
/* Before ofi_bell_sleep(): something of ours needs the progress of peer. */
void ofi_bell_need(struct ofi_bell *bell, uint16_t peer);
/* Ends both, and takes what was rung. */
void ofi_bell_awake(struct ofi_bell *bell);

/* Something was given to the provider for peer: it is to be rung, if it sleeps. */
void ofi_bell_want(struct ofi_bell *bell, uint16_t peer);
/* The same for those that need our progress, which was just made. */
void ofi_bell_serve(struct ofi_bell *bell);
/* Rings those that are to be rung: soon, when the first of them has been for long enough, or
 * now. Returns how many slept still. */
unsigned ofi_bell_ring_soon(struct ofi_bell *bell);
unsigned ofi_bell_ring_now(struct ofi_bell *bell);
/* A peer that was rung in vain since it is gone, each once; -1 when there is none. */
int ofi_bell_gone(struct ofi_bell *bell);
/* Rings anyhow, to learn whether the peer is still there: 0 or -ENOTCONN. */
int ofi_bell_probe(struct ofi_bell *bell, uint16_t peer);

#endif
