/* SPDX-License-Identifier: BSD-2-Clause */
/* One process of a job that is to survive, as the environment says: tells what happens to it, a line
 * each, until its standard input ends. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dsm/boot/boot.h"
#include "dsm/members/survive.h"
#include "tests/hang.h"

static void on_view(void *ctx, uint32_t number, const struct vset *members)
{
	printf("view %u %llx\n", number, (unsigned long long)members->w[0]);
	fflush(stdout);
}

static void on_usable(void *ctx, int usable)
{
	printf(usable ? "usable\n" : "unusable\n");
	fflush(stdout);
}

static void on_end(void *ctx, const char *why)
{
	printf("end: %s\n", why);
	fflush(stdout);
}

int main(void)
{
	const char *ms = getenv("LOSS_MS");
	const struct survive_config config = {
		.rule = VIEWS_MAJORITY, .loss_ms = ms ? (uint32_t)atoi(ms) : 2000, .timeout_ms = HANG_MS,
		.told = { .view = on_view, .usable = on_usable, .end = on_end } };
	struct survive *survive;
	char why[256] = "", byte;
	struct boot *boot;

	alarm(HANG_S);
	if (boot_open(NULL, &boot, why, sizeof why) ||
	    survive_open(boot, &config, &survive, why, sizeof why)) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	survive_close(survive);
	boot->ops->close(boot);
	return 0;
}
