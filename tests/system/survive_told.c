/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node has written to memory that two nodes hold (DSM_KEEP2) stays when a call of those that see to it has
 * returned, also if that call has changed nothing itself:
 *
 *	survive_told FIRST    rank 1 makes the call FIRST of the table, rank 2 the next one, and so on
 *
 * One after the other writes, makes one call on an object in such memory, and kills itself at once: nobody has
 * seen what it wrote. The others find it.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "dsm/dsm_futex.h"
#include "dsm/dsm_survive.h"
#include "dsm/dsm_sync.h"
#include "tests/system/node.h"

#define PAGE 4096
#define WRITTEN 7

/* What one node writes, and what it calls for. */
struct part {
	union {
		_Atomic uint64_t number;
		uint8_t bytes[PAGE];
	} page[2];
	union {
		struct {
			uint64_t word;
			uint32_t futex;
			struct dsm_sync_mutex mutex;
			struct dsm_sync_cond cond;
			struct dsm_sync_sem sem;
		};
		uint8_t bytes[PAGE];
	};
};

static int compare_swap(struct part *p)
{
	return dsm_compare_swap64(node.dsm, &p->word, 5, 6, NULL); /* it is 0 */
}

static int add_nothing(struct part *p)
{
	return dsm_fetch_add64(node.dsm, &p->word, 0, NULL);
}

static int signal_nobody(struct part *p)
{
	return dsm_sync_cond_signal(node.dsm, &p->cond);
}

static int broadcast_to_nobody(struct part *p)
{
	return dsm_sync_cond_broadcast(node.dsm, &p->cond);
}

static int post(struct part *p)
{
	return dsm_sync_sem_post(node.dsm, &p->sem);
}

static int wake_nobody(struct part *p)
{
	return dsm_futex_wake(node.dsm, &p->futex, 1, NULL);
}

static int do_not_wait(struct part *p)
{
	return dsm_futex_wait(node.dsm, &p->futex, 1, -1) == DSM_ERR_CHANGED ? 0 : -1;
}

static int unlock(struct part *p)
{
	return dsm_sync_mutex_unlock(node.dsm, &p->mutex);
}

static const struct {
	const char *name;
	int (*call)(struct part *p);
} calls[] = {
	{"dsm_compare_swap64, which finds another value", compare_swap},
	{"dsm_fetch_add64 of nothing", add_nothing},
	{"dsm_sync_cond_signal to nobody", signal_nobody},
	{"dsm_sync_cond_broadcast to nobody", broadcast_to_nobody},
	{"dsm_sync_sem_post", post},
	{"dsm_futex_wake of nobody", wake_nobody},
	{"dsm_futex_wait for another value", do_not_wait},
	{"dsm_sync_mutex_unlock", unlock},
};
#define CALLS (sizeof calls / sizeof *calls)

_Noreturn static void write_and_die(struct part *p, unsigned call)
{
	OK(dsm_sync_mutex_lock(node.dsm, &p->mutex));
	OK(dsm_secure(node.dsm));
	for (int i = 0; i < 2; i++)
		atomic_store(&p->page[i].number, WRITTEN);
	if (calls[call].call(p))
		node_fail("%s fails", calls[call].name);
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static void look(struct part *p, unsigned call)
{
	for (int i = 0; i < 2; i++) {
		uint64_t number = atomic_load(&p->page[i].number);

		if (number != WRITTEN)
			node_fail("page %d holds %llu, and %s had returned", i, (unsigned long long)number,
			          calls[call].name);
	}
}

int main(int argc, char **argv)
{
	struct dsm_view view = {.number = 1};
	struct part *part;
	unsigned first;

	if (argc != 2)
		return 2;
	first = (unsigned)atoi(argv[1]);
	node_join("survive_told", 30);
	part = node_shared_in("parts", (size_t)node.size * sizeof *part, PAGE, DSM_KEEP2);
	for (int r = 1; r < node.size; r++) {
		const unsigned call = (first + (unsigned)r - 1) % CALLS;

		OK(dsm_barrier(node.dsm));
		if (node.rank == r)
			write_and_die(&part[r], call);
		OK(dsm_wait_view(node.dsm, view.number, -1));
		OK(dsm_view(node.dsm, &view));
		look(&part[r], call);
	}
	OK(dsm_fini(node.dsm));
	return 0;
}
