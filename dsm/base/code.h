/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects of code in this process, the program and its libraries, as another process knows them
 * too: by what they were built of.
 *
 * Any thread, but in a signal handler. A lock inside guards what was found last time.
 */
#ifndef CODE_H
#define CODE_H

#include <stdint.h>

struct code_place {
	uint64_t object; /* of its build id, or of its file; not 0 */
	uint64_t offset; /* from where the object begins */
	uintptr_t base;  /* that is here */
};

/* Where a function is. -ENOENT: in no object, or one that has no build id and no file. -ENOMEM. */
int code_place_of(const void *fn, struct code_place *out);

/* Where that object is here. -ENOENT: it is not; so if the offset is not of its code. -ENOMEM. */
int code_find(uint64_t object, uint64_t offset, uintptr_t *base);

/* A name for a message of the object that a function is in; "" when it is in none. */
void code_name(const void *fn, char *name, unsigned bytes);

#endif
