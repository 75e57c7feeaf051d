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
 *
 * In the background whoever waits goes on before the files are written, by a thread
 * (checkpoint_finish.c), and moment.h keeps what is not written yet.
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

#include "dsm/dsm_survive.h"
#include "dsm/calls/checkpoint.h"
#include "dsm/dsm_bind.h"
#include "dsm/dsm_coll.h"
#include "dsm/heap/heap.h"
#include "dsm/node/node.h"

#define ROUND_BEGIN 1001 /* what this round is about, which no other call's is */
#define FLAGS (DSM_CHECKPOINT_BACKGROUND | DSM_CHECKPOINT_INCREMENTAL | DSM_CHECKPOINT_COMPRESS)
#define LIES (UINT64_C(1) << 62) /* with the generation, which is less */
#define PACKS (UINT64_C(1) << 61)

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

/* Rank 0: on what is there, if that is this job's last one, and may have another on it. */
static int choose_base(struct saving *s)
{
	struct store *have = &s->d->store;
	const int may = s->flags & DSM_CHECKPOINT_INCREMENTAL && have->has_last;
	int rc = may ? ckpt_store_now(s->store, &s->base, &s->why) : 0;

	have->has_last = 0;
	s->lies = may && rc == 0 && s->base.generation && s->base.layers + 1 < CKPT_LAYERS_MAX &&
	          !memcmp(s->base.id, have->last, sizeof s->base.id);
	return rc;
}

/* Rank 0's choice of generation and id, and whether files are to be compressed in any case; 0 and a
 * code when it has none. */
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
		if (rc == 0)
			rc = choose_base(s);
		rc = saving_failed(s, rc);
		word[0] = rc ? (uint64_t)(int64_t)rc
		             : s->generation | (s->lies ? LIES : 0) | (wanted_packed(s->d) ? PACKS : 0);
		memcpy(&word[1], s->id, sizeof s->id);
	}
	if (heap_round(s->d, what, word, "dsm_checkpoint"))
		return DSM_ERR_LOST;
	if ((int64_t)word[0] < 0) {
		rc = (int)(int64_t)word[0];
		if (s->d->engine.cfg.self)
			saving_explain(s, "node 0 cannot write to the directory");
		return rc;
	}
	s->generation = word[0] & ~(LIES | PACKS);
	s->lies = !!(word[0] & LIES);
	s->flags |= word[0] & PACKS ? DSM_CHECKPOINT_COMPRESS : 0;
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
	return saving_failed(s, rc);
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
	if (rc == 0 && s->lies)
		rc = ckpt_manifest_lay(m, &s->base);
	return rc || !m->file ? DSM_ERR_NOMEM : 0;
}

/* On return each node has noted what it is to save, and nobody writes. */
static int note_all(struct saving *s)
{
	int rc = freeze_begin(s->d);

	if (rc == DSM_ERR_BUSY)
		saving_explain(s, "memory is pinned (dsm_pin): whoever has it may write it at any time");
	else if (rc && rc != DSM_ERR_LOST)
		saving_explain(s, "pages cannot be kept from being written");
	if (rc == 0)
		rc = freeze_drain(s->d);
	rc = saving_agree(s, rc);
	if (rc == 0) {
		rc = freeze_settle(s->d);
		if (rc == 0)
			rc = saving_note(s);
		if (rc == 0)
			rc = note_heap(s);
		rc = saving_agree(s, rc);
	}
	if (rc == 0)
		freeze_let_read(s->d);
	return rc;
}

/* Nobody writes until it is saved. */
static int save_here(struct saving *s)
{
	int rc = note_all(s);

	if (rc == 0)
		rc = saving_agree(s, saving_failed(s, saving_write(s)));
	saving_let_pages_go(s);
	saving_thaw(s);
	return saving_commit(s, rc);
}

/* The program goes on as soon as all is kept. *s is NULL where a thread has taken it. Frames are
 * moment.h's to let go once it has begun. */
