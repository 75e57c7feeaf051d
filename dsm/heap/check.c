/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking rank 0 whether what has faulted was allocated (check.h). */
#include "dsm/heap/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/heap/services.h"

#define CHECKS_MAX 64 /* under way at once; other faults stay in the kernel */
#define WHAT "DSM_CHECK"

enum verdict { PASSED, ASK_ON, REFUSED };

/* A fault that is not served before the answer has come. */
struct check {
	struct trap_fault fault;
	struct waiter w;
	struct waits_answer answer;
	struct coh_svc svc;  /* the question under way */
	uint64_t at, bytes;  /* the nearest block's offset; 0 bytes: there is none */
	uint64_t name_bytes; /* of its name */
	char name[2 * COH_NAME_MAX];
	int used; /* in the list: the service thread's */
};

struct heap_checks {
	struct check list[CHECKS_MAX];
	unsigned n;
};

int heap_check_open(struct dsm *d)
{
	d->heap->checks = calloc(1, sizeof *d->heap->checks);
	return d->heap->checks ? 0 : -ENOMEM;
}

void heap_check_close(struct dsm *d)
{
	free(d->heap->checks);
}

/* --- questions --- */

static void first_question(const struct dsm *d, struct check *c, const struct trap_fault *f)
{
	const uint64_t offset = region_offset_of(&d->memory.region,
	                                         (const void *)(uintptr_t)f->address);

	*c = (struct check){ .fault = *f, .svc = { .op = SVC_WHERE, .arg = { offset } } };
}

/* An answer. ASK_ON: c->svc is the next question. */
static enum verdict heard(struct check *c, int status, const uint64_t arg[3])
{
	const uint64_t part = c->svc.arg[1], part_bytes = 3 * sizeof *arg;

	if (c->svc.op == SVC_WHERE) {
		if (status != -ENOENT)
			return PASSED; /* or the job is over, which whoever serves the fault says */
		c->at = arg[0];
		c->bytes = arg[1];
		c->name_bytes = arg[2] < COH_NAME_MAX ? arg[2] : 0;
		c->svc = (struct coh_svc){ .op = SVC_NAME, .arg = { c->at } };
		return c->name_bytes ? ASK_ON : REFUSED;
	}
	if (status)
		return REFUSED;
	memcpy(c->name + part * part_bytes, arg, part_bytes);
	c->svc.arg[1]++;
	return c->svc.arg[1] * part_bytes < c->name_bytes ? ASK_ON : REFUSED;
}

/* --- refusing --- */

static void where_text(const struct dsm *d, const struct check *c, char *text, size_t len)
{
	const uint64_t at = (uintptr_t)d->memory.region.window + c->at;
	const int behind = c->fault.address >= at;
	const uint64_t away = behind ? c->fault.address - (at + c->bytes) : at - c->fault.address;

	if (!c->bytes)
		snprintf(text, len, "nothing is allocated");
	else
		snprintf(text, len, "%llu bytes %s %s%s%s, %llu bytes at %#llx",
		         (unsigned long long)away, behind ? "behind the end of" : "before",
		         *c->name ? "block \"" : "the nearest block", c->name, *c->name ? "\"" : "",
		         (unsigned long long)c->bytes, (unsigned long long)at);
}

static void refuse(struct dsm *d, struct check *c)
{
	char text[256];

	where_text(d, c, text, sizeof text);
	log_line(&d->log, DSM_LOG_ERROR,
	         "thread %u gets SIGSEGV: it %s %#llx, which nobody has allocated: %s",
	         c->fault.thread, c->fault.write ? "stores to" : "loads from",
	         (unsigned long long)c->fault.address, text);
	log_flush(&d->log);
	node_shut(d, c->fault.page);
}

/* --- the service thread's faults --- */

/* Asks. 0, or a negative code. */
static int ask(struct dsm *d, struct check *c)
{
	struct coh_msg m = { .type = COH_MSG_SVC_REQ, .n = 1, .svc = c->svc };
	int slot;

	slot = d->members.lost ? d->members.lost : heap_slot_take(d, 0, &c->w);
	if (slot < 0)
		return slot;
	waits_add(&d->waits, &c->w, WHAT);
	c->w.thread = c->fault.thread;
	c->w.for_service = c->used;
	c->answer = waits_answer(&c->w);
	m.slot = (uint16_t)slot;
	heap_request(d, &m);
	return 0;
}

int heap_check_begin(struct dsm *d, const struct trap_fault *f)
{
	struct heap_checks *checks = d->heap->checks;
	struct check *c = checks->list;

	if (checks->n == CHECKS_MAX)
		return -EAGAIN;
	while (c->used)
		c++;
	first_question(d, c, f);
	c->used = 1;
	if (ask(d, c)) {
		c->used = 0;
		return 0;
	}
	checks->n++;
	return 1;
}

/* Whether this fault's turn has come, and it is to be served. */
static int is_passed(struct dsm *d, struct check *c)
{
	enum verdict verdict = heard(c, c->w.status, c->w.result);

	d->progress.kept -= c->w.kept;
	if (verdict == ASK_ON && ask(d, c) == 0)
		return 0;
	c->used = 0;
	d->heap->checks->n--;
	if (verdict != PASSED)
		refuse(d, c);
	return verdict == PASSED;
}

int heap_check_passed(struct dsm *d, struct trap_fault *f)
{
	struct heap_checks *checks = d->heap->checks;

	for (struct check *c = checks->list; checks->n && c < checks->list + CHECKS_MAX; c++)
		while (c->used && waits_is_over(&c->answer))
			if (is_passed(d, c)) {
				*f = c->fault;
				return 1;
			}
	return 0;
}

/* --- a fault in the thread itself --- */

int heap_check_here(struct dsm *d, const struct trap_fault *f)
{
	enum verdict verdict;
	struct check c;

	first_question(d, &c, f);
	do {
		pthread_mutex_lock(&d->lock);
		verdict = ask(d, &c) ? PASSED : ASK_ON;
		if (verdict == ASK_ON)
			node_help(d, &c.answer);
		pthread_mutex_unlock(&d->lock);
		if (verdict == ASK_ON) {
			waits_sleep(&c.answer, WAITS_FOR_EVER);
			verdict = heard(&c, c.w.status, c.w.result);
		}
	} while (verdict == ASK_ON);
	if (verdict == PASSED)
		return 0;
	pthread_mutex_lock(&d->lock);
	refuse(d, &c);
	pthread_mutex_unlock(&d->lock);
	return 1;
}
