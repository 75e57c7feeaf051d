/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernels; each has a file of its name. */
#ifndef KERNELS_H
#define KERNELS_H

#include "tools/bench/apps/team.h"

extern const struct kernel kernel_transpose;
extern const struct kernel kernel_stencil;
extern const struct kernel kernel_scatter;
extern const struct kernel kernel_sparse;
extern const struct kernel kernel_product;
extern const struct kernel kernel_queue, kernel_queue_short;
extern const struct kernel kernel_lu;
extern const struct kernel kernel_histogram;
extern const struct kernel kernel_bodies;
extern const struct kernel kernel_search;
extern const struct kernel kernel_table;

#endif
