/* SPDX-License-Identifier: BSD-2-Clause */
/* The tests of shared memory; tests.c has what each is about. All are collective. */
#ifndef SHARED_H
#define SHARED_H

#include "tools/bench/tests.h"

/* misses.c */
void read_miss(struct result *out);
void write_miss(struct result *out);
void upgrade(struct result *out);
void read_miss_3hop(struct result *out);
/* computes.c */
void miss_while_target_computes(struct result *out);
/* streams.c */
void sequential_read(struct result *out);
void strided_read(struct result *out);
void random_read(struct result *out);
/* first.c */
void first_touch(struct result *out);
/* huge.c */
void pmd_fetch(struct result *out);
/* turns.c */
void pingpong(struct result *out);
void producer_consumer(struct result *out);
void false_sharing(struct result *out);
/* sync.c */
void lock_counter(struct result *out);
void barrier(struct result *out);
void barrier_4(struct result *out);
void barrier_8(struct result *out);
void fetch_add(struct result *out);
/* words.c */
void futex_wake(struct result *out);
/* mutexes.c */
void mutex_here(struct result *out);
void mutex_elsewhere(struct result *out);
void mutex_handed_over(struct result *out);
void mutex_contended(struct result *out);
/* threads.c */
void thread_create_join(struct result *out);
/* heaps.c */
#define HEAPS_SECONDS 300
void malloc_here(struct result *out);
void malloc_elsewhere(struct result *out);
/* saves.c */
#define SAVES_SECONDS 300
void checkpoint(struct result *out);
void checkpoint_pause(struct result *out);
void checkpoint_increment(struct result *out);
void restore(struct result *out);
/* secures.c */
#define SECURES_SECONDS 240
void secure_release(struct result *out);
/* recovers.c */
#define RECOVERS_SECONDS 400
void recovery(struct result *out);
/* habits.c */
void migratory(struct result *out);
void read_mostly(struct result *out);
/* idle.c */
void idle_cpu(struct result *out);

#endif
