/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects of dsm_sync.h that others are made of: without the way into a public call. */
#ifndef OBJECTS_H
#define OBJECTS_H

#include "dsm/dsm_sync.h"

/* As the calls; until a time of clock_now_ns(). */
int mutex_lock_until(struct dsm *d, struct dsm_sync_mutex *m, uint64_t until_ns);
int mutex_try(struct dsm *d, struct dsm_sync_mutex *m);
int mutex_unlock(struct dsm *d, struct dsm_sync_mutex *m);

/* turns.c: the same of a plain mutex, which knows nobody, for the others' sake. */
int turn_take(struct dsm *d, struct dsm_sync_mutex *m, uint64_t until_ns);
int turn_try(struct dsm *d, struct dsm_sync_mutex *m);
int turn_give(struct dsm *d, struct dsm_sync_mutex *m);
/* It is lost, with the caller in it perhaps: threads of this node that wait behind find so, too. */
void turn_lose(struct dsm *d, const struct dsm_sync_mutex *m);

#endif
