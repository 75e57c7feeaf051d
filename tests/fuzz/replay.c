/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzzer without libFuzzer: FUZZER [-n COUNT] [-s SEED] [FILE or DIRECTORY]...
 * Each file is one input. Then COUNT inputs follow that are drawn from the seed, half
 * of them by changing one of the files. Without a path the corpus of this fuzzer is
 * taken: tests/fuzz/corpus/NAME in $srcdir.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/hang.h"
#include "tests/sim/rng.h"

#define INPUT_MAX 4096
#define FILES_MAX 4096

static struct input {
	uint8_t *data;
	size_t size;
} inputs[FILES_MAX];
static unsigned n_inputs;

static int add_file(const char *path)
{
	uint8_t buf[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	struct input *in = &inputs[n_inputs];

	if (!f || n_inputs == FILES_MAX) {
		fprintf(stderr, "cannot take %s\n", path);
		if (f)
			fclose(f);
		return -1;
	}
	in->size = fread(buf, 1, sizeof buf, f);
	fclose(f);
	in->data = malloc(in->size + 1);
	if (!in->data)
		return -1;
	memcpy(in->data, buf, in->size);
	n_inputs++;
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_path(const char *path)
{
	struct dirent **names;
	struct stat st;
	int n, rc = 0;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return add_file(path);
	n = scandir(path, &names, NULL, by_name);
	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		char file[4096];
		if (names[i]->d_name[0] != '.') {
			snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
			rc |= add_file(file);
		}
		free(names[i]);
	}
	free(names);
	return rc;
}

/* What is being run, so that a crash can be seen again. */
static const uint8_t *running;
static size_t running_size;

static void on_abort(int sig)
{
	int fd = open("crash", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0 && write(fd, running, running_size) == (ssize_t)running_size)
		(void)!write(2, "the input is in ./crash\n", 24);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void run(const uint8_t *data, size_t size)
{
	/* a block of its own size, so that a sanitizer sees a read beyond it */
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		exit(2);
	memcpy(exact, data, size);
	running = exact;
	running_size = size;
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void run_random(struct rng *r)
{
	uint8_t buf[INPUT_MAX];
	size_t size = 1 + rng_below(r, rng_below(r, 2) ? 600 : 80);

	for (size_t i = 0; i < size; i++)
		buf[i] = rng_next(r) >> 56;
	if (n_inputs && rng_below(r, 2)) {
		const struct input *in = &inputs[rng_below(r, n_inputs)];
		unsigned changes = 1 + rng_below(r, 8);
		size = in->size;
		memcpy(buf, in->data, size);
		while (size && changes--)
			buf[rng_below(r, size)] = rng_next(r) >> 56;
	}
	run(buf, size);
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, count = 0;
	char path[4096];
	struct rng r;
	int c;

	alarm(HANG_S * HANG_TIMES);
	signal(SIGABRT, on_abort);
	if (argc == 1)
		count = 20000;
	while ((c = getopt(argc, argv, "n:s:")) != -1) {
		if (c == 'n')
			count = strtoull(optarg, NULL, 0);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	for (int i = optind; i < argc; i++)
		if (add_path(argv[i]) != 0)
			return 2;
	if (optind == argc) {
		const char *dir = getenv("srcdir"), *name = strrchr(argv[0], '/');
		snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", dir ? dir : ".",
		         name ? name + 1 : argv[0]);
		if (add_path(path) != 0) {
			fprintf(stderr, "no corpus: %s\n", path);
			return 2;
		}
	}
	for (unsigned i = 0; i < n_inputs; i++)
		run(inputs[i].data, inputs[i].size);
	rng_seed(&r, seed);
	for (uint64_t i = 0; i < count; i++)
		run_random(&r);
	printf("%u files, %llu inputs drawn from seed %llu: no violation\n", n_inputs,
	       (unsigned long long)count, (unsigned long long)seed);
	for (unsigned i = 0; i < n_inputs; i++)
		free(inputs[i].data);
	return 0;
}
