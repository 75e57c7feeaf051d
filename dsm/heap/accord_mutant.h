/* SPDX-License-Identifier: BSD-2-Clause */
/* Planted bugs of accord.c, which tests/heap/accord_model.c must see. */
#ifndef ACCORD_MUTANT_H
#define ACCORD_MUTANT_H

#define ACCORD_MUTANTS(X)                                                             \
	X(NONE, "as it is")                                                           \
	X(RESULT_UNREPORTED, "who has a result does not report it")                   \
	X(RESULT_UNTOLD, "who waits for a result that another has is not told it")    \
	X(RESULT_OUTLIVED, "a result is forgotten when the next round has none")      \
	X(VIEW_UNTOLD, "rounds go on in a new view as if nothing had been")           \
	X(OWN_COUNT, "who serves goes by how many rounds it has behind itself")       \
	X(BEGUN_EARLY, "rounds go on before all have reported")                       \
	X(EARLY_DROPPED, "a report to who has not entered its view is lost")          \
	X(OLD_TAKEN, "messages of older views count")                                 \
	X(SHUT_RESULT_COUNTS, "what came while its node could not go by it counts in the next view") \
	X(COME_STAYS, "who has come in an older view is there in the new one")

#ifdef ACCORD_MODEL
#define NAME(name, what) ACCORD_##name,
enum accord_mutant { ACCORD_MUTANTS(NAME) ACCORD_MUTANTS_END };
#undef NAME
extern enum accord_mutant accord_mutant;
#define ACCORD_MUTANT(name) (accord_mutant == ACCORD_##name)
#else
#define ACCORD_MUTANT(name) 0
#endif

#endif
