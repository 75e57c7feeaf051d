/* SPDX-License-Identifier: BSD-2-Clause */
/* The service thread, on a libev loop. */
#ifndef LOOP_H
#define LOOP_H

struct dsm;
struct ev_loop;

/* Makes the loop. Negative codes; -ELIBACC: there is no libev. */
int loop_open(struct dsm *d);
/* For others that want to be served on it; before loop_start(). */
struct ev_loop *loop_events(const struct dsm *d);
/* Starts the thread. */
int loop_start(struct dsm *d);
/* Ends the thread, if there is one. */
void loop_stop(struct dsm *d);
void loop_close(struct dsm *d); /* half-built is allowed */

#endif
