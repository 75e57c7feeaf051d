/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the transition tables of the core as they stand in docs/protocol.md. */
#include <stdio.h>
#include <string.h>

#include "coherence/coh.h"

static void print_side(const char *side, const char *title)
{
	unsigned count;
	const struct coh_row *row = coh_rows(&count);

	printf("### %s\n\n", title);
	printf("| state | event | what it does | next | why |\n|---|---|---|---|---|\n");
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(row[i].side, side))
			printf("| %s | %s | %s | %s | %s |\n", row[i].state, row[i].event,
			       row[i].actions, row[i].next, row[i].note ? row[i].note : "");
	printf("\n");
}

int main(void)
{
	print_side("cache", "The cache");
	print_side("home", "The home");
	return 0;
}
