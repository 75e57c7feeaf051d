/* SPDX-License-Identifier: BSD-2-Clause */
/* A job of one node, run in a process of its own (trial.h). */
#include "config.h"

#include "tools/doctor/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsm/job/job.h"

#define SECONDS_MAX 20
#define PAGE 4096
#define HUGE_PAGE (2u << 20)

struct trial {
	pid_t pid;
	int fd; /* what it says: a sentence */
};

/* Memory that no one has touched: stores, and a system call where that is to work. */
static const char *try_memory(dsm_t *dsm, unsigned flags, size_t page, int *called)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	const char *wrong = NULL;
	char *block;
	int rc = dsm_alloc(dsm, 2 * page, page, flags, (void **)&block);

	if (rc || zero < 0) {
		wrong = rc ? dsm_strerror(rc) : "no /dev/zero";
		goto out;
	}
	*called = read(zero, block + page, 16) == 16;
	block[1] = 7;
	block[page + 1] = 8;
	if (block[0] != 0 || block[1] != 7 || block[page] != 0 || block[page + 1] != 8)
		wrong = "shared memory does not keep what was stored in it";
	dsm_free(dsm, block);
out:
	if (zero >= 0)
		close(zero);
	return wrong;
}

/* In the child. Returns the exit status. */
static int run(FILE *out)
{
	const char *wrong, *huge_text = "";
	int called, huge_called, rc;
	dsm_t *dsm;
	void *huge;

	setenv("DSM_LOG", "none", 0); /* what dsm_init says is in the table */
	rc = dsm_init(NULL, &dsm);
	if (rc) {
		fprintf(out, "a job of one node does not start: %s",
		        *dsm_init_error() ? dsm_init_error() : dsm_strerror(rc));
		return 1;
	}
	wrong = try_memory(dsm, 0, PAGE, &called);
	if (!wrong && dsm_alloc(dsm, HUGE_PAGE, 0, DSM_HUGE, &huge) == 0) {
		dsm_free(dsm, huge);
		huge_text = " and 2 MiB";
		wrong = try_memory(dsm, DSM_HUGE, HUGE_PAGE, &huge_called);
	}
	if (wrong) {
		fprintf(out, "a job of one node starts, but fails: %s", wrong);
		return 1;
	}
	fprintf(out, "a job of one node has run, on pages of 4 KiB%s, with provider %s; system "
	        "calls on memory that is not here %s", huge_text, dsm_provider(dsm),
	        called ? "work" : "fail");
	return dsm_fini(dsm) != 0;
}

struct trial *trial_start(void)
{
	struct trial *t = calloc(1, sizeof *t);
	int fds[2];

	fflush(NULL);
	if (!t || pipe2(fds, O_CLOEXEC))
		goto err_free;
	t->pid = fork();
	if (t->pid == 0) {
		FILE *out = fdopen(fds[1], "w");
		int status;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(SECONDS_MAX);
		close(fds[0]);
		status = out ? run(out) : 1;
		if (out)
			fclose(out);
		_exit(status);
	}
	close(fds[1]);
	t->fd = fds[0];
	if (t->pid > 0)
		return t;
	close(fds[0]);
err_free:
	free(t);
	return NULL;
}

void trial_finish(struct trial *t, dsm_probe_fn fn, void *ctx)
{
	struct dsm_finding finding = { .name = "trial", .state = DSM_PROBE_BAD, .advice = "" };
	char text[768] = "";
	size_t got = 0;
	ssize_t n;
	int status;

	finding.text = text;
	if (!t) {
		strcpy(text, "cannot start a process for a trial");
		fn(ctx, &finding);
		return;
	}
	while (got < sizeof text - 1 && (n = read(t->fd, text + got, sizeof text - 1 - got)) > 0)
		got += (size_t)n;
	close(t->fd);
	while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		job_sweep(t->pid);
		snprintf(text, sizeof text, "a job of one node was ended by a signal: %s",
		         WTERMSIG(status) == SIGALRM ? "it took too long"
		                                     : strsignal(WTERMSIG(status)));
	} else if (status == 0 && got > 0) {
		finding.state = DSM_PROBE_OK;
	} else if (got == 0) {
		strcpy(text, "a job of one node fails without a word");
	}
	fn(ctx, &finding);
	free(t);
}
