/* SPDX-License-Identifier: BSD-2-Clause */
/* Which node a new thread goes to: DSM_THREADS_PLACE, which dsmctl run --place sets. */
#include <stdlib.h>
#include <string.h>

#include "dsm/threads/threads.h"

#define LIST_MAX 1024

/* The nodes one after the other, and again from the first; 0: all stay with their maker. */
static int list[LIST_MAX];
static unsigned count;

static void take_list(const char *text)
{
	for (char *end; *text; text = *end ? end + 1 : end) {
		const long node = strtol(text, &end, 10);

		if (end == text || (*end && *end != ',') || node < 0 || node >= here.size ||
		    count == LIST_MAX)
			threads_die("DSM_THREADS_PLACE is pack, round-robin, or a list of nodes "
			            "such as 0,1,1");
		list[count++] = (int)node;
	}
}

static const char *text; /* in the environment, which stays where it is */

void place_read(const char *value)
{
	text = value;
}

void place_open(void)
{
	if (text && strcmp(text, "pack") == 0)
		return;
	if (text && *text && strcmp(text, "round-robin")) {
		take_list(text);
		return;
	}
	while (count < (unsigned)here.size) { /* rank 0 has main already */
		list[count] = ((int)count + 1) % here.size;
		count++;
	}
}

int place_next(void)
{
	static uint32_t next; /* of those that this node makes */

	if (!count)
		return here.rank;
	return list[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % count];
}
