/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Views, for jobs that go on when a node dies (coh_config.survive); see "When a node dies" in
 * docs/protocol.md. From below upwards:
 *
 *      views.c       who lives, who is home to what, frames that are kept
 *      used.c        which pages are looked at, when a view begins
 *      enter.c       a view begins: what was under way ends
 *      report.c      ... and every home is told what this node has
 *      rebuild.c     a home that has all reports knows its pages again
 *
 * home/salvage.c has what a home does with pages that are lost, or away.
 */
#ifndef COH_VIEW_H
#define COH_VIEW_H

#include "coherence/state.h"

/*
 * What this node's cache remembers of a page beside its line. A frame that was given up is kept
 * until the request that it went to is over: should that fail, it is the only copy. How the node
 * learns that it is over: it does not, but asks before it gives the frame back (PutS).
 */
struct kept {
	uint8_t is;
	uint8_t pad;
	coh_node node;   /* whose request it was given up for */
	uint32_t serial; /* of that; 0: a pull of the home's, or nobody can tell any more */
	uint32_t wanted; /* of this node's own request that the view has ended */
	/* The last atomic of another node's that this one has done on the page. Until the caller has
	 * said Done its home lets nobody else have the page, so there is no other. */
	uint32_t ran_serial; /* 0: none */
	coh_node ran_node;
	uint64_t ran_result;
};

/* What a home that lives knew of its page in the old view, until the new one's reports are in. */
struct record {
	uint8_t kind; /* enum record_kind */
	uint8_t lent; /* OWNED: what its owner gave up nobody can have written */
	coh_node node;
};
enum record_kind {
	REC_NONE = 0, /* no reports are awaited */
	REC_UNKNOWN,  /* the page was not ours, or is lost */
	REC_CURRENT,  /* our frame is */
	REC_GRANTING, /* our frame is, unless node was granted the page to write */
	REC_OWNED,    /* by node; our frame is stale */
	REC_AWAY,     /* node has it; our frame is stale */
	REC_BACKUP,   /* a secure page of which we were the second node: secure.h */
};

/* What a node has reported of a page. */
struct said {
	uint8_t access;
	uint8_t kept;
	coh_node node;
	coh_node ran_node;
	uint32_t serial, wanted, ran_serial;
	uint64_t ran_result;
};

static inline struct kept *kept_at(struct coh *c, uint64_t page)
{
	return &COH_TABLE(c, struct kept, view.off_kept)[page];
}
static inline struct record *record_at(struct coh *c, uint64_t page)
{
	return &COH_TABLE(c, struct record, view.off_record)[page];
}
static inline struct said *said_at(struct coh *c, uint64_t page, coh_node node)
{
	return &COH_TABLE(c, struct said, view.off_said)[page * c->cfg.nodes + node];
}
/* The atomic that is asked for in a slot. */
static inline struct coh_atomic *asked_at(struct coh *c, unsigned slot)
{
	return &COH_TABLE(c, struct coh_atomic, view.off_asked)[slot];
}
static inline int is_member(const struct coh *c, coh_node node)
{
	return c->view.members >> node & 1;
}

/* --- views.c --- */
int coh_view_config_check(const struct coh_config *config);
uint64_t coh_view_lay_out(struct coh *c, uint64_t at);
void coh_view_init(struct coh *c);
/* Before an event is taken: 1 it is to be taken, 0 it is of the past, -EAGAIN, -EPROTO. */
int coh_view_admits(const struct coh *c, const struct coh_event *ev);
void coh_view_permute(struct coh *c, const coh_node *perm);

/* The nodes that are home to anything: to pages, objects, the barrier; one bit each. */
uint64_t coh_view_homes(const struct coh *c);

/* --- used.c --- */
uint64_t coh_view_used_lay_out(struct coh *c, uint64_t at);
/* The page, where it has been used, or the next one that has; as many as there are without one. */
uint64_t coh_view_next_used(const struct coh *c, uint64_t page);
/* An event or a message is about it. */
void coh_view_use(struct coh *c, uint64_t page);
/* A view begins, after one of these. */
void coh_view_note_before(struct coh *c, uint64_t old_members);
/* It is of this home, and lost, and that is not written down. */
int coh_view_is_lost_unused(const struct coh *c, uint64_t page);
#define EACH_USED(c, p) \
	(uint64_t p = coh_view_next_used(c, 0); p < coh_pages(&(c)->cfg); \
	 p = coh_view_next_used(c, p + 1))

/* --- enter.c --- */
int coh_view_event(struct coh *c, const struct coh_event *ev, struct coh_effects *fx);
int coh_view_enter(struct coh *c, struct coh_effects *fx);

/* --- report.c --- */
void coh_view_report(struct coh *c, struct coh_effects *fx);

/* --- rebuild.c --- */
int coh_view_take_report(struct coh *c, coh_node from, const struct coh_msg *m,
                         struct coh_effects *fx);
void coh_view_start(struct coh *c, struct coh_effects *fx);

/* Nothing that was said of a page counts any more. */
static inline void forget_said(struct coh *c, uint64_t page)
{
	for (coh_node i = 0; i < c->cfg.nodes; i++)
		*said_at(c, page, i) = (struct said){0};
}

#endif