static int save_beside(struct saving **s)
{
	struct dsm *d = (*s)->d;
	int rc = note_all(*s);

	if (rc) {
		saving_let_pages_go(*s);
		saving_thaw(*s);
		return saving_commit(*s, rc);
	}
	rc = saving_agree(*s, saving_prepare(*s));
	freeze_thaw(d);
	if (rc) {
		if (d->moment.run)
			moment_end(d);
		else
			saving_let_pages_go(*s);
		saving_let_write(*s);
		return saving_commit(*s, rc);
	}
	wanted_goes_on(d);
	rc = saving_go_on(*s);
	*s = NULL;
	return rc;
}

/* --- the whole --- */

static int can_pack(struct saving *s)
{
	if (!(s->flags & DSM_CHECKPOINT_COMPRESS) || ckpt_can_pack())
		return 0;
	saving_explain(s, "this library was built without libzstd, and cannot compress");
	return DSM_ERR_INVAL;
}

static int save(struct saving **s)
{
	int rc = begin(*s);

	if (rc)
		return rc;
	rc = can_pack(*s);
	if (rc == 0)
		rc = find_generation(*s);
	if (rc == 0)
		rc = away_fetch_all((*s)->d); /* what the job began with */
	rc = saving_agree(*s, rc);
	if (rc)
		return saving_commit(*s, rc);
	return (*s)->flags & DSM_CHECKPOINT_BACKGROUND ? save_beside(s) : save_here(*s);
}

static int check(const struct dsm_checkpoint_args *args)
{
	if (!args || args->size != sizeof *args || !args->dir || !*args->dir ||
	    (args->private_bytes && !args->private_data))
		return DSM_ERR_INVAL;
	return args->flags & ~FLAGS ? DSM_ERR_INVAL : 0;
}

/* The directory's name may be in the region. */
static int fill_in(struct saving *s, const struct dsm_checkpoint_args *args)
{
	s->dir = strdup(args->dir);
	s->flags = args->flags;
	s->private_data = args->private_data;
	s->private_bytes = args->private_bytes;
	return s->dir ? 0 : DSM_ERR_NOMEM;
}

/* All nodes hear of arguments that one cannot take. */
static int checkpoint(struct dsm *d, const struct dsm_checkpoint_args *args)
{
	struct saving bad = {.d = d}, *s = calloc(1, sizeof *s);
	int rc = check(args);

	if (!s)
		return saving_agree(&bad, DSM_ERR_NOMEM);
	*s = (struct saving){.d = d, .store = -1, .gen = -1};
	if (rc == 0)
		rc = fill_in(s, args);
	if (rc == DSM_ERR_INVAL)
		saving_explain(s, args && args->flags & ~FLAGS
		                          ? "there are no such flags"
		                          : "bad arguments: begin with DSM_CHECKPOINT_ARGS_INIT, "
		                            "and set dir");
	rc = saving_agree(s, rc);
	if (rc == 0)
		rc = save(&s);
	if (!s)
		return rc; /* it goes on, or has ended: saving_go_on() */
	wanted_saved(d, s->dir ? s->dir : "", rc, dsm_checkpoint_error());
	saving_free(s);
	return rc;
}

/* One thread at a time; the one that saves has come to its end then. */
static int enter(struct dsm *d)
{
	sigset_t mask;
	int rc;

	if (node_is_copy(d))
		return DSM_ERR_INVAL;
	saving_set_error("");
	node_lock(d, &mask);
	rc = d->store.busy ? DSM_ERR_BUSY : 0;
	d->store.busy = 1;
	node_unlock(d, &mask);
	if (rc == 0)
		saving_wait(d);
	return rc;
}

static void leave(struct dsm *d)
{
	sigset_t mask;

	node_lock(d, &mask);
	d->store.busy = 0;
	node_unlock(d, &mask);
}

int dsm_checkpoint(dsm_t *d, const struct dsm_checkpoint_args *args)
{
	NODE_ENTRY(dsm_checkpoint, d, args);
	int rc = d->view.on ? DSM_ERR_NOTSUP : enter(d);

	if (rc)
		return rc;
	rc = checkpoint(d, args);
	leave(d);
	return rc;
}

int dsm_checkpoint_wait(dsm_t *d)
{
	NODE_ENTRY(dsm_checkpoint_wait, d);
	int rc = enter(d);

	if (rc)
		return rc;
	rc = d->store.result;
	if (rc)
		saving_set_error(d->store.why);
	leave(d);
	return rc;
}
