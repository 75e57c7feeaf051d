/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node: the engine that steps the core and carries out its effects, the tables that it tells
 * about them, and those who drive it: the service thread, faults, calls.
 *
 * State stands below, drivers above. Tables (waits, the list of faults, pins, tenures, streams)
 * never step; the engine knows them, and no driver; drivers turn faults, messages and calls
 * into steps.
 *
 * One lock guards the core, the transport, grant and revoke, and all parts but where they say
 * otherwise; whoever holds it may step the core and carries out the effects before letting go.
 * The service thread (loop.c) reads faults, messages and timers; application threads step the
 * core for their own calls. Nobody touches the window while holding the lock.
 */
#ifndef NODE_H
#define NODE_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/base/base.h"
#include "dsm/boot/boot.h"
#include "dsm/dsm.h"
#include "dsm/members/members.h"
#include "dsm/memory/memory.h"
#include "dsm/node/away.h"
#include "dsm/node/bound.h"
#include "dsm/node/call.h"
#include "dsm/node/cohort.h"
#include "dsm/node/engine.h"
#include "dsm/node/entry.h"
#include "dsm/node/fault_list.h"
#include "dsm/node/faults.h"
#include "dsm/node/freeze.h"
#include "dsm/node/given.h"
#include "dsm/node/hot.h"
#include "dsm/node/lines.h"
#include "dsm/node/loop.h"
#include "dsm/node/moment.h"
#include "dsm/node/pins.h"
#include "dsm/node/progress.h"
#include "dsm/node/reclaim.h"
#include "dsm/node/refuse.h"
#include "dsm/node/secures.h"
#include "dsm/node/stream.h"
#include "dsm/node/tenure.h"
#include "dsm/node/trace.h"
#include "dsm/node/trails.h"
#include "dsm/node/view.h"
#include "dsm/node/waits.h"
#include "dsm/node/wanted.h"
#include "dsm/node/writes.h"
#include "dsm/trap/trap.h"
#include "transport/transport.h"

#define NODE_PER_HOME 32
#define NODE_SLOTS 128
#define NODE_HOLDS 256
#define NODE_LOCKS COH_LOCKS_BLOCK
#define NODE_SYNC_SLOTS COH_MAX_SYNC_SLOTS /* a thread keeps one while it waits */
#define NODE_FUTEX_SLOTS COH_MAX_SYNC_SLOTS /* likewise, while it waits for a word */
#define NODE_SHARER_MAPS 16384
#define NODE_OVERTAKES 16 /* woken threads that go before one that waits for their mutex */
#define NODE_MIGRATORY 15 /* reads granted as writes before one is not */

/* What the floor above does with messages that are not the core's. All with the lock held. */
struct node_services {
	/* A request of another node. Whoever polls the transport calls it, in a signal handler
	 * perhaps: what takes more than to keep it is left to serve(), and counted in
	 * progress.kept. */
	void (*request)(struct dsm *d, coh_node from, const struct coh_msg *msg);
	/* An answer to one of ours. */
	void (*response)(struct dsm *d, const struct coh_msg *msg);
	/* Does what was kept. Service thread only. */
	void (*serve)(struct dsm *d);
	/* The answer to a request, to the slot of whoever asked, this node perhaps. */
	void (*answer)(struct dsm *d, coh_node to, uint16_t slot, int status, uint64_t a,
	               uint64_t b, uint64_t c);
	/* A view has begun: who waits for what is of those that are out does so no more. */
	void (*view)(struct dsm *d);
	/* This node has lost its lease (view.shut), or has it again. */
	void (*usable)(struct dsm *d);
	/* With DSM_CHECK, else NULL. A fault that the service thread has read: 1, it is kept until it
	 * is known whether that memory was allocated; 0: it is to be served; -EAGAIN: there is no
	 * room to keep it. */
	int (*check_begin)(struct dsm *d, const struct trap_fault *f);
	/* The next one that was kept, and is to be served: 1; 0: none. */
	int (*check_passed)(struct dsm *d, struct trap_fault *f);
	/* The same in the faulting thread, without the lock: 1: the access ends in SIGSEGV when
	 * it is tried again; 0: it is to be served. */
	int (*check_here)(struct dsm *d, const struct trap_fault *f);
};

struct ckpt;
struct readers;

struct dsm {
	/* set at the start, and not changed after it: */
	struct settings *settings; /* start/'s */
	struct log log;
	struct boot *boot;
	const struct trap_ops *trap_ops;
	const struct node_services *services;
	int signal; /* faults come as signals */
	int checks; /* memory that nobody has allocated is refused: DSM_CHECK */
	const uint8_t *mark; /* of the process that is the node */
	uint64_t start_ns;

	pthread_mutex_t lock;
	/* under the lock, but for what the parts say: */
	struct memory memory;
	struct trap *trap;
	struct tr *tr;
	struct engine engine;
	struct members members;
	struct waits waits;
	struct cohorts cohorts;
	struct faults faults;
	struct pins pins;
	struct tenure tenure;
	struct streams streams;
	struct writes writes;
	struct trails read_trails, write_trails;
	struct bounds bound;
	struct given given;
	struct hot hot;
	struct trace trace;
	struct lines lines;
	struct reclaim reclaim;
	struct refusals refusals;
	struct freeze freeze;
	struct moment moment;
	struct store {
		char *dir; /* where checkpoints go, which this node has locked; or NULL */
		int fd;
		int busy; /* a thread is in dsm_checkpoint, or in dsm_checkpoint_wait; it has: */
		int has_thread; /* that saves, and has what follows until it is joined */
		pthread_t thread;
		int result; /* of the last one that went on beside the program */
		char why[512];
		uint8_t last[16]; /* rank 0: the id of the last one, where another may lie on it */
		int has_last;
	} store;
	struct wanted_checkpoint wanted;
	struct away away;
	struct view view;
	struct secures secures;
	struct progress progress;
	struct loop *loop;        /* the service thread */
	struct ckpt *restored;    /* what the job began with, or NULL; not changed after the start */
	struct readers *readers;  /* start/'s: who reads what is away, or NULL */
	struct heap *heap;        /* heap/'s */
	struct workers *workers;  /* workers/'s */
	struct admin_room *admin; /* admin/'s */
	/* without the lock; who waits in a call keeps his, who waits for a page does not: */
	struct stacks fault_stacks, call_stacks;
};

/* The page's home, of those that live. */
static inline coh_node node_home_of(const struct dsm *d, uint64_t page)
{
	return d->view.on ? coh_home_among(&d->engine.cfg, d->view.members, page)
	                  : coh_home_of(&d->engine.cfg, page);
}

/* Whether this node is the page's home. */
static inline int node_is_home(const struct dsm *d, uint64_t page)
{
	return node_home_of(d, page) == d->engine.cfg.self;
}

/* This is a child of fork, which has a copy of all that, and neither region nor threads. It must
 * not get as far as to the lock, or to the transport, whose memory it may share with the node. */
static inline int node_is_copy(const struct dsm *d)
{
	return !process_has(d->mark);
}

/* What it has counted; lock held. */
void node_stats(struct dsm *d, struct dsm_stats *out);

#endif
