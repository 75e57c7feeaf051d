/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measured figures, in repetitions. A repetition has many samples (times of single
 * operations) or one (a rate). The summary is the median of the repetitions' medians, and
 * the 99th percentile of all samples: of 100 samples 99 are as good or better.
 */
#ifndef SERIES_H
#define SERIES_H

#include <stddef.h>

struct series {
	double *sample;
	size_t n, cap;
	double *median; /* of each repetition that has ended */
	unsigned reps, reps_max;
	size_t rep_start;
};

enum series_order { SERIES_LESS_IS_BETTER, SERIES_MORE_IS_BETTER };

/* Room for so many repetitions with so many samples each. Ends the node when there is no
 * memory. */
void series_open(struct series *s, unsigned reps, size_t samples);
void series_close(struct series *s);
void series_add(struct series *s, double sample);
/* Ends a repetition, which has samples. */
void series_rep(struct series *s);
/* A repetition of this one sample. */
void series_rep_one(struct series *s, double sample);
/* Both 0 without a repetition. */
void series_summary(struct series *s, enum series_order order, double *value, double *p99);

#endif
