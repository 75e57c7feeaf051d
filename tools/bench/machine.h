/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the figures come from. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stddef.h>

/* Processors that this process may use. */
int machine_cores(void);
/* Processor, cores, kernel, versions; one line. */
void machine_describe(char *text, size_t len);
/* Load average of the last minute; below 0 when it is not known. */
double machine_load(void);

#endif
