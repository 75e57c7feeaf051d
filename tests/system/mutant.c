/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chooses the planted bug of a build with --enable-mutants from the environment:
 * COH_MUTANT=ack-before-lower and so on. No other build has this file.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "coherence/mutant.h"

int coh_mutant;

#define NAME(name, text) [COH_MUT_##name] = #name,
static const char *const names[] = { COH_MUTANT_LIST(NAME) };

/* ack-before-lower means ACK_BEFORE_LOWER. */
static int same(const char *asked, const char *name)
{
	while (*asked && *name && (*asked == '-' ? '_' : toupper((unsigned char)*asked)) == *name) {
		asked++;
		name++;
	}
	return !*asked && !*name;
}

__attribute__((constructor)) static void choose(void)
{
	const char *asked = getenv("COH_MUTANT");

	if (!asked || !*asked)
		return;
	for (int i = COH_MUT_NONE + 1; i < COH_MUTANTS_END; i++)
		if (same(asked, names[i]))
			coh_mutant = i;
	if (!coh_mutant) {
		fprintf(stderr, "COH_MUTANT is '%s': there is no such bug\n", asked);
		_exit(2);
	}
}
