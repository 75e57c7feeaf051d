/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Standard input for rank 0. A file or pipe it can have as it is; a terminal it cannot
 * read, being in a process group in the background: there dsmctl reads for it.
 */
#ifndef INPUT_H
#define INPUT_H

struct ev_loop;
struct input;

/* 0 or a negative code. *fd: what rank 0 gets, to be closed once it has it (unless it is
 * STDIN_FILENO). */
int input_open(struct ev_loop *loop, struct input **out, int *fd);
/* NULL is allowed. */
void input_close(struct input *in);

#endif
