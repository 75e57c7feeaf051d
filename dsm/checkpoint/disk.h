/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole files. Codes are those of the system, with a sentence. */
#ifndef DISK_H
#define DISK_H

#include "dsm/checkpoint/checkpoint.h"

/* "cannot DO NAME: reason"; returns -err. */
int disk_failed(struct ckpt_why *why, const char *what, const char *name, int err);
/* All of it, wherever the call is interrupted. */
int disk_write_all(int fd, const void *bytes, size_t len);
/* The file, which must not be there, and which is on the disk then. */
int disk_write_file(int dir, const char *name, const void *bytes, size_t len,
                    struct ckpt_why *why);
/* *out is for free(). max: a file that is longer is none of ours. */
int disk_read_file(int dir, const char *name, size_t max, uint8_t **out, size_t *len,
                   struct ckpt_why *why);

/* The name of a node's file; of a generation's directory. */
#define DISK_NAME_MAX 32
enum disk_file { DISK_INDEX, DISK_DATA };
void disk_name(enum disk_file which, uint32_t rank, char out[DISK_NAME_MAX]);
void disk_generation_name(uint64_t generation, char out[DISK_NAME_MAX]);

#endif
