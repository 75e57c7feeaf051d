/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which machine a node runs on, in a form that nodes compare. Two questions: is it the same
 * kernel (they share its processors), and do they see the same files, processes and network
 * there (so that shared memory and loopback join them)? Containers and network namespaces
 * of one machine answer yes and no.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

struct machine {
	char kernel[40]; /* changes with each boot */
	uint64_t network, processes, users;      /* namespaces */
	uint64_t shm_device, shm_file, tmp_device, tmp_file;
	uint64_t user;
};

/* A machine that does not tell is like no other. */
void machine_get(struct machine *out);
int machine_same_kernel(const struct machine *a, const struct machine *b);
int machine_same(const struct machine *a, const struct machine *b);

#endif
