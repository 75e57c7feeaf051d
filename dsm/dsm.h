/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libdsm: distributed shared memory.
 *
 * Every node (process) of a job maps one shared region at the same address. Plain loads and
 * stores, C11 atomics, and system calls on it work as on one machine: a page that a node may not
 * access is trapped (userfaultfd) and fetched, by a directory-based MSI protocol over libfabric.
 *
 *	#include <dsm.h>
 *	#include <stdatomic.h>
 *	#include <stdio.h>
 *
 *	int main(void)
 *	{
 *		dsm_t *dsm;
 *		if (dsm_init(NULL, &dsm)) {
 *			fprintf(stderr, "sum: %s\n", dsm_init_error());
 *			return 1;
 *		}
 *		_Atomic long *sum = NULL;
 *		if (dsm_rank(dsm) == 0) {
 *			dsm_alloc(dsm, sizeof *sum, 0, 0, (void **)&sum);
 *			dsm_publish(dsm, "sum", sum);
 *		}
 *		dsm_lookup(dsm, "sum", -1, (void **)&sum);
 *		atomic_fetch_add(sum, dsm_rank(dsm) + 1);
 *		dsm_barrier(dsm);
 *		printf("node %d sees %ld\n", dsm_rank(dsm), *sum);
 *		dsm_barrier(dsm);
 *		dsm_fini(dsm);
 *	}
 *
 * Start it with `dsmctl run -n 4 ./prog`, or on several machines with `mpirun ./prog` or by hand,
 * see dsm(7). Beside this: dsm_coll.h, dsm_futex.h, dsm_mpi.h, dsm_sync.h, dsm_thread.h, dsm.hpp.
 *
 * Caveats
 * - Memory model: that of the host CPU, extended over the nodes. A correct program for one machine
 *   is correct here. What bypasses the CPU's page tables is outside: another RDMA registration of
 *   shared memory (so MPI's, where its transport makes any), io_uring fixed buffers, O_DIRECT in
 *   flight, vmsplice; dsm_pin() holds pages for them.
 * - pthread mutexes, sem_t, mtx_t in shared memory do not work across nodes: dsm_mutex, dsm_sync.h.
 * - fork: the child has no shared region (SIGSEGV on access), and calls that may fail do nothing
 *   there but return DSM_ERR_INVAL.
 * - System calls on shared memory work where the process may trap kernel accesses (root,
 *   CAP_SYS_PTRACE, or vm.unprivileged_userfaultfd=1), and on pages that dsm_pin() holds.
 * - mlockall(MCL_CURRENT) in a node fetches all of the region and fills this machine's memory. Lock
 *   before dsm_init, or with MCL_ONFAULT; mlock(2) likewise only as mlock2(MLOCK_ONFAULT).
 * - Data that different nodes write at the same time belongs on different pages.
 * - A node that dies ends the job, unless it is told to go on: dsm_survive.h.
 * - A stack may lie in the region, but no thread's descriptor (pthread_attr_setstack). With faults
 *   as signals no thread may block SIGBUS; for alternate stacks see dsm(7), SIGNALS AND STACKS.
 *
 * All calls but dsm_init, dsm_fini are safe from any thread at any time between the two. None is
 * async-signal-safe, nor a point of cancellation. "Blocks" means: may wait for other nodes. Calls
 * that return int return 0 (or a value where said) or a negative code, which dsm_strerror()
 * explains. Outputs, which may be in the region, are set on success only.
 */
#ifndef DSM_H
#define DSM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
typedef struct dsm_t dsm_t; /* as below: dsm is a namespace there, of dsm.hpp */
#else
typedef struct dsm dsm_t; /* a node's membership in a job */
#endif
#define DSM_API __attribute__((visibility("default"))) /* gcc and clang */

/* Codes. All negative; those below -DSM_ERR_BASE are ours, the others are -errno. */
enum dsm_error {
	DSM_OK = 0,
	DSM_ERR_INVAL = -22,     /* an argument is out of its range */
	DSM_ERR_NOMEM = -12,     /* out of memory, of shared or private kind */
	DSM_ERR_BUSY = -16,      /* in use: by another thread, a waiter, or an earlier call */
	DSM_ERR_PERM = -1,       /* the caller does not hold the mutex */
	DSM_ERR_NOENT = -2,      /* no such name */
	DSM_ERR_EXIST = -17,     /* the name is taken */
	DSM_ERR_TIMEDOUT = -110, /* the time given is over */
	DSM_ERR_ACTIVE = -1001,  /* this process is a node already */
	DSM_ERR_CONFIG = -1002,  /* configuration or environment: the log says which */
	DSM_ERR_KERNEL = -1003,  /* the kernel is too old, or lacks userfaultfd */
	DSM_ERR_TRAP_PERM = -1004, /* trapping kernel accesses is not permitted */
	DSM_ERR_PROVIDER = -1005,  /* no usable libfabric provider of that name */
	DSM_ERR_BOOT = -1006,    /* the nodes did not find each other */
	DSM_ERR_VERSION = -1007, /* a node runs another version of library or protocol */
	DSM_ERR_ADDRESS = -1008, /* no address is free on all nodes for the window */
	DSM_ERR_NOT_OURS = -1009, /* dsm_free: not the start of an allocated block */
	DSM_ERR_LIMIT = -1010,   /* a limit of this process: memory lock, files, mappings */
	DSM_ERR_LOST = -1011,    /* a node is gone, or the transport is broken */
};

/* A static text for any code. */
DSM_API const char *dsm_strerror(int code);

enum dsm_log_level { DSM_LOG_ERROR, DSM_LOG_WARN, DSM_LOG_INFO, DSM_LOG_DEBUG, DSM_LOG_TRACE };

/*
 * Called with one line of lower-case text, no newline: in dsm_init by the thread that is there;
 * later, in order, by a thread of the library's that holds no lock, so that it may take locks,
 * touch shared memory and call dsm_*; but not dsm_init, nor dsm_fini (DSM_ERR_BUSY there), nor any
 * once a thread is in dsm_fini. All signals but SIGBUS are blocked. Lines that repeat come with a
 * count, less than 100 a second but for traces; what it takes too slowly is left out and counted.
 * What was said before dsm_fini, or exit, it gets before, unless it does not return for seconds.
 */
typedef void (*dsm_log_fn)(void *ctx, enum dsm_log_level level, const char *text);

/*
 * An exchange that the caller supplies: every rank gives len bytes at mine, and gets those of all,
 * by rank, at all (so many times len). Returns 0, or anything else when it failed. Called once, by
 * the thread that is in dsm_init, on all ranks; may block, with a bound.
 */
typedef int (*dsm_allgather_fn)(void *ctx, const void *mine, void *all, size_t len);

/* Begin with DSM_CONFIG_INIT and set what matters; 0 or NULL means the default. For
 * each member the environment variable named with it, when set, wins. */
struct dsm_config {
	size_t size;          /* sizeof(struct dsm_config) */
	uint64_t region_bytes; /* DSM_REGION (K, M, G, T suffixes): size of the shared region,
	                        * the same on all nodes; default 64 GiB. Costs memory only where
	                        * touched. Rounded up to the page size. */
	const char *provider; /* DSM_PROVIDER: libfabric provider, e.g. "tcp"; default: the best */
	const char *faults;   /* DSM_FAULTS: "event": system calls on shared memory work; needs the
	                       * permission to trap the kernel's accesses. "signal": faults are served
	                       * in the faulting thread by a SIGBUS handler; any user may, but system
	                       * calls on pages that are not here fail with EFAULT, and a thread with
	                       * SIGBUS blocked that touches one ends the process. "auto" (default):
	                       * event where it is permitted */
	const char *trap;     /* DSM_TRAP: how pages are protected. "rwp": by read-write protection
	                       * (Linux 7.3, CONFIG_USERFAULTFD_RWP), which leaves a page mapped that is
	                       * taken away. "wp": unmapped, and write-protected where it is read. "auto"
	                       * (default): rwp where the kernel has it. May differ between nodes. */
	dsm_log_fn log;       /* default: what is wrong at the start is printed to stderr, nothing later,
	                       * unless DSM_LOG is a level (none, error ... trace): all up to it then */
	void *log_ctx;
	enum dsm_log_level log_level; /* most detailed level passed to log; default error */
	uint64_t huge_bytes;  /* DSM_HUGE (suffixes as above): size of a second zone of 2 MiB pages,
	                       * beside region_bytes; default 0: none. Every node sets that many
	                       * huge pages of its machine aside (sysctl vm.nr_hugepages), or
	                       * dsm_init fails with DSM_ERR_LIMIT. */
	int huge_optional;    /* DSM_HUGE_OPTIONAL=1: go on without the zone instead, on all nodes */
	uint32_t tenure_us;   /* DSM_TENURE_US: how long a granted page is held at least, in
	                       * microseconds, 1 to 100000; default 0: chosen by the library */
	uint64_t memory_bytes; /* DSM_MEMORY (suffixes as above): this node's budget of memory for
	                        * pages, 256 KiB at least; it may differ from node to node. Default:
	                        * half of what the machine and the control groups have left at start,
	                        * shared by the nodes there, and beside it the huge pages set aside.
	                        * When given, huge pages count in it, as many as it has room for. */
	dsm_allgather_fn allgather; /* start by this, whatever the environment says of jobs; NULL:
	                             * by the environment. dsm_mpi.h has one for MPI. It carries
	                             * the job's secret: no others should see it. */
	void *allgather_ctx;
	int rank, nodes;      /* with allgather: this node's rank, and how many there are */
	const char *on_loss;  /* DSM_ON_LOSS: when a node is lost, "end" (default) the job, or "continue":
	                       * the others go on, as dsm_survive.h says. The same on all nodes. */
	uint32_t loss_ms;     /* DSM_LOSS_TIMEOUT: in ms, who says nothing for so long is lost, then */
};
/* Only in the environment: DSM_SPIN_US, looking for more before sleeping, in microseconds, 0 to
 * 10000; in seconds, the wait for others at the start, DSM_START_TIMEOUT (60), and for one that
 * does not answer later, DSM_PEER_TIMEOUT (10). */
#define DSM_CONFIG_INIT                                                                \
	{ sizeof(struct dsm_config), 0, NULL, NULL, NULL, NULL, NULL, DSM_LOG_ERROR, 0, \
	  0, 0, 0, NULL, NULL, 0, 0, NULL, 0 }

/*
 * Joins the job that the environment describes: dsmctl run sets DSM_JOB, DSM_RANK, DSM_SIZE; who
 * starts nodes by hand sets DSM_RENDEZVOUS (HOST:PORT where rank 0 waits for the others),
 * DSM_RANK, DSM_SIZE, and may set DSM_SECRET. Under mpirun, srun --mpi=pmix and the like it is the
 * launcher's job, by PMIx. Without any the process is a job of one node. Blocks until all nodes
 * are there. config may be NULL. Errors: DSM_ERR_ACTIVE, _CONFIG, _INVAL, _KERNEL, _TRAP_PERM,
 * _PROVIDER, _BOOT, _VERSION, _ADDRESS, _LIMIT, _NOMEM, and _STORAGE, _CHECKPOINT of
 * dsm_checkpoint.h; the log has a sentence, and so has dsm_init_error().
 */
DSM_API int dsm_init(const struct dsm_config *config, dsm_t **out);

/* The sentence that explains the calling thread's last failed dsm_init, or "". */
DSM_API const char *dsm_init_error(void);

/*
 * Leaves the job. Blocks until all nodes have called it and all threads of dsm_thread.h have ended;
 * no other may use dsm or shared memory any more. Returns 0, or DSM_ERR_LOST when the others did
 * not take part; dsm is released either way. In the log function, or one of those threads,
 * DSM_ERR_BUSY, on a stack in the region DSM_ERR_INVAL: nothing is done.
 */
DSM_API int dsm_fini(dsm_t *dsm);

DSM_API int dsm_rank(const dsm_t *dsm); /* 0 .. size-1 */
DSM_API int dsm_size(const dsm_t *dsm); /* nodes of the job */
/* The directory of this node's admin socket, which dsmctl takes for JOB, as it does the name after
 * its last slash; "" without one. Valid until dsm_fini. */
DSM_API const char *dsm_job_dir(const dsm_t *dsm);
DSM_API const char *dsm_provider(const dsm_t *dsm); /* e.g. "shm"; valid until dsm_fini */

/* ------------------------------------------------------------------ memory -- */

/*
 * Allocates bytes of shared memory, zeroed, and sets *out, which is valid on all nodes. align, of
 * the address: a power of two up to the size of the region, or of the zone of huge pages there, or
 * 0 (16 bytes; a page from one page on). flags: of those below. Blocks. Errors: DSM_ERR_INVAL
 * (bytes 0, bad align or flags), DSM_ERR_NOMEM (region or zone full, or no address in it is aligned
 * like that, or no such zone, or the nodes' budgets together are too small), DSM_ERR_LOST.
 */
enum dsm_alloc_flag {
	DSM_HUGE = 1,           /* in 2 MiB pages, the unit of sharing then: a fault, a transfer each */
	DSM_HUGE_PREFERRED = 2, /* the same where there is room, in 4 KiB pages otherwise */
	DSM_KEEP2 = 4,          /* no node's death loses it, where others go on: dsm_survive.h */
};
DSM_API int dsm_alloc(dsm_t *dsm, size_t bytes, size_t align, unsigned flags, void **out);

/*
 * Frees a block from dsm_alloc of any node. No node may use it any more. NULL is allowed. Blocks.
 * Errors: DSM_ERR_NOT_OURS (no block's start, or freed already), DSM_ERR_LOST.
 */
DSM_API int dsm_free(dsm_t *dsm, void *ptr);

/*
 * Names ptr (in the region, or NULL to take the name back) for the whole job. name: 1 to 63 bytes.
 * Blocks. Errors: DSM_ERR_INVAL, DSM_ERR_EXIST, DSM_ERR_NOENT (taking back what is not there),
 * DSM_ERR_NOMEM (65536 names are there already), DSM_ERR_LOST.
 */
DSM_API int dsm_publish(dsm_t *dsm, const char *name, void *ptr);

/*
 * Finds what a node published, waiting up to timeout_ms milliseconds for it (0: not, -1: for ever).
 * Blocks. Errors: DSM_ERR_INVAL, DSM_ERR_NOENT (timeout_ms 0), DSM_ERR_TIMEDOUT, DSM_ERR_NOMEM
 * (32767 threads of this node wait already), DSM_ERR_LOST.
 */
DSM_API int dsm_lookup(dsm_t *dsm, const char *name, int timeout_ms, void **out);

/*
 * Asks for the pages of [ptr, ptr+bytes) for reading, ahead of use. A hint: does not block, and
 * does nothing where a page is here or on its way. DSM_ERR_INVAL when the range is not in the
 * region.
 */
DSM_API int dsm_prefetch(dsm_t *dsm, const void *ptr, size_t bytes);

enum dsm_pin_mode {
	DSM_PIN_READ = 1,  /* as a source: all nodes may read the pages, and pin them for reading */
	DSM_PIN_WRITE = 2, /* as a target, or both: no other node has them */
};

/*
 * Fetches the pages of [ptr, ptr+bytes), in ascending order, and holds them here until
 * dsm_unpin: neither memory nor access goes, so that what does not go through the CPU's page
 * tables may use them: RDMA by another library, O_DIRECT; or system calls under "signal"
 * delivery of faults. Pins are counted by page. They are the process's, any thread may end
 * them, and dsm_fini ends all.
 *
 * Another node that wants to write a page pinned here, or one pinned for writing to read it,
 * waits until the page is unpinned: as long as it takes, there is no other bound; when that
 * is more than 5 s the log says so. So does dsm_pin itself, and a store or dsm_fetch_add...
 * of this node to a page that it has pinned for reading only, if another is to write it
 * first. A circle of those who wait never ends: pin what is wanted together by one call, or
 * on all nodes in ascending order of addresses, for writing what is to be written, and wait
 * for no other node meanwhile, but for one that needs none of the pages. What registers
 * memory must not remember registrations beyond dsm_unpin (MPI's registration caches).
 *
 * Blocks. Errors, with nothing pinned then: DSM_ERR_INVAL (mode; or the range is not in one
 * zone of the region), DSM_ERR_BUSY (for writing, a page that this node has pinned for
 * reading only), DSM_ERR_NOMEM (more than this node's budget leaves beside home pages, or than
 * 4096 home pages), DSM_ERR_LOST.
 */
DSM_API int dsm_pin(dsm_t *dsm, const void *ptr, size_t bytes, int mode);

/* Ends one pin of each page. Does not block. DSM_ERR_INVAL, nothing is done: one is not pinned. */
DSM_API int dsm_unpin(dsm_t *dsm, const void *ptr, size_t bytes);

/* ----------------------------------------------------------- synchronization -- */

/* Waits until every node has called it. One thread of a node at a time, or DSM_ERR_BUSY. Blocks. */
DSM_API int dsm_barrier(dsm_t *dsm);
/* Handles are plain values, valid on every node: keep them in shared memory. 0 names nothing. */
typedef struct dsm_mutex { uint64_t id; } dsm_mutex;
typedef struct dsm_cond { uint64_t id; } dsm_cond;

/* A mutex, homed at the calling node. DSM_ERR_NOMEM when 4096 objects are there. */
DSM_API int dsm_mutex_create(dsm_t *dsm, dsm_mutex *out);
/* Blocks; while another thread holds the mutex, until that one has unlocked it. DSM_ERR_BUSY
 * when the caller holds it, others wait for it, or it has a condition; DSM_ERR_INVAL when it
 * is none. */
DSM_API int dsm_mutex_destroy(dsm_t *dsm, dsm_mutex mutex);

/*
 * The holder is the calling thread; waiters are served first come, first served (but before one
 * that locks up to 16 go that were woken from a condition), and sleep. Not recursive (DSM_ERR_BUSY
 * when the caller holds it). Errors: DSM_ERR_INVAL (no such mutex), DSM_ERR_NOMEM (32767 threads of
 * this node wait already, or fewer where more than 64 nodes share what a home has for them),
 * DSM_ERR_LOST; lock blocks.
 */
DSM_API int dsm_mutex_lock(dsm_t *dsm, dsm_mutex mutex);
/* DSM_ERR_BUSY: it is held, or an unlock is still on its way. Blocks for one round trip. */
DSM_API int dsm_mutex_trylock(dsm_t *dsm, dsm_mutex mutex);
/* DSM_ERR_PERM when the calling thread does not hold it. Does not block, but for DSM_KEEP2. */
DSM_API int dsm_mutex_unlock(dsm_t *dsm, dsm_mutex mutex);

/* A condition for use with mutex only. Errors as dsm_mutex_create. Blocks. */
DSM_API int dsm_cond_create(dsm_t *dsm, dsm_mutex mutex, dsm_cond *out);
DSM_API int dsm_cond_destroy(dsm_t *dsm, dsm_cond cond);
/* Releases mutex, waits for a signal, takes mutex again. No spurious wake-ups.
 * DSM_ERR_PERM when the caller does not hold mutex, DSM_ERR_INVAL, DSM_ERR_NOMEM as
 * dsm_mutex_lock (the mutex stays held), DSM_ERR_LOST. */
DSM_API int dsm_cond_wait(dsm_t *dsm, dsm_cond cond, dsm_mutex mutex);
/* Wakes the longest waiter, or all. Needs no mutex. Does not block. DSM_ERR_INVAL. */
DSM_API int dsm_cond_signal(dsm_t *dsm, dsm_cond cond);
DSM_API int dsm_cond_broadcast(dsm_t *dsm, dsm_cond cond);

/*
 * Atomics that do not move the page: carried out where it is. Sequentially consistent, and atomic
 * towards C11 atomics and plain accesses of all nodes. ptr: in the region, naturally aligned
 * (DSM_ERR_INVAL). *old, if not NULL, gets the value before. compare_swap stores desired if the
 * value was expected. Block for at most one request; no page is fetched. DSM_ERR_LOST.
 */
DSM_API int dsm_fetch_add32(dsm_t *dsm, uint32_t *ptr, uint32_t value, uint32_t *old);
DSM_API int dsm_fetch_add64(dsm_t *dsm, uint64_t *ptr, uint64_t value, uint64_t *old);
DSM_API int dsm_swap32(dsm_t *dsm, uint32_t *ptr, uint32_t value, uint32_t *old);
DSM_API int dsm_swap64(dsm_t *dsm, uint64_t *ptr, uint64_t value, uint64_t *old);
DSM_API int dsm_compare_swap32(dsm_t *dsm, uint32_t *ptr, uint32_t expected, uint32_t desired,
                               uint32_t *old);
DSM_API int dsm_compare_swap64(dsm_t *dsm, uint64_t *ptr, uint64_t expected, uint64_t desired,
                               uint64_t *old);

/* -------------------------------------------------------------- statistics -- */

/* Counts of this node since dsm_init, but for the ones that say otherwise. */
struct dsm_stats {
	uint64_t faults, read_misses, write_misses, upgrades;
	uint64_t pages_fetched;    /* arrived with data */
	uint64_t grants_empty;     /* granted without data: untouched, or upgraded */
	uint64_t pages_supplied;   /* written by us to a requestor */
	uint64_t refreshes;        /* written by us back to a home, for a reader */
	uint64_t write_backs;      /* written by us to a home, for an eviction */
	uint64_t invalidations;    /* copies of ours taken away */
	uint64_t downgrades;       /* M copies of ours made S */
	uint64_t deferred;         /* requests that waited for a tenure of ours */
	uint64_t prefetched;       /* pages asked for ahead, by dsm_prefetch or a thread's stream */
	uint64_t prefetch_wasted;  /* those of streams that, as it seems, were not used */
	uint64_t evictions, atomics; /* atomics: carried out on our frames */
	uint64_t locks, barriers;  /* granted or passed by this home */
	uint64_t messages_sent, messages_received;
	uint64_t bytes_sent, bytes_received; /* page writes are counted at their writer only */
	uint64_t page_writes, page_write_bytes; /* RDMA page writes posted by us */
	uint64_t doorbells;        /* sleeping peers woken */
	uint64_t fault_ns_total;   /* from reading a fault to waking its thread, nanoseconds */
	uint64_t sleeps;           /* times the service thread slept */
	uint64_t faults_rwp;       /* on pages that were mapped, under read-write protection
	                            * (those delivered as events) */
	uint64_t extents_to_wp, extents_to_rwp; /* runs of 256 KiB, or huge pages, whose way of
	                                         * protection changed, see DSM_TRAP */
	uint64_t extents_stayed_wp; /* did not change, to keep the number of mappings low */
	uint64_t pages_written;    /* pages that page_writes carry: over all nodes at rest as many as
	                            * pages_fetched, refreshes and write_backs together */
	uint64_t page_writes_landed; /* RDMA page writes of others that arrived here */
	uint64_t registered_bytes; /* of shared memory, with the provider */
	uint64_t memory_budget;    /* bytes for pages' frames, now: see DSM_MEMORY */
	uint64_t memory_used;      /* of these, now: allocated, or kept for pages of this home */
	uint64_t memory_home;      /* of memory_used, now: for pages of this home */
	uint64_t evicted_shared, evicted_modified; /* cached pages given up for room: only read; written */
	uint64_t frames_returned;  /* frames whose memory went back to the system */
	uint64_t frame_waits;      /* faults that found no frame and waited for an eviction */
	uint64_t pages_pinned;     /* by dsm_pin, now */
	uint64_t refused;          /* messages and page writes in the job's name, of somebody else */
	uint64_t futex_sleeps, futex_wakes; /* threads put to sleep, and woken, by a word's home */
	uint64_t pages_restored, restore_reads, pages_away; /* of a checkpoint: read; in runs; not yet */
	uint64_t keep2_waits, keep2_pushes, keep2_copies; /* of DSM_KEEP2: see dsm_get_stats(3) */
};
/* size: sizeof(struct dsm_stats); only so many bytes are written. */
DSM_API int dsm_get_stats(dsm_t *dsm, struct dsm_stats *out, size_t size);

/* ------------------------------------------------------------------- probe -- */

enum dsm_probe_state {
	DSM_PROBE_OK,
	DSM_PROBE_LESS, /* a node runs, with less than there could be: advice says what helps */
	DSM_PROBE_BAD,  /* no node can start like this: advice says what to change */
};

/* One thing that dsm_probe looked at. The texts live until the callback returns. */
struct dsm_finding {
	const char *name;   /* "kernel", "events", ...: the same in all versions */
	enum dsm_probe_state state;
	const char *text;   /* what there is */
	const char *advice; /* what to do, with commands to type: lines; "" when there is nothing */
};
typedef void (*dsm_probe_fn)(void *ctx, const struct dsm_finding *finding);

/*
 * Looks, mostly by trying, at what this machine lets a node of this process and configuration (as
 * for dsm_init, with the environment) do, and calls fn for each thing, for a fraction of a second.
 * Not while the process is a node, nor in two threads at once (DSM_ERR_ACTIVE). Returns 0, the code
 * with which dsm_init would fail for the first finding that is bad, or DSM_ERR_CONFIG,
 * DSM_ERR_INVAL for the configuration (dsm_init_error() says why).
 */
DSM_API int dsm_probe(const struct dsm_config *config, dsm_probe_fn fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
