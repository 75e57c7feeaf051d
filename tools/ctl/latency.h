/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms of waits, as nodes answer "latency" with them. */
#ifndef CTL_LATENCY_H
#define CTL_LATENCY_H

#include "dsm/dsm_latency.h"
#include "tools/ctl/show.h"

/* Reads one; what is malformed is left out. */
void latency_read(const json_t *histogram, struct dsm_latency *out);

extern const struct show latency_show; /* dsmctl stats --latency */

#endif
