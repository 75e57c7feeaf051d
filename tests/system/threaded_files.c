/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program whose threads use files of stdio, and memory of mmap, that other threads have made: it says
 * the same alone.
 *
 *	threaded_files FILE
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/system/threaded.h"

#define THREADS 4
#define LINES 200
#define BYTES 300000
#define FILE_BYTES 10000 /* less than there is */

static const char *name;
static FILE *file;

/* --- stdio --- */

static void *read_there(void *unused)
{
	char line[64], *more = NULL;
	size_t room = 0;
	int number;

	CHECK(fgets(line, sizeof line, file) && !strcmp(line, "line 1\n"));
	CHECK(getline(&more, &room, file) == 7 && !strcmp(more, "line 2\n"));
	CHECK(fgetc(file) == 'l' && ungetc('l', file) == 'l' && fscanf(file, "line %d\n", &number) == 1);
	CHECK(number == 3 && ftell(file) == 21);
	CHECK(!fseek(file, 7 * 9, SEEK_SET) && fread(line, 1, 7, file) == 7 && line[5] == '1');
	free(more);
	return NULL;
}

static void *open_there(void *mode)
{
	return fopen(name, mode);
}

static void *write_there(void *arg)
{
	for (int i = 0; i < LINES; i++)
		CHECK(fprintf(file, "thread %ld line %d\n", (long)arg, i) > 0);
	return NULL;
}

static void *print_there(void *text)
{
	fputs(text, stdout);
	return NULL;
}

static void write_by_all(void)
{
	pthread_t thread[THREADS];
	int next[THREADS] = { 0 }, line;
	long t;

	for (long i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, write_there, (void *)i));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	rewind(file);
	for (int i = 0; i < THREADS * LINES; i++) {
		CHECK(fscanf(file, "thread %ld line %d\n", &t, &line) == 2);
		CHECK(t >= 0 && t < THREADS && next[t] == line);
		next[t]++;
	}
	CHECK(fgetc(file) == EOF && !fclose(file));
}

static void try_stdio(void)
{
	CHECK((file = fopen(name, "w+")));
	for (int i = 1; i <= 20; i++)
		fprintf(file, "line %d\n", i);
	rewind(file);
	by_thread(read_there, NULL);
	CHECK(!fclose(file) && (file = by_thread(open_there, "w+")));
	setvbuf(file, NULL, _IOFBF, 300); /* the lock is held while it is written */
	write_by_all();
	by_thread(print_there, "one ");
	print_there("line");
	by_thread(print_there, " by three\n");
}

/* --- memory --- */

static void *map_there(void *unused)
{
	const int fd = open(name, O_RDONLY);
	void *at = mmap(NULL, FILE_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);

	CHECK(at != MAP_FAILED && !close(fd));
	return at;
}

static void *fill_there(void *at)
{
	memset(at, 'f', BYTES);
	return NULL;
}

static void *unmap_there(void *at)
{
	CHECK(!munmap(at, 4096) && !munmap((char *)at + 4096, BYTES - 4096));
	return NULL;
}

static void try_memory(void)
{
	char *at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED && at[0] == 0 && at[BYTES - 1] == 0);
	by_thread(fill_there, at);
	CHECK(at[0] == 'f' && at[BYTES - 1] == 'f');
	CHECK(!madvise(at, 8192, MADV_DONTNEED) && at[8191] == 0 && at[8192] == 'f');
	at = mremap(at, BYTES, 2 * BYTES, MREMAP_MAYMOVE);
	CHECK(at != MAP_FAILED && at[BYTES - 1] == 'f' && at[2 * BYTES - 1] == 0);
	CHECK(mremap(at, 2 * BYTES, BYTES, 0) == at);
	by_thread(unmap_there, at);
	at = by_thread(map_there, NULL);
	CHECK(!strncmp(at, "thread ", 7) && at[FILE_BYTES - 1] && !munmap(at, FILE_BYTES));
	for (int i = 0; i < 200; i++) { /* more than there is room for at a time */
		at = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(at != MAP_FAILED && !at[i * 4096]);
		at[i * 4096] = 1;
		CHECK(!munmap(at, 16 << 20));
	}
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	name = argv[1];
	try_stdio();
	try_memory();
	return 0;
}
