/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes, conditions and the barrier, private to coherence/sync/. Each object has a home,
 * which keeps a queue of waiters, oldest first; grants are messages, nobody spins. A condition
 * lives at its mutex's home, so that waiting releases the mutex and a signal moves the waiter
 * to the mutex's queue, both in one place (wait morphing).
 *
 *      mutex at its home    free --Lock--> held --Unlock--> free, or held by the oldest waiter
 *      condition            a Cond-Wait unlocks the mutex and waits here; a signal takes the
 *                           oldest waiter to the mutex, as if it had sent a Lock
 *      barrier, at node 0   the last to arrive releases all
 *
 * From below upwards: ask.c (this node's threads) and object.c (an object at its home), then
 * mutex.c, cond.c, destroy.c, barrier.c (both sides of each), then sync.c (events and messages,
 * as they arrive). When a node dies: again.c (this node's threads) and revive.c (objects).
 */
#ifndef COH_SYNC_H
#define COH_SYNC_H

#include "coherence/state.h"

/* --- ask.c: this node's threads, which wait for an answer in a slot --- */
/* Sends a request that will be answered in a slot. */
int coh_sync_ask(struct coh *c, const struct coh_event *ev, enum coh_msg_type type,
                 uint32_t result, struct coh_effects *fx);
int coh_sync_resp(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx);
int coh_sync_holds(struct coh *c, coh_node home, uint32_t object, uint32_t thread);

/* --- object.c: an object at its home --- */
/* The object of that number, if it is known and of that kind, else NULL. */
struct object *coh_object_known(struct coh *c, uint32_t number, int kind);
/* The mutex of that number, or the condition of that number and mutex, or NULL. Of a home that has
 * died it is known from now on, if it was not. */
struct object *coh_object_mutex(struct coh *c, uint32_t number);
struct object *coh_object_cond(struct coh *c, uint32_t number, uint32_t mutex);
/* Whether this node is home to it; and only since its own one has died. */
int coh_object_is_here(const struct coh *c, uint32_t number);
int coh_object_is_inherited(const struct coh *c, uint32_t number);
/* Not all have reported: nobody is granted it, whoever asks queues. */
int coh_object_is_waiting(const struct coh *c, const struct object *o);
/* Whether one more of node's threads may wait here. */
int coh_object_has_room(struct coh *c, coh_node node);
/* Queues a waiter: 0, or -EPROTO when its node has too many. */
int coh_object_enqueue(struct coh *c, struct object *o, coh_node node, uint16_t slot,
                       uint32_t thread);
/* The same for who asks before all have reported: first, if it was granted him before, perhaps
 * without his hearing of it. */
int coh_object_enqueue_later(struct coh *c, struct object *o, struct waiter w, int first);
/* The same for one that was woken from a condition of this mutex: what it has waited for is true
 * now, and may not be when others have had the mutex. So it goes before those who wait for nothing
 * else, but of each of these only cfg.overtakes do. */
int coh_object_enqueue_woken(struct coh *c, struct object *o, const struct waiter *was);
struct waiter coh_object_dequeue(struct coh *c, struct object *o);
struct waiter coh_object_dequeue_at(struct coh *c, uint32_t *link);
struct waiter *coh_object_first(struct coh *c, const struct object *o);
/* Nobody may lock a mutex any more that goes when it is unlocked. */
int coh_object_is_doomed(struct coh *c, const struct object *o);
int coh_object_is_held_by(const struct object *o, coh_node node, uint32_t thread);
void coh_object_grant(struct coh *c, struct object *o, coh_node node, uint16_t slot,
                      uint32_t thread, struct coh_effects *fx);
/* A mutex that is free: the oldest waiter has it, or its destruction is due. */
void coh_object_pass_on(struct coh *c, struct object *o, struct coh_effects *fx);
/* Unlocks the mutex; the oldest waiter has it then, or its destruction is due. */
void coh_object_release(struct coh *c, struct object *o, struct coh_effects *fx);
void coh_object_destroy(struct coh *c, struct object *o, coh_node node, uint16_t slot,
                        struct coh_effects *fx);
struct coh_msg *coh_object_respond(struct coh *c, struct coh_effects *fx, coh_node node,
                                   uint16_t slot, int status, uint32_t object);

/* --- events of this node (lock, wait, ...), and messages to the home (home_lock, ...) --- */
/* mutex.c */
int coh_mutex_create(struct coh *c, struct coh_effects *fx);
int coh_mutex_lock(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_mutex_unlock(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_mutex_home_lock(struct coh *c, coh_node from, const struct coh_msg *m,
                        struct coh_effects *fx);
int coh_mutex_home_unlock(struct coh *c, coh_node from, const struct coh_msg *m,
                          struct coh_effects *fx);
/* cond.c */
int coh_cond_wait(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_cond_home_create(struct coh *c, coh_node from, const struct coh_msg *m,
                         struct coh_effects *fx);
int coh_cond_home_wait(struct coh *c, coh_node from, const struct coh_msg *m,
                       struct coh_effects *fx);
int coh_cond_home_signal(struct coh *c, const struct coh_msg *m, struct coh_effects *fx);
/* destroy.c */
int coh_sync_destroy(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_sync_home_destroy(struct coh *c, coh_node from, const struct coh_msg *m,
                          struct coh_effects *fx);
/* barrier.c */
int coh_barrier_enter(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_barrier_home(struct coh *c, coh_node from, struct coh_effects *fx);
int coh_barrier_release(struct coh *c, coh_node from, struct coh_effects *fx);

#endif
