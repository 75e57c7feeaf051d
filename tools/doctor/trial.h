/* SPDX-License-Identifier: BSD-2-Clause */
/* A job of one node, run in a process of its own: the proof that all of it works together. */
#ifndef TRIAL_H
#define TRIAL_H

#include "dsm/dsm.h"

struct trial;

/* NULL: no process could be started, which trial_finish() tells. */
struct trial *trial_start(void);
/* Waits for it, no longer than some seconds, and tells how it went. */
void trial_finish(struct trial *trial, dsm_probe_fn fn, void *ctx);

#endif
