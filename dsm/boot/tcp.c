/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bootstrap over TCP as the node sees it: the hub's or the member's end behind one ops
 * table. Once all have met they tell each other which machine they are on.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/base/base.h"
#include "dsm/boot/hub.h"
#include "dsm/boot/machine.h"
#include "dsm/boot/member.h"
#include "dsm/boot/tcp.h"
#include "transport/ofi.h"

#define SWEEP_MS 500
#define SPARE_DESCRIPTORS 8

struct boot_tcp {
	struct boot base; /* first */
	struct hub *hub;       /* rank 0 */
	struct member *member; /* the others */
	int *pids;             /* of the nodes, with one_machine */
	pthread_mutex_t lock;  /* held during a round; guards all below */
	uint32_t round;
	int broken;                  /* 0, or the code that all further calls return */
	char why[2 * BOOT_TEXT_MAX]; /* with broken */
};

static struct boot_tcp *tcp_of(const struct boot *boot)
{
	return (struct boot_tcp *)boot;
}

static int tcp_round(struct boot_tcp *t, const void *mine, size_t len, void *all, size_t stride,
                     uint32_t *lens, int timeout_ms)
{
	int err = t->broken;

	if (!err && t->hub)
		err = hub_round(t->hub, t->round, mine, len, all, stride, lens, timeout_ms, t->why,
		                sizeof t->why);
	else if (!err)
		err = member_round(t->member, t->round, mine, len, all, stride, lens, timeout_ms,
		                   t->why, sizeof t->why);
	if (!err)
		t->round++;
	t->broken = err;
	return err;
}

static int tcp_allgather(struct boot *boot, const void *mine, size_t len, void *all,
                         size_t stride, uint32_t *lens, int timeout_ms, char *why, size_t why_len)
{
	struct boot_tcp *t = tcp_of(boot);
	int err;

	if (len > BOOT_BLOB_MAX || len > stride)
		return boot_why(why, why_len, -EMSGSIZE, "a blob of %zu bytes is too long", len);
	pthread_mutex_lock(&t->lock);
	err = tcp_round(t, mine, len, all, stride, lens, timeout_ms);
	if (err)
		boot_why(why, why_len, err, "%s", t->why);
	pthread_mutex_unlock(&t->lock);
	return err;
}

static int tcp_fd(const struct boot *boot)
{
	const struct boot_tcp *t = tcp_of(boot);

	return t->hub ? hub_fd(t->hub) : member_fd(t->member);
}

static int tcp_ended(struct boot *boot, char *why, size_t why_len)
{
	struct boot_tcp *t = tcp_of(boot);
	int err;

	if (pthread_mutex_trylock(&t->lock))
		return 1;
	if (!t->broken && t->hub)
		t->broken = hub_look(t->hub, t->why, sizeof t->why);
	else if (!t->broken)
		t->broken = member_look(t->member, t->why, sizeof t->why);
	err = t->broken;
	if (err)
		boot_why(why, why_len, err, "%s", t->why);
	pthread_mutex_unlock(&t->lock);
	return err;
}

static int tcp_fail(struct boot *boot, const char *why, int wait)
{
	struct boot_tcp *t = tcp_of(boot);

	if (!boot_turn(&t->lock, wait))
		return 1;
	if (!t->broken) {
		if (t->hub)
			hub_fail(t->hub, why);
		else
			member_fail(t->member, why);
		t->broken = -ECONNRESET;
		snprintf(t->why, sizeof t->why, "%s", why);
	}
	pthread_mutex_unlock(&t->lock);
	return 0;
}

static void tcp_survive(struct boot *boot)
{
	struct boot_tcp *t = tcp_of(boot);

	pthread_mutex_lock(&t->lock);
	if (t->hub)
		hub_survive(t->hub);
	else
		member_survive(t->member);
	pthread_mutex_unlock(&t->lock);
}

static int tcp_lost(struct boot *boot, int *rank, int *sure)
{
	struct boot_tcp *t = tcp_of(boot);

	if (pthread_mutex_trylock(&t->lock))
		return 0;
	*sure = 0;
	*rank = t->hub ? hub_lost_next(t->hub) : member_lost(t->member) ? 0 : -1;
	pthread_mutex_unlock(&t->lock);
	return *rank >= 0;
}

static int tcp_stop(struct boot *boot, int rank)
{
	return -ENOTSUP;
}

static int tcp_descriptors(const struct boot *boot, int *fds, int max)
{
	const struct boot_tcp *t = tcp_of(boot);

	return t->hub ? hub_descriptors(t->hub, fds, max) : member_descriptors(t->member, fds, max);
}

/* There is no starter to do it: who is left sweeps behind those that died. A connection is
 * closed a moment before its process has ended, and others end as we do. */
static void tcp_sweep(const struct boot_tcp *t)
{
	int64_t deadline = boot_now_ms() + SWEEP_MS;
	int alive = t->pids ? t->base.size - 1 : 0;

	while (alive) {
		alive = 0;
		for (int rank = 0; rank < t->base.size; rank++)
			if (rank != t->base.rank)
				alive += tr_ofi_sweep(t->pids[rank]) == -EBUSY;
		if (boot_now_ms() >= deadline)
			break;
		poll(NULL, 0, alive ? 10 : 0);
	}
}

