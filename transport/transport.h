/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport: moves small messages and whole pages between the nodes of a
 * job. One ops table; backends are libfabric (transport/ofi*.c) and memory
 * (transport/mem.c, for tests). It knows nothing of pages' meaning.
 *
 * Guarantees: messages of one pair of nodes arrive in order, each once. A page
 * write is complete as a whole: TR_EV_LANDED at the target tells that every byte
 * is in place. There is no order between page writes and messages. What a network loses on the
 * way is missed, and TR_EV_ERROR says so on one of the two nodes at least, soon. What somebody else
 * sends in the name of a node over a network is no event: it is counted, and logged.
 *
 * Threads: one caller at a time on a struct tr (the node's lock); wait_fd may be
 * polled by another thread meanwhile.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#define TR_MSG_MAX 160     /* bytes of a message */
#define TR_ADDRESS_MAX 512 /* bytes of an endpoint's address blob */
#define TR_LANDING_SIZE 16
#define TR_SECRET_SIZE 32

struct tr; /* an endpoint, of one backend */
struct tr_mem; /* registered memory */
struct tr_ops;

typedef void (*tr_log_fn)(void *ctx, int level, const char *text); /* level: 0 error .. 4 trace */

struct tr_config {
	uint16_t self, nodes;
	const char *provider;   /* "shm", "tcp" (or "net"): the best over TCP, "tcp;ofi_rxm",
	                         * "verbs;ofi_rxm" (or "verbs"), or NULL: the best */
	const char *no_better_than; /* the best, from this one on in the order of preference;
	                             * NULL: of all */
	int one_machine;        /* all nodes run on this machine */
	int no_shm;             /* nor is shared memory the best, unless provider says so */
	int wake_at_once;       /* wake_peers() after each send and write: there are more nodes than
	                         * processors, and one that is about to look may not get to run */
	const uint8_t *secret;  /* the job's, TR_SECRET_SIZE bytes: who does not know it is not
	                         * believed over a network. NULL: who has not seen the addresses */
	const char *bind;       /* address to bind to, or NULL: 127.0.0.1 with one_machine */
	const char *runtime_dir; /* the job's directory, for doorbells; NULL without one */
	unsigned writes_max;    /* page writes in flight at once, at most (0: 1024) */
	unsigned sends_max;     /* messages waiting for one peer, at most (0: 4096) */
	unsigned silent_max_ms; /* over a network: a peer that has not confirmed for so long what
	                         * was sent to it is lost; 0: no time is too long */
	tr_log_fn log;          /* may be NULL */
	void *log_ctx;
	void *fabric; /* memory backend: the struct mem_fabric that joins the nodes */
};

enum tr_event_kind {
	TR_EV_MSG = 1, /* peer, data, len: valid until the next poll */
	TR_EV_LANDED,  /* tag: a page write of a peer into our memory is complete */
	TR_EV_WRITTEN, /* cookie: our page write no longer reads its source */
	TR_EV_ERROR,   /* peer (or TR_NO_PEER), status: what was under way with it is lost. -EACCES,
	                * of no peer: so many page writes were forged that one might be believed */
};
#define TR_NO_PEER ((uint16_t)0xffff)

struct tr_event {
	uint8_t kind;
	uint16_t peer;
	int32_t status;
	uint32_t tag;
	uint32_t len;
	const uint8_t *data;
	uint64_t cookie;
};

struct tr_stats {
	uint64_t messages_sent, messages_received, bytes_sent, bytes_received;
	uint64_t writes, write_bytes, landed;
	uint64_t sends_queued; /* sends and writes that had to wait for room */
	uint64_t doorbells;    /* sleeping peers woken by us */
	uint64_t refused;      /* messages and page writes that no node has sent */
};

struct tr_ops {
	const char *name;

	/* Opens an endpoint. On success *out is the caller's until close(). On failure
	 * *out is untouched, and a reason has been logged: -ENODEV no such provider
	 * here, -ENOMEM, -EAGAIN (RLIMIT_MEMLOCK is too low), -EINVAL, or what the provider
	 * said. May block briefly. */
	int (*open)(const struct tr_config *config, struct tr **out);

	/* The provider in use, e.g. "tcp"; lives as long as tr. */
	const char *(*provider)(const struct tr *tr);

	/* Copies the endpoint's address blob to buf (TR_ADDRESS_MAX). Returns its length. */
	int (*address)(struct tr *tr, uint8_t *buf);

	/* Learns every node's address: blob of node i at addresses + i * stride, len[i]
	 * bytes. Called once, before any send. Connections may be made when first used, or by reach(). */
	int (*connect)(struct tr *tr, const uint8_t *addresses, size_t stride, const uint32_t *len);

	/* How many descriptors connections to all peers take, at most. */
	unsigned (*descriptors)(const struct tr *tr);

	/* Makes all connections: from then on it does not matter that a process has no descriptor
	 * left for one. After connect(), on all nodes; to be called again, with poll() meanwhile,
	 * until it returns 0. Returns how many peers, of those not lost, have not been heard of
	 * yet, and in *missing, if it is not NULL, the first of them. */
	int (*reach)(struct tr *tr, uint16_t *missing);

	/* 1: what is registered is allocated and pinned as a whole, as RDMA devices need it.
	 * Register pieces, when they come into use, and give back no memory of one that is
	 * registered: page writes to it would be lost without a word. */
	int (*pins_memory)(const struct tr *tr);

	/* Makes [base, base+len) a source and target of page writes. The memory may be
	 * sparse. It stays registered until mem_release() or close(). -EAGAIN: pinning it
	 * would exceed RLIMIT_MEMLOCK; -ENOMEM, or what the provider said. */
	int (*mem_register)(struct tr *tr, void *base, size_t len, struct tr_mem **out);
	/* Nothing that used it may be in flight. NULL is allowed. */
	void (*mem_release)(struct tr_mem *mem);
	/* What a peer needs to write to ptr, which lies in mem. */
	void (*landing)(const struct tr_mem *mem, const void *ptr, uint8_t out[TR_LANDING_SIZE]);

	/* Sends len bytes to peer (not self). Never blocks: what the provider does not
	 * take now is queued, in order. buf is free again on return. -ENOBUFS when the
	 * peer's queue is full, -EMSGSIZE, -ENOTCONN after an error of the peer. */
	int (*send)(struct tr *tr, uint16_t peer, const void *buf, size_t len);

	/* Writes len bytes from src (in mem) to where a peer's landing says; tag appears
	 * there with TR_EV_LANDED, cookie here with TR_EV_WRITTEN. src must stay as it is
	 * until TR_EV_LANDED was seen there, and allocated until TR_EV_WRITTEN. Never
	 * blocks; -ENOBUFS when writes_max are in flight or waiting, -ENOTCONN. */
	int (*write)(struct tr *tr, uint16_t peer, const struct tr_mem *mem, const void *src,
	             size_t len, const uint8_t landing[TR_LANDING_SIZE], uint32_t tag,
	             uint64_t cookie);

	/* Nothing goes to the peer any more, no message of its is taken, and what was under way to it is
	 * over: its sources are free, there is no TR_EV_WRITTEN, and no TR_EV_ERROR for it but one
	 * that was due before. Page writes of its may still come. */
	void (*cut)(struct tr *tr, uint16_t peer);

	/* Makes progress and returns up to max events, 0 when there is none now, or a
	 * negative code when the endpoint is broken. Never blocks. */
	int (*poll)(struct tr *tr, struct tr_event *events, int max);

	/* A descriptor that becomes readable when poll() may have something, provided
	 * that wait_arm() returned 0 just before sleeping; after wait_disarm() it is quiet,
	 * but for what was on its way. */
	int (*wait_fd)(const struct tr *tr);
	/* Called before sleeping on wait_fd: 0 it is safe to sleep, 1 poll again first. */
	int (*wait_arm)(struct tr *tr);
	/* Called after waking up, before poll(). Allowed without wait_arm(), too. */
	void (*wait_disarm)(struct tr *tr);

	/* A peer that seemed to sleep when something was given to it may be about to look by
	 * itself: poll() wakes it after a few microseconds if it has not looked, wait_arm() and
	 * this call at once. For who stops looking without wait_arm(). */
	void (*wake_peers)(struct tr *tr);

	/* Messages and writes that were accepted and have not left yet. */
	int (*pending)(const struct tr *tr);

	void (*stats)(const struct tr *tr, struct tr_stats *out);

	/* Drops what is pending; releases all memory registrations. NULL is allowed. */
	void (*close)(struct tr *tr);
};

/* Every backend's struct begins with this. */
struct tr {
	const struct tr_ops *ops;
};

extern const struct tr_ops tr_ofi_ops;
extern const struct tr_ops tr_mem_ops;

#endif
