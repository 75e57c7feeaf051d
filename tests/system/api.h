/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the test of dsm.h's calls. Each is called by all nodes at once. */
#ifndef API_H
#define API_H

#include <stdint.h>

#include "tests/system/node.h"

#define PAGE 4096
#define API_THREADS 3 /* per node, where several are wanted */

void api_memory(void);
void api_names(void);
void api_barrier(void);
void api_mutex(void);
void api_mutex_order(void);
void api_mutex_limit(void);
void api_many_waiters(void);
void api_cond(void);
void api_atomics(void);
void api_prefetch(void);
void api_pin(void);
void api_pin_huge(void);
void api_spin(void);
void api_stats(void);

/* Runs body(n) in API_THREADS threads, n counting through all threads of the job. */
void api_threads(void (*body)(unsigned n));

#endif
