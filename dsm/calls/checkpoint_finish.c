/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a checkpoint, and the thread that comes to it while the program goes on: it writes
 * what moment.h keeps for it, and meets those of the other nodes in rounds of their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/calls/checkpoint.h"
#include "dsm/dsm_checkpoint.h"

/* Rank 0. The next one may lie on it. */
static int write_manifest(struct saving *s)
{
	struct store *store = &s->d->store;
	int rc = ckpt_store_commit(s->store, &s->manifest, &s->why);

	if (rc == 0 && s->flags & DSM_CHECKPOINT_INCREMENTAL) {
		memcpy(store->last, s->id, sizeof store->last);
		store->has_last = 1;
	}
	return saving_failed(s, rc);
}

int saving_commit(struct saving *s, int rc)
{
	const int first = s->d->engine.cfg.self == 0;

	if (rc == 0)
		rc = saving_agree(s, first ? write_manifest(s) : 0);
	/* After agreeing nobody writes there any more. Where a node was lost the job ends. */
	if (rc && first && rc != DSM_ERR_LOST)
		ckpt_store_drop(s->store, s->generation);
	return rc;
}

void saving_free(struct saving *s)
{
	if (s->gen >= 0)
		close(s->gen);
	ckpt_manifest_free(&s->manifest);
	ckpt_manifest_free(&s->base);
	free(s->gone);
	free(s->run);
	free(s->object);
	free(s->kept);
	free(s->dir);
	free(s);
}

/* Where the next one may lie on this one, the first store to each page is to be seen. */
void saving_let_write(const struct saving *s)
{
	if (!(s->flags & DSM_CHECKPOINT_INCREMENTAL))
		freeze_let_write(s->d);
}

void saving_thaw(const struct saving *s)
{
	if (s->flags & DSM_CHECKPOINT_INCREMENTAL)
		freeze_thaw(s->d);
	else
		freeze_end(s->d);
}

/* --- beside the program --- */

static int finish(struct saving *s)
{
	struct dsm *d = s->d;
	int rc;

	s->beside = 1;
	saving_set_error("");
	rc = saving_agree(s, saving_failed(s, saving_write(s)));
	moment_end(d);
	saving_let_write(s);
	rc = saving_commit(s, rc);
	wanted_saved(d, s->dir, rc, dsm_checkpoint_error());
	saving_free(s);
	snprintf(d->store.why, sizeof d->store.why, "%s", dsm_checkpoint_error());
	return rc;
}

static void *run(void *saving)
{
	struct saving *s = saving;
	struct dsm *d = s->d;
	sigset_t bus;

	/* It touches no shared memory; node_lock() warns of who has the signal blocked. */
	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	pthread_sigmask(SIG_UNBLOCK, &bus, NULL);
	d->store.result = finish(s);
	return NULL;
}

/* A file of no name for copies that have no room in memory. -1: there will be none. */
static int open_spill(struct saving *s, int *out)
{
	char name[32];

	*out = -1;
	if (moment_bytes(s->d, s->run, s->runs) <= s->d->moment.room)
		return 0;
	snprintf(name, sizeof name, "%04u.copies", s->d->engine.cfg.self);
	*out = openat(s->gen, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*out >= 0 && unlinkat(s->gen, name, 0) == 0)
		return 0;
	snprintf(s->why.text, sizeof s->why.text, "cannot make a file for what is written meanwhile: %s",
	         strerrordesc_np(errno));
	if (*out >= 0)
		close(*out);
	return saving_failed(s, -EIO);
}

int saving_prepare(struct saving *s)
{
	int rc = 0, spill;

	if (s->private_bytes) {
		s->kept = malloc(s->private_bytes);
		if (s->kept)
			memcpy(s->kept, s->private_data, s->private_bytes);
		s->private_data = s->kept;
		rc = s->kept ? 0 : -ENOMEM;
	}
	if (rc == 0) {
		rc = open_spill(s, &spill);
		if (rc)
			return rc;
		rc = moment_begin(s->d, s->run, s->runs, spill);
	}
	if (rc)
		saving_explain(s, "no memory to copy what is written while it is being saved");
	return rc ? DSM_ERR_NOMEM : 0;
}

int saving_go_on(struct saving *s)
{
	struct dsm *d = s->d;

	if (thread_start(&d->store.thread, 0, run, s, NULL) == 0) {
		d->store.has_thread = 1;
		return 0;
	}
	/* No thread to be had: here, then. */
	return d->store.result = finish(s);
}

int saving_wait(struct dsm *d)
{
	if (d->store.has_thread)
		pthread_join(d->store.thread, NULL);
	d->store.has_thread = 0;
	return d->store.result;
}
