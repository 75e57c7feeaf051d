/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that the allocator has given is zero, and not lost. */
#ifndef FRESH_H
#define FRESH_H

#include <stddef.h>
#include <stdint.h>

struct dsm;

struct fresh {
	uint8_t *at;
	size_t bytes, dirty; /* the first so many may hold something */
	uint32_t view;       /* before it was taken */
	int whole_pages;
	int alone;           /* nobody else had anything in its pages when it was taken */
};

/* 0; DSM_ERR_LOST_DATA: where nodes may die, a page is lost that is not its alone; DSM_ERR_LOST. */
int fresh_make(struct dsm *d, struct fresh *f);

#endif
