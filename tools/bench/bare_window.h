/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bare userfaultfd for the floors: memory mapped twice, as a trapped window and an
 * untrapped alias, with nothing of libdsm's trap. What fails ends the node.
 */
#ifndef BARE_WINDOW_H
#define BARE_WINDOW_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Resolves a fault, with one of the calls below. Which kind it is the caller knows. */
typedef void (*bare_fault_fn)(void *ctx, uint64_t page);

struct bare_window {
	uint8_t *at, *alias;
	size_t page_bytes, pages;
	int memfd, uffd;
	bool signal; /* delivery: SIGBUS in the faulting thread, or a thread that reads */
	bare_fault_fn fault;
	void *ctx;
	pthread_t thread;
	int stop, turn; /* atomic */
	struct sigaction before;
};

/* page_bytes 4096 or 2 MiB. The frames are allocated, nothing is mapped in the window.
 * False when there are not so many huge pages. */
bool bare_window_open(struct bare_window *w, size_t page_bytes, size_t pages, bool by_signal);
void bare_window_close(struct bare_window *w);

/* From here on fault is called for every access that traps: in the faulting thread, or in
 * a thread that looks all the time. One window at a time. */
void bare_window_start(struct bare_window *w, bare_fault_fn fault, void *ctx);
void bare_window_stop(struct bare_window *w);

/* Maps an unmapped page, for reading or for both, and wakes who waits for it. */
void bare_window_map(struct bare_window *w, uint64_t page, bool write);
/* Lets a page that is mapped for reading be written, and wakes who waits for that. */
void bare_window_unprotect(struct bare_window *w, uint64_t page);
/* Lets it be read only. */
void bare_window_protect(struct bare_window *w, uint64_t page);
/* Unmaps pages. */
void bare_window_zap(struct bare_window *w, uint64_t first, uint64_t n);

/* A fault orders what the faulting thread and the resolving one do; this says so to those who
 * do not see it (ThreadSanitizer). For memory that both touch through the alias. */
static inline void bare_window_order(struct bare_window *w)
{
	__atomic_fetch_add(&w->turn, 1, __ATOMIC_ACQ_REL);
}

static inline volatile uint64_t *bare_window_word(const struct bare_window *w, uint64_t page)
{
	return (volatile uint64_t *)(w->at + page * w->page_bytes);
}

#endif
