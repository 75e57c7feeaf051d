/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the words of the objects of dsm_sync.h say, and what follows from it: nothing else.
 * tests/objects/model.c tries all that threads can do with them at the same time.
 *
 * A **gate** has so many places left; below 0, as many threads wait, each of which has taken one
 * away. Who gives a place back to a gate that was below 0 wakes one of them, and that one has it:
 * he changes nothing. He may not sleep yet: then the wake finds nobody, and is done again. Nobody
 * of whom that is expected may leave: as long as the gate is below 0, fewer wakes are under way
 * than threads wait, and one may, by giving back what he has taken. A mutex is a gate of one place,
 * a semaphore one of any number.
 *
 * A **condition** has a turn, which a signal changes, so that no thread sleeps that has seen the one
 * before; and how many wait, or a bit more: never fewer, as who is woken takes himself off only when
 * he was not.
 */
#ifndef STATES_H
#define STATES_H

#include <stdint.h>

/* --- gate: left --- */

static inline int gate_has_room(int32_t left)
{
	return left > 0;
}
/* Before a place was given back. */
static inline int gate_owes(int32_t left)
{
	return left < 0;
}
static inline int gate_may_leave(int32_t left)
{
	return left < 0;
}

/* A mutex's word is 0 when it is free, with one place left. */
static inline int32_t mutex_left(uint32_t word)
{
	return (int32_t)word + 1;
}

/* --- a mutex where nodes may die: whose it is, the node plus one, and whether threads wait. Who
 * dies as its holder leaves his name, by which the next one has it. Nothing else is counted, so that
 * whoever dies while he waits leaves nothing; all waits end then, and look again. --- */

#define OWNED_WAITED (UINT32_C(1) << 31)

static inline uint32_t owned_by(uint32_t node)
{
	return node + 1;
}
/* Of one that somebody has: the node. */
static inline uint32_t owned_node(uint32_t word)
{
	return (word & ~OWNED_WAITED) - 1;
}
static inline int owned_is_free(uint32_t word)
{
	return !(word & ~OWNED_WAITED);
}
/* When it is taken by who has waited, others may wait still. */
static inline uint32_t owned_taken(uint32_t word, uint32_t node, int has_waited)
{
	return owned_by(node) | (has_waited ? OWNED_WAITED : word & OWNED_WAITED);
}

/* --- a semaphore where nodes may die: places, and whether threads wait --- */

static inline uint32_t places_left(uint32_t word)
{
	return word & ~OWNED_WAITED;
}

/* --- condition: turn in the upper half, threads in the lower --- */

#define COND_ONE_WAITS UINT64_C(1)
#define COND_ONE_TURN (UINT64_C(1) << 32)

static inline uint32_t cond_turn(uint64_t word)
{
	return (uint32_t)(word >> 32);
}
static inline uint32_t cond_waits(uint64_t word)
{
	return (uint32_t)word;
}
static inline uint64_t cond_signalled(uint64_t word)
{
	return word + COND_ONE_TURN - COND_ONE_WAITS;
}
static inline uint64_t cond_broadcast(uint64_t word)
{
	return word + COND_ONE_TURN - cond_waits(word);
}
/* Whether who saw that turn, and has slept long enough, is still among those who wait. */
static inline int cond_may_leave(uint64_t word, uint32_t turn)
{
	return cond_turn(word) == turn && cond_waits(word);
}

/* --- reader-writer lock: a bit of the writer who has the turn, and readers --- */

#define RW_WRITER (UINT32_C(1) << 31)

static inline int rw_lets_read(uint32_t word)
{
	return !(word & RW_WRITER);
}
static inline int rw_lets_write(uint32_t word)
{
	return word == RW_WRITER;
}
/* Before a reader has left. */
static inline int rw_owes(uint32_t word)
{
	return word == RW_WRITER + 1;
}

/* Where nodes may die readers are in a map, by node. The word has whether there is a writer, in it or
 * waiting for readers; whether one has died so, and nobody has unlocked it as one since; and a number that
 * the last readers of nodes change, for whom a writer may wait. */
#define RW_ORPHAN (UINT32_C(1) << 30)

static inline uint32_t rw_left(uint32_t word)
{
	return (word & ~(RW_ORPHAN - 1)) | ((word + 1) & (RW_ORPHAN - 1));
}

/* --- barrier: turn in the upper half, threads that have come in the lower --- */

static inline int barrier_is_full(uint64_t before, uint32_t threads)
{
	return (uint32_t)before + 1 == threads;
}
static inline uint64_t barrier_next(uint32_t threads)
{
	return (UINT64_C(1) << 32) - threads;
}
static inline uint32_t barrier_turn(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* Where nodes may die, in the lower half: from bit 25 on the view of those who are to come, where 0 is the
 * first one, as nobody who made it could know of a death; below it how many have, or that it is broken. */

#define BARRIER_BROKEN ((UINT32_C(1) << 25) - 1)

static inline uint32_t owned_barrier_come(uint64_t word)
{
	return (uint32_t)word & BARRIER_BROKEN;
}
static inline uint32_t owned_barrier_view(uint64_t word)
{
	return (uint32_t)word >> 25 ? (uint32_t)word >> 25 : 1;
}
static inline uint64_t owned_barrier_broken(uint64_t word)
{
	return word | BARRIER_BROKEN;
}
static inline uint64_t owned_barrier_anew(uint64_t word, uint32_t view)
{
	return (uint64_t)(barrier_turn(word) + 1) << 32 | view << 25;
}
/* When another one has come: none has, in the next turn, when they are all. */
static inline uint64_t owned_barrier_next(uint64_t word, uint32_t view, uint32_t threads)
{
	const uint32_t come = owned_barrier_come(word) + 1;
	const uint64_t turn = barrier_turn(word) + (come == threads);

	return (uint64_t)(uint32_t)turn << 32 | view << 25 | (come == threads ? 0 : come);
}

/* --- once --- */

enum once_state { ONCE_NOT_YET = 0, ONCE_NOW = 1, ONCE_DONE = 2 };

/* Where nodes may die: by whom. */
static inline uint32_t once_now_by(uint32_t node)
{
	return (node + 1) << 8 | ONCE_NOW;
}
static inline uint32_t once_node(uint32_t word)
{
	return (word >> 8) - 1;
}

#endif
