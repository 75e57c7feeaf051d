/* SPDX-License-Identifier: BSD-2-Clause */
/* What the examples share: errors, options, progress, and the table of statistics. */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#include <dsm.h>
#include <stdint.h>

/* Name of the program, set first thing in main: it opens every message. */
extern const char *ex_name;

/* Prints a message and ends the program with status 1. */
void ex_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Does so when a call of libdsm failed; what names the call. */
void ex_must(int code, const char *what);
/* dsm_init, or the end of the program with the library's explanation. */
dsm_t *ex_init(void);

/* An option, and where its value goes: one of count, real, text and flag. A table of these ends
 * with a zeroed one. */
struct ex_option {
	int letter; /* 0: it has the long form only */
	const char *name;
	uint64_t *count, min, max; /* a whole number from min to max */
	double *real, low, high;   /* a number from low to high */
	const char **text;
	int *flag; /* set to 1; the option has no value */
};
#define EX_FILES 1 /* there may be arguments that are no options, from optind on */

/* Takes the options, and prints usage for -h or --help. Wrong ones end the program. */
void ex_options(int argc, char **argv, const struct ex_option *table, int flags,
                const char *usage);

/* The things that fall to one node, [first, end), when count are dealt out evenly. */
struct ex_part {
	uint64_t first, end;
};
struct ex_part ex_part_of(uint64_t count, int size, int rank);

/* Flags of dsm_alloc for so many bytes: pages of 2 MiB, where DSM_HUGE has set some aside and
 * one would be filled. */
unsigned ex_pages_for(uint64_t bytes);

/* Zeroed shared memory that all nodes know by a name. */
void *ex_shared(dsm_t *dsm, const char *name, size_t bytes);

/* Saves the job, with so many bytes of each node's own, while it goes on. Where that fails the job goes
 * on without: what was saved before is still there. Collective. */
void ex_save(dsm_t *dsm, const char *dir, const void *bytes, size_t len);
/* Whether the job is to save itself now; *dir is where, if somebody has said so. Collective. */
int ex_is_wanted(dsm_t *dsm, const char **dir);

double ex_seconds(void);
/* Shows that done of total (1 and more) is done: a bar on a terminal, else a line at each
 * quarter. */
void ex_progress(const char *what, uint64_t done, uint64_t total);

/* Prints, on node 0, what each node counted. Collective. */
void ex_print_stats(dsm_t *dsm, const struct dsm_stats *mine);

/* Leaves the job and returns the exit status: 0 on all nodes if node 0 says that the result
 * is verified, 1 on all otherwise. The others' argument is ignored. Collective. */
int ex_finish(dsm_t *dsm, int verified);

#endif
