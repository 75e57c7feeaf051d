/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heat in a plate: each round a point becomes the mean of its four neighbours. Threads have bands of
 * rows and wait for each other at a barrier.
 *
 *	stencil [THREADS [SIDE [ROUNDS]]]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int threads = 4, side = 256, rounds = 50;
static double *plate[2];
static pthread_barrier_t barrier;

static void *band(void *arg)
{
	const int n = (int)(long)arg, from = 1 + n * (side - 2) / threads,
	          to = 1 + (n + 1) * (side - 2) / threads;

	for (int round = 0; round < rounds; round++) {
		const double *old = plate[round % 2];
		double *new = plate[1 - round % 2];

		for (int y = from; y < to; y++)
			for (int x = 1; x < side - 1; x++)
				new[y * side + x] = (old[(y - 1) * side + x] + old[(y + 1) * side + x] +
				                     old[y * side + x - 1] + old[y * side + x + 1]) / 4;
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t *thread;
	double sum = 0;

	threads = argc > 1 ? atoi(argv[1]) : threads;
	side = argc > 2 ? atoi(argv[2]) : side;
	rounds = argc > 3 ? atoi(argv[3]) : rounds;
	if (threads < 1 || side < 3 || rounds < 0) {
		fprintf(stderr, "usage: stencil [THREADS [SIDE [ROUNDS]]]\n");
		return 2;
	}
	thread = malloc(threads * sizeof *thread);
	for (int i = 0; i < 2; i++) {
		plate[i] = calloc((size_t)side * side, sizeof(double));
		for (int x = 0; x < side; x++)
			plate[i][x] = 100; /* the upper edge is hot */
	}
	pthread_barrier_init(&barrier, NULL, threads);
	for (long i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, band, (void *)i);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < side * side; i++)
		sum += plate[rounds % 2][i];
	printf("%d x %d points, %d rounds: %.6f\n", side, side, rounds, sum);
	free(plate[0]);
	free(plate[1]);
	free(thread);
	return 0;
}
