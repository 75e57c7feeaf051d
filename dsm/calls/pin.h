/* SPDX-License-Identifier: BSD-2-Clause */
/* What other calls do with pages that they hold. */
#ifndef CALLS_PIN_H
#define CALLS_PIN_H

#include <stddef.h>

struct dsm;

/* Clears [at, at + bytes), of one zone, each page while it is held here for writing. Blocks. 0,
 * DSM_ERR_LOST, or why a page cannot be held (as dsm_pin), which stays as it is with those
 * behind it; *done: bytes that were cleared. */
int pin_and_clear(struct dsm *d, void *at, size_t bytes, size_t *done);

#endif
