/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl run --threads: the library that is preloaded, and what a program must be like. */
#ifndef THREADS_H
#define THREADS_H

#include <stdbool.h>

#define THREADS_PRELOAD_MAX 8192

/* Whether text says where threads go, on so many nodes; 0: it is not known yet how many. */
bool threads_is_place(const char *text, int nodes);
/* Finds the library, as LD_PRELOAD wants it, and looks whether the command can have it. 0, or -1
 * once it has been told. */
int threads_prepare(const char *command, char preload[THREADS_PRELOAD_MAX]);
/* In the child, before exec. */
void threads_environment(const char *preload, const char *place);

#endif
