/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages of the coherence core, decoded (coh.h has the rest): what nodes say to each other, and
 * the 32 bits that travel with a page write. wire.c has their form on the wire.
 */
#ifndef COH_MSG_H
#define COH_MSG_H

#include <stdint.h>

typedef uint16_t coh_node;
#define COH_NO_NODE ((coh_node)0xffff)
#define COH_NAME_MAX 64 /* bytes of a published name, its NUL included */

/* Where a requestor wants the page. Carried, never interpreted. */
struct coh_landing {
	uint8_t bytes[16];
};

enum coh_msg_type {
	COH_MSG_NONE = 0,
	/* cache to home */
	COH_MSG_GETS,
	COH_MSG_GETM,
	COH_MSG_PUTS,
	COH_MSG_PUTM,
	COH_MSG_ATOMIC,
	COH_MSG_INV_ACK,
	COH_MSG_DONE,
	/* home to cache */
	COH_MSG_FWD_GETS,
	COH_MSG_FWD_GETM,
	COH_MSG_FWD_ATOMIC,
	COH_MSG_INV,
	COH_MSG_PUT_ACK,
	COH_MSG_GRANT, /* a grant that moves no data */
	/* home or owner to requestor */
	COH_MSG_ATOMIC_RESP,
	/* locks, conditions, barrier: node to the object's home */
	COH_MSG_LOCK,
	COH_MSG_UNLOCK,
	COH_MSG_COND_WAIT,
	COH_MSG_COND_SIGNAL, /* count in value: 1, or 0 for all */
	COH_MSG_COND_CREATE,
	COH_MSG_SYNC_DESTROY,
	COH_MSG_BARRIER_ARRIVE,
	/* and back */
	COH_MSG_SYNC_RESP, /* lock granted or refused, object made or destroyed: status in value */
	COH_MSG_BARRIER_RELEASE,
	/* the node's own services (allocator, names); the core refuses them */
	COH_MSG_SVC_REQ,
	COH_MSG_SVC_RESP,
	/* freed memory: cache to home and back, home to caches and back */
	COH_MSG_DISCARD,
	COH_MSG_DISCARDED, /* of the first n pages: all but those in result, one bit a page */
	COH_MSG_DROP,      /* result, not on the wire: what this node has pinned of them */
	COH_MSG_DROP_ACK,  /* result: the pages that the sender keeps */
	/* words that threads wait for (struct coh_futex has what each says): cache to home */
	COH_MSG_FUTEX_WAIT,
	COH_MSG_FUTEX_WAKE,
	COH_MSG_FUTEX_CANCEL,
	COH_MSG_COMPARED,
	/* home to cache */
	COH_MSG_FWD_COMPARE,
	COH_MSG_FUTEX_RESP,  /* to a wait: the thread sleeps, or not; to a wake */
	COH_MSG_FUTEX_WOKEN, /* a thread that slept */
	/* a node to the homes of a new view: what it has of a page (access), a frame of it that it
	 * has kept (COH_F_KEPT) for a request of requestor's with that serial, and the serial of a
	 * request of its own that the view has ended (result) */
	COH_MSG_REPORT,
	/* secure pages (secure.h): owner to home and back, home to the second node and back */
	COH_MSG_LOG,       /* an owner to its stand-in: you are to have what I am going to push */
	COH_MSG_LOG_HERE,  /* ... and back: the landing for it */
	COH_MSG_LOGGED,    /* ... I have it */
	COH_MSG_SEAL,      /* owner: result 1: that is all of it; 0: it is all where it belongs */
	COH_MSG_SEALED,    /* ... and back */
	COH_MSG_PUSH,      /* what I have written is to be on two nodes */
	COH_MSG_SECURED,   /* it is */
	COH_MSG_COPY,      /* you are to have a copy */
	COH_MSG_COPY_HERE, /* the landing for it */
	COH_MSG_COPIED,    /* I have it */
	COH_MSG_RESTORED,  /* home to all: my pages are on two nodes again; result: 1 where what has no copy
	                    * was never touched */
	COH_MSG_TYPES
};

