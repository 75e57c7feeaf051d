/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hub from within. Seats are below, then visitors, who become seated, then hub.c, which
 * waits for both, then rounds. Whoever is in a call of hub.h has all of it to himself.
 */
#ifndef HUB_STATE_H
#define HUB_STATE_H

#include <netinet/in.h>

#include "dsm/boot/hub.h"

#define VISITORS 64
#define VISIT_MS 5000 /* whoever connects has so long to prove that it is a member */
#define KEY_LISTENER 0x10000u
#define KEY_VISITOR 0x20000u

/* A connection that has no seat yet. */
struct visitor {
	struct link *link; /* NULL: none */
	int64_t deadline;
};

struct seat {
	struct link *link; /* NULL: not here yet, or left */
	int pid;
	bool left, given;
	bool lost; /* in a job that survives: its connection ended, which was not told yet */
	char where[INET6_ADDRSTRLEN];
	uint32_t len;
	uint8_t blob[BOOT_BLOB_MAX];
};

struct hub {
	int size, epoll, listener;
	int seated, given; /* members; nodes with that flag */
	uint32_t round;
	uint8_t secret[LINK_SECRET];
	bool survives; /* the loss of a member is no end, */
	int lost;      /* ... and so many are */
	int end_code; /* 0, or why the job has ended */
	char end_text[BOOT_TEXT_MAX];
	char refused[96]; /* a visitor that did not know the secret */
	struct boot_msg msg; /* being sent or received */
	struct visitor visitors[VISITORS];
	struct seat seats[];
};

/* --- hub_seats.c --- */

/* Closes and frees it; NULL is allowed, and what it is afterwards. */
void hub_link_free(struct link **link);
void hub_say(struct hub *h, struct link *link, enum boot_msg_type type, int code,
             const char *text);
/* Ends the job for all. */
void hub_end(struct hub *h, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* 0, or why the job has ended. */
int hub_result(const struct hub *h, char *why, size_t why_len);
/* The ranks whose seat is empty, or that have not given. */
void hub_missing(const struct hub *h, bool to_join, char *text, size_t text_len);
/* One is lost: the job ends. */
void hub_lost(struct hub *h, int rank);
/* Acts on a message of a member, if one is there. */
void hub_seat_read(struct hub *h, int rank);
/* Closes its connection once it has heard us. */
void hub_seat_linger(struct seat *s, int64_t deadline);

/* --- hub_visitors.c --- */

int hub_watch(struct hub *h, int fd, uint32_t key);
void hub_visitor_accept(struct hub *h);
/* Acts on a message of a visitor, if one is there: it may get a seat, or have to go. Whether it
 * still is a visitor, of whom another message may be there. */
bool hub_visitor_read(struct hub *h, struct visitor *v);
void hub_visitors_expire(struct hub *h);
/* No more of them. */
void hub_stop_listening(struct hub *h);

/* --- hub.c --- */

/* Takes what comes until the deadline, one batch. -ETIMEDOUT when nothing did. */
int hub_step(struct hub *h, int64_t deadline);

#endif
