/* SPDX-License-Identifier: BSD-2-Clause */
/* Where an instruction of another process is in its sources. Of what is stripped the symbol, or
 * the file that holds it and the offset there; code_none.c is for builds without libdw, and knows
 * no more than that. */
#ifndef CODE_H
#define CODE_H

#include <stdint.h>
#include <sys/types.h>

struct code;

struct code_place {
	char file[256];     /* of the source; "": not known */
	int line;           /* in it, from 1 */
	char function[128]; /* that the source, or a symbol, names; "" */
	char module[256];   /* the executable or library */
	uint64_t offset;    /* in it, as addr2line(1) wants it */
	unsigned width;     /* bytes of memory that the instruction accesses; 0: not known */
};

/* NULL: the process is gone, or may not be looked at. */
struct code *code_open(pid_t pid);
/* 0, or -1: the process has no code there, and *out is empty. */
int code_find(struct code *code, uint64_t pc, struct code_place *out);
void code_close(struct code *code); /* NULL is allowed */

/* code_width.c: bytes of memory that the instruction at the start of these bytes accesses; 0: not
 * known. */
unsigned code_width(const void *bytes, size_t len);

#endif
