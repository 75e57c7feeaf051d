/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that looks whether it is to save itself, for checkpoint_wanted.sh:
 *
 *	wanted asks STOP [background]
 *	                      and does so; to the directory "own" where nobody has said which
 *	wanted ignores STOP   and does not
 *	wanted computes STOP  it never looks
 *
 * until the file STOP is there. All nodes hear the same in each turn. Where WANTED_HOLD names a FIFO,
 * saving is held open where the library makes the file of a node's pages, until somebody has written
 * a byte to it for each node; NAME.RANK says that it is there.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/dsm_checkpoint.h"
#include "dsm/dsm_coll.h"
#include "tests/system/node.h"

#define FILLED (64u << 10)

static unsigned flags;
static int holding;

static void hold_open(const char *fifo)
{
	char name[256], byte;
	const int fd = open(fifo, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return; /* no more */
	snprintf(name, sizeof name, "%s.%d", fifo, node.rank);
	__atomic_store_n(&holding, 1, __ATOMIC_RELEASE);
	CHECK(close(open(name, O_WRONLY | O_CREAT, 0600)) == 0);
	CHECK(read(fd, &byte, 1) == 1);
	__atomic_store_n(&holding, 0, __ATOMIC_RELEASE);
	close(fd);
}

/* What the library calls, where this is to be seen. */
__attribute__((visibility("default"))) int openat(int dir, const char *name, int how, ...)
{
	int (*next)(int, const char *, int, ...) =
		(int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
	const char *fifo = getenv("WANTED_HOLD");
	const size_t len = strlen(name);
	mode_t mode = 0;
	va_list args;

	va_start(args, how);
	if (how & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	if (fifo && how & O_CREAT && len > 5 && !strcmp(name + len - 5, ".data"))
		hold_open(fifo);
	return next(dir, name, how, mode);
}

static void save(const char *dir, uint64_t turn)
{
	struct dsm_checkpoint_args a = DSM_CHECKPOINT_ARGS_INIT;
	int rc;

	a.dir = dir;
	a.flags = flags;
	a.private_data = &turn;
	a.private_bytes = sizeof turn;
	rc = dsm_checkpoint(node.dsm, &a);
	if (node.rank == 0)
		printf("%s %s\n", rc ? "cannot save to" : "saved to", dir);
	fflush(stdout);
}

/* One turn; whether it was told to save itself. */
static int look(const char *stop, int asks, const char **dir, int32_t *ends)
{
	int32_t all[2];
	int wanted = asks ? dsm_checkpoint_wanted(node.dsm, dir) : 0;

	CHECK(wanted >= 0);
	CHECK(!wanted || !__atomic_load_n(&holding, __ATOMIC_ACQUIRE)); /* one at a time */
	all[0] = wanted;
	all[1] = -wanted;
	OK(dsm_reduce(node.dsm, all, 2, DSM_INT32, DSM_MAX));
	CHECK(all[0] == -all[1]);
	*ends = node.rank == 0 && access(stop, F_OK) == 0;
	OK(dsm_broadcast(node.dsm, ends, sizeof *ends, 0));
	return wanted;
}

int main(int argc, char **argv)
{
	const char *dir;
	int32_t ends = 0;
	int asks, saves;
	uint8_t *filled;

	node_join("wanted", 60);
	CHECK(argc == 3 || (argc == 4 && !strcmp(argv[3], "background")));
	flags = argc == 4 ? DSM_CHECKPOINT_BACKGROUND : 0;
	OK(dsm_shared(node.dsm, "filled", FILLED, 0, (void **)&filled));
	if (node.rank == node.size - 1)
		memset(filled, 7, FILLED);
	asks = strcmp(argv[1], "computes") != 0;
	saves = strcmp(argv[1], "ignores") != 0;
	EXPECT(DSM_ERR_INVAL, dsm_checkpoint_wanted(node.dsm, NULL));
	node_barrier();
	if (node.rank == 0)
		printf("begins\n");
	fflush(stdout);
	for (uint64_t turn = 1; !ends; turn++) {
		dir = "own";
		if (look(argv[2], asks, &dir, &ends) && saves)
			save(dir, turn);
	}
	node_leave();
	return 0;
}
