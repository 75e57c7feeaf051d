/* SPDX-License-Identifier: BSD-2-Clause */
/* Aligned tables on standard output. */
#ifndef TABLE_H
#define TABLE_H

struct table;

/* The first row added is the head. NULL: out of memory. */
struct table *table_open(int columns);
void table_close(struct table *table); /* NULL is allowed */

/* Adds a cell, row by row. Running out of memory shows as an empty cell. */
void table_add(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* This column is aligned to the left: text. */
void table_left(struct table *table, int column);

/* Prints it. Where the columns do not fit side by side, in blocks that each begin with the
 * first column. */
void table_print(const struct table *table);

#endif
