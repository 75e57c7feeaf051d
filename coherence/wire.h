/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire format of messages: the only encoder and decoder there is.
 * Little-endian, byte by byte; no struct layout travels.
 */
#ifndef COH_WIRE_H
#define COH_WIRE_H

#include "coherence/coh.h"

#define COH_WIRE_VERSION 5 /* and of what the transport puts before them */
#define COH_WIRE_MAX 128 /* bytes of the longest message */

/* Writes msg to buf (at least COH_WIRE_MAX bytes). Returns its length in bytes. */
size_t coh_wire_encode(const struct coh_msg *msg, uint8_t *buf);

/*
 * Reads one message from exactly len bytes. Every member is checked against
 * config (types, lengths, pages, nodes, runs), so what is returned is well formed,
 * though not necessarily expected. Returns 0, or -EBADMSG with *why set to a
 * static text; out is then unspecified.
 */
int coh_wire_decode(const struct coh_config *config, const uint8_t *buf, size_t len,
                    struct coh_msg *out, const char **why);

#endif
