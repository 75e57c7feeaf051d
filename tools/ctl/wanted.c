/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsmctl checkpoint JOB DIR: asks rank 0, and looks until the program has saved itself. What it is
 * told is in dsm/admin/wanted.c.
 */
#include "config.h"

#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/query.h"
#include "tools/ctl/wanted.h"

#define LOOK_MS 50

struct asking {
	const char *job; /* its directory */
	uint32_t number;
};

/* Rank 0's answer, for json_decref(); NULL: the reason has been told. */
static json_t *ask(const struct asking *a, const char *verb, const char *dir)
{
	char request[QUERY_REQUEST_MAX];
	struct answers answers;
	json_t *said = NULL;

	snprintf(request, sizeof request, "checkpoint %s %" PRIu32 "%s%s", verb, a->number,
	         *dir ? " " : "", dir);
	if (query_job(a->job, request, &answers))
		return NULL;
	if (query_is_over(&answers))
		ctl_error("the job has ended");
	else if (answers.list[0].rank != 0)
		ctl_error("node 0, which can be asked for a checkpoint, is not on this machine");
	else if (answers.list[0].json)
		said = json_incref(answers.list[0].json);
	else
		ctl_error("node 0 %s", answers.list[0].error);
	query_free(&answers);
	return said;
}

/* What it has come to: an exit status; or -1, one has to wait. */
static int outcome(const json_t *said, const char *dir)
{
	const char *state = member_text(said, "state", ""), *text = member_text(said, "said", "");

	if (strcmp(state, "ended"))
		return -1;
	if (member_int(said, "code", -1)) {
		ctl_error("no checkpoint: %s", text);
		return CTL_FAILED;
	}
	if (strcmp(text, dir)) {
		ctl_error("the program has saved itself, but to %s", text);
		return CTL_FAILED;
	}
	printf("the checkpoint in %s is complete\n", dir);
	return CTL_OK;
}

static int give_up(const struct asking *a, double seconds)
{
	json_t *said = ask(a, "forget", "");
	const json_int_t calls = member_int(said, "calls", 0);

	if (said && calls)
		ctl_error("the program has not asked for %g s whether to save itself (it did so %"
		          JSON_INTEGER_FORMAT " times before): --timeout waits longer", seconds, calls);
	else if (said)
		ctl_error("the program never asks whether to save itself: it has to call "
		          "dsm_checkpoint_wanted() in its loop, see dsm_checkpoint(3)");
	json_decref(said);
	return CTL_FAILED;
}

/* The program has so long to ask; what it does then takes as long as it takes. */
static int wait_for(const struct asking *a, const char *dir, double seconds)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	int64_t end = query_now_ns() + (int64_t)(seconds * 1e9);

	for (;;) {
		json_t *said = ask(a, "look", "");
		const int waits = !strcmp(member_text(said, "state", ""), "asked");
		const int status = said ? outcome(said, dir) : CTL_FAILED;

		/* It cannot be told while another one is being saved. */
		if (said && json_is_true(json_object_get(said, "saves")))
			end = query_now_ns() + (int64_t)(seconds * 1e9);
		json_decref(said);
		if (status >= 0)
			return status;
		if (waits && query_now_ns() > end)
			return give_up(a, seconds);
		nanosleep(&pause, NULL);
	}
}

/* The program has a working directory of its own. */
static int make_absolute(const char *dir, char out[PATH_MAX])
{
	char here[PATH_MAX] = "";

	if (*dir != '/' && !getcwd(here, sizeof here)) {
		ctl_error("cannot tell the working directory");
		return CTL_FAILED;
	}
	if (strchr(dir, '\n') || !*dir ||
	    (size_t)snprintf(out, PATH_MAX, "%s%s%s", here, *here ? "/" : "", dir) >= PATH_MAX) {
		ctl_error("not a directory to save to: '%s'", dir);
		return CTL_FAILED;
	}
	return 0;
}

int wanted_checkpoint(const struct ctl_command *command, char **argv, double seconds, int packed)
{
	char job[BOOT_DIR_MAX + 1], dir[PATH_MAX];
	struct asking a = { .job = job, .number = randombytes_random() };
	json_t *said;
	int status = make_absolute(argv[optind + 1], dir);

	if (status == 0)
		status = jobs_one_of_args(command, optind + 1, argv, job);
	if (status)
		return status;
	said = ask(&a, packed ? "pack" : "ask", dir);
	if (!said)
		return CTL_FAILED;
	json_decref(said);
	return wait_for(&a, dir, seconds);
}
