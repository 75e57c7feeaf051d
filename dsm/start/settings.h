/* SPDX-License-Identifier: BSD-2-Clause */
/* What a node was told: configuration and environment, checked. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdint.h>

#include "dsm/dsm.h"
#include "dsm/base/base.h"

struct settings {
	uint64_t region_bytes;
	uint64_t huge_bytes; /* 0: no zone of huge pages */
	int huge_optional;
	uint64_t memory_bytes; /* budget of frames; 0: a share of what is available */
	char provider[64]; /* "": the best */
	uint32_t tenure_us; /* 0: chosen by the library */
	char faults[8];     /* "event", "signal" or "auto" */
	char trap[8];       /* "rwp", "wp" or "auto" */
	int32_t spin_us;    /* -1: chosen by the library */
	dsm_allgather_fn allgather; /* the caller's exchange, or NULL */
	void *allgather_ctx;
	int rank, nodes;            /* with it */
	char restore[4096]; /* directory of a checkpoint to go on from, or "" */
	char restore_pages[8]; /* in which pages: "small", "huge", or "auto": as it was saved */
	uint32_t checkpoint_s; /* how often the program is to save itself; 0: when it is asked to */
	int checkpoint_packed; /* what it saves is compressed in any case */
	uint64_t copies_bytes; /* of what is written while it is being saved; UINT64_MAX: a share of memory */
	int checks;         /* memory that nobody has allocated is refused */
	int by_chunk;       /* register frames by chunks, whatever the provider does with them */
	int32_t start_ms;   /* how long to wait for other nodes at the start */
	int survives;       /* nodes may be lost, and the others go on */
	uint64_t keep2_bytes; /* behind the region's, where they do: memory that two nodes hold, and region_bytes
	                       * has it, too, from start_keep2() on; UINT64_MAX: chosen by the library */
	uint32_t loss_ms;   /* who says nothing for so long is lost, where others go on */
	uint32_t silent_ms; /* who confirms nothing for so long is lost; 0: nobody is */
};

/* Merges config (may be NULL) with the environment. DSM_ERR_CONFIG or DSM_ERR_INVAL with
 * the reason in init_error. log is settled first. */
int settings_read(const struct dsm_config *config, struct settings *out, struct log *log);
/* The log's part of it. log can be used whatever this returns. */
int settings_log(const struct dsm_config *config, struct log *log);

/* sizes.c: a number of bytes, or of KiB and so on. -EINVAL, -ERANGE; and what is said then. */
int settings_bytes(const char *text, uint64_t *out);
int settings_not_a_size(const char *name, const char *text);

/* loss.c: on_loss, its time, and what two nodes hold. Codes as of settings_read(). */
int settings_loss(const struct dsm_config *config, struct settings *out);

/* variables.c: warns of what is called DSM_ in the environment, and is no variable of ours. */
void settings_warn_unknown(const struct log *log);

#endif
