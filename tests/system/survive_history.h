/* SPDX-License-Identifier: BSD-2-Clause */
/* What a node of survive_history.c notes, and who compares it. */
#ifndef SURVIVE_HISTORY_H
#define SURVIVE_HISTORY_H

#include <stdint.h>

#include "tests/system/history.h"

#define HISTORY_THREADS 2
#define HISTORY_PAGES 192     /* of three homes and more */
#define HISTORY_PAGE_WORDS 2  /* of a page that are used */
#define HISTORY_WORDS (HISTORY_PAGES * HISTORY_PAGE_WORDS)
#define HISTORY_OPS (1 << 18) /* of a thread */

struct history_thread_log {
	uint64_t used, longest_ns;
	struct history_op op[HISTORY_OPS]; /* end 0: it was not done when this ended */
};

/* A node's file. */
struct history_file {
	uint32_t deaths;
	uint64_t out_ns; /* when it has learned that it is out; or 0 */
	struct history_thread_log thread[HISTORY_THREADS];
};

/* Compares the files in a directory. 0: it was one memory; 1: it was not, which it says. */
int history_compare(const char *dir, int with_wrong);

#endif
