/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_probe from the inside: what its parts share. */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

#include "dsm/dsm.h"
#include "dsm/start/start.h"

enum container { CONTAINER_NONE, CONTAINER_DOCKER, CONTAINER_PODMAN, CONTAINER_KUBERNETES,
                 CONTAINER_OTHER };

struct probe {
	dsm_probe_fn fn;
	void *ctx;
	struct settings settings;
	enum container container; /* that this is in: who has to do what is advised */
	int code; /* 0, or what the first bad finding means for dsm_init */
};

/* The parts, in the order in which they are told. */
void probe_kernel(struct probe *p);
void probe_memory(struct probe *p);
void probe_network(struct probe *p);

/* What starts a container with what a node needs: advice. */
enum container container_here(void);
const char *container_text(enum container container); /* " in Docker", or "" */
const char *container_root(const struct probe *p); /* who changes the machine, and where */
const char *container_userfaultfd(const struct probe *p);
const char *container_shm(const struct probe *p);
const char *container_memlock(const struct probe *p);
const char *container_rdma(const struct probe *p);

/* Tells one finding. */
void probe_ok(struct probe *p, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void probe_less(struct probe *p, const char *name, const char *advice, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
void probe_bad(struct probe *p, int code, const char *name, const char *advice,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

/* How often a directory under /sys has an entry that does not begin with a dot. */
int probe_entries(const char *path);
/* A number in a file, or otherwise. */
long long probe_number(const char *path, long long otherwise);
/* The first line of a file; "" when there is none. */
void probe_line(const char *path, char *out, int len);

#endif
