/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dsmctl checkpoint JOB DIR asks of rank 0, each with the number that it has chosen for what it
 * wants. The answer has how often the program has looked (dsm_checkpoint_wanted).
 *
 *	ask NUMBER DIR   the program is to save itself there
 *	pack NUMBER DIR  and compress what it saves
 *	look NUMBER      what came of it
 *	forget NUMBER    it is not to, unless it was told already
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "dsm/admin/answers.h"
#include "dsm/heap/heap.h"
#include "dsm/node/node.h"

static json_t *error_json(const char *why)
{
	return json_pack("{s:s}", "error", why);
}

static json_t *state_json(const struct wanted_checkpoint *w)
{
	static const char *const name[] = {"none", "asked", "given", "ended"};

	return json_pack("{s:s, s:I, s:i, s:b, s:s?}", "state", name[w->state], "calls",
	                 (json_int_t)w->calls, "code", w->code, "saves", w->goes_on, "said",
	                 w->state == WANTED_ENDED ? w->said : NULL);
}

static void look_for_threads(void *has, const char *name, uint64_t address, uint64_t bytes)
{
	(void)address, (void)bytes;
	*(int *)has |= !strcmp(name, "dsm-threads"); /* dsm/threads/start.c has it from the start on */
}

static json_t *ask(struct dsm *d, uint64_t number, int packed, const char *dir)
{
	struct wanted_checkpoint *w = &d->wanted;
	int has_threads = 0;

	heap_each_name(d, look_for_threads, &has_threads);
	if (has_threads)
		return error_json("runs a program with threads, and threads cannot be restored: it is not "
		                  "saved");
	if (w->state == WANTED_ASKED || w->state == WANTED_GIVEN)
		return error_json("is asked for another checkpoint already");
	if (strlen(dir) >= sizeof w->dir)
		return error_json("cannot take so long a name of a directory");
	w->state = WANTED_ASKED;
	w->number = number;
	w->code = 0;
	w->packed = packed;
	strcpy(w->dir, dir);
	return state_json(w);
}

static json_t *answer(struct dsm *d, const char *request)
{
	struct wanted_checkpoint *w = &d->wanted;
	uint64_t number;
	char verb[8];
	int dir = 0;

	if (sscanf(request, "%7s %" SCNu64 " %n", verb, &number, &dir) != 2)
		return error_json("unknown request of a checkpoint");
	if ((!strcmp(verb, "ask") || !strcmp(verb, "pack")) && dir && request[dir] == '/')
		return ask(d, number, *verb == 'p', request + dir);
	if (w->number != number)
		return error_json("is not asked by you any more");
	if (!strcmp(verb, "forget") && w->state == WANTED_ASKED)
		w->state = WANTED_NONE;
	return state_json(w);
}

char *wanted_answer(struct dsm *d, const char *request)
{
	char *text;
	json_t *o;

	pthread_mutex_lock(&d->lock);
	o = d->boot->rank ? error_json("is not rank 0") : answer(d, request);
	pthread_mutex_unlock(&d->lock);
	text = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	json_decref(o);
	return text;
}
