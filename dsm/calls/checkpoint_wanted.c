/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsm_checkpoint_wanted: rank 0 knows whether a checkpoint is wanted, and tells all in a round, so
 * that all hear the same in the same turn of their loops. Where it is to go, if dsmctl says so,
 * follows in pieces.
 */
#include <stdio.h>
#include <string.h>

#include "dsm/calls/checkpoint.h"
#include "dsm/dsm_checkpoint.h"
#include "dsm/heap/heap.h"
#include "dsm/node/node.h"

/* What these rounds are about, which no other call's is. */
#define ROUND_WANTED 1010
#define ROUND_DIR 1011

/* What was asked for has come to its end. With the lock held. */
static void end(struct dsm *d, int code, const char *said)
{
	struct wanted_checkpoint *w = &d->wanted;

	if (w->state != WANTED_GIVEN)
		return;
	w->state = WANTED_ENDED;
	w->code = code;
	snprintf(w->said, sizeof w->said, "%s", said);
}

void wanted_saved(struct dsm *d, const char *dir, int code, const char *error)
{
	sigset_t mask;

	node_lock(d, &mask);
	d->wanted.since_ns = clock_now_ns();
	d->wanted.goes_on = 0;
	end(d, code, code ? error : dir);
	node_unlock(d, &mask);
}

void wanted_goes_on(struct dsm *d)
{
	sigset_t mask;

	node_lock(d, &mask);
	d->wanted.goes_on = 1;
	node_unlock(d, &mask);
}

int wanted_packed(struct dsm *d)
{
	const struct wanted_checkpoint *w = &d->wanted;
	sigset_t mask;
	int is;

	node_lock(d, &mask);
	is = w->always_packed || (w->state == WANTED_GIVEN && w->packed);
	node_unlock(d, &mask);
	return is;
}

/* Rank 0: whether one is wanted, and in told where, or "". With the lock held. */
static int decide(struct dsm *d)
{
	struct wanted_checkpoint *w = &d->wanted;

	w->calls++;
	w->told[0] = 0;
	if (w->goes_on)
		return 0;
	end(d, DSM_ERR_INVAL, "the program was told by dsm_checkpoint_wanted, and has not called "
	                      "dsm_checkpoint");
	if (w->state == WANTED_ASKED) {
		w->state = WANTED_GIVEN;
		strcpy(w->told, w->dir);
		return 1;
	}
	return w->every_ns && clock_now_ns() - w->since_ns >= w->every_ns;
}

/* All get rank 0's len bytes. */
static int spread(struct dsm *d, char *bytes, uint64_t len)
{
	const struct heap_round what = {.op = HEAP_BROADCAST, .count = ROUND_DIR};
	int rc = 0;

	for (uint64_t at = 0, n; at < len && rc == 0; at += n) {
		uint64_t word[HEAP_WORDS] = {0};

		n = len - at < sizeof word ? len - at : sizeof word;
		memcpy(word, bytes + at, n);
		rc = heap_round(d, what, word, "dsm_checkpoint_wanted");
		memcpy(bytes + at, word, n);
	}
	return rc;
}

int dsm_checkpoint_wanted(dsm_t *d, const char **dir)
{
	NODE_ENTRY(dsm_checkpoint_wanted, d, dir);
	const struct heap_round what = {.op = HEAP_BROADCAST, .count = ROUND_WANTED};
	uint64_t word[HEAP_WORDS] = {0};
	sigset_t mask;
	int rc;

	if (node_is_copy(d) || !dir)
		return DSM_ERR_INVAL;
	if (d->engine.cfg.self == 0) {
		node_lock(d, &mask);
		word[0] = (uint64_t)decide(d);
		node_unlock(d, &mask);
		word[1] = strlen(d->wanted.told);
	}
	rc = heap_round(d, what, word, "dsm_checkpoint_wanted");
	if (rc)
		return rc;
	if (word[1] == 0)
		return word[0] != 0;
	if (word[1] >= WANTED_DIR_MAX)
		return DSM_ERR_LOST; /* rank 0 is none of ours */
	rc = spread(d, d->wanted.told, word[1]);
	if (rc)
		return rc;
	d->wanted.told[word[1]] = 0;
	*dir = d->wanted.told;
	return 1;
}
