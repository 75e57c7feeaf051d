/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the crew share: crew.c begins it, crew_watch.c sees to the ranks, and
 * crew_end.c ends it. */
#ifndef CREW_IMPL_H
#define CREW_IMPL_H

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "dsm/job/job.h"
#include "tools/ctl/run.h"
#include "tools/ctl/threads.h"

#define NODES_MAX 64
#define CREW_FORWARDED 7 /* signals that we pass on */

enum phase { WORKING, ENDING, DRAINING };

struct crew {
	const struct run_options *options;
	struct ev_loop *loop;
	char dir[BOOT_DIR_MAX + 1];
	char preload[THREADS_PRELOAD_MAX]; /* "": none */
	struct rendezvous *rendezvous;
	struct keeper *keeper;
	struct relay *relay;
	struct input *input;
	enum phase phase;
	int status;       /* of the first that failed */
	int last_signal;  /* that we passed on */
	int interrupts;   /* by the user, so far */
	bool hurry;       /* told to end: no waiting for a reader that is stuck */
	bool told_end;    /* why the rendezvous ended the job */
	int suspect;      /* the rank that failed first, while a culprit is waited for; or -1 */
	int suspect_status;
	int running;
	int well, lost;   /* of a job that survives: ranks that ended with status 0, or else */
	int lost_status;  /* of the first of the latter */
	pid_t pids[NODES_MAX];  /* 0: ended */
	pid_t swept[NODES_MAX]; /* all that we started */
	ev_io meeting;
	ev_signal child, stop, signals[CREW_FORWARDED];
	ev_timer limit, kill, drain, doubt;
};

/* crew_end.c */
void crew_ending_start(struct crew *c);
void crew_signal(const struct crew *c, int signal); /* to all ranks */
void crew_end(struct crew *c);
void crew_drain(struct crew *c);
void crew_relay_changed(void *ctx);
/* crew_watch.c */
void crew_watching_start(struct crew *c);

#endif
