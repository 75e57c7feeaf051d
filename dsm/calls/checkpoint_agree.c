/* SPDX-License-Identifier: BSD-2-Clause */
/* What a node says of a checkpoint, and what it hears from the others. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dsm/calls/checkpoint.h"
#include "dsm/dsm_bind.h"
#include "dsm/dsm_checkpoint.h"
#include "dsm/dsm_coll.h"
#include "dsm/heap/heap.h"

/* What these rounds are about, which no other call's is. */
#define ROUND_AGREE 1000

static _Thread_local char error[SAVING_WHY];

const char *dsm_checkpoint_error(void)
{
	return error;
}

void saving_set_error(const char *text)
{
	snprintf(error, sizeof error, "%s", text);
}

void saving_explain(const struct saving *s, const char *text)
{
	saving_set_error(text);
	log_line(&s->d->log, DSM_LOG_ERROR, "no checkpoint in %s: %s", s->dir ? s->dir : "(null)",
	         text);
}

int saving_failed(struct saving *s, int rc)
{
	if (rc == 0)
		return 0;
	if (*s->why.text)
		saving_explain(s, s->why.text);
	switch (rc) {
	case -EBADMSG:
	case -ENOTSUP: return DSM_ERR_CHECKPOINT;
	case -ENOMEM: return DSM_ERR_NOMEM;
	case -EBUSY: return DSM_ERR_BUSY;
	default: return DSM_ERR_STORAGE;
	}
}

int saving_agree(struct saving *s, int rc)
{
	const struct heap_round what = {.op = DSM_MIN, .type = DSM_INT64,
	                                .count = s->beside ? HEAP_BESIDE : ROUND_AGREE};
	/* The least of the flags, and the greatest. */
	uint64_t word[HEAP_WORDS] = {(uint64_t)(int64_t)rc, s->flags, ~(uint64_t)s->flags};
	int err = heap_round(s->d, what, word, s->beside ? "dsm_checkpoint_wait" : "dsm_checkpoint");
	char text[200];

	if (err || rc)
		return rc ? rc : err;
	rc = (int)(int64_t)word[0];
	if (rc) {
		snprintf(text, sizeof text, "another node could not do its part: %s", dsm_strerror(rc));
		saving_explain(s, text);
	} else if (word[1] != ~word[2]) {
		saving_explain(s, "nodes have given different flags");
		rc = DSM_ERR_INVAL;
	}
	return rc;
}
