/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsmctl heatmap: the pages of each named block as cells, at one time or at several
 * (heatmap_ask.c), drawn as SVG (heatmap_svg.c), HTML (heatmap_html.c) or PNG (heatmap_png.c).
 */
#ifndef CTL_HEATMAP_H
#define CTL_HEATMAP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HEAT_CELLS_MAX 4096 /* of a block */
#define HEAT_ROW 64         /* cells side by side */

struct heat_cell {
	uint64_t faults; /* of all nodes */
	int16_t owner;   /* the node that has it, or most of its pages, for writing; -1: none */
	int16_t holders; /* nodes that have some of it */
	int16_t most;    /* of a node, for writing: whose was the most so far */
};

struct heat_block {
	char name[64];
	uint64_t address, bytes, page_bytes, pages;
	uint64_t each;    /* pages in a cell, but perhaps the last */
	size_t cells, at; /* of a view, from which one on */
};

/* How it was at one time. */
struct heat_view {
	double seconds;         /* since the first */
	struct heat_cell *cell; /* of all blocks */
};

struct heat {
	const char *job;
	int nodes;             /* that have told */
	double seconds, every; /* 0: a single view, with faults from the start of the job on */
	struct heat_block *block;
	size_t blocks, cells;
	struct heat_view *view;
	size_t views;
};

/* --- heatmap_ask.c: 0, or CTL_FAILED when the reason has been told --- */
int heat_blocks(const char *dir, struct heat *out);
/* One more view: call it heat->views times at most. */
int heat_look(const char *dir, struct heat *heat, double seconds);
/* Faults since the view before; the first, which has none, goes. */
void heat_differences(struct heat *heat);
void heat_free(struct heat *heat);

/* The modes of a picture. */
enum heat_mode { HEAT_FAULTS, HEAT_OWNER, HEAT_SHARING, HEAT_MODES };
extern const char *const heat_mode_name[HEAT_MODES];
/* "#rrggbb"; most: the faults of the hottest cell. */
void heat_colour(const struct heat_cell *cell, enum heat_mode mode, uint64_t most, char out[8]);
uint64_t heat_most(const struct heat *heat); /* in all views */
/* What stands for a name in XML and HTML. */
void heat_escape(FILE *file, const char *text);

/* 0, or an errno. What the file has had of errors, it has. */
int heat_svg(const struct heat *heat, FILE *file);
int heat_html(const struct heat *heat, FILE *file);
int heat_png(const struct heat *heat, FILE *file); /* built with libpng */

#endif
