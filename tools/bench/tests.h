/* SPDX-License-Identifier: BSD-2-Clause */
/* The tests, floors and kernels there are, and what comes out of one. */
#ifndef TESTS_H
#define TESTS_H

#include <stdbool.h>

#include "tools/bench/series.h"

struct kernel;

#define EXTRAS_MAX 6
#define TARGETS_MAX 2

/* Figures beside the main one. */
struct extra {
	const char *name, *unit;
	double value;
};

/* Made by rank 0; what the others leave here does not matter. */
struct result {
	const char *unit;
	double value, p99;
	double floor;           /* 0: none */
	const char *floor_name; /* what it is made of */
	struct extra extra[EXTRAS_MAX];
	unsigned n_extras;
	const char *missing; /* why there is no value; NULL: there is one */
};

/* Sets unit, value and p99, and closes the series. */
void result_take(struct result *r, struct series *s, enum series_order order, const char *unit);
void result_floor(struct result *r, double floor, const char *name);
void result_extra(struct result *r, const char *name, double value, const char *unit);
/* One of a series, which is closed. */
void result_beside(struct result *r, const char *name, struct series *s, enum series_order order, const char *unit);

/* A figure ("value", "ratio", or an extra's name) that is to be at most, or at least, so
 * much. */
struct target {
	const char *provider; /* only there; NULL: everywhere */
	const char *what;
	enum { AT_MOST, AT_LEAST } sense;
	double bound;
};

/* Floors: what hardware and kernel allow. */
enum floor {
	FLOOR_TRAP,         /* us: a fault resolved */
	FLOOR_TRAP_UPGRADE, /* us: the same for a write to a page that may be read */
	FLOOR_ROUND_TRIP,   /* us: a small message there and back */
	FLOOR_PAGE,         /* us: a small message there, a page back */
	FLOOR_MISS,         /* us: a fault, and that */
	FLOOR_PROTECT,      /* us: a page made read-only */
	FLOOR_ZAP,          /* us: a page unmapped */
	FLOOR_BANDWIDTH,    /* MiB/s: runs of pages, one after the other */
	FLOOR_BARRIER,      /* us: all nodes */
	FLOOR_PAGE_2M,      /* as FLOOR_PAGE and FLOOR_MISS, pages of 2 MiB */
	FLOOR_MISS_2M,
	FLOORS,
};
#define NEED(floor) (1u << (floor))

struct test {
	const char *name, *about;
	int nodes;                       /* of a job of its own; at least so many in another */
	bool exactly;                    /* neither more */
	unsigned seconds;                /* that it takes at most, on a machine that is not idle */
	unsigned floors;                 /* NEED() of those that it compares with */
	void (*run)(struct result *out); /* collective */
	bool is_floor;
	enum floor floor; /* which one */
	bool pmd;         /* about pages of 2 MiB */
	const struct kernel *kernel; /* of dsm-bench apps; in place of run */
	struct target target[TARGETS_MAX];
};

extern const struct test tests[];
extern const unsigned n_tests;

/* Among the kernels, or among the others. */
const struct test *test_find(const char *name, bool apps);
const struct test *test_of_floor(enum floor floor);
bool test_fits(const struct test *test, int nodes);

/* What has been measured of it; 0 when it could not be. Rank 0 only. */
double floor_value(enum floor floor);

#endif
