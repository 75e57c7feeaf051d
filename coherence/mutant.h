/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Planted protocol bugs, for proving that the checks would see them. Only a build
 * with COH_MUTANTS has them; elsewhere MUTANT() is 0 and costs nothing.
 */
#ifndef COH_MUTANT_H
#define COH_MUTANT_H

#include <string.h>

#define COH_MUTANT_LIST(X)                                                                         \
	X(ACK_BEFORE_LOWER, "Inv-Ack leaves before access is lowered")                             \
	X(GRANT_BEFORE_LAST_ACK, "the home grants M with one Inv-Ack outstanding")                 \
	X(MOVE_BEFORE_LOWER, "the owner sends the page before WRITE is taken away")                \
	X(KEEP_WRITE_ON_FWD_GETS, "the owner keeps WRITE after Fwd-GetS")                          \
	X(KEEP_READ_ON_INV, "a sharer keeps READ after Inv")                                       \
	X(LOSE_QUEUED, "a queued request is forgotten when the page becomes free")                 \
	X(DONE_BEFORE_LANDING, "Done leaves with the request")                                     \
	X(SERVE_BEFORE_REFRESH, "the home serves the next one before the refresh has landed")      \
	X(NO_REFRESH, "on Fwd-GetS the home's frame is not refreshed")                             \
	X(EMPTY_AFTER_INV, "an upgrade is granted without data although it was invalidated")       \
	X(PUTM_PUSHES, "PutM is acked at once and the page written without being pulled")          \
	X(DROP_BEFORE_PUT_ACK, "the evictor punches its frame without waiting for Put-Ack")        \
	X(SLOT_REUSED, "a request's slot is freed when it is sent")                                \
	X(TENURE_FOR_EVER, "a tenure with a deferred message never ends")                          \
	X(TENURE_DROPS, "a message deferred by a tenure is forgotten")                             \
	X(UNTOUCHED_AFTER_M, "a page stays untouched after an M grant")                            \
	X(UNTOUCHED_AFTER_ATOMIC, "a page stays untouched after an atomic")                        \
	X(ATOMIC_WITHOUT_INV, "an atomic at the home leaves the sharers' copies")                  \
	X(SHARER_FORGOTTEN, "a new sharer is not entered in the map")                              \
	X(OWNER_NOT_SHARER, "the old owner is not entered as a sharer after Fwd-GetS")             \
	X(PUTS_CLEARS_ALL, "PutS removes every sharer")                                            \
	X(STALE_PUTM_TAKES, "PutM of a node that lost the page makes the home the holder")         \
	X(RUN_OVER_BUSY, "a run's grant includes busy pages")                                      \
	X(RUN_OVER_OWNED, "a run's grant includes pages that a node owns")                         \
	X(RUN_OVER_TENURE, "pages of a run wait for the end of the first one's tenure at home")    \
	X(RUN_WAITS_AT_OWNER, "an owner lets a run wait for the end of its first page's tenure")   \
	X(RUN_WAITS_IN_QUEUE, "a run waits behind a request that waits for a tenure's end")        \
	X(WRITE_RUN_OVER_SHARED, "a run granted for writing includes pages that nodes read")       \
	X(RUN_OWNER_OF_ONE, "of a run granted for writing only the first page is owned")           \
	X(RUN_DONE_ONE, "Done for a run frees only its first page")                                \
	X(RUN_TAIL_STUCK, "pages of a run that were not granted stay requested")                   \
	X(NO_WAKE, "a grant does not wake the threads that wait")                                  \
	X(RECALL_SKIPPED, "the home supplies a page that its own cache may still write")           \
	X(FWD_TO_REQUESTOR, "the old owner stays in the directory after Fwd-GetM")                 \
	X(MIGRATORY_SHARED, "the owner of a migratory page is asked for a copy to read")           \
	X(DROP_KEEPS_ACCESS, "who is told to drop a page may still use it")                        \
	X(DISCARD_BEFORE_LAST_ACK, "a page is untouched with one Drop-Ack outstanding")            \
	X(DISCARD_KEEPS_FRAME, "the home's frame of an untouched page is not zero")                \
	X(KEPT_FORGOTTEN, "a page that a node has kept is taken for discarded")                    \
	X(ZERO_SKIPPED, "a grant of an untouched page leaves what is in the frame")                \
	X(WAKE_DURING_COMPARE, "a wake does not wait for a word's comparison")                     \
	X(COMPARE_AT_HOME, "a word is compared in the home's frame while a node owns the page")    \
	X(SLEEP_ANYWAY, "a thread sleeps for a word that does not hold what it expects")           \
	X(WAKE_NEWEST, "a wake takes the thread that came last")                                   \
	X(WOKEN_UNTOLD, "of several threads that a wake takes one is told")                        \
	X(OWN_COMPARED, "a wait in a word's own queue compares the word")                          \
	X(WAKES_OWN, "a wake takes threads out of the word's own queue, too")                      \
	X(CANCELLED_STAYS, "a thread whose wait was cancelled is woken instead of another")        \
	X(CANCEL_AT_ONCE, "a wait is taken for cancelled before its home has said so")             \
	X(CANCEL_FORGOTTEN, "a wait that is cancelled before it has begun goes on")                \
	X(NOTHING_KEPT, "whoever gives a frame up forgets that it may be the only one")            \
	X(OLD_VIEW_TAKEN, "a message of an older view is taken")                                   \
	X(DEFERRED_SURVIVES, "a message that waits for a tenure's end outlives its view")          \
	X(DONE_IS_REFRESH, "after Done the home's frame counts as current before the refresh has landed") \
	X(RECORD_FORGOTTEN, "a home whose rebuild is interrupted forgets what it knew")            \
	X(DEAD_GRANTED_NOTHING, "who died before he said Done counts as never granted")            \
	X(CLAIM_UNCHECKED, "a frame that was given up counts, whoever has had the page since")     \
	X(LOST_FALLS_BACK, "a page of which no copy lives is taken from the home's frame")         \
	X(REPORTS_NOT_AWAITED, "a home grants before all have reported")                           \
	X(SALVAGE_SKIPPED, "a page that is elsewhere is supplied from the home's stale frame")     \
	X(DEAD_HOMES_ONLY, "only pages whose home has died are reported")                          \
	X(KEPT_DROPPED, "a frame that was given up is given back without asking")                  \
	X(WANTED_UNTOLD, "a request that the view has ended is not reported")                      \
	X(AWAY_IS_CURRENT, "a page that is elsewhere counts as current at home in the next view")  \
	X(REQUEST_SURVIVES, "an upgrade outlives its view, and is not asked for again")            \
	X(RESULT_FORGOTTEN, "whoever has done an atomic forgets it before the caller has the answer") \
	X(ATOMIC_RENUMBERED, "an atomic that is asked for again is taken for another one")         \
	X(ANSWERED_IN_TURN, "an atomic that was done is answered when its turn comes")             \
	X(ATOMIC_NOT_BLOCKING, "the page is free again before an atomic's caller has the answer")  \
	X(CLAIM_OF_ATOMIC, "a copy invalidated for an atomic counts as current afterwards")         \
	X(HOLDER_UNTOLD, "who holds a mutex is not reported")                                      \
	X(GRANTED_HOLDS, "who was granted a mutex counts as its holder in the next view, whatever he says") \
	X(OWNER_DEATH_UNTOLD, "the next holder of a dead one's mutex is not told")                 \
	X(INHERITED_UNMARKED, "a mutex whose home has died counts as one that nobody held")        \
	X(MARK_FORGOTTEN, "that a holder has died is told once, heard or not")                     \
	X(DEAD_WAITER_KEPT, "a waiter who has died keeps his place")                               \
	X(LOCK_BEFORE_REPORTS, "a mutex is granted before all have reported")                      \
	X(LOCK_ASKED_ONCE, "who waits for a mutex does not ask again in a new view")               \
	X(COND_SLEEPS_ON, "who waits for a condition waits on in a new view")                      \
	X(SLEEP_SURVIVES, "a wait for a word outlives its view")                                   \
	X(SLEEPERS_KEPT, "who slept for a word stays in its queue in the next view")               \
	X(WAKE_FORGOTTEN, "a wake that the view has ended is never answered")                      \
	X(OLD_OUTCOME, "the outcome of an older view's comparison is taken")                       \
	X(DEAD_AWAITED, "the barrier waits for the dead")                                          \
	X(ARRIVAL_FORGOTTEN, "who waits in the barrier does not say so in a new view")             \
	X(EPISODE_IGNORED, "who waits in a barrier that others have passed counts for the next")   \
	X(BARRIER_BEFORE_REPORTS, "the barrier opens before all have reported")                    \
	X(DISCARD_ASKED_ONCE, "a discard is not asked for again in a new view")                    \
	X(DROPPED_IS_CURRENT, "the home's frame counts as current when its owner was told to drop the page") \
	X(LOST_KEEPS_FRAME, "a lost page that is freed keeps what is in the home's frame")          \
	X(RUN_OVER_LOST, "a run's grant includes pages that are lost, or elsewhere")                \
	X(RENEWAL_UNTOLD, "who was told that a page is lost does not hear that it is renewed")       \
	X(RENEWAL_OF_ALL, "a renewal takes pages that are not lost")                               \
	X(RENEWAL_FORGOTTEN, "a renewal that the view has ended is never answered")                \
	X(RENEWAL_ASKED_AGAIN, "a renewal outlives its view, and takes what is lost in the next")  \
	X(RENEWED_BEFORE_ALL_KNOW, "a page is renewed before all have heard so")                   \
	X(COPY_SKIPPED, "two nodes count as having a page that only its home and its owner have")  \
	X(COPY_NOT_AWAITED, "a second copy counts before it has landed")                          \
	X(SEEN_AT_ONCE, "others see a page before what its owner wrote earlier is on two nodes")   \
	X(RELEASED_EACH, "an owner lets others see each page as soon as two nodes have that one")  \
	X(SEEN_WHILE_DIRTY, "a page that was written after secure ones is supplied before these are on two nodes") \
	X(COPY_DROPPED, "the second node gives its frame back when it evicts the page")            \
	X(UNLOGGED, "what is pushed is on no other node before, so that of several pages some may come through") \
	X(PLACE_NOT_TAKEN, "who has all that a dead node was pushing does not go on in its place")  \
	X(SEAL_FORGOTTEN, "what a stand-in has of who lives ends with the view, before he has pushed it again") \
	X(SEEN_BEFORE_END, "others may see a page while the stand-in still has it to take over")    \
	X(PUSHED_SHARED, "what was written and pushed counts as shared in a new view, wherever it has come") \
	X(RESTORED_SOON, "a home says that all copies are made, with some of them under way")     \
	X(RESTORE_SKIPPED, "no second copies are made after a death")                             \
	X(RESTORE_NOT_AWAITED, "after a death a call is over before the second copies are there")  \
	X(ABSENCE_TRUSTED, "what has no copy counts as never touched before all copies are made")  \
	X(NOT_BLOCKING, "the home is free again as soon as it has granted")

#define COH_MUTANT_ENUM(name, text) COH_MUT_##name,
enum coh_mutant { COH_MUT_NONE = 0, COH_MUTANT_LIST(COH_MUTANT_ENUM) COH_MUTANTS_END };
#undef COH_MUTANT_ENUM

/* Those of what happens when a node dies: they are only seen where one does. */
#define COH_MUT_VIEWS_FIRST COH_MUT_NOTHING_KEPT
#define COH_MUT_VIEWS_LAST COH_MUT_ABSENCE_TRUSTED

#ifdef COH_MUTANTS
/* The number of a mutant ("ack-before-lower"), or -1. */
int coh_mutant_by_name(const char *name);
extern int coh_mutant; /* one of enum coh_mutant; set before the first step, by tests only */
#define MUTANT(name) (coh_mutant == COH_MUT_##name)
#define coh_has_mutants() 1 /* a node may well refuse its own messages then */
#else
#define MUTANT(name) 0
#define coh_has_mutants() 0
#endif

#endif
