/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways of starting that boot_open() chooses from, and what all of them need. */
#ifndef BOOT_WAYS_H
#define BOOT_WAYS_H

#include <pthread.h>

#include "dsm/boot/boot.h"

/* Writes a sentence to why, and returns code. */
int boot_why(char *why, size_t why_len, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* CLOCK_MONOTONIC: deadlines are of this clock. */
int64_t boot_now_ms(void);
/* 0 when fd is ready for these events of poll(2), -ETIMEDOUT when the deadline comes first. */
int boot_wait(int fd, short events, int64_t deadline);

/* Locks what a thread in allgather holds: 1; or 0 where it is held, and there is to be no wait. */
int boot_turn(pthread_mutex_t *lock, int wait);

/* The ways: boot.c chooses. Codes as of boot_open(). */
int boot_single_open(struct boot **out);
int boot_local_open(const char *dir, int rank, int size, struct boot **out, char *why,
                    size_t why_len);
int boot_exchange_open(const struct boot_config *config, int timeout_ms, struct boot **out,
                       char *why, size_t why_len);
int boot_pmix_open(int timeout_ms, struct boot **out, char *why, size_t why_len);
/* place: HOST:PORT. */
int boot_hand_open(const char *place, int rank, int size, int timeout_ms, struct boot **out,
                   char *why, size_t why_len);

#endif
