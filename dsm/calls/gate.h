/* SPDX-License-Identifier: BSD-2-Clause */
/* Places that threads of all nodes wait for, see states.h. */
#ifndef GATE_H
#define GATE_H

#include "dsm/calls/states.h"

struct dsm;

struct gate {
	uint32_t *word;
	int32_t places; /* what is left when the word is 0 */
};

/* All may fail with DSM_ERR_LOST. */
/* Takes a place, or stands in line: *has says which. */
int gate_enter(struct dsm *d, const struct gate *g, int near, int *has);
/* Of who stands in line: 0: he has a place; else he is out of the line: DSM_ERR_TIMEDOUT,
 * DSM_ERR_NOMEM. */
int gate_wait(struct dsm *d, const struct gate *g, uint64_t until_ns);
/* Takes one if there is: 0 or DSM_ERR_BUSY. */
int gate_try(struct dsm *d, const struct gate *g, int near);
/* Gives one back. *left, unless NULL: what was left before. */
int gate_leave(struct dsm *d, const struct gate *g, int32_t *left);

#endif