enum coh_msg_flag {
	COH_F_UPGRADE = 1 << 0, /* GetM: the sender holds the page in S */
	COH_F_REFRESH = 1 << 1, /* Fwd-GetS: write the page to the home's frame too */
	COH_F_PULL = 1 << 2,    /* Fwd-GetM: the home itself takes the page, for a PutM */
	COH_F_RECALL = 1 << 3,  /* Fwd to the home's own cache: lower access, Inv-Ack */
	COH_F_TRY = 1 << 4,     /* Lock: do not queue */
	COH_F_RUN = 1 << 5,     /* Fwd-GetS: of a run, so it is not to wait for who holds the first
	                         * page; Done: the owner does, and has granted nothing */
	/* Those of views have the values of others, in messages that have no use for these. */
	COH_F_LOST = 1 << 0,    /* Grant of nothing, Atomic-Resp: the page is lost */
	COH_F_RENEW = 1 << 1,   /* Discard: only those of the pages that are lost; Drop: those of them that
	                         * were lost are so no more */
	COH_F_KEPT = 1 << 0,    /* Report: requestor and serial say for whom a frame was kept */
	COH_F_LAST = 1 << 1,    /* Report: the sender's last one in this view */
	COH_F_ORPHAN = 1 << 0,  /* Sync-Resp to a Lock: granted, and its last holder has died, or may have */
	COH_F_HOLDS = 1 << 3,   /* Report: a thread of the sender's holds a mutex; result: its number, and in
	                         * the lower half the thread */
	COH_F_BARRIER = 1 << 4, /* Report: the sender has passed so many barriers (result, two bits), and
	                         * waits in the next one (result, a third) */
	COH_F_RAN = 1 << 2,     /* Report: the sender has done requestor's atomic with that serial on the
	                         * page; what was there is in result */
	COH_F_SALVAGE = 1 << 4, /* Fwd-GetS: write your frame to the home's, whatever you may do with it */
	COH_F_HELD = 1 << 6,    /* Fwd-GetS, on its way into the core only: the node holds the page,
	                         * beside what the core knows */
	COH_F_RESTORE = 1 << 7,  /* Push, of a home's own: no owner asks for it */
};

enum coh_atomic_op {
	COH_OP_FETCH_ADD = 1,
	COH_OP_SWAP,
	COH_OP_COMPARE_SWAP,
};

struct coh_atomic {
	uint8_t op;
	uint8_t width;   /* 4 or 8 bytes */
	uint32_t offset; /* in the page, a multiple of width */
	uint64_t operand, compare;
};

/* A word of a page, and a thread that waits for it. */
/* In offset: another queue of the same word, with wakes of its own, in which threads sleep whatever
 * the word is. */
#define COH_FUTEX_OWN 1u
struct coh_futex {
	uint32_t offset; /* in the page, a multiple of 4; perhaps with COH_FUTEX_OWN */
	uint32_t value; /* Wait, Fwd-Compare: the word is to hold it; Wake: how many at most;
	                 * Compared: 1 it does, or 0; Resp: 1 asleep, or 0, or how many are woken;
	                 * Woken: 1, or 0 it was cancelled */
	uint32_t left;  /* Resp to a Wake: how many sleep on when it comes to its limit */
	uint16_t slot;  /* of the thread, at its node */
};

struct coh_svc {
	uint8_t op;
	int32_t status;
	uint64_t arg[3];
	char name[COH_NAME_MAX];
};

struct coh_sync_args {
	uint32_t object; /* index at its home */
	uint32_t mutex;  /* Cond-Wait: the mutex to release, at the same home */
	uint32_t thread;
	int32_t value;
};

/* One message, decoded. Which members mean something depends on type; the
 * encoder sends only those (wire.c), the decoder zeroes the rest. */
struct coh_msg {
	uint8_t type;
	uint8_t flags;
	uint8_t access;     /* Grant */
	coh_node requestor; /* Fwd */
	uint16_t n;         /* pages, from 1; Grant may answer 0 */
	uint16_t slot;      /* of the requestor; replies echo it */
	uint64_t page;
	/* Where nodes may die, else 0: the sender's view; and the number of the request that it is,
	 * or is about, which no other request of the same node has had. */
	uint32_t view, serial;
	union {
		struct {
			struct coh_landing landing; /* the requestor's */
			struct coh_landing refresh; /* the home's */
		};
		struct coh_atomic atomic;
		uint64_t result;
		struct coh_sync_args sync;
		struct coh_svc svc;
		struct coh_futex futex;
	};
};

/* The 32 bits that travel with a page write and complete the request, or tell a home
 * which of its pages has come back. */
struct coh_tag {
	uint8_t to_home;
	uint8_t access;       /* these three: not to_home */
	uint16_t n;
	uint16_t slot;        /* of the request */
	uint32_t home_index;  /* to_home: the page among those of its home, below 2^31 */
};
uint32_t coh_tag_encode(struct coh_tag tag);
struct coh_tag coh_tag_decode(uint32_t bits);
/* Where nodes may die, for who carries the page: the view in which it was written, by COH_TAG_VIEWS,
 * in bits that a tag does not need where requests are for one page and there are at most
 * COH_TAG_PAGES. It is to be taken out again before the core sees the tag. */
#define COH_TAG_VIEWS 64 /* views of a job: each leaves somebody out */
#define COH_TAG_PAGES (UINT64_C(1) << 25)
uint32_t coh_tag_mark(uint32_t bits, uint32_t view);
uint32_t coh_tag_unmark(uint32_t bits, uint32_t *view);

#endif
