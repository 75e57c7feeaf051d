/* SPDX-License-Identifier: BSD-2-Clause */
/* How many processors there are for this process, which may be less than the machine has. */
#ifndef PROCESSORS_H
#define PROCESSORS_H

/* On how many the calling thread may run by its affinity. 1 at least. */
unsigned processors_by_affinity(void);

/*
 * How many whole ones the control groups of this process, of version 1 or 2, leave it by their
 * bandwidth, 1 at least; UINT_MAX: they do not limit it. root: "", or a directory that stands for
 * the root, in tests.
 */
unsigned processors_by_groups(const char *root);

/* The lesser of the two. Nodes in one control group, or of one affinity, share them. */
unsigned processors_available(void);

#endif
