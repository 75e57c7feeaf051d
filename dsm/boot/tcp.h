/* SPDX-License-Identifier: BSD-2-Clause */
/* The bootstrap over TCP as a boot: what the ways of starting that have no rendezvous end in. */
#ifndef TCP_H
#define TCP_H

#include "dsm/boot/tcp_start.h"

/* Blocks until all nodes are there. Codes as of boot_open(). */
int boot_tcp_open(const struct tcp_start *start, struct boot **out, char *why, size_t why_len);

#endif
