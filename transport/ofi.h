/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the libfabric backend offers beside its ops table (transport.h).
 */
#ifndef TR_OFI_H
#define TR_OFI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tr;

/*
 * Removes what process pid, which was a node of ours and was killed, left on this
 * machine: the shm provider's files in /dev/shm and our doorbell's directory in /tmp. Only
 * files of this user are touched, and only by their exact names, of which the process's number
 * is a part: others may call theirs by it, too. For whoever started the process. Returns how
 * many were removed, -EBUSY when the process still runs, -EINVAL. Any thread; does not block.
 */
int tr_ofi_sweep(pid_t pid);

/*
 * The same of all that processes of this user left which were nodes, killed or become another
 * program by exec: what nobody on this machine uses any more, in whatever container, and has not
 * been made within the last seconds. Returns how many were removed. Any thread; does not block.
 */
int tr_ofi_sweep_all(unsigned age_s);

/* The place of a provider in the order of preference, 0 for the best. Those that are used only
 * when they are named share the last. */
int tr_ofi_rank(const char *provider);

/* The name of a provider for what a user may call it: "tcp" for "net", which libfabric 1.17 called
 * it, "verbs;ofi_rxm" for "verbs". Others stay as they are. */
const char *tr_ofi_name(const char *name);

/* Whether who names a provider, by such a name, may get this one: the same, and by "tcp", which
 * is the best over TCP that there is, "tcp;ofi_rxm" too. */
int tr_ofi_means(const char *named, const char *provider);

/* The next in that order, or NULL after the last. */
const char *tr_ofi_next(const char *provider);

/* Whose provider an endpoint is of, as it says itself. */
struct tr_ofi_make {
	uint32_t version;  /* of the provider, as libfabric's own have it: 117.0 is 1.17.0 */
	uint32_t protocol; /* FI_PROTO_... */
	uint32_t protocol_version;
};
#define TR_OFI_MAJOR(make) (((make).version >> 16) / 100) /* libfabric's */
#define TR_OFI_MINOR(make) (((make).version >> 16) % 100)
void tr_ofi_made(const struct tr *tr, struct tr_ofi_make *out);

/* Whether nodes that have this provider of two makes understand each other. */
int tr_ofi_makes_match(const char *provider, const struct tr_ofi_make *a,
                       const struct tr_ofi_make *b);

/* why: NULL, or the reason why no endpoint of this provider opens here. */
typedef void (*tr_ofi_survey_fn)(void *ctx, const char *name, const char *why);

/*
 * Tries, by opening an endpoint of each, the providers that are chosen from when none is
 * named, the best first, and then extra (NULL: none) where it is not among them. They are told
 * by the names of tr_ofi_name(). version: libfabric's. The process keeps its signal handlers.
 */
void tr_ofi_survey(const char *extra, tr_ofi_survey_fn fn, void *ctx, char *version, size_t len);

#endif
