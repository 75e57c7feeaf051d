/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all nodes together tell of the pages that fault most. A page is an object with its number,
 * address, bytes and faults, a verdict, the name it is known by, and for each of its nodes the
 * rank, reads, writes, parts, and the lines of code that were seen to fault, most first.
 */
#ifndef HOT_PAGES_H
#define HOT_PAGES_H

#include "tools/ctl/query.h"

#define HOT_PARTS 64 /* of a page: a bit each in what the nodes tell */

/* The pages of all nodes, most faults first, at most `most` of them. Answers to "hot". */
json_t *hot_pages(const struct answers *answers, size_t most);
/* The same, with neighbours of one name and verdict made one, which has a `count` of pages then,
 * and without those of less than 1 % of all faults. */
json_t *hot_joined(const struct answers *answers, size_t most);

/* Of the names that reach into a range the last that begins before its end. NULL: none. */
const json_t *hot_name_at(const struct answers *answers, uint64_t first, uint64_t end);

uint64_t hot_parts(const json_t *node);

/* hot_lines.c: says in each line that the nodes tell where its code is: `code`, as people write it,
 * and file, line, function, module, offset and width as far as they are known. */
void hot_resolve(const struct answers *answers);
/* The lines of a node on a page, those of one place and kind as one, most first. */
json_t *hot_lines_of(const struct answer *answer, json_int_t page);
/* Adds the lines of one node on a page to those on another. */
void hot_lines_join(json_t *lines, const json_t *others);

#endif
