/* SPDX-License-Identifier: BSD-2-Clause */
/* A small checkpoint of two nodes, in a directory of the test's run. */
#ifndef SMALL_H
#define SMALL_H

#include "dsm/checkpoint/checkpoint.h"

#define SMALL_PATH 160

extern char small_dir[SMALL_PATH];
extern int small_packed; /* what is written is packed; 0 at first */

int small_make_dir(void);   /* for suite_run() */
int small_remove_dir(void); /* with all that is in it */
/* Writes a generation whose pages are filled from value on. 0, or what refused it. */
int small_write(uint8_t value, struct ckpt_why *why);
/* Reads all of it. 1: it is what small_write() has written; 0: it is refused; -1: it is neither.
 * value: NULL, or where its value goes. */
int small_read(uint8_t *value, struct ckpt_why *why);

#endif
