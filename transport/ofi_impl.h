/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the libfabric backend: its structures, and what its files offer each other.
 *
 *	ofi.c           open, address, connect, close
 *	ofi_provider.c  which provider, and what it wants
 *	ofi_signal.c    keeps the application's signal handlers
 *	ofi_mem.c       registered memory and landings
 *	ofi_head.c      the numbers before each message, by which losses are found
 *	ofi_seal.c      what proves that a message is a node's (ofi_seal.h)
 *	ofi_refuse.c    what is no node's: counted, and told
 *	ofi_send.c      messages and page writes on their way out, and their queues
 *	ofi_shm.c       room in /dev/shm
 *	ofi_confirm.c   asks peers for what they have not confirmed
 *	ofi_reach.c     has all connections made
 *	ofi_poll.c      completions become events
 *	ofi_wait.c      sleeping
 *	ofi_probe.c     asks whether a peer is still there
 *	ofi_bell.c      the doorbell for providers that cannot wake us
 */
#ifndef TR_OFI_IMPL_H
#define TR_OFI_IMPL_H

#include <netinet/in.h>
#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <signal.h>
#include <sys/socket.h>

#include "transport/ofi_bell.h"
#include "transport/ofi_seal.h"
#include "transport/transport.h"

#define OFI_API_VERSION FI_VERSION(1, 17)
#define OFI_SENDS_MAX 4096
#define OFI_WRITES_MAX 1024
#define OFI_PREFIX (SEAL_BYTES + 20) /* bytes before each message: the seal, struct ofi_head */
#define OFI_FRAME_MAX (OFI_PREFIX + TR_MSG_MAX)
#define OFI_SLOT_BYTES 192 /* a frame's place in receive and send buffers */
#define OFI_RX_SLOTS 512 /* at most */
#define OFI_TX_SLOTS 256
#define OFI_CQ_BATCH 64
#define OFI_CONFIRM_MS 1000 /* between two looks at what peers have to confirm */
#define OFI_CQ_FDS 8
#define OFI_PROVIDER_MAX 32
#define OFI_SHM_BYTES (16u << 20) /* of its file in /dev/shm, for each node */
#define OFI_VERBS "verbs;ofi_rxm" /* RDMA devices; datagrams over their connections */

enum ofi_op_kind { OFI_RX = 1, OFI_TX, OFI_WRITE };

/*
 * What stands before each message, in this order, little-endian. Connections break and are made
 * again below us, and nobody tells what was lost with the old one; so all that goes from one node
 * to another is counted at both ends, and who finds less than was sent has lost the sender. An
 * ASK is answered at once, by whatever goes to who asked, or an ANSWER; both are not counted.
 * Over a network a seal comes first; within a machine, where nobody else gets to, frames do
 * without: they begin with this.
 */
enum ofi_head_kind { OFI_MESSAGE = 1, OFI_ASK, OFI_ANSWER };
struct ofi_head {
	uint16_t from;
	uint16_t kind;
	uint32_t sent, written;  /* to you so far: messages, with this one; page writes */
	uint32_t received, landed; /* the same of yours, here */
};

/* One operation that libfabric may be working on; it is the op_context, and libfabric
 * may use the first member until the completion. */
struct ofi_op {
	struct fi_context2 context;
	struct ofi_op *next; /* in a free list or queue */
	uint8_t kind;
	uint8_t control; /* TX: no message; nobody waits for it, or misses it */
	uint16_t peer; /* TX, WRITE */
	union {
		uint8_t *slot; /* RX, TX */
		struct {
			const void *src;
			size_t len;
			void *desc;
			uint64_t address, key, cookie;
			uint32_t tag;
		} write;
	};
};

struct ofi_frame {
	uint16_t len; /* with the prefix, and room for the seal */
	uint8_t data[OFI_FRAME_MAX];
};

/* What came in the name of a node, or of none, and is none's. */
struct ofi_refused {
	unsigned unsaid;
	int64_t said_ms; /* 0: never */
};

struct ofi_peer {
	fi_addr_t addr;
	struct seal seal_out, seal_in; /* for what goes to it, and comes from it */
	struct ofi_refused refused;
	uint8_t lost;        /* no more traffic */
	uint8_t error_due;   /* TR_EV_ERROR has to be given */
	int32_t status;      /* for it */
	struct ofi_frame *frame; /* messages that the provider did not take: a ring */
	unsigned head, count;
	struct ofi_op *write_head, *write_tail; /* the same for page writes */
	unsigned posted; /* sends and writes that wait for their completion */
	unsigned queued; /* in ring and list */

