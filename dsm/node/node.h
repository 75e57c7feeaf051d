/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node from the inside: what its files share.
 *
 * One lock guards the core, the transport, grant and revoke, waiters and services;
 * whoever holds it may step the core and carries out the effects before letting go.
 * The service thread (loop.c) reads faults, messages and timers; application threads
 * step the core for their own calls. Nobody touches the window while holding the lock.
 */
#ifndef NODE_H
#define NODE_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/admin/post.h"
#include "dsm/boot/boot.h"
#include "dsm/dsm.h"
#include "dsm/node/hot.h"
#include "dsm/base/base.h"
#include "dsm/node/pins.h"
#include "dsm/memory/memory.h"
#include "dsm/start/settings.h"
#include "dsm/node/stream.h"
#include "dsm/node/tenure.h"
#include "dsm/node/waits.h"
#include "dsm/trap/trap.h"
#include "transport/transport.h"

#define NODE_PER_HOME 32
#define NODE_SLOTS 128
#define NODE_HOLDS 256
#define NODE_LOCKS 4096
#define NODE_SYNC_SLOTS 256
#define NODE_SHARER_MAPS 16384
#define NODE_MIGRATORY 15 /* reads granted as writes before one is not */
#define NODE_SVC_SLOTS 256
#define NODE_FAULTS 512

struct ev_loop;
struct alloc;
struct names;
struct loop;

/* Requests to the services, oldest first. Each node has at most NODE_SVC_SLOTS under way,
 * and one more for each that it takes back. */
struct svc_inbox {
	struct { coh_node from; struct coh_msg msg; } *ring;
	unsigned cap, head, len;
};

/* What one node serves to all, and what this one has asked for. Under the lock. */
struct heap {
	struct waiter *slot[NODE_SVC_SLOTS];
	/* rank 0: */
	struct alloc *alloc[REGION_ZONES];
	struct { uint64_t other, pages; } limit[REGION_ZONES]; /* see service.c */
	struct names *names;
	struct svc_inbox inbox; /* requests of other nodes */
};

/* A thread blocked in a fault. */
struct fault {
	uint64_t page, since_ns;
	uint32_t thread;
	uint8_t write, warned;
	struct waiter *waiter; /* with signal delivery; NULL: blocked in the kernel */
};

/* Threads that wait for pages. Under the lock. */
struct faults {
	struct fault list[NODE_FAULTS];
	unsigned n;
	struct trap_fault stalled; /* the next one to take, for which no slot was free */
	int has_stalled;
	uint64_t stalled_ns; /* since when */
	uint32_t woken;      /* thread that was woken last */
	uint64_t expected_ns; /* until when huge pages that were asked for take to come, about */
	uint64_t count, ns, frame_waits;
};

/* Giving pages of a pool up, see reclaim.c. */
struct reclaim_pool {
	uint8_t running;  /* below the low mark, and not yet at the high one */
	uint8_t short_of; /* a fault has found no frame */
	uint8_t stuck;    /* and there is none to give up */
	uint64_t unit, next, end; /* what is being given up, and its pages from next on not yet */
};

/* Under the lock. */
struct reclaim {
	struct reclaim_pool pool[REGION_ZONES];
	uint64_t shared, modified; /* pages given up that were in S, in M */
};

/* The core, and the effects of its last step. Under the lock, but for cfg, which does not
 * change after the start. */
struct engine {
	struct coh *coh;
	struct coh_config cfg;
	size_t bytes; /* of coh */
	struct coh_effects fx;
	uint64_t count[COH_COUNTS];
	uint64_t pages_written, bad_messages;
	uint64_t handled; /* faults, messages, landings and tenures taken: tells activity */
};

/* Who looks at the transport. Under the lock, but for spin_ns and crowded, which do not change
 * after the start. */
struct progress {
	unsigned helpers; /* application threads that poll the transport while they wait */
	int asleep;       /* the service thread is, or is just going to be */
	uint64_t sleeps;
	uint64_t spin_ns; /* how long to look for more before sleeping; 0: not at all */
	int crowded;      /* more threads than cores: looking gives way to others */
};

/* Which nodes are alive. Under the lock. */
struct members {
	int lost; /* DSM_ERR_LOST once the job cannot go on */
};

struct dsm {
	/* set at the start: */
	struct settings settings;
	struct log log;
	struct boot *boot;
	struct post_name post; /* of a job that no dsmctl started */
	char job_dir[BOOT_DIR_MAX + 1]; /* where the admin socket is, "" without one */
	const struct trap_ops *trap_ops;
	int signal; /* faults come as signals */
	uint64_t start_ns;

