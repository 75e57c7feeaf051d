/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rendezvous from within. A seat is a rank's place in the job; a conn is a process
 * that has connected, which has no seat before its HELLO was accepted.
 *
 * Rounds: a node gives, then takes a blob of every rank before it gives again. So a
 * round is complete only after all have taken the one before, and two sets of blobs do.
 */
#ifndef MEETING_H
#define MEETING_H

#include <stdbool.h>
#include <sys/types.h>

#include "dsm/job/bootmsg.h"
#include "dsm/job/rendezvous.h"

#define CONNS_MAX (2 * BOOT_LOCAL_MAX + 16)
#define PATH_MAX_BYTES 108

enum conn_state { CONN_FREE, CONN_NEW, CONN_WAITING, CONN_SEATED };

struct conn {
	enum conn_state state;
	int fd;
	pid_t pid;
	int rank;                /* WAITING, SEATED */
	struct boot_hello hello; /* WAITING, SEATED */
	uint64_t number;         /* NEW: who came before has less */
	uint64_t lost_told;      /* ranks whose loss it has been told, 1 bit each */
	int next;                /* the next blob to send; the number of nodes: none is due */
	bool polls_out;
};

struct blob {
	uint32_t len;
	uint8_t data[BOOT_BLOB_MAX];
};

struct seat {
	struct conn *conn; /* who sits here */
	bool left;         /* said goodbye; the seat is free again when all have */
	bool gone;         /* its process has ended */
	bool came;         /* somebody has sat here */
	bool given;        /* in[] is there */
	int process;       /* in a job that survives: a pidfd of who sits here; else 0 */
	struct blob in, out;
};

struct rendezvous {
	char dir[PATH_MAX_BYTES];
	int nodes;
	uint8_t secret[BOOT_SECRET]; /* random; only this user's processes get here, and so to it */
	int listener, epoll, timer, pids;
	bool paused;  /* accepting: out of descriptors */
	bool ticking;
	uint64_t came; /* in all */
	uint32_t round;
	int given, left;   /* seats with that flag */
	int first_rank;    /* the first to be seated, who sets the version; -1: nobody yet */
	struct boot_hello first_hello;
	bool survives;     /* a death is not the end */
	uint64_t lost;     /* ranks that are dead, 1 bit each */
	int end_code;      /* 0, or why the job has ended */
	int culprit;       /* with end_code: who ended it */
	char end_text[BOOT_TEXT_MAX];
	struct boot_msg msg; /* being sent or received */
	struct conn conns[CONNS_MAX];
	struct seat seats[BOOT_LOCAL_MAX];
};

/* --- meeting_conns.c: connections, and the end of the job --- */

int meeting_conn_index(const struct rendezvous *r, const struct conn *c);
void meeting_conn_close(struct rendezvous *r, struct conn *c);
/* Sends c away, and nobody else. */
void meeting_conn_refuse(struct rendezvous *r, struct conn *c, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Sends what is due; what does not fit waits until c takes it. */
void meeting_conn_flush(struct rendezvous *r, struct conn *c);
/* Ends the job for all, on account of rank. */
void meeting_end(struct rendezvous *r, int rank, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* --- meeting_lost.c: deaths that a job survives --- */

#define MEETING_KEY_PROCESS 2000u /* epoll data, and the rank */

/* c takes a seat: its process is watched, and can be stopped for sure. */
void meeting_process_watch(struct rendezvous *r, struct conn *c);
/* Has it stopped; meeting_process_ended() follows. */
void meeting_process_stop(struct rendezvous *r, int rank);
/* It has ended, and all that it said was taken: all others are told, unless it had left. */
void meeting_process_ended(struct rendezvous *r, int rank);
void meeting_process_forget(struct rendezvous *r, int rank);

/* --- meeting_seats.c: who sits where --- */

/* c is new, and has sent r->msg: takes a seat, or is sent away. */
void meeting_hello(struct rendezvous *r, struct conn *c);
/* All have left in good order: the seats are free for those who come next. */
void meeting_seats_reset(struct rendezvous *r);

/* --- meeting.c: what is said --- */

/* Acts on what c has sent, a few packets at a time. c may be closed afterwards. */
void meeting_conn_read(struct rendezvous *r, struct conn *c);
/* Ends the job when somebody waits for a rank that cannot come. */
void meeting_check_round(struct rendezvous *r);

#endif