	uint32_t sent, written;      /* given to the provider */
	uint32_t sent_ok, written_ok; /* of these it has confirmed */
	uint32_t received, landed;   /* from it */
	uint8_t open;        /* something was sent since all had been confirmed */
	uint8_t due;         /* so it was at the last look, too: */
	uint32_t due_ok;     /*   and so much had been confirmed; */
	unsigned silent_ms;  /*   it has not said more for so long */
	uint8_t control_due; /* OFI_ASK or OFI_ANSWER is to be sent to it */
	uint8_t heard;       /* something has come from it */
	int64_t asked_ms;    /* when ofi_reach() last asked it; 0: not yet */

	pid_t pid; /* over shm */
	struct sockaddr_storage sockaddr; /* AF_UNSPEC when the provider's address is none */
	int probe_fd;          /* a connection attempt, or -1 */
	uint8_t needs_answer;  /* a refusal counts only after an answer, so that it is no */
	uint8_t answered;      /*   firewall's */
	unsigned probe_gap_ms; /* until the next one */
	int64_t probe_ms;      /* when; 0: there was progress */
};

/*
 * An endpoint. Everything is used by one caller at a time (transport.h), but for
 * wait_fd, which never changes after open.
 */
struct ofi {
	struct tr tr; /* first */
	uint16_t self, nodes;
	tr_log_fn log;
	void *log_ctx;
	char provider[OFI_PROVIDER_MAX];

	struct fi_info *info;
	struct fid_fabric *fabric;
	struct fid_domain *domain;
	struct fid_ep *ep;
	struct fid_cq *cq;
	struct fid_av *av;
	size_t inject_bytes;
	uint8_t virt_addr, mr_local, mr_allocated;

	struct ofi_peer *peer;
	struct ofi_frame *frames; /* the peers' rings: sends_max each */
	size_t frames_bytes;
	unsigned sends_max;
	unsigned queued;  /* in the queues of all peers */
	unsigned posted;  /* of all peers that are not lost */
	unsigned errors_due;
	uint16_t next_flush; /* peer whose queue is tried first */

	uint8_t *slots; /* memory of receive and send buffers */
	size_t slots_bytes;
	struct fid_mr *slots_mr;
	struct ofi_op *rx, *tx, *writes; /* the arrays */
	unsigned n_rx, writes_max;
	struct ofi_op *tx_free, *write_free;
	struct ofi_op *rx_used; /* consumed: to be posted again */

	/* completions that wait_arm() found and poll() has not given yet */
	struct fi_cq_data_entry stash[OFI_CQ_BATCH];
	unsigned stash_head, stash_len;

	struct tr_mem *mem;

	int epoll_fd; /* what the caller waits on; behind it: */
	int timer_fd; /*   for what nobody would wake us for */
	uint8_t has_cq_fd;     /*   the CQ's descriptor, or without one: */
	struct ofi_bell *bell; /*   the doorbell, else NULL */
	uint8_t wake_at_once;  /*   and who is to be rung is rung at once */
	uint8_t signal_sticks; /* the CQ's descriptor needs care, see there */
	int life_fd;           /* what peers connect to, to see whether we are there, or -1 */
	struct sockaddr_in life;
	uint8_t listening;     /* epoll_fd reports on cq_fd: the caller may sleep */
	int cq_fd[OFI_CQ_FDS]; /* what tells of progress to be made */
	unsigned n_cq_fd;
	unsigned retry_ms; /* the timer's last setting, 0 after progress */
	uint8_t timer_set;
	int64_t probe_look_ms;

	uint8_t counts;        /* messages are counted: they could get lost; and sealed: others
	                        * could send some */
	uint8_t counts_writes; /* page writes, too: there is room for who they are from */
	unsigned silent_max_ms; /* who does not answer for so long is lost; 0: never */
	unsigned open;         /* peers with that flag */
	unsigned controls_due; /* peers to whom an ASK or ANSWER is due */
	int confirm_fd;        /* timer for the next look at what is not confirmed */
	int64_t confirm_ms;    /* when that is */
	int64_t confirm_last_ms, confirm_timer_ms; /* the last; what the timer is set to, or 0 */

	uint8_t secret[SEAL_SECRET];
	uint8_t nonce[SEAL_NONCE]; /* ours */
	struct ofi_refused refused; /* what names no node */
	unsigned unsaid;            /* of all peers, and of these */
	unsigned writes_refused;
	uint8_t forged; /* there were too many of them, which is to be told */

	struct tr_stats stats;
};

struct tr_mem {
	struct tr_mem *next;
	struct ofi *ofi;
	struct fid_mr *mr;
	void *desc;
	uint8_t *base;
	size_t len;
	uint64_t key;
};