	pthread_mutex_t lock; /* of all parts, but where they say otherwise */
	struct memory memory;
	struct trap *trap;
	struct tr *tr;
	struct engine engine;
	struct members members;
	struct waits waits;
	struct faults faults;
	struct reclaim reclaim;
	struct pins pins;
	struct tenure tenure;
	struct streams streams;
	struct hot hot;
	struct progress progress;
	struct heap heap;
	struct loop *loop; /* the service thread */
};

/* Whether this node is the page's home. */
static inline int node_is_home(const struct dsm *d, uint64_t page)
{
	return coh_home_of(&d->engine.cfg, page) == d->engine.cfg.self;
}

/* --- look.c --- */

/* Between two looks at what a thread waits for, at now_ns; without the lock. */
void node_relax(const struct dsm *d, uint64_t now_ns);

/* --- init.c --- */
/* A process is a node, or finds out whether it could be one, once at a time: 0, or
 * DSM_ERR_ACTIVE and a sentence. */
int node_become(void);
void node_cease(void);

/* --- start/boot.c, start/core.c --- */
int start_open_boot(struct dsm *d);
int start_configure_core(struct dsm *d);
int start_make_core(struct dsm *d);

/* --- agree.c: what all nodes settle while they start --- */
/* Gives len bytes to all, and gets theirs. all: that many bytes for each node. */
int node_exchange(struct dsm *d, const void *mine, size_t len, void *all);
/* All nodes tell their outcome of a step. Returns mine, or DSM_ERR_BOOT when it was
 * another's that failed. */
int node_agree(struct dsm *d, int mine);
/* Both at once. mine, and so each of all, begins with the outcome, an int32_t. */
int node_agree_with(struct dsm *d, const void *mine, size_t len, void *all);

/* --- meet.c --- */
/* Tells all nodes about this one, and how its preparations went (status), and learns about
 * them: the transport is connected then, and d->budgets and d->post are set. */
int node_meet(struct dsm *d, int status);

/* --- place.c --- */
/* Makes the region, at the same address on all nodes; without huge pages, if it may be, where
 * a node lacks them. */
int node_place_region(struct dsm *d);

/* --- limits.c: 0, or DSM_ERR_LIMIT and a sentence --- */
/* Window and alias each take the region's size in addresses. */
int limits_of_space(const struct dsm *d);
/* Where what is registered is pinned, that may become the whole region, or all that the
 * budget allows. Told at the start, for later it would end the job. */
int limits_of_pinning(const struct dsm *d);

/* --- provider.c --- */
/* Opens the transport, on all nodes with the same provider. status: this node's outcome so
 * far, which is agreed on, too. */
int provider_agree(struct dsm *d, int status);

/* --- fault_list.c; with the lock held --- */
/* Returns 1 when there was a place in the list. */
int node_fault_remember(struct dsm *d, const struct trap_fault *f, struct waiter *w);

/* --- apply.c --- */
/* Does an atomic of 4 or 8 bytes. Returns what was there. */
uint64_t node_apply(void *at, const struct coh_atomic *a);

/* --- engine.c; all with the lock held --- */

/* Steps the core and carries out the effects. Returns what the step returned. */
int node_step(struct dsm *d, const struct coh_event *ev);
/* The same with a message of another node, which may have to wait for the end of a pin. */
void node_take_message(struct dsm *d, struct coh_event *ev);
/* Takes what the transport and due tenures have. */
void node_progress(struct dsm *d);
/* Sends a message outside the core (services). */
void node_send(struct dsm *d, coh_node to, const struct coh_msg *msg);
/* The job cannot go on: tells why, ends all waits with DSM_ERR_LOST. */
void node_fail(struct dsm *d, const char *why);

/* --- ahead.c; with the lock held --- */
/* Asks for pages first .. end-1 for reading, as far as there is room. */
void node_fetch_ahead(struct dsm *d, uint64_t first, uint64_t end);
/* A thread has faulted reading page: what it is likely to read next. The run ends where
 * the page's request has to, or earlier. */
struct stream_advice node_stream(struct dsm *d, uint32_t thread, uint64_t page);
/* Asks for that, but for the first `asked` pages of the run. */
void node_follow_stream(struct dsm *d, uint64_t page, unsigned asked,
                        const struct stream_advice *a);

/* --- reclaim.c; with the lock held --- */
/* Gives pages up when frames are getting scarce. Service thread only. */
void node_reclaim(struct dsm *d);
/* Whether it has to look again when a tenure ends: a fault waits for a frame. */
int node_reclaim_waits(const struct dsm *d);
/* Gets a frame for a page that a thread wants. 0, -EAGAIN: not now, node_reclaim() will see
 * to it; -ENOSPC. */
