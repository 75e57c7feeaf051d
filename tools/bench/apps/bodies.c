/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * n bodies that attract each other, a step at a time. Members own bodies: each reads where all
 * of them are, and moves its own.
 */
#include <math.h>
#include <stdlib.h>

#include "tools/bench/apps/kernels.h"

#define STEP 1e-3
#define SOFTENING 1e-4 /* squared: two bodies that meet do not fly apart */

struct body {
	double at[3], mass;
};

static void place(const struct team *t, struct body *bodies)
{
	for (size_t i = team_from(t, t->n); i < team_to(t, t->n); i++) {
		for (unsigned k = 0; k < 3; k++)
			bodies[i].at[k] = team_random(4 * i + k);
		bodies[i].mass = (1 + team_random(4 * i + 3)) / (double)t->n;
	}
}

static void accelerate(const struct team *t, const struct body *bodies, double (*speed)[3])
{
	const size_t first = team_from(t, t->n);

	for (size_t i = first; i < team_to(t, t->n); i++) {
		double pull[3] = { 0 };

		for (size_t j = 0; j < t->n; j++) {
			double by[3], square = SOFTENING, force;

			for (unsigned k = 0; k < 3; k++) {
				by[k] = bodies[j].at[k] - bodies[i].at[k];
				square += by[k] * by[k];
			}
			force = bodies[j].mass / (square * sqrt(square));
			for (unsigned k = 0; k < 3; k++)
				pull[k] += force * by[k];
		}
		for (unsigned k = 0; k < 3; k++)
			speed[i - first][k] += STEP * pull[k];
	}
}

static void move(const struct team *t, struct body *bodies, const double (*speed)[3])
{
	const size_t first = team_from(t, t->n);

	for (size_t i = first; i < team_to(t, t->n); i++)
		for (unsigned k = 0; k < 3; k++)
			bodies[i].at[k] += STEP * speed[i - first][k];
}

static void run(struct team *t)
{
	struct body *bodies = team_take(t, t->n * sizeof *bodies);
	double(*speed)[3] = team_private((t->n / t->size + 1) * sizeof *speed);

	place(t, bodies);
	team_barrier(t);
	for (unsigned i = 0; i < t->work; i++) {
		accelerate(t, bodies, speed);
		team_barrier(t);
		move(t, bodies, (const double(*)[3])speed);
		team_barrier(t);
	}
	free(speed);
	t->result = bodies;
	t->result_bytes = t->n * sizeof *bodies;
}

const struct kernel kernel_bodies = { .name = "bodies",
	                              .run = run,
	                              .bytes = 64 << 10,
	                              .full = { .n = 2048, .work = 8 },
	                              .few = { .n = 256, .work = 2 } };
