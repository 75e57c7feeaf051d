/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes that serve and follow each other (dsm/heap/mirror.h), whose messages come in order between any
 * two and at any time beside that. They die at any moment, or are left out and do not know yet; the
 * others enter the next view one after the other. Threads ask as dsm/heap/ask.c does, and again as
 * dsm/heap/views.c does.
 */
#ifndef MIRROR_WORLD_H
#define MIRROR_WORLD_H

#include "dsm/heap/heap.h"
#include "dsm/heap/mirror.h"

#define NODES 5
#define THREADS 3 /* of a node */
#define ZONE_BYTES (UINT64_C(1) << 16)
#define PAGE 256

enum { ASK, ANSWER, CHANGE, ACK };

struct packet {
	int kind, status;
	uint32_t view;
	struct names_waiter who;
	struct coh_svc svc;
	struct served_change change;
	uint64_t arg[3];
};

struct fifo {
	struct packet *at;
	size_t cap, head, len;
	int from; /* of an inbox: by packet */
};

struct thread {
	int node, slot;
	int busy, cancelled;
	int to; /* whom it has asked */
	uint32_t view;
	struct names_waiter who;
	struct coh_svc svc;
	uint64_t begun;
};

struct node {
	int lives;  /* it runs: perhaps it is out */
	int is_out; /* and others have gone on: it may not serve */
	uint32_t view, serial;
	uint64_t members;
	int has_view;
	struct mirror mirror;
	struct fifo inbox, changes; /* change.node of these: from whom */
	struct thread thread[THREADS];
};

struct world {
	struct node node[NODES];
	struct fifo net[NODES][NODES];
	uint32_t view; /* the last that is agreed on, of */
	uint64_t members;
	uint64_t now;
	uint64_t sent; /* messages */
	/* A thread's request is answered. */
	void (*ended)(struct thread *t, int status, uint64_t a, uint64_t b);
};

extern struct world world;

#define MUST(x) \
	do { \
		if (!(x)) \
			world_fail(__FILE__, __LINE__, #x); \
	} while (0)
uint64_t mirror_rng(void); /* the test's */
_Noreturn void world_fail(const char *file, int line, const char *what);

void world_open(void (*ended)(struct thread *, int, uint64_t, uint64_t));
void world_close(void);
/* A thread that is not busy asks. */
void world_ask(struct thread *t, const struct coh_svc *svc);
void world_cancel(struct thread *t);
/* What may happen, if it can: 1, or 0. */
int world_deliver(int from, int to);
int world_serve(int node);
int world_enter(int node);
/* A node dies, and of what it has sent to each only a part comes; or it is only left out. */
void world_lose(int node, int is_slow);
/* One that is out dies. */
void world_end(int node);
/* All that can happen without anybody asking for more has happened. */
void world_settle(void);
/* The node that serves, if all have entered. */
struct node *world_server(void);

#endif
