/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl stats --every: what a job's nodes count a second, until it ends. */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/ctl/counts.h"
#include "tools/ctl/figures.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/rates.h"

/* What the nodes have answered, and when. */
struct sample {
	struct answers answers;
	double at_s;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sleep_until(double at_s)
{
	struct timespec t = { .tv_sec = (time_t)at_s };

	t.tv_nsec = (long)((at_s - (double)t.tv_sec) * 1e9);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* Levels stay what they are. NULL: it was not there before. */
static json_t *node_rates(const struct answer *now, const struct answers *before, double seconds)
{
	json_t *rates, *value, *was = NULL;
	const char *key;

	for (int i = 0; i < before->count; i++)
		if (before->list[i].rank == now->rank)
			was = before->list[i].json;
	if (!was || !now->json)
		return NULL;
	rates = json_object();
	json_object_foreach(now->json, key, value) {
		const struct figure *f = figure_of(key);
		if (!json_is_integer(value))
			continue;
		if (f && f->is_level)
			json_object_set(rates, key, value);
		else
			json_object_set_new(rates, key,
			                    json_real((double)(json_integer_value(value) -
			                                       member_int(was, key, 0)) / seconds));
	}
	return rates;
}

/* To be freed by query_free(). False: no memory. */
static bool rates_of(const struct sample *now, const struct sample *before, struct answers *out)
{
	const int n = now->answers.count;

	out->list = calloc(n + 1, sizeof *out->list);
	out->count = out->list ? n : 0;
	for (int i = 0; i < out->count; i++) {
		out->list[i].rank = now->answers.list[i].rank;
		out->list[i].error = now->answers.list[i].error;
		out->list[i].json = node_rates(&now->answers.list[i], &before->answers,
		                               now->at_s - before->at_s);
	}
	return out->list != NULL;
}

static void print_json(const char *dir, const struct answers *rates, double since_s, double every_s)
{
	json_t *o = json_pack("{s:s, s:f, s:f, s:[]}", "job", job_name(dir), "seconds", since_s,
	                      "interval", every_s, "nodes"), *node;

	for (int i = 0; i < rates->count; i++) {
		node = json_pack("{s:i}", "rank", rates->list[i].rank);
		if (rates->list[i].json)
			json_object_update(node, rates->list[i].json);
		else
			json_object_set_new(node, "error",
			                    json_string(rates->list[i].error ? rates->list[i].error
			                                                     : "is new"));
		json_array_append_new(json_object_get(o, "nodes"), node);
	}
	json_object_set_new(o, "total", counts_total(rates));
	json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(o);
}

static void print_table(const char *dir, const struct answers *rates, double since_s, bool all)
{
	printf("job %s after %.1f s, a second:\n", job_name(dir), since_s);
	counts_table(rates, all);
	putchar('\n');
	fflush(stdout);
	for (int i = 0; i < rates->count; i++)
		if (!rates->list[i].json && rates->list[i].error)
			ctl_error("rank %d %s", rates->list[i].rank, rates->list[i].error);
}

static int sample_take(const char *dir, struct sample *s)
{
	const int rc = query_job(dir, "stats", &s->answers);

	s->at_s = now_s();
	return rc;
}

static int watch(const char *dir, const struct rates_options *o)
{
	struct sample before, now;
	struct answers rates;
	double start_s, next = 1;
	int rc = sample_take(dir, &before);

	if (rc)
		return rc;
	start_s = before.at_s;
	for (;;) {
		/* What a node that was slow to answer has made late is left out. */
		sleep_until(start_s + next * o->every_s);
		rc = sample_take(dir, &now);
		next = (double)(uint64_t)((now.at_s - start_s) / o->every_s) + 1;
		if (rc || query_is_over(&now.answers) || !rates_of(&now, &before, &rates))
			break;
		if (o->json)
			print_json(dir, &rates, now.at_s - start_s, now.at_s - before.at_s);
		else
			print_table(dir, &rates, now.at_s - start_s, o->all);
		query_free(&rates);
		query_free(&before.answers);
		before = now;
		if (fflush(stdout) || ferror(stdout)) {
			query_free(&before.answers);
			return CTL_FAILED;
		}
	}
	if (!rc)
		query_free(&now.answers);
	query_free(&before.answers);
	return rc;
}

int rates_run(const struct ctl_command *command, const struct rates_options *o, int argc,
              char **argv)
{
	struct job_list jobs;
	const char *dir = NULL;
	int status = jobs_of_args(command, argc, argv, &jobs), running = 0;

	if (status)
		return status;
	for (size_t i = 0; i < jobs.count; i++)
		if (jobs.jobs[i].state == JOB_RUNNING) {
			dir = jobs.jobs[i].dir;
			running++;
		}
	if (running == 1) {
		status = watch(dir, o);
	} else {
		ctl_error(running ? "%d of your jobs are running: name one"
		                  : "none of your jobs is running on this machine", running);
		status = CTL_FAILED;
	}
	jobs_free(&jobs);
	return status;
}
