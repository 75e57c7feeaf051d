/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsmctl top from the inside: what the nodes told last and before that (top_data.c), lines of text
 * made of it (top_text.c), and where these go: a terminal (top_screen.c) or standard output.
 */
#ifndef TOP_H
#define TOP_H

#include "dsm/job/job.h"
#include "tools/ctl/query.h"

enum top_column {
	TOP_RANK,
	TOP_FAULTS, /* a second, as all up to TOP_MIB_OUT */
	TOP_READS,
	TOP_WRITES,
	TOP_UPGRADES,
	TOP_IN, /* pages */
	TOP_OUT,
	TOP_MIB_IN,
	TOP_MIB_OUT,
	TOP_MEAN,    /* microseconds of a fault; where no node tells more */
	TOP_P50,     /* the same: half of them took no longer */
	TOP_P99,
	TOP_WAITING, /* threads, now */
	TOP_MEMORY,  /* percent of the budget */
	TOP_COLUMNS
};

enum top_view { TOP_NODES, TOP_PAGES, TOP_WAITS };

#define TOP_UNKNOWN (-1.0)

struct top_row {
	int rank; /* -1: all nodes together */
	double value[TOP_COLUMNS];
};

struct top {
	char dir[BOOT_DIR_MAX + 1];
	double every_s;
	enum top_view view;
	enum top_column sort; /* largest first, but for TOP_RANK */
	int paused;
	/* top_data.c's: */
	struct answers stats, before, status, latency, latency_before;
	double stats_at, before_at; /* seconds */
	json_t *counts;             /* of pages, as they were: by rank and page, reads and writes */
	json_t *pages;              /* as of hot_pages.h, with the faults since then */
	double pages_s;             /* how long that is */
	double pages_at;
};

/* Asks the nodes. 0; 1: there is no node any more; or CTL_FAILED, and the reason has been told. */
int top_ask(struct top *top);
/* A row for each node that answered twice, as sorted, and one for all. Returns how many. */
int top_rows(const struct top *top, struct top_row rows[QUERY_NODES_MAX + 1]);
void top_close(struct top *top);

/* top_latency.c: fills TOP_P50 and TOP_P99 of a row in. */
void top_latency(const struct top *top, struct top_row *row);
/* Whether a node has histograms. */
int top_has_latency(const struct top *top);

#define TOP_LINES 256
#define TOP_WIDTH 240

struct top_text {
	char line[TOP_LINES][TOP_WIDTH];
	int is_head[TOP_LINES];
	int count;
};

void top_write(const struct top *top, struct top_text *out);
const char *top_column_name(enum top_column column);
/* Whether that column is shown. */
int top_shows(const struct top *top, enum top_column column);

/* Shows it on the terminal until somebody has enough, or the job ends. Returns an exit status, or
 * -1: this build, or this terminal, cannot. top_screen.c, or without ncurses top_plain.c. */
int top_screen(struct top *top);

#endif
