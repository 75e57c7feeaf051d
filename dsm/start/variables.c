/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment variables that there are, and those that somebody took to be there. */
#include <string.h>
#include <unistd.h>

#include "dsm/start/settings.h"

static const char *const known[] = {
	"DSM_CHECK",
	"DSM_CHECKPOINT_COMPRESS",
	"DSM_CHECKPOINT_COPIES",
	"DSM_CHECKPOINT_EVERY",
	"DSM_CHUNKS",
	"DSM_FAULTS",
	"DSM_HUGE",
	"DSM_HUGE_OPTIONAL",
	"DSM_JOB",
	"DSM_KEEP2",
	"DSM_LOG",
	"DSM_LOSS_TIMEOUT",
	"DSM_MEMORY",
	"DSM_ON_LOSS",
	"DSM_PEER_TIMEOUT",
	"DSM_PROVIDER",
	"DSM_RANK",
	"DSM_REGION",
	"DSM_RENDEZVOUS",
	"DSM_RESTORE",
	"DSM_RESTORE_PAGES",
	"DSM_SECRET",
	"DSM_SIZE",
	"DSM_SPIN_US",
	"DSM_START_TIMEOUT",
	"DSM_TENURE_US",
	"DSM_THREADS_BIND_NOW",
	"DSM_THREADS_PLACE",
	"DSM_THREADS_PRELOAD",
	"DSM_TRAP",
};

static int is_known(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strlen(known[i]) == len && !memcmp(known[i], name, len))
			return 1;
	return 0;
}

void settings_warn_unknown(const struct log *log)
{
	for (char **at = environ; at && *at; at++) {
		size_t len = strcspn(*at, "=");

		if (!strncmp(*at, "DSM_", 4) && !is_known(*at, len))
			log_start(log, DSM_LOG_WARN, "there is no variable %.*s, dsm(7) lists them all: "
			          "it has no effect", len < 64 ? (int)len : 64, *at);
	}
}