static void tcp_close(struct boot *boot)
{
	struct boot_tcp *t = tcp_of(boot);

	hub_close(t->hub, !t->broken);
	member_close(t->member, !t->broken);
	if (t->broken)
		tcp_sweep(t);
	pthread_mutex_destroy(&t->lock);
	free(t->pids);
	free(t);
}

static const struct boot_ops boot_tcp_ops = {
	.name = "tcp",
	.allgather = tcp_allgather,
	.fd = tcp_fd,
	.ended = tcp_ended,
	.fail = tcp_fail,
	.survive = tcp_survive,
	.lost_fd = tcp_fd,
	.lost = tcp_lost,
	.stop = tcp_stop,
	.descriptors = tcp_descriptors,
	.close = tcp_close,
};

/* ---------------------------------------------------------------------- meeting -- */

/* What nodes tell each other of themselves. */
struct card {
	struct machine machine;
	int32_t pid;
	char address[INET6_ADDRSTRLEN]; /* our end of the connection between hub and member */
};

static void tcp_learn(struct boot_tcp *t, const struct card *cards)
{
	const struct card *mine = &cards[t->base.rank];
	const char *address = mine->address;

	t->base.one_machine = 1;
	for (int rank = 0; rank < t->base.size; rank++) {
		t->base.nodes_here += machine_same_kernel(&cards[rank].machine, &mine->machine);
		t->base.one_machine &= machine_same(&cards[rank].machine, &mine->machine);
		if (t->pids)
			t->pids[rank] = cards[rank].pid;
	}
	if (t->base.one_machine)
		return;
	free(t->pids); /* of other machines or containers */
	t->pids = NULL;
	/* Whoever reaches the hub by loopback is reached by the others where the hub is. */
	if (link_is_loopback(address))
		address = cards[0].address;
	snprintf(t->base.bind, sizeof t->base.bind, "%s", address);
}

static int tcp_meet(struct boot_tcp *t, int timeout_ms, char *why, size_t why_len)
{
	struct card mine = { .pid = getpid() }, *cards = calloc(t->base.size, sizeof *cards);
	uint32_t *lens = calloc(t->base.size, sizeof *lens);
	int err;

	t->pids = calloc(t->base.size, sizeof *t->pids);
	machine_get(&mine.machine);
	if (t->hub)
		hub_address(t->hub, mine.address, sizeof mine.address);
	else
		member_address(t->member, mine.address, sizeof mine.address);
	if (cards && lens)
		err = tcp_allgather(&t->base, &mine, sizeof mine, cards, sizeof *cards, lens, timeout_ms,
		                    why, why_len);
	else
		err = boot_why(why, why_len, -ENOMEM, "out of memory");
	if (!err)
		tcp_learn(t, cards);
	free(cards);
	free(lens);
	return err;
}

/* One for each member, and a few more. 0, or -EMFILE and why. */
static int tcp_want(const struct tcp_start *start, char *why, size_t why_len)
{
	unsigned need = descriptors_want((start->rank ? 0 : (unsigned)start->size) + SPARE_DESCRIPTORS);

	return need ? boot_why(why, why_len, -EMFILE, DESCRIPTORS_TOO_FEW "rank %d of %d nodes: "
	                       "raise it to %u, or more", start->rank, start->size, need) : 0;
}

static int tcp_refuse(const struct tcp_start *start, struct boot_tcp *t, int err)
{
	free(t);
	if (start->listener >= 0)
		close(start->listener);
	return err;
}

int boot_tcp_open(const struct tcp_start *start, struct boot **out, char *why, size_t why_len)
{
	struct boot_tcp *t = calloc(1, sizeof *t);
	int err;

	if (!t || link_library_init())
		return tcp_refuse(start, t, boot_why(why, why_len, -ENOMEM,
		                                     "out of memory, or no random numbers"));
	err = tcp_want(start, why, why_len);
	if (err)
		return tcp_refuse(start, t, err);
	pthread_mutex_init(&t->lock, NULL);
	t->base.ops = &boot_tcp_ops;
	t->base.rank = start->rank;
	t->base.size = start->size;
	memcpy(t->base.secret, start->secret, sizeof t->base.secret);
	t->base.unguarded = start->unguarded;
	snprintf(t->base.job, sizeof t->base.job, "%.20s:%s", start->place.host[0],
	         start->place.port);
	if (start->rank == 0) {
		err = hub_open(start, &t->hub);
		if (err)
			boot_why(why, why_len, err, "%s", strerror(-err));
		else
			err = hub_join(t->hub, start->timeout_ms, why, why_len);
	} else {
		err = member_open(start, &t->member, why, why_len);
	}
	if (!err)
		err = tcp_meet(t, start->timeout_ms, why, why_len);
	if (err) {
		t->broken = err;
		tcp_close(&t->base);
		return err;
	}
	*out = &t->base;
	return 0;
}
