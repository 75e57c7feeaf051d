/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue of work: main puts lines of text into it, threads take them and count their words. The queue
 * has room for a few; who finds it full, or empty, waits for a condition.
 *
 *	queue [THREADS [LINES]]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 16
#define THREADS_MAX 64

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t filled, emptied;
	char *line[ROOM];
	unsigned put, taken;
	int closed;
} queue = { .mutex = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER,
	    .emptied = PTHREAD_COND_INITIALIZER };

static void put(char *line)
{
	pthread_mutex_lock(&queue.mutex);
	while (queue.put - queue.taken == ROOM)
		pthread_cond_wait(&queue.emptied, &queue.mutex);
	queue.line[queue.put++ % ROOM] = line;
	pthread_cond_signal(&queue.filled);
	pthread_mutex_unlock(&queue.mutex);
}

static void close_queue(void)
{
	pthread_mutex_lock(&queue.mutex);
	queue.closed = 1;
	pthread_cond_broadcast(&queue.filled);
	pthread_mutex_unlock(&queue.mutex);
}

/* NULL: there is nothing more. */
static char *take(void)
{
	char *line = NULL;

	pthread_mutex_lock(&queue.mutex);
	while (queue.put == queue.taken && !queue.closed)
		pthread_cond_wait(&queue.filled, &queue.mutex);
	if (queue.put != queue.taken) {
		line = queue.line[queue.taken++ % ROOM];
		pthread_cond_signal(&queue.emptied);
	}
	pthread_mutex_unlock(&queue.mutex);
	return line;
}

static void *count(void *unused)
{
	long words = 0;
	char *line, *rest;

	while ((line = take())) {
		for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
			words++;
		free(line);
	}
	return (void *)words;
}

int main(int argc, char **argv)
{
	const int threads = argc > 1 ? atoi(argv[1]) : 4, lines = argc > 2 ? atoi(argv[2]) : 500;
	pthread_t thread[THREADS_MAX];
	long words = 0;

	if (threads < 1 || threads > THREADS_MAX) {
		fprintf(stderr, "usage: queue [THREADS [LINES]]\n");
		return 2;
	}
	for (int i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, count, NULL);
	for (int i = 0; i < lines; i++) {
		char text[64] = "";

		for (int k = 0; k <= i % 10; k++)
			strcat(text, "word ");
		put(strdup(text));
	}
	close_queue();
	for (int i = 0; i < threads; i++) {
		void *counted;

		pthread_join(thread[i], &counted);
		words += (long)counted;
	}
	printf("%d lines, %ld words\n", lines, words);
	return 0;
}
