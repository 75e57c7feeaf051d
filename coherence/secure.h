/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secure pages (coh_config.secure_pages): two nodes hold what anybody may have seen of them, so that a
 * death loses nothing of it and nothing falls back to what was before. docs/protocol.md, "Pages that two
 * nodes hold", has why. From below upwards:
 *
 *      secure.c        which pages, who holds them, and this node's lists of what it has written
 *      cache/push.c    what was written goes to two nodes before anybody sees it, or what came after;
 *                      leave.c and drain.c there have when, second.c who has it meanwhile
 *      home/copy.c     the home has the second copy made
 *      home/restore.c  ... and makes them all anew after a death
 *      inherit.c       a view begins: what copies and frames are worth
 */
#ifndef COH_SECURE_H
#define COH_SECURE_H

#include "coherence/view.h"

/* Of each page, at each node. */
struct secure {
	uint32_t next, prev; /* in its list: pages plus one */
	uint8_t list;        /* enum secure_list */
	uint8_t base;        /* at the home, while somebody else owns the page: what its frame is */
	uint8_t copy;        /* at the second node: COPY_* */
	uint8_t zero;        /* at a home that was the second node: its frame is to be zeroed first */
	uint8_t log;         /* at its owner's stand-in: COPY_* */
	uint8_t logged_for;  /* ... that owner */
	uint8_t staged;      /* this node has taken its owner's place: what landed is to be taken */
	uint8_t pad;
	uint32_t next_log;   /* ... in the list of what it has of the owner: pages plus one */
};
/* Of what this node has written: M, or what it had pushed in an older view; on the way to its stand-in; there;
 * on the way to two nodes, by a Push of ours or as the home asked; on two nodes, but others are not. */
enum secure_list { LIST_NONE = 0, LIST_DIRTY, LIST_LOGGING, LIST_LOGGED, LIST_PUSHED, LIST_CLEANED, LIST_HELD };
enum secure_phase { PHASE_IDLE = 0, PHASE_LOG, PHASE_SEAL, PHASE_PUSH, PHASE_END, PHASE_RELEASE };
/* The page as it was granted to its owner: unknown; zero, and never touched before; in the frame. */
enum secure_base { BASE_NONE = 0, BASE_ZERO, BASE_FILLED };
enum { COPY_HAS = 1, COPY_AWAITED = 2, COPY_SEALED = 4 };

static inline struct secure *secure_at(struct coh *c, uint64_t page)
{
	return &COH_TABLE(c, struct secure, securing.off_page)[page];
}
static inline struct coh_msg *secure_wait_at(struct coh *c, unsigned i)
{
	return &COH_TABLE(c, struct coh_msg, securing.off_wait)[i];
}
/* The first page that this node has of what node is going to push, plus one. */
static inline uint32_t *secure_log_at(struct coh *c, coh_node node)
{
	return &COH_TABLE(c, uint32_t, securing.off_log)[node];
}
/* Pages that a home's round after a death has under way at most. One after the other each waits for all that the
 * others take; many more would keep what nodes ask for waiting. */
static inline unsigned coh_secure_restores(const struct coh_config *config)
{
	return config->secure_pages < COH_RESTORES ? (unsigned)config->secure_pages : COH_RESTORES;
}
static inline int is_secure(const struct coh *c, uint64_t page)
{
	return page - c->cfg.secure_first < c->cfg.secure_pages;
}

/* --- secure.c --- */
int coh_secure_config_check(const struct coh_config *config);
uint64_t coh_secure_lay_out(struct coh *c, uint64_t at);
void coh_secure_init(struct coh *c);
coh_node coh_second(const struct coh *c, uint64_t page);
/* Moves a page of this node's from the list that it is in. */
void coh_secure_list(struct coh *c, uint64_t page, enum secure_list list);
/* The page's first in that list, or COH_NO_PAGE. */
#define COH_NO_PAGE UINT64_MAX
uint64_t coh_secure_first(const struct coh *c, enum secure_list list);
/* This node has written what is not on two nodes yet. */
int coh_secure_is_dirty(const struct coh *c);
/* Who has what this node pushes until it is on two nodes, and takes its place if it dies: the next one. */
coh_node coh_secure_stand_in(const struct coh *c, coh_node node);
/* What this node has of node's is over; or only what was not sealed, which the view has ended. */
void coh_secure_forget_log(struct coh *c, coh_node node);
void coh_secure_keep_sealed(struct coh *c, coh_node node);
/* This node has the page now: if it is the second one, its frame stays. */
void coh_secure_note_copy(struct coh *c, uint64_t page);
/* The page is as if nobody had touched it. */
void coh_secure_forget_copy(struct coh *c, uint64_t page);
uint64_t coh_secure_homes(const struct coh *c);
/* Of the first blocks of secure pages one for each home that there is, and each's place in the dealing: what is
 * asked of all of them is asked of these. */
#define EACH_SECURE_HOME(c, p)                                                                            \
	(uint64_t p = (c)->cfg.secure_first,                                                               \
	          p##_end = coh_homes_round_end(&(c)->cfg, p, p + (c)->cfg.secure_pages);                    \
	 p < p##_end; p = coh_block_end(&(c)->cfg, p))
/* This home knows of all pages that were ever touched of those that had the same home at first. */
int coh_secure_knows_untouched(const struct coh *c, uint64_t page);
int coh_secure_room(const struct coh_effects *fx);
void coh_secure_permute(struct coh *c, const coh_node *perm);

/* --- inherit.c --- */
/* The cache's part, and the home's for one page whose record was made; then what is left. */
void coh_secure_enter_cache(struct coh *c, struct coh_effects *fx);
/* Whether this home, which was another's second node, knows the page. */
int coh_secure_inherits(struct coh *c, uint64_t page, uint64_t old_members);
void coh_secure_enter(struct coh *c, uint64_t old_members);
/* All have reported: base is made of what was known; whether the frame is current without a writer. */
void coh_secure_rebase(struct coh *c, uint64_t page, const struct record *r, int touched);

/* --- cache/drain.c, home/restore.c, for step.c --- */
/* Some more of what is to be done; whether there was anything. */
int coh_cache_push_more(struct coh *c, struct coh_effects *fx);
int coh_home_restore_more(struct coh *c, struct coh_effects *fx);
int coh_cache_secure(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_cache_copy(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx);
int coh_cache_copy_landed(struct coh *c, uint64_t page, struct coh_effects *fx);
int coh_cache_log(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx);
int coh_cache_log_landed(struct coh *c, uint64_t page, struct coh_effects *fx);
int coh_cache_restored(struct coh *c, coh_node from, const struct coh_msg *m);

#endif
