/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsm_checkpoint: all nodes go through the same steps, and tell each other after each how it went,
 * so that all go on or all give up.
 *
 *	rank 0 opens the directory, and makes a generation in it; all open that
 *	nothing is asked for any more, and nobody writes (freeze.h); what is under way ends
 *	each page has its one node, which notes it; from here on others may read
 *	each node writes its files
 *	whoever waits goes on; rank 0 writes the manifest
 */
#include "dsm/dsm_checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dsm/calls/checkpoint.h"
#include "dsm/dsm_bind.h"
#include "dsm/dsm_coll.h"
#include "dsm/heap/heap.h"
#include "dsm/node/node.h"

/* What these rounds are about, which no other call's is. */
#define ROUND_AGREE 1000
#define ROUND_BEGIN 1001

static _Thread_local char error[sizeof(struct ckpt_why)];

const char *dsm_checkpoint_error(void)
{
	return error;
}

/* What this node has to say. */
static void explain(struct saving *s, const char *text)
{
	snprintf(error, sizeof error, "%s", text);
	log_line(&s->d->log, DSM_LOG_ERROR, "no checkpoint in %s: %s", s->dir ? s->dir : "(null)",
	         text);
}

/* A code of ours for one of the system's, with the sentence that came with it. */
static int failed(struct saving *s, int rc)
{
	if (rc == 0)
		return 0;
	if (*s->why.text)
		explain(s, s->why.text);
	switch (rc) {
	case -EBADMSG:
	case -ENOTSUP: return DSM_ERR_CHECKPOINT;
	case -ENOMEM: return DSM_ERR_NOMEM;
	case -EBUSY: return DSM_ERR_BUSY;
	default: return DSM_ERR_STORAGE;
	}
}

/* All nodes tell how it went: 0 when it went well everywhere; else what this one gave, or another. */
static int agree(struct saving *s, int rc)
{
	const struct heap_round what = {.op = DSM_MIN, .type = DSM_INT64, .count = ROUND_AGREE};
	uint64_t word[HEAP_WORDS] = {(uint64_t)(int64_t)rc};
	int err = heap_round(s->d, what, word, "dsm_checkpoint");
	char text[200];

	if (err || rc)
		return rc ? rc : err;
	rc = (int)(int64_t)word[0];
	if (rc) {
		snprintf(text, sizeof text, "another node could not do its part: %s", dsm_strerror(rc));
		explain(s, text);
	}
	return rc;
}

/* --- the directory --- */

/* Rank 0: the one that it has had so far, or another. */
static int take_store(struct saving *s)
{
	struct store *have = &s->d->store;
	char *dir = strdup(s->dir);
	int fd, rc;

	if (!dir)
		return -ENOMEM;
	if (have->dir && !strcmp(have->dir, s->dir) && !faccessat(AT_FDCWD, dir, F_OK, 0)) {
		free(dir);
		s->store = have->fd;
		return 0;
	}
	if (have->dir)
		close(have->fd);
	free(have->dir);
	*have = (struct store){0};
	rc = ckpt_store_open(s->dir, &fd, &s->why);
	if (rc) {
		free(dir);
		return rc;
	}
	*have = (struct store){.dir = dir, .fd = fd};
	s->store = fd;
	return 0;
}

/* Rank 0's choice of generation and id; 0 and a code when it has none. */
static int begin(struct saving *s)
{
	const struct heap_round what = {.op = HEAP_BROADCAST, .count = ROUND_BEGIN};
	uint64_t word[HEAP_WORDS] = {0};
	int rc = 0;

	if (s->d->engine.cfg.self == 0) {
		randombytes_buf(s->id, sizeof s->id);
		rc = take_store(s);
		if (rc == 0)
			rc = ckpt_store_begin(s->store, &s->generation, &s->why);
		rc = failed(s, rc);
		word[0] = rc ? (uint64_t)(int64_t)rc : s->generation;
		memcpy(&word[1], s->id, sizeof s->id);
	}
	if (heap_round(s->d, what, word, "dsm_checkpoint"))
		return DSM_ERR_LOST;
	if ((int64_t)word[0] < 0) {
		rc = (int)(int64_t)word[0];
		if (s->d->engine.cfg.self)
			explain(s, "node 0 cannot write to the directory");
		return rc;
	}
	s->generation = word[0];
	memcpy(s->id, &word[1], sizeof s->id);
	return 0;
}

/* The generation that rank 0 has made. */
static int find_generation(struct saving *s)
{
	int dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (dir < 0) {
		rc = -errno;
	} else {
		rc = ckpt_store_generation(dir, s->generation, &s->gen);
		close(dir);
	}
	if (rc)
		snprintf(s->why.text, sizeof s->why.text, "what node 0 has made in %s is not there for "
		         "node %u: all nodes need the same directory, on a file system that they "
		         "share (%s)", s->dir, s->d->engine.cfg.self, strerrordesc_np(-rc));
	return failed(s, rc);
}

