/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs dsmctl as a user does, in a runtime directory of the test's own. */
#ifndef TESTS_TOOLS_CTL_H
#define TESTS_TOOLS_CTL_H

#include <stdbool.h>
#include <sys/types.h>

#define CTL_TEXT_MAX (1 << 20)

/* A dsmctl that runs, or has run. */
struct ctl {
	pid_t pid;
	int in, out, err; /* -1: closed */
	char *out_text, *err_text; /* what it has printed */
	size_t out_len, err_len;
	int status;       /* exit status; 1000 + signal when it was killed */
	double start, seconds;
};

/* Makes the runtime directory; call first. Removed by ctl_teardown(), which returns false
 * when something was left in it. */
void ctl_setup(void);
bool ctl_teardown(void);
/* Nothing is in the runtime directory. */
bool ctl_nothing_left(void);
extern char ctl_runtime[64]; /* the directory where jobs are made */

/* Starts "dsmctl" with these arguments (the last one NULL). */
void ctl_start(struct ctl *c, const char *first, ...) __attribute__((sentinel));
/* In a process group of its own, as a shell does, from now on. */
extern bool ctl_own_group;
/* Reads until this text has appeared on standard output so many times; or on standard error. */
void ctl_expect_out(struct ctl *c, const char *text, int times);
void ctl_expect_err(struct ctl *c, const char *text);
/* Reads until dsmctl has ended. */
void ctl_finish(struct ctl *c);
void ctl_free(struct ctl *c);
/* All of it at once, without input: the status. Prints what came out when it is not want. */
int ctl_run(struct ctl *c, int want, const char *first, ...) __attribute__((sentinel));

/* The line is one of the text's. */
bool has_line(const char *text, const char *line);
int count_text(const char *text, const char *part);
/* The process is there, and not merely waiting to be reaped. */
bool process_runs(pid_t pid);
/* All processes that the lines "pid N" of a text name end, or have ended. */
bool processes_end(const char *text);
bool processes_ended(const char *text);
double now_s(void);
void die(const char *what) __attribute__((noreturn));

#endif
