/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the nodes of a job, all at once, over their admin sockets. */
#ifndef QUERY_H
#define QUERY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define QUERY_NODES_MAX 64
#define QUERY_REQUEST_MAX 4223

struct answer {
	int rank;
	pid_t pid; /* of the node's process; 0: none of this PID namespace */
	json_t *json;     /* an object, or NULL */
	const char *error; /* without json: why, a text that lives as long as this */
	json_t *refusal;   /* an answer that is an error */
	bool is_gone;      /* nobody is there to answer */
	int64_t asked_ns, came_ns; /* when it was asked, and its answer began to come */
};

struct answers {
	struct answer *list; /* by rank */
	int count;
};

/* 0, or CTL_FAILED when the reason has been told. A node that does not answer is in the
 * list with an error. Takes no longer than some seconds. */
int query_job(const char *dir, const char *request, struct answers *out);
/* All of its nodes have gone. */
bool query_is_over(const struct answers *answers);
void query_free(struct answers *answers);
int64_t query_now_ns(void); /* CLOCK_MONOTONIC */

/* The ranks of the nodes with a socket in dir, in order. Returns how many, or a negative code. */
int query_ranks(const char *dir, int ranks[QUERY_NODES_MAX]);

/* member.c: members of an object that may be missing or of another type. */
const char *member_text(const json_t *object, const char *key, const char *otherwise);
double member_real(const json_t *object, const char *key, double otherwise);
json_int_t member_int(const json_t *object, const char *key, json_int_t otherwise);

#endif
