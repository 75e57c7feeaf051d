/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of planted bugs; empty in a build without them. */
#include "coherence/mutant.h"

#ifdef COH_MUTANTS
#include <ctype.h>

int coh_mutant;

/* ACK_BEFORE_LOWER is called ack-before-lower by people. */
static int same(const char *name, const char *called)
{
	for (; *name && *called; name++, called++)
		if (*called != (*name == '_' ? '-' : tolower((unsigned char)*name)))
			return 0;
	return !*name && !*called;
}

int coh_mutant_by_name(const char *called)
{
	static const char *const names[] = {
#define NAME(name, text) [COH_MUT_##name] = #name,
	        [COH_MUT_NONE] = "NONE", COH_MUTANT_LIST(NAME)
#undef NAME
	};

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (same(names[i], called))
			return (int)i;
	return -1;
}
#else
typedef int coh_mutant_is_no_empty_file;
#endif
