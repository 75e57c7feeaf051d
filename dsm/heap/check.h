/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * With DSM_CHECK: whether memory that somebody accesses was allocated. Rank 0 knows, and is asked
 * for every page that faults before the page itself is: nothing is remembered, so that freed memory
 * is found, too. Under the node's lock.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>

struct dsm;
struct coh_msg;
struct trap_fault;

/* --- check.c: of those who ask --- */
int heap_check_open(struct dsm *d); /* -ENOMEM */
void heap_check_close(struct dsm *d);
/* Members of node_services. */
int heap_check_begin(struct dsm *d, const struct trap_fault *f);
int heap_check_passed(struct dsm *d, struct trap_fault *f);
int heap_check_here(struct dsm *d, const struct trap_fault *f);

/* --- check_serve.c: at rank 0 --- */
int heap_taken_open(struct dsm *d); /* -ENOMEM */
void heap_taken_close(struct dsm *d);
/* A block of a kind's zone is somebody's from now on (1), or nobody's (-1). Without DSM_CHECK they
 * do nothing. */
void heap_taken(struct dsm *d, unsigned kind, uint64_t offset, uint64_t bytes, int change);
/* Requests: SVC_WHERE and SVC_NAME. */
void heap_serve_where(struct dsm *d, uint16_t from, const struct coh_msg *m);
void heap_serve_name(struct dsm *d, uint16_t from, const struct coh_msg *m);

#endif
