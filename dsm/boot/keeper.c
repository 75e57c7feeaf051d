/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread that alone has a boot's connections (keeper.h). */
#include "config.h"

#include "dsm/boot/keeper.h"
#include "dsm/boot/ways.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/base/base.h"

/* What the keeper is to do: one of the boot's ops, or nothing (inner is closed already). */
struct order {
	void (*carry_out)(struct boot *inner, void *arg);
	void *arg;
	int last;
};

struct keeper {
	struct boot base; /* first; as inner's, but for the ops */
	struct boot *inner; /* the keeper's */
	pthread_t thread;
	int *fds, n_fds; /* of inner; in the program's table the numbers stay taken */
	int *all;        /* these, wake_fd and news_fd; ascending */
	int wake_fd; /* an order is there */
	int news_fd; /* readable once ended is set */
	pthread_mutex_t turn; /* held by who has given an order, until it is carried out */
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t done;
	const struct order *order; /* NULL: none, or carried out */
	int is_apart; /* the keeper has a table of its own: 1 yes, negative code no, 0 not yet */
	int ended; /* as of boot_ops.ended */
	char why[256];
};

static struct keeper *keeper_of(const struct boot *boot)
{
	return (struct keeper *)boot;
}

static void ring(int fd)
{
	const uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof one);

	(void)n; /* when it is full it is readable, too */
}

/* ------------------------------------------------------------------ the thread -- */

/* Leaves the program's table, and takes these along, alone. What is above them is not even
 * copied. */
static int go_apart(const int *fds, int n)
{
	int fd = 0;

	if (syscall(SYS_close_range, fds[n - 1] + 1, ~0u, CLOSE_RANGE_UNSHARE))
		return -errno;
	for (int i = 0; i < n; i++) {
		if (fds[i] > fd)
			syscall(SYS_close_range, fd, fds[i] - 1, 0);
		fd = fds[i] + 1;
	}
	/* What some code prints must not go to where a connection is then. */
	while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO)
		;
	if (fd >= 0)
		close(fd);
	return 1;
}

static void say_apart(struct keeper *k, int outcome)
{
	pthread_mutex_lock(&k->lock);
	k->is_apart = outcome;
	pthread_cond_signal(&k->done);
	pthread_mutex_unlock(&k->lock);
}

/* 1 when that was the last order. */
static int obey(struct keeper *k)
{
	const struct order *order;
	uint64_t count;
	int last = 0;

	if (read(k->wake_fd, &count, sizeof count) < 0)
		return 0;
	pthread_mutex_lock(&k->lock);
	order = k->order;
	pthread_mutex_unlock(&k->lock);
	if (!order)
		return 0;
	last = order->last;
	if (order->carry_out)
		order->carry_out(k->inner, order->arg);
	pthread_mutex_lock(&k->lock);
	k->order = NULL;
	pthread_cond_signal(&k->done);
	pthread_mutex_unlock(&k->lock);
	return last;
}

/* Whether the job has ended; told once. */
static int look(struct keeper *k)
{
	char why[sizeof k->why] = "";
	int code = k->inner->ops->ended(k->inner, why, sizeof why);

	if (!code)
		return 0;
	pthread_mutex_lock(&k->lock);
	k->ended = code;
	snprintf(k->why, sizeof k->why, "%s", why);
	pthread_mutex_unlock(&k->lock);
	ring(k->news_fd);
	return 1;
}

static void *keep(void *arg)
{
	struct keeper *k = arg;
	struct pollfd p[] = { { .fd = k->wake_fd, .events = POLLIN },
		              { .fd = k->inner->ops->fd(k->inner), .events = POLLIN } };
	int outcome = go_apart(k->all, k->n_fds + 2);

	say_apart(k, outcome);
	while (outcome == 1) {
		poll(p, 2, -1);
		if (obey(k))
			break;
		if (p[1].fd >= 0 && look(k))
			p[1].fd = -1;
	}
	return NULL;
}

/* ------------------------------------------------------------------------ calls -- */

/* Its turn is the caller's. */
static void carry_out(struct keeper *k, const struct order *order)
{
	pthread_mutex_lock(&k->lock);
	k->order = order;
	ring(k->wake_fd);
	while (k->order)
		pthread_cond_wait(&k->done, &k->lock);
	pthread_mutex_unlock(&k->lock);
	pthread_mutex_unlock(&k->turn);
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

static void do_fail(struct boot *inner, void *arg)
{
	inner->ops->fail(inner, arg, 1);
}

static int keeper_fail(struct boot *boot, const char *why, int wait)
{
	struct keeper *k = keeper_of(boot);

	if (!boot_turn(&k->turn, wait))
		return 1;
	carry_out(k, &(struct order){ do_fail, (void *)why, 0 });
	return 0;
}

static void keeper_free(struct keeper *k)
{
	if (k->wake_fd >= 0)
		close(k->wake_fd);
	if (k->news_fd >= 0)
		close(k->news_fd);
	pthread_cond_destroy(&k->done);
	pthread_mutex_destroy(&k->lock);
	pthread_mutex_destroy(&k->turn);
	free(k->fds);
	free(k->all);
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

static const struct boot_ops keeper_ops = {
	.name = "keeper",
	.allgather = keeper_allgather,
	.fd = keeper_fd,
	.ended = keeper_ended,
	.fail = keeper_fail,
	.descriptors = keeper_descriptors,
	.close = keeper_close,
};

/* ------------------------------------------------------------------------ start -- */

/* The program loses what the keeper has. The numbers are taken by nothing of use: whoever
 * keeps account of descriptors by number, a sanitizer say, would mix them up else. */
static void give_away(const struct keeper *k)
{
	int nothing = open("/", O_PATH | O_CLOEXEC);

	for (int i = 0; i < k->n_fds; i++)
		if (nothing < 0 || syscall(SYS_dup3, nothing, k->fds[i], O_CLOEXEC) < 0)
			break;
	if (nothing >= 0)
		close(nothing);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int keeper_start(struct keeper *k)
{
	int rc = thread_start(&k->thread, 0, keep, k, NULL);

	if (rc)
		return rc;
	pthread_mutex_lock(&k->lock);
	while (!k->is_apart)
		pthread_cond_wait(&k->done, &k->lock);
	rc = k->is_apart;
	pthread_mutex_unlock(&k->lock);
	if (rc < 0)
		pthread_join(k->thread, NULL);
	return rc < 0 ? rc : 0;
}

struct boot *boot_keep(struct boot *inner)
{
	const int max = inner->size + 4;
	struct keeper *k = calloc(1, sizeof *k);

	if (!k)
		return inner;
	k->base = *inner;
	k->base.ops = &keeper_ops;
	k->inner = inner;
	pthread_mutex_init(&k->turn, NULL);
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->done, NULL);
	k->wake_fd = k->news_fd = -1;
	k->fds = calloc(max, sizeof *k->fds);
	k->all = calloc(max + 2, sizeof *k->all);
	if (!k->fds || !k->all)
		goto err_free;
	k->n_fds = inner->ops->descriptors(inner, k->fds, max);
	if (k->n_fds == 0)
		goto err_free;
	k->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->wake_fd < 0 || k->news_fd < 0)
		goto err_free;
	memcpy(k->all, k->fds, k->n_fds * sizeof *k->all);
	k->all[k->n_fds] = k->wake_fd;
	k->all[k->n_fds + 1] = k->news_fd;
	qsort(k->all, k->n_fds + 2, sizeof *k->all, compare);
	if (keeper_start(k))
		goto err_free;
	give_away(k);
	return &k->base;

err_free:
	keeper_free(k);
	return inner;
}