/* --- the pages --- */

/* Rank 0's part of the manifest; the files' come at the end. */
static int note_heap(struct saving *s)
{
	struct ckpt_manifest *m = &s->manifest;
	struct dsm *d = s->d;
	sigset_t mask;
	int rc;

	if (d->engine.cfg.self)
		return 0;
	memcpy(m->id, s->id, sizeof m->id);
	m->generation = s->generation;
	m->seconds = (uint64_t)time(NULL);
	m->window = (uintptr_t)d->memory.region.window;
	for (int kind = 0; kind < REGION_ZONES; kind++)
		m->zone_bytes[kind] = d->memory.region.zone[kind].count *
		                      d->memory.region.zone[kind].page_bytes;
	m->nodes = d->engine.cfg.nodes;
	m->handle_homes = d->engine.cfg.locks / NODE_LOCKS * d->engine.cfg.nodes;
	snprintf(m->library, sizeof m->library, "%s", dsm_version());
	m->file = calloc(m->nodes, sizeof *m->file);
	node_lock(d, &mask);
	rc = heap_save(d, m);
	node_unlock(d, &mask);
	return rc || !m->file ? DSM_ERR_NOMEM : 0;
}

/* On return each node has noted what it is to save, and nobody writes. */
static int note_all(struct saving *s)
{
	int rc = freeze_begin(s->d);

	if (rc == DSM_ERR_BUSY)
		explain(s, "memory is pinned (dsm_pin): whoever has it may write it at any time");
	else if (rc && rc != DSM_ERR_LOST)
		explain(s, "pages cannot be kept from being written");
	if (rc == 0)
		rc = freeze_drain(s->d);
	rc = agree(s, rc);
	if (rc == 0) {
		rc = freeze_settle(s->d);
		if (rc == 0)
			rc = saving_note_pages(s);
		if (rc == 0)
			rc = note_heap(s);
		rc = agree(s, rc);
	}
	if (rc == 0)
		freeze_let_read(s->d);
	return rc;
}

static int save_all(struct saving *s)
{
	int rc = note_all(s);

	if (rc == 0)
		rc = agree(s, failed(s, saving_write(s)));
	saving_let_pages_go(s);
	freeze_end(s->d);
	return rc;
}

/* --- the whole --- */

static int save(struct saving *s)
{
	const int first = s->d->engine.cfg.self == 0;
	int rc = begin(s);

	if (rc)
		return rc;
	rc = agree(s, find_generation(s));
	if (rc == 0)
		rc = save_all(s);
	if (rc == 0)
		rc = agree(s, first ? failed(s, ckpt_store_commit(s->store, &s->manifest, &s->why)) : 0);
	if (s->gen >= 0)
		close(s->gen);
	/* After agreeing nobody writes there any more. Where a node was lost the job ends. */
	if (rc && first && rc != DSM_ERR_LOST)
		ckpt_store_drop(s->store, s->generation);
	ckpt_manifest_free(&s->manifest);
	return rc;
}

static int check(const struct dsm_checkpoint_args *args)
{
	if (!args || args->size != sizeof *args || !args->dir || !*args->dir ||
	    (args->private_bytes && !args->private_data))
		return DSM_ERR_INVAL;
	return args->flags ? DSM_ERR_INVAL : 0;
}

/* All nodes hear of arguments that one cannot take. */
static int checkpoint(struct dsm *d, const struct dsm_checkpoint_args *args)
{
	struct saving s = {.d = d, .store = -1, .gen = -1};
	char *dir = NULL;
	int rc = check(args);

	if (rc == 0) {
		dir = strdup(args->dir); /* it may be in the region */
		s.private_data = args->private_data;
		s.private_bytes = args->private_bytes;
		rc = dir ? 0 : DSM_ERR_NOMEM;
	}
	s.dir = dir;
	if (rc == DSM_ERR_INVAL)
		explain(&s, args && args->flags ? "there are no such flags"
		                                : "bad arguments: begin with DSM_CHECKPOINT_ARGS_INIT, "
		                                  "and set dir");
	rc = agree(&s, rc);
	if (rc == 0)
		rc = save(&s);
	free(dir);
	return rc;
}

int dsm_checkpoint(dsm_t *d, const struct dsm_checkpoint_args *args)
{
	NODE_ENTRY(dsm_checkpoint, d, args);
	sigset_t mask;
	int rc;

	if (node_is_copy(d))
		return DSM_ERR_INVAL;
	*error = 0;
	node_lock(d, &mask);
	rc = d->store.busy ? DSM_ERR_BUSY : 0;
	d->store.busy = 1;
	node_unlock(d, &mask);
	if (rc)
		return rc;
	rc = checkpoint(d, args);
	node_lock(d, &mask);
	d->store.busy = 0;
	node_unlock(d, &mask);
	return rc;
}
