/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every engine of the trap offers: one ops table.
 *
 * Threads: set_access, forget, access, next_touched, wake and detach under the caller's
 * lock, which also serializes grant and revoke of a page; next_fault by the service thread.
 */
#ifndef TRAP_OPS_H
#define TRAP_OPS_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

struct trap;
struct trap_fault;
struct region;

enum trap_access { TRAP_NONE = 0, TRAP_READ = 1, TRAP_WRITE = 2 };

typedef void (*trap_log_fn)(void *ctx, int level, const char *text);

/* How a fault reaches us. */
enum trap_delivery {
	TRAP_EVENT,  /* next_fault(); accesses of the kernel are trapped too */
	TRAP_SIGNAL, /* on_fault, in the faulting thread; any user may, but system calls on
	              * pages that are not there fail with EFAULT */
};

struct trap_config {
	struct region *region; /* window and frames; must outlive the trap */
	enum trap_delivery delivery;
	/* TRAP_SIGNAL: called in the faulting thread, from a signal handler with all signals
	 * blocked; mask is what it had, and may have again on return. 0: the access is tried
	 * again; else the fault is taken for a bad one: the application's own handler, or its
	 * end. It may not return: a handler that runs meanwhile may jump elsewhere. */
	int (*on_fault)(void *ctx, const struct trap_fault *fault, const sigset_t *mask);
	void *fault_ctx;
	trap_log_fn log; /* may be NULL */
	void *log_ctx;
};

struct trap_fault {
	uint64_t page;
	uint64_t address;
	uint64_t pc;     /* of the instruction; 0: not known here, the thread's own files tell */
	uint32_t thread; /* kernel thread id, 0 when unknown */
	uint8_t write;   /* hint: 1 when the access was a write */
};

/* How a page is protected now. It may change with any set_access. */
enum trap_mode { TRAP_MODE_WP, TRAP_MODE_RWP };

struct trap_stats {
	uint64_t faults, faults_write, grants, revokes, wakes, retries;
	/* Engine rwp. Faults of pages that were protected by RWP (event delivery); extents that
	 * went from RWP to WP, and back; those that did not, for the number of mappings. */
	uint64_t faults_rwp, to_wp, to_rwp, stayed_wp;
};

struct trap_ops {
	const char *name; /* "wp", "rwp" */

	/* Can this process use the engine here, with this delivery? 0, or a negative code
	 * with a sentence in why (len bytes) that names what is missing and what would help:
	 * -ENOSYS kernel too old or without userfaultfd, -EPERM not permitted, -EOPNOTSUPP
	 * feature absent. */
	int (*probe)(enum trap_delivery delivery, char *why, size_t len);

	/* Puts the whole window under control, every page NONE. Errors as probe(). */
	int (*attach)(const struct trap_config *config, struct trap **out);

	/* Sets what the window allows for pages first .. first+n-1, whatever it was.
	 * When it returns, no thread, and no system call, has more than that, and stores
	 * made before are in the frame. READ and WRITE want the frame allocated
	 * (region_frame_prepare). Wakes nobody. 0 or -ENOMEM, -EFAULT (frame absent), -EIO
	 * (the kernel kept refusing; logged). After an error the pages before the one that
	 * failed have the access, the others that were NONE are NONE still. */
	int (*set_access)(struct trap *trap, uint64_t first, uint32_t n, enum trap_access access);

	/* The frames of these pages, which are NONE, are given up, and with them what the page
	 * tables have. Only a hint: without it, granting one later may cost a fault more. */
	void (*forget)(struct trap *trap, uint64_t first, uint32_t n);

	/* What set_access was last told for a page. */
	enum trap_access (*access)(const struct trap *trap, uint64_t page);

	/* What a protected entry of this page means: against writing, or against all. */
	enum trap_mode (*mode)(const struct trap *trap, uint64_t page);

	/* The first page from `from` on (at most region->pages) whose access may be or may
	 * have been other than NONE; region->pages when there is none. Skips long untouched
	 * stretches at once. */
	uint64_t (*next_touched)(const struct trap *trap, uint64_t from);

	/* 1 and a fault, 0 when none waits, or a negative code. Never blocks. */
	int (*next_fault)(struct trap *trap, struct trap_fault *out);

	/* These pages, of the PTE zone, are at addr from now on, and trapped there: region_place().
	 * Their access stays what it is; nobody uses them meanwhile. READ and WRITE want what they
	 * want then: a fault gets it. Errors as region_place(), logged; there may be nothing at
	 * addr any more. */
	int (*place)(struct trap *trap, uint64_t first, uint64_t n, void *addr);

	/* The page becomes NONE, and whoever accesses it from now on gets SIGBUS, or EFAULT from
	 * a system call, whatever signals he blocks; who is blocked on it, too. TRAP_EVENT only:
	 * with TRAP_SIGNAL that is the answer of on_fault. for_ever: until admit(), and no set_access
	 * before; else it lasts until the next one. 0 or a negative code: this kernel cannot (before Linux 6.6
	 * for_ever only), and nobody was woken. */
	int (*refuse)(struct trap *trap, uint64_t page, int for_ever);

	/* A page that was refused is NONE like any other, and is asked for by who accesses it. 0 or a
	 * negative code. */
	int (*admit)(struct trap *trap, uint64_t page);

	/* Threads blocked on these pages try their access again. */
	int (*wake)(struct trap *trap, uint64_t first, uint32_t n);

	/* Readable when next_fault() has something. -1 with TRAP_SIGNAL. */
	int (*fd)(const struct trap *trap);

	void (*stats)(const struct trap *trap, struct trap_stats *out);

	/* Ends control: the window becomes plain memory over its frames, and whoever is
	 * blocked continues. NULL is allowed. */
	void (*detach)(struct trap *trap);
};

struct trap {
	const struct trap_ops *ops;
};

#endif
