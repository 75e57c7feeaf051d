/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All of the state of a node's part, and who may know whom within: sets and quorums below, then
 * what is said (say.c), suspicions, entering and ending, then the acceptor, the leader, and the
 * step above all.
 *
 * The leader's part:
 *
 *	        suspicion              all told, enough             enough accepted
 *	IDLE -------------> ASKING ---------------------> PROPOSING ---------------> the next view
 *	  ^                  |   ^                          |    |
 *	  +------------------+   +--------------------------+----+
 *	   nobody is suspected    another leader was faster: again, with a higher ballot
 */
#ifndef VIEWS_STATE_H
#define VIEWS_STATE_H

#include "dsm/views/mutant.h"
#include "dsm/views/views.h"

enum views_phase { VIEWS_IDLE, VIEWS_ASKING, VIEWS_PROPOSING };

enum views_end {
	VIEWS_LIVES,
	VIEWS_OUT,      /* the others are in a view without this node */
	VIEWS_MINORITY, /* too few are left, or can be reached */
	VIEWS_SHUNNED,  /* this node is the one whom others cannot reach, as it sees itself */
};

/* Ballots: higher ones win, and no two leaders have the same. */
#define BALLOT_RANK(ballot) ((ballot) % VIEWS_NODES_MAX)
#define BALLOT_NEXT(ballot, rank) (((ballot) / VIEWS_NODES_MAX + 1) * VIEWS_NODES_MAX + (rank))

struct views {
	uint32_t nodes, self, rule;
	uint32_t number; /* of the view */
	struct vset members;
	uint8_t end;    /* enum views_end */
	uint8_t usable; /* as the last effect said */
	uint8_t phase;  /* enum views_phase */
	struct vset silent, cut, gone, dead; /* who is suspected, by source; not self */
	/* Leases. */
	struct vset promised; /* to whom; not self */
	struct vset believed; /* whose promises this node has; not self */
	/* Accepting, in this view. */
	uint32_t highest;  /* ballot that this node has seen */
	uint32_t answered; /* ... that it has answered: lower ones are void */
	uint32_t seen, accepted; /* ballots of the last proposal, and of the last accepted */
	struct vset seen_set, accepted_set;
	uint8_t wanted; /* the last proposal leaves this node out, or may, and wants its acceptance */
	/* Leading, in this view. */
	uint32_t ballot, best; /* of this node; the highest at which anybody has accepted */
	struct vset best_set, told, proposal, accepts;
	struct vset stopping; /* whose stop was asked for */
	uint32_t unfinished; /* highest ballot at which a member is known to have accepted a view */
	struct views_peer {
		uint32_t incarnation;
		struct vset accuses; /* whom it suspects, as it has said last */
	} peer[]; /* by rank, self too */
};

/* --- quorum.c --- */

/* some, of the members of a view, are enough to go on from it by majority. */
int views_is_majority(const struct vset *some, const struct vset *members);

/* --- say.c: effects, and messages --- */

struct views_fx *views_fx_add(struct views_effects *fx, enum views_fx_kind kind, unsigned rank);
struct views_msg views_msg(const struct views *v, enum views_msg_type type, uint32_t ballot);
void views_send(struct views_effects *fx, unsigned to, const struct views_msg *msg);
/* Tells rank of a view; VIEWS_ALL: all. */
void views_say_view(const struct views *v, unsigned to, uint32_t number, const struct vset *members,
                    struct views_effects *fx);

/* --- suspect.c --- */

/* Whom this node suspects, of its view. */
struct vset views_accused(const struct views *v);
/* Members who are not to be reckoned with. */
int views_is_suspected(const struct views *v, unsigned rank);
/* Somebody of the view suspects somebody of the view. */
int views_is_uneasy(const struct views *v);
/* Whom to leave out so that nobody left suspects another. */
struct vset views_choose(const struct views *v);

/* --- enter.c --- */

void views_end(struct views *v, enum views_end end, struct views_effects *fx);
/* Goes to a later view: enters it, or ends. */
void views_enter(struct views *v, uint32_t number, const struct vset *members,
                 struct views_effects *fx);

/* --- lease.c --- */

/* Rank, whose beat says that it is in this view, is promised: not to be left out for a while. */
void views_promise(struct views *v, unsigned rank, struct views_effects *fx);
void views_believe(struct views *v, unsigned rank, struct views_effects *fx);
/* Whether the window may be used; said when that has changed. */
void views_check_lease(struct views *v, struct views_effects *fx);

/* --- accept.c --- */

void views_take_ask(struct views *v, const struct views_msg *m, struct views_effects *fx);
void views_take_propose(struct views *v, const struct views_msg *m, struct views_effects *fx);
/* Accepts the last proposal, if nothing is in the way (any more). */
void views_accept(struct views *v, struct views_effects *fx);

/* --- lead.c --- */

void views_take_tell(struct views *v, const struct views_msg *m);
void views_take_accept(struct views *v, const struct views_msg *m);
/* What is due of a leader's part. again: also what was said already; retry: as VIEWS_EV_RETRY. */
void views_lead(struct views *v, int again, int retry, struct views_effects *fx);

#endif
