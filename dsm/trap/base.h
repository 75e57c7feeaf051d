/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engines of the trap have in common: the descriptor, the access map, faults
 * and their counts, and the page tables of what is registered MISSING|MINOR|WP.
 */
#ifndef TRAP_BASE_H
#define TRAP_BASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsm/memory/memory.h"
#include "dsm/trap/access_map.h"
#include "dsm/trap/ops.h"
#include "dsm/trap/uffd.h"
#include "dsm/trap/uffd_caps.h"

#define BASE_MODES_WP \
	(UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR | UFFDIO_REGISTER_MODE_WP)

/*
 * map is guarded by the caller's lock. The counters have one writer each (faults*: who
 * calls next_fault; the others: who holds the lock) and are read by anyone; they order
 * nothing.
 */
struct base {
	struct trap trap;
	struct region *region;
	trap_log_fn log;
	void *log_ctx;
	int fd;      /* userfaultfd; -1: not open */
	bool signal; /* faults come by SIGBUS */
	bool no_poison; /* pages are refused as before Linux 6.6; set there, and by tests */
	struct access_map map;
	_Atomic uint64_t faults, faults_write, grants, revokes, wakes, retries;
};

struct base *base_of(const struct trap *trap);
void base_count(_Atomic uint64_t *counter, uint64_t n);
void __attribute__((format(printf, 3, 4)))
base_say(const struct base *base, int level, const char *fmt, ...);

/* --- runs of pages of one zone --- */

struct run {
	uint64_t first, n;
	uint8_t *at; /* in the window, or in a place */
	size_t page_bytes;
};

/* The n pages from first on, cut at the end of first's zone, and where a place begins or ends. */
struct run base_run(const struct base *base, uint64_t first, uint64_t n);
/* The run without its first pages. */
struct run run_after(struct run run, uint64_t pages);

/* Notes an EAGAIN without progress: 0, or -EIO when there were too many in a row. */
int base_try_again(struct base *base, unsigned *tries);

/* CONTINUE works within one mapping only (-ENOENT), but the run may lie in several: by our
 * own doing, or the application has locked a part of it. How many bytes to try instead. */
size_t base_halve(size_t len, size_t page_bytes);

/* --- wp_pages.c: page tables under WP --- */

/* Takes all entries of the run away. */
int base_zap(struct run run);

/* Maps every page of the run, in a mapping with WP, for READ or WRITE; *done: pages that
 * have it from the start on. */
int base_fill(struct base *base, struct run run, enum trap_access access, uint64_t *done);
/* For a run in a mapping with WP: access NONE, or READ or WRITE, in page tables and map.
 * Errors as set_access. */
int base_take(struct base *base, struct run run);
int base_give(struct base *base, struct run run, enum trap_access access);

/* place.c: what ops.place does where no page is under RWP. And fn for all parts of the window, which
 * are there at the same addresses until the trap is detached. */
int base_place(struct base *base, uint64_t first, uint64_t n, void *addr);
void base_each_part(struct base *base, int (*fn)(int fd, void *at, size_t len));

/* refuse.c: what ops.refuse does once its page, of which the run is, is NONE. */
int base_refuse(struct base *base, struct run run, int for_ever);
/* What ops.admit does before its page is set to NONE. */
int base_admit(struct base *base, struct run run);

/* --- ops that need no more than this --- */

enum trap_access base_access(const struct trap *trap, uint64_t page);
uint64_t base_next_touched(const struct trap *trap, uint64_t from);
int base_wake(struct trap *trap, uint64_t first, uint32_t n);
void base_stats(const struct trap *trap, struct trap_stats *out);

/* Reads a message: 1, 0 when there is none, or a negative code. */
int base_read(struct base *base, struct uffd_msg *msg);
/* The fault that a message of one tells of. */
struct trap_fault base_fault(const struct base *base, const struct uffd_msg *msg);
void base_count_fault(struct base *base, const struct trap_fault *fault);

/* --- base_open.c: begin and end --- */

/* Fills a zeroed base (its fd is -1 after a failure) and takes control: all zones
 * registered with these modes, nothing mapped. need: features beyond those of the zones.
 * Errors as trap_ops.attach, logged. */
int base_open(struct base *base, const struct trap_ops *ops, const struct trap_config *config,
              uint64_t need, uint64_t modes);
void base_close(struct base *base); /* zeroed but for fd -1 is allowed */

#endif