/* ofi.c */
void ofi_log(const struct ofi *ofi, int level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* libfabric's code as ours. */
int ofi_errno(ssize_t rc);
static inline struct ofi *ofi_of(const struct tr *tr)
{
	return (struct ofi *)(uintptr_t)tr;
}

/* ofi_clock.c: cheap, and late by a few milliseconds. */
int64_t ofi_now_ms(void);

/* ofi_environment.c */
/* Settings of libfabric that it reads from the environment; the user's win. -ENOMEM. Other
 * threads may read the environment meanwhile. */
int ofi_environment(unsigned nodes);

/* ofi_provider.c */
/* The nth provider to try, with *info to be freed by the caller: 0, -ENODEV when that
 * one is not here, -ERANGE after the last one. */
int ofi_provider_try(const struct ofi *ofi, const struct tr_config *config, unsigned n,
                     struct fi_info **info);
int ofi_provider_is_shm(const char *provider);
int ofi_provider_is_verbs(const char *provider);
/* The nth that is chosen from, or NULL. */
const char *ofi_provider_nth(unsigned n);
/* Logs that no provider fits, and which ones would. */
void ofi_provider_explain(const struct ofi *ofi, const struct tr_config *config);

/* ofi_shm.c */
/* Room for another file of the provider. Where there is none, libfabric may not even list it. */
int ofi_shm_has_room(void);
/* Waits for this process's turn, which lasts until ofi_shm_leave(). -ENOSPC: no room, and no
 * turn. */
int ofi_shm_enter(int *turn);
void ofi_shm_leave(int turn);
/* Takes all the memory that the endpoint's file may need: 0 or -ENOSPC. */
int ofi_shm_reserve(const struct ofi *ofi);

/* ofi_signal.c */
#define OFI_SIGNALS 6
struct ofi_signals {
	struct sigaction action[OFI_SIGNALS];
};
void ofi_signals_save(struct ofi_signals *out);
void ofi_signals_restore(const struct ofi_signals *saved);

/* ofi_mem.c */
int ofi_pins_memory(const struct tr *tr);
/* Our code for a failure to pin memory: the kernel does not tell a limit of the process
 * from a lack of memory. */
int ofi_pin_errno(const struct ofi *ofi, int rc);
/* Registers memory, under a key that nobody guesses where keys are ours. */
int ofi_mr_make(struct ofi *ofi, const void *base, size_t len, uint64_t access,
                struct fid_mr **out);
int ofi_mem_register(struct tr *tr, void *base, size_t len, struct tr_mem **out);
void ofi_mem_release(struct tr_mem *mem);
void ofi_mem_landing(const struct tr_mem *mem, const void *ptr, uint8_t out[TR_LANDING_SIZE]);

/* ofi_head.c */
/* Writes the prefix of a frame of len bytes that is given to the provider now. */
void ofi_head_put(const struct ofi *ofi, uint16_t peer, enum ofi_head_kind kind, uint8_t *frame,
                  size_t len);
/* So many bytes at a frame's begin are not sent, and did not come: there is no seal. */
static inline size_t ofi_unsealed(const struct ofi *ofi)
{
	return ofi->counts ? 0 : SEAL_BYTES;
}
/* Something is to be confirmed from now on: it is on its way, or in a queue. */
void ofi_head_open(struct ofi *ofi, struct ofi_peer *peer);
/* It took the frame, or a page write. */
void ofi_head_sent(struct ofi *ofi, uint16_t peer, enum ofi_head_kind kind);
void ofi_head_written(struct ofi *ofi, uint16_t peer);
/* What came, len bytes: the message in it begins at OFI_PREFIX - ofi_unsealed(). 0, or -EBADMSG:
 * no node has sent that, be it in the name of out->from, or of none (TR_NO_PEER). */
int ofi_head_get(const struct ofi *ofi, const uint8_t *frame, size_t len, struct ofi_head *out);
/* What the sender says of itself, compared with what has come: 1 it is a message to be taken,
 * 0 nothing, -ECONNRESET something of its was lost, -EBADMSG it was here before. */
int ofi_head_take(struct ofi *ofi, const struct ofi_head *head);
/* What goes with the next page write to a peer beside its tag. */
uint64_t ofi_head_write_data(const struct ofi *ofi, uint16_t peer, uint32_t tag);
/* What came so: 0, and from whom, or TR_NO_PEER where that is not told; -EBADMSG: it is not what
 * the one in *from would send next. */
int ofi_head_landed(struct ofi *ofi, uint64_t data, uint16_t *from);

/* An ASK, or an ANSWER, for which an ASK will do, is to go, by ofi_flush(), or a message that
 * goes before it. */
void ofi_head_due(struct ofi *ofi, struct ofi_peer *peer, enum ofi_head_kind kind);
void ofi_head_not_due(struct ofi *ofi, struct ofi_peer *peer);

/* ofi_refuse.c */
/* Something came in the name of a peer, or of nobody (TR_NO_PEER), and is dropped. What is told is
 * one line a second for each, with a count. */
void ofi_refuse(struct ofi *ofi, uint16_t peer);
/* The same of a page write, of which there may be too many (ofi->forged). */
void ofi_refuse_write(struct ofi *ofi, uint16_t peer);
/* Tells what was refused since, where a second has passed, or all of it. */
void ofi_refuse_tell(struct ofi *ofi, int all);

/* ofi_send.c */
int ofi_send(struct tr *tr, uint16_t peer, const void *buf, size_t len);
int ofi_write(struct tr *tr, uint16_t peer, const struct tr_mem *mem, const void *src, size_t len,
              const uint8_t landing[TR_LANDING_SIZE], uint32_t tag, uint64_t cookie);
/* Gives the provider what is queued, as far as it takes it. */
void ofi_flush(struct ofi *ofi);
/* The operation is over: it goes back to its free list. */
void ofi_op_done(struct ofi *ofi, struct ofi_op *op);
/* Nothing goes to or comes from the peer any more; its error will be given by poll. */
void ofi_peer_lose(struct ofi *ofi, uint16_t peer, int status);
/* The same by the caller's wish, who needs no news of it. */
void ofi_cut(struct tr *tr, uint16_t peer);
/* Loses the peers that could not be rung. */
void ofi_reap(struct ofi *ofi);

/* ofi_poll.c */
int ofi_poll(struct tr *tr, struct tr_event *events, int max);
int ofi_rx_post(struct ofi *ofi, struct ofi_op *op);
/* Moves completions into the stash. Returns how many are there. */
unsigned ofi_stash_fill(struct ofi *ofi);

/* Something of ours is under way to the peer. */
static inline int ofi_under_way(const struct ofi_peer *peer)
{
	return !peer->lost && (peer->queued || peer->posted);
}
/* Something was accepted that nobody promises to wake us for: what the provider refused
 * for lack of room, and with the doorbell all that is under way, since a peer that was
 * killed rings no more. */
static inline int ofi_stuck(const struct ofi *ofi)
{
	return ofi->queued || ofi->controls_due || (ofi->bell && ofi->posted);
}

/* ofi_cma.c */
void ofi_cma_connect(struct ofi_peer *peer, const char *address);
/* The status of an error, which is -EPERM where the kernel keeps this process from a peer's memory. */
int ofi_cma_status(const struct ofi *ofi, int status);

/* ofi_confirm.c */
int ofi_confirm_open(struct ofi *ofi);
void ofi_confirm_close(struct ofi *ofi);
/* Now and then: asks, and loses those who have not answered. */
void ofi_confirm(struct ofi *ofi);
/* Before sleeping: for that not to be missed. */
void ofi_confirm_arm(struct ofi *ofi);

/* ofi_reach.c */
unsigned ofi_descriptors(const struct tr *tr);
int ofi_reach(struct tr *tr, uint16_t *missing);

/* ofi_probe.c */
/* Loses the peers that are found to be gone. */
void ofi_probe(struct ofi *ofi);
/* There was progress, or nothing to be asked any more. */
void ofi_probe_forget(struct ofi_peer *peer);
/* One step of a connection attempt that does not block; the next probe sees how it
 * went. -ENOTCONN when it was refused. */
int ofi_probe_port(struct ofi_peer *peer);
/* The ports of RDMA devices are not those of TCP. So there we listen for probes on one of
 * our own: with the device's address. */
int ofi_life_open(struct ofi *ofi, const struct sockaddr_in *device);
/* Learns where a peer does, and connects for the first time. */
void ofi_life_connect(struct ofi_peer *peer, const void *address, size_t len);

/* ofi_wait.c */
int ofi_wait_open(struct ofi *ofi);
void ofi_wait_close(struct ofi *ofi);
int ofi_wait_fd(const struct tr *tr);
int ofi_wait_arm(struct tr *tr);
void ofi_wait_disarm(struct tr *tr);
void ofi_wake_peers(struct tr *tr);
/* After something was given to the provider for peer: it will be rung if it sleeps. */
void ofi_ring(struct ofi *ofi, uint16_t peer);
/* After progress: rings, if it is time, and notes the peers that sleep until we make some. */
void ofi_ring_soon(struct ofi *ofi);

#endif
