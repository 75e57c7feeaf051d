/* SPDX-License-Identifier: BSD-2-Clause */
/* What nodes say to each other about views, as bytes: little-endian, and no longer than needed. */
#ifndef VIEWS_WIRE_H
#define VIEWS_WIRE_H

#include "dsm/views/pulse.h"

#define VIEWS_WIRE_MAX (48 + 2 * VIEWS_NODES_MAX / 8)

/* Of a job of so many nodes: how many bytes of out. */
size_t views_encode(const struct pulse_msg *m, unsigned nodes, uint8_t out[VIEWS_WIRE_MAX]);
/* 0; or -EPROTO: it is no message of such a job, and nothing of it is to be believed. */
int views_decode(const uint8_t *bytes, size_t len, unsigned nodes, struct pulse_msg *out);

#endif
