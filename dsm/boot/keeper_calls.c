/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of a boot that a keeper has: orders to its thread, and what that has heard. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "dsm/boot/keeper_state.h"
#include "dsm/boot/ways.h"

static struct keeper *keeper_of(const struct boot *boot)
{
	return (struct keeper *)boot;
}

static void do_fail(struct boot *inner, void *arg)
{
	inner->ops->fail(inner, arg, 1);
}

/* Its turn is the caller's; and the lock. */
static void obeyed(struct keeper *k, const struct order *order)
{
	k->order = order;
	ring(k->wake_fd);
	while (k->order)
		pthread_cond_wait(&k->done, &k->lock);
}

/* Its turn is the caller's, who gives it back. Nobody who had it goes on, and perhaps ends the process,
 * before the others know why this node has failed meanwhile. */
static void carry_out(struct keeper *k, const struct order *order)
{
	char why[sizeof k->unsaid];
	int more;

	pthread_mutex_lock(&k->lock);
	obeyed(k, order);
	do {
		while (k->unsaid[0] && !order->last) {
			snprintf(why, sizeof why, "%s", k->unsaid);
			k->unsaid[0] = '\0';
			obeyed(k, &(struct order){ do_fail, why, 0 });
		}
		pthread_mutex_unlock(&k->turn);
		more = k->unsaid[0] && !order->last && pthread_mutex_trylock(&k->turn) == 0;
	} while (more);
	pthread_mutex_unlock(&k->lock);
}

static void give_order(struct keeper *k, const struct order *order)
{
	pthread_mutex_lock(&k->turn);
	carry_out(k, order);
}

struct gather_order {
	const void *mine;
	size_t len, stride, why_len;
	void *all;
	uint32_t *lens;
	int timeout_ms, rc;
	char *why;
};

static void do_gather(struct boot *inner, void *arg)
{
	struct gather_order *o = arg;

	o->rc = inner->ops->allgather(inner, o->mine, o->len, o->all, o->stride, o->lens,
	                              o->timeout_ms, o->why, o->why_len);
}

static int keeper_allgather(struct boot *boot, const void *mine, size_t len, void *all,
                            size_t stride, uint32_t *lens, int timeout_ms, char *why,
                            size_t why_len)
{
	struct gather_order gather = { .mine = mine, .len = len, .all = all, .stride = stride,
		                       .lens = lens, .timeout_ms = timeout_ms, .why = why,
		                       .why_len = why_len };

	give_order(keeper_of(boot), &(struct order){ do_gather, &gather, 0 });
	return gather.rc;
}

static int keeper_fd(const struct boot *boot)
{
	return keeper_of(boot)->news_fd;
}

static int keeper_ended(struct boot *boot, char *why, size_t why_len)
{
	struct keeper *k = keeper_of(boot);
	int code;

	pthread_mutex_lock(&k->lock);
	code = k->ended;
	if (code && why_len)
		snprintf(why, why_len, "%s", k->why);
	pthread_mutex_unlock(&k->lock);
	return code;
}

static int keeper_fail(struct boot *boot, const char *why, int wait)
{
	struct keeper *k = keeper_of(boot);

	if (!boot_turn(&k->turn, wait)) {
		pthread_mutex_lock(&k->lock);
		snprintf(k->unsaid, sizeof k->unsaid, "%s", why);
		pthread_mutex_unlock(&k->lock);
		if (!boot_turn(&k->turn, 0))
			return 1; /* who has it tells */
	}
	carry_out(k, &(struct order){ do_fail, (void *)why, 0 });
	return 0;
}

static void do_survive(struct boot *inner, void *arg)
{
	inner->ops->survive(inner);
}

static void keeper_survive(struct boot *boot)
{
	give_order(keeper_of(boot), &(struct order){ do_survive, NULL, 0 });
}

static int keeper_lost_fd(const struct boot *boot)
{
	return keeper_of(boot)->lost_fd;
}

static int keeper_lost(struct boot *boot, int *rank, int *sure)
{
	struct keeper *k = keeper_of(boot);
	uint64_t count;
	int have;

	pthread_mutex_lock(&k->lock);
	have = k->losses_told < k->n_losses;
	if (have) {
		*rank = k->losses[k->losses_told].rank;
		*sure = k->losses[k->losses_told++].sure;
	} else if (read(k->lost_fd, &count, sizeof count) < 0) {
		; /* nothing was there */
	}
	pthread_mutex_unlock(&k->lock);
	return have;
}

struct stop_order {
	int rank, rc;
};

static void do_stop(struct boot *inner, void *arg)
{
	struct stop_order *o = arg;

	o->rc = inner->ops->stop(inner, o->rank);
}

static int keeper_stop(struct boot *boot, int rank)
{
	struct stop_order stop = { .rank = rank };

	give_order(keeper_of(boot), &(struct order){ do_stop, &stop, 0 });
	return stop.rc;
}

void keeper_free(struct keeper *k)
{
	if (k->wake_fd >= 0)
		close(k->wake_fd);
	if (k->news_fd >= 0)
		close(k->news_fd);
	if (k->lost_fd >= 0)
		close(k->lost_fd);
	pthread_cond_destroy(&k->done);
	pthread_mutex_destroy(&k->lock);
	pthread_mutex_destroy(&k->turn);
	free(k->fds);
	free(k->all);
	free(k->losses);
	free(k);
}

static void do_close(struct boot *inner, void *arg)
{
	inner->ops->close(inner);
}

static void keeper_close(struct boot *boot)
{
	struct keeper *k = keeper_of(boot);

	give_order(k, &(struct order){ do_close, NULL, 1 });
	pthread_join(k->thread, NULL);
	for (int i = 0; i < k->n_fds; i++)
		close(k->fds[i]);
	keeper_free(k);
}

static int keeper_descriptors(const struct boot *boot, int *fds, int max)
{
	return 0; /* none that a child had better not have */
}

const struct boot_ops keeper_ops = {
	.name = "keeper",
	.allgather = keeper_allgather,
	.fd = keeper_fd,
	.ended = keeper_ended,
	.fail = keeper_fail,
	.survive = keeper_survive,
	.lost_fd = keeper_lost_fd,
	.lost = keeper_lost,
	.stop = keeper_stop,
	.descriptors = keeper_descriptors,
	.close = keeper_close,
};
