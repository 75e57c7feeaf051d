/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults, from the trap to the core; and what is fetched ahead of them. */
#ifndef FAULTS_H
#define FAULTS_H

#include <signal.h>
#include <stdint.h>

#include "dsm/node/stream.h"
#include "dsm/trap/trap.h"

struct dsm;
struct waiter;

/* With the lock held: */

/* Takes faults until there is none or no slot is free. */
void node_take_faults(struct dsm *d);
/* Asks for a page, and with run pages from it on where it is to be read, in the name of a
 * thread that waits with w. 0, -EAGAIN: no slot or place is free, or another code. */
int node_fault_ask(struct dsm *d, const struct trap_fault *f, unsigned run, struct waiter *w);

/* --- fault_wait.c --- */
/* Asks for its page as a thread that has faulted, and waits, without the lock and with the signals of the mask, until
 * it is woken; what: as it is called where waits are told of. 0, whatever has become of the page then; -EAGAIN: no
 * slot or place is free, and nothing was waited for; DSM_ERR_NOMEM, or why the wait has ended. */
int node_fault_wait(struct dsm *d, const struct trap_fault *f, unsigned run, const char *what,
                    const sigset_t *mask);

/* A fault in the calling thread, from the trap's signal handler: returns when the page is
 * there. A trap_config.on_fault; takes the lock. */
int node_fault_here(void *dsm, const struct trap_fault *f, const sigset_t *mask);

/* --- sample.c; with the lock held --- */
/* Notes which instruction this fault, which is not served yet, comes from, if it is its turn. Only
 * while somebody looks: lines.until_ns is not 0. */
void node_sample_fault(struct dsm *d, const struct trap_fault *f);

/* --- watch.c; with the lock held --- */
/* Faults older than a while are reported, once each. */
void node_check_waits(struct dsm *d);

/* --- ahead.c; with the lock held --- */
/* Asks for pages first .. end-1 for reading, as far as there is room. */
void node_fetch_ahead(struct dsm *d, uint64_t first, uint64_t end);
/* A thread has faulted writing page, which this node did not have for writing, and `asked` pages from there on were asked
 * for: asks for those that it is likely to write next, one by one, as if it did. */
void node_write_ahead(struct dsm *d, uint64_t page, unsigned asked);
/* A thread has faulted reading page: what it is likely to read next. The run ends where
 * the page's request has to, or earlier. */
struct stream_advice node_stream(struct dsm *d, uint32_t thread, uint64_t page);
/* Asks for that, but for the first `asked` pages of the run. */
void node_follow_stream(struct dsm *d, uint64_t page, unsigned asked,
                        const struct stream_advice *a);
/* The thread has been given a lock: asks for what is bound to it (bound.h). */
void node_ask_bound(struct dsm *d, uint32_t thread, uint64_t key);
/* node_step(), and the same for whoever is given a lock by that, before it wakes up. */
int node_step_ask(struct dsm *d, const struct coh_event *ev);

#endif
