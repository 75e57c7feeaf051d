/* SPDX-License-Identifier: BSD-2-Clause */
/* Aligned tables on standard output. */
#include "config.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/ctl/table.h"

#define GAP 2
#define WIDTH_DEFAULT 100

struct table {
	int columns;
	char *left; /* a flag for each column */
	char **cells;
	size_t count, room;
};

struct table *table_open(int columns)
{
	struct table *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->columns = columns;
	t->left = calloc(columns, 1);
	if (!t->left) {
		free(t);
		return NULL;
	}
	return t;
}

void table_close(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->left);
	free(t);
}

void table_left(struct table *t, int column)
{
	t->left[column] = 1;
}

void table_add(struct table *t, const char *format, ...)
{
	char *text = NULL, **cells;
	va_list args;

	if (t->count == t->room) {
		cells = realloc(t->cells, (t->room + 256) * sizeof *cells);
		if (!cells)
			return;
		t->cells = cells;
		t->room += 256;
	}
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	t->cells[t->count++] = text;
}

static const char *cell(const struct table *t, size_t row, int column)
{
	size_t i = row * t->columns + column;

	return i < t->count && t->cells[i] ? t->cells[i] : "";
}

static int column_width(const struct table *t, int column)
{
	size_t rows = t->count / t->columns, width = 0, n;

	for (size_t row = 0; row < rows; row++) {
		n = strlen(cell(t, row, column));
		if (n > width)
			width = n;
	}
	return (int)width;
}

static int screen_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return columns && atoi(columns) > 0 ? atoi(columns) : WIDTH_DEFAULT;
}

static void cell_print(const struct table *t, size_t row, int column, int last)
{
	const char *text = cell(t, row, column);
	int width = column_width(t, column);

	if (!t->left[column])
		printf("%*s", width, text);
	else if (last)
		fputs(text, stdout);
	else
		printf("%-*s", width, text);
}

/* Columns first to end-1, behind column 0. */
static void block_print(const struct table *t, int first, int end)
{
	size_t rows = t->count / t->columns;

	for (size_t row = 0; row < rows; row++) {
		cell_print(t, row, 0, end <= first);
		for (int column = first; column < end; column++) {
			printf("%*s", GAP, "");
			cell_print(t, row, column, column == end - 1);
		}
		putchar('\n');
	}
}

void table_print(const struct table *t)
{
	int screen = screen_width(), first = 1, end, width;

	do {
		width = column_width(t, 0);
		for (end = first; end < t->columns; end++) {
			width += GAP + column_width(t, end);
			if (width > screen && end > first)
				break;
		}
		if (first > 1)
			putchar('\n');
		block_print(t, first, end);
		first = end;
	} while (first < t->columns);
}