int node_frame_for(struct dsm *d, uint64_t page);
/* Bytes that are to stay free when pages are fetched ahead. */
uint64_t node_frames_spare(const struct dsm *d, uint64_t page);

/* --- faults.c; with the lock held --- */
/* Takes faults until there is none or no slot is free. */
void node_take_faults(struct dsm *d);
/* Asks for a page, and with run pages from it on where it is to be read, in the name of a
 * thread that waits with w. 0, -EAGAIN: no slot or place is free, or another code. */
int node_fault_ask(struct dsm *d, const struct trap_fault *f, unsigned run, struct waiter *w);
/* Threads that wait for these pages go on. */
void node_faults_woken(struct dsm *d, uint64_t first, uint32_t n);
/* The job is lost: threads that wait for a page try again, which refuses it to them. */
void node_faults_lost(struct dsm *d);
/* Starts the tenure of a page, for the thread that was woken last. */
void node_tenure_start(struct dsm *d, uint64_t page, unsigned slot);
/* A fault in the calling thread, from the trap's signal handler: returns when the page is
 * there. A trap_config.on_fault; takes the lock. */
int node_fault_here(void *dsm, const struct trap_fault *f, const sigset_t *mask);
/* Faults older than a while are reported, once each. */
void node_check_waits(struct dsm *d);

/* --- calls.c --- */
/* The lock, for application threads: with all signals blocked, so that a handler that
 * touches shared memory never runs under it. */
void node_lock(struct dsm *d, sigset_t *mask);
void node_unlock(struct dsm *d, const sigset_t *mask);
/* Lock held: what the service thread has to see to after another thread has stepped the
 * core. */
void node_hand_over(struct dsm *d);
/* Lock held: waits until a slot may be free, or the job is lost. */
void node_wait_room(struct dsm *d);
/* Steps ev for a call of the application, waiting for room when there is none. */
int node_call(struct dsm *d, const struct coh_event *ev);
/* The same, and waits for the answer; ev's cookie is set. Returns the status. */
int node_call_wait(struct dsm *d, struct coh_event *ev, struct waiter *w);
/* Lock held. Whether to look for more, until end_ns or as long as a huge page is expected: the
 * time, or 0. */
uint64_t node_goes_on(const struct dsm *d, uint64_t end_ns);
/* Lock held, all signals blocked: polls the transport in place of the service thread, for a
 * short time, so that the answer is taken where it is needed and nobody has to be woken. Then
 * hands over. */
void node_help(struct dsm *d, struct waiter *w);
/* --- memory.c --- */
/* The zone that all of [ptr, ptr+bytes) lies in, or -1. */
int node_zone_of(const struct dsm *d, const void *ptr, size_t bytes);

/* --- service.c: allocator and names, served by rank 0 --- */
enum svc_op { SVC_ALLOC = 1, SVC_FREE, SVC_PUBLISH, SVC_UNPUBLISH, SVC_LOOKUP, SVC_LOOKUP_CANCEL };
int service_open(struct dsm *d);
void service_close(struct dsm *d);
/* Keeps a request of another node for the service thread: whoever polls the transport may
 * do so in a signal handler, where the allocator's malloc has no place. Lock held. */
void service_keep(struct dsm *d, coh_node from, const struct coh_msg *msg);
/* Serves what was kept. Lock held, service thread only. */
void service_serve(struct dsm *d);
void service_one(struct dsm *d, coh_node from, const struct coh_msg *msg);
int service_slot_take(struct dsm *d, struct waiter *w);
void service_response(struct dsm *d, const struct coh_msg *msg);
/* Asks and waits; svc is the request and then the answer. timeout_ms of a lookup, or -1. */
int service_call(struct dsm *d, struct coh_svc *svc, int timeout_ms, const char *what);

/* --- loop.c --- */
int loop_start(struct dsm *d);
void loop_stop(struct dsm *d);
/* Makes the service thread look again: something was queued by another thread. */
void loop_kick(struct dsm *d);

/* --- hot_json.c; with the lock held --- */
struct json_t;
void node_note_fault(struct dsm *d, const struct trap_fault *f);
struct json_t *hot_json(struct dsm *d);

/* --- stats.c --- */
void node_stats(struct dsm *d, struct dsm_stats *out); /* lock held */

/* --- report.c, audit.c --- */
struct json_t *audit_json(struct dsm *d); /* lock held */
char *report_answer(void *dsm, const char *request);

#endif
