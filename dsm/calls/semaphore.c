/* SPDX-License-Identifier: BSD-2-Clause */
/* Semaphores of dsm_sync.h. */
#include "dsm/calls/gate.h"
#include "dsm/calls/robust.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_sync.h"
#include "dsm/node/node.h"

static int open_gate(const struct dsm *d, struct dsm_sync_sem *s, struct gate *out)
{
	int rc = word_check(d, s, sizeof *s, sizeof s->word);

	*out = (struct gate){ .word = &s->word };
	return rc;
}

static int is_near(const struct dsm *d, const struct gate *g)
{
	return word_is_here(d, g->word) || !word_is_fought_for(d, g->word);
}

static int take_until(struct dsm *d, struct dsm_sync_sem *s, uint64_t until_ns)
{
	struct gate g;
	int has, rc = open_gate(d, s, &g);

	if (rc == 0 && d->view.on)
		return robust_sem_take(d, g.word, until_ns);
	if (rc == 0)
		rc = gate_enter(d, &g, is_near(d, &g), &has);
	if (rc)
		return rc;
	if (has) {
		word_not_waited(d, g.word);
		return 0;
	}
	word_waited(d, g.word);
	return gate_wait(d, &g, until_ns);
}

int dsm_sync_sem_wait(dsm_t *d, struct dsm_sync_sem *s)
{
	NODE_ENTRY(dsm_sync_sem_wait, d, s);

	return take_until(d, s, WAITS_FOR_EVER);
}

int dsm_sync_sem_timedwait(dsm_t *d, struct dsm_sync_sem *s, uint64_t until_ns)
{
	NODE_ENTRY(dsm_sync_sem_timedwait, d, s, until_ns);

	return take_until(d, s, until_ns);
}

int dsm_sync_sem_trywait(dsm_t *d, struct dsm_sync_sem *s)
{
	NODE_ENTRY(dsm_sync_sem_trywait, d, s);
	struct gate g;
	int rc = open_gate(d, s, &g);

	if (rc)
		return rc;
	return d->view.on ? robust_sem_try(d, g.word) : gate_try(d, &g, is_near(d, &g));
}

int dsm_sync_sem_post(dsm_t *d, struct dsm_sync_sem *s)
{
	NODE_ENTRY(dsm_sync_sem_post, d, s);
	struct gate g;
	int rc = open_gate(d, s, &g);

	if (rc)
		return rc;
	return d->view.on ? robust_sem_give(d, g.word) : gate_leave(d, &g, NULL);
}

int dsm_sync_sem_value(dsm_t *d, struct dsm_sync_sem *s, uint32_t *value)
{
	NODE_ENTRY(dsm_sync_sem_value, d, s, value);
	struct gate g;
	uint32_t word;
	int rc = open_gate(d, s, &g);

	if (rc == 0)
		rc = word_load(d, word_is_readable(d, g.word), g.word, &word);
	if (rc == 0 && d->view.on)
		*value = places_left(word);
	else if (rc == 0)
		*value = gate_has_room((int32_t)word) ? word : 0;
	return rc;
}
