/* SPDX-License-Identifier: BSD-2-Clause */
/* The engines. Each is in a file of its name, and knows none of the others. */
#ifndef TRAP_ENGINES_H
#define TRAP_ENGINES_H

#include "dsm/trap/ops.h"

extern const struct trap_ops trap_wp_ops;
extern const struct trap_ops trap_rwp_ops;

#endif
