/* SPDX-License-Identifier: BSD-2-Clause */
/* The answers of a node. */
#ifndef ANSWERS_H
#define ANSWERS_H

struct dsm;
struct json_t;

/* An admin_answer_fn; takes the lock. */
char *report_answer(void *dsm, const char *request);
/* With the lock held; NULL: no memory. */
struct json_t *audit_json(struct dsm *d);
struct json_t *hot_json(struct dsm *d);
struct json_t *latency_json(struct dsm *d);
struct json_t *names_json(struct dsm *d);
struct json_t *stats_json(struct dsm *d);
/* "ADDRESS BYTES EACH", see heat.c; takes the lock. */
char *heat_answer(struct dsm *d, const char *request);
/* "start", "stop", "read" or "end", and what belongs to it; takes the lock. */
char *trace_answer(struct dsm *d, const char *request);
/* "ask", "look" or "forget", see wanted.c; takes the lock. */
char *wanted_answer(struct dsm *d, const char *request);
struct json_t *watch_json(struct dsm *d);

#endif
