/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Planted bugs, for proving that the explorer would see them. Only a build with VIEWS_MUTANTS has
 * them; elsewhere VIEWS_MUTANT() is 0 and costs nothing.
 */
#ifndef VIEWS_MUTANT_H
#define VIEWS_MUTANT_H

#define VIEWS_MUTANT_LIST(X)                                                                       \
	X(ACCEPT_IN_SPITE, "a view is accepted while a promise to whom it leaves out is in force")     \
	X(PROMISE_IN_SPITE, "who has accepted a view still promises those whom it leaves out")         \
	X(BELIEVE_IN_SPITE, "who has accepted a view still takes promises of the old one")             \
	X(NO_PROMISE_ON_ENTRY, "who enters a view owes its members nothing")                           \
	X(ANY_HALF, "any half of a view may go on")                                                    \
	X(ONE_FEWER, "a view is made although one acceptance is missing")                              \
	X(OWN_WAY, "a leader proposes what it thinks, whatever others have accepted")                  \
	X(OLDEST_BEST, "of what was accepted the oldest is proposed again")                            \
	X(ACCEPT_OLD, "a proposal is accepted although a later leader was answered")                   \
	X(ANSWER_FORGOTTEN, "who answers a leader does not remember it")                               \
	X(KEEPS_LEASE, "who accepts a view without itself keeps its lease")                            \
	X(NEVER_WANTED, "those whom a view leaves out are never asked to accept it")                   \
	X(STOP_UNCONFIRMED, "who is to be stopped counts as stopped")                                  \
	X(SOME_ACCEPT, "with a starter more than half of the living are enough")                      \
	X(ENTER_ANYWAY, "who is left out of a view enters it")                                        \
	X(LEASE_TOO_FEW, "a lease holds with one promise too few")                                     \
	X(LEASE_FOR_EVER, "a lease that has run out still counts")                                    \
	X(NO_DEPUTY, "nobody leads when the leader is lost")                                           \
	X(MINORITY_WAITS, "a minority does not end")                                                   \
	X(ONE_TRY, "a leader whom another one has overtaken does not try again")

#define VIEWS_MUTANT_ENUM(name, text) VIEWS_MUT_##name,
enum views_mutant { VIEWS_MUT_NONE = 0, VIEWS_MUTANT_LIST(VIEWS_MUTANT_ENUM) VIEWS_MUTANTS_END };
#undef VIEWS_MUTANT_ENUM

#ifdef VIEWS_MUTANTS
extern int views_mutant; /* one of enum views_mutant; the test defines it */
#define VIEWS_MUTANT(name) (views_mutant == VIEWS_MUT_##name)
#else
#define VIEWS_MUTANT(name) 0
#endif

#endif
