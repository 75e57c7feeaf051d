/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of the log is said, and when: a line that comes again and again is said once, and then
 * once a second with a count; so are lines of a kind that differ, after the first few; and there
 * is a limit for all together. What is not said is counted, and that is said.
 *
 * Pure: time is given, nothing is locked. Lines that were counted fall due a second later:
 * limit_due() says when to ask for them by limit_next().
 */
#ifndef LOG_LIMIT_H
#define LOG_LIMIT_H

#include <stdint.h>

#define LIMIT_TEXT 512    /* of a line, its end included */
#define LIMIT_NS UINT64_C(1000000000) /* a line and its count are so far apart */
#define LIMIT_LINES 25    /* in each LIMIT_NS, so at most twice as many in any */
#define LIMIT_KINDS 16    /* told apart at a time */
#define LIMIT_DIFFERENT 5 /* lines of a kind in LIMIT_NS, when no two are the same */
#define LIMIT_NEVER UINT64_MAX

struct limit_line {
	int level;
	char text[LIMIT_TEXT];
};

struct limit_kind {
	uint64_t key;
	uint64_t since_ns;
	unsigned said;                  /* since then */
	uint64_t hash[LIMIT_DIFFERENT]; /* of these */
	uint64_t more;                  /* that were not said */
	int differ;                     /* not all of those are as the last, which is: */
	struct limit_line last;
};

/* Begins zeroed. */
struct limit {
	struct limit_kind kind[LIMIT_KINDS];
	uint64_t since_ns;
	unsigned said; /* of any kind, since then */
	uint64_t lost; /* neither said nor counted with a kind */
	uint64_t lost_ns;
	int lost_level; /* the gravest of these */
};

/* A line of the kind key, of which so many different ones are said (LIMIT_DIFFERENT at most).
 * 1: it is to be said now; 0: it is counted. */
int limit_take(struct limit *limit, uint64_t now_ns, uint64_t key, unsigned different, int level,
               const char *text);
/* One that cannot be said after all. */
void limit_lose(struct limit *limit, uint64_t now_ns, int level);
/* 1: this line is due, and counts as said; 0: none is. At the end all are due: LIMIT_NEVER. */
int limit_next(struct limit *limit, uint64_t now_ns, struct limit_line *out);
/* When the next falls due; LIMIT_NEVER when none will. */
uint64_t limit_due(const struct limit *limit);
/* The kind of lines that differ in numbers only. */
uint64_t limit_key_of(const char *text);

#endif
