/* SPDX-License-Identifier: BSD-2-Clause */
/* Test jobs: a rendezvous in this process, nodes that are its children. */
#ifndef TESTS_BOOT_JOB_H
#define TESTS_BOOT_JOB_H

#include <sys/types.h>

#include "dsm/boot/boot.h"
#include "dsm/job/job.h"

#define JOB_CHILDREN 80

/* What a child found. Shared with the parent. */
struct job_report {
	int joined; /* boot_open() has succeeded; child_rounds() only */
	int done;   /* it came to its end */
	int gave_up; /* its rounds are over, but it has not left */
	int code;
	char why[512];
	uint8_t secret[BOOT_SECRET]; /* the job's, after node_rounds() */
	int unguarded;
};

struct job {
	char base[32]; /* a directory of this job's, with dir in it */
	char dir[BOOT_DIR_MAX + 1];
	int nodes;
	struct rendezvous *rendezvous;
	struct job_report *reports; /* of child i */
	pid_t pids[JOB_CHILDREN];
	int children;
};

/* What a child does: r is its report to fill in. */
typedef void (*job_child_fn)(struct job *job, int rank, struct job_report *r);

void job_open(struct job *job, int nodes);
/* Forks a child with DSM_JOB, DSM_RANK and DSM_SIZE set. Returns its index. */
int job_start(struct job *job, int rank, job_child_fn fn);
/* Serves the rendezvous until all children have ended. */
void job_run(struct job *job);
/* Serves the rendezvous until child i has ended. */
void job_wait(struct job *job, int i);
/* Serves the rendezvous for a while: for what must not happen in it. */
void job_serve(struct job *job, int ms);
/* Serves the rendezvous until fd has something to be read, or its end. */
void job_serve_until(struct job *job, int fd);
/* Serves the rendezvous until the job has ended: why. A child's last words may be heard after its end. */
const char *job_ended(struct job *job);
void job_close(struct job *job);

/* A connection to the rendezvous that speaks for itself. */
int raw_connect(const struct job *job);
void raw_hello(int fd, int rank, int size, const char *version, unsigned protocol);
/* Waits for a packet: as boot_msg_receive(), -ETIMEDOUT after HANG_S. */
int raw_receive(int fd, struct boot_msg *msg);

/* value NULL: takes name out of the environment. */
void set_env(const char *name, const char *value);
/* Takes part in rounds with blobs of all lengths, and checks the others'. Returns
 * r->code, which is -EBADMSG when one is wrong. */
int node_rounds(struct boot *boot, int rounds, struct job_report *r);
/* Children: join, take part in some rounds, leave; or join and leave. */
void child_rounds(struct job *job, int rank, struct job_report *r);
void child_open(struct job *job, int rank, struct job_report *r);
/* Whether this is a secret: not what a node starts with. */
int is_secret(const uint8_t secret[BOOT_SECRET]);
/* The report of a child is done, with this code, and this text in the sentence. */
void expect_report(const struct job_report *r, int child, int code, const char *text);
/* Reports first to end-1 are done, with this code, and this text in the sentence. */
void expect_reports(const struct job *job, int first, int end, int code, const char *text);

/* Opens with these, where the job is (or meets), rank and size, in the environment. */
typedef int (*open_fn)(const char *where, const char *rank, const char *size, char *why);
/* Each of n cases is refused as -EINVAL, with a sentence. */
void expect_invalid(const char *const (*bad)[3], size_t n, open_fn open_with);

/* Ends the program with a message: a test cannot go on. */
void die(const char *what) __attribute__((noreturn));

#endif
