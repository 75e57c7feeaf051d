/* SPDX-License-Identifier: BSD-2-Clause */
/* The dependency graph of Debian packages, in plain memory. */
#ifndef EXAMPLES_PACKAGES_H
#define EXAMPLES_PACKAGES_H

#include <stdint.h>

/* Vertices are packages; an edge leads from a package to one that it depends on. The edges
 * are listed by the package they lead to: those to v come from in_from[in_start[v]] to
 * in_from[in_start[v + 1] - 1]. */
struct graph {
	uint64_t vertices, edges;
	uint64_t *in_start;   /* vertices + 1 */
	uint32_t *in_from;    /* edges */
	uint32_t *out_degree; /* vertices */
};

struct packages {
	struct graph graph;
	char **names; /* of the vertices */
	unsigned files;
	char source[256]; /* the first file read */
};

/*
 * Reads package lists in the form of Debian's Packages files, compressed ones through apt.
 * Without files: the lists that apt has, or, if it has none, what dpkg has installed.
 * 0, or -1 and a sentence in why.
 */
int packages_load(char *const *files, int count, struct packages *out, char *why,
                  unsigned why_len);
void packages_free(struct packages *p);

#endif
