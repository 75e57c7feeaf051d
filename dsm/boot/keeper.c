/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread that alone has a boot's connections (keeper.h). */
#include "config.h"

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
#include "dsm/boot/keeper_state.h"

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

/* Losses that the connections have told of. A rank has two at most: cut off, then dead. */
static void note_losses(struct keeper *k)
{
	struct loss loss;
	int n = 0;

	pthread_mutex_lock(&k->lock);
	while (k->n_losses < 2 * k->base.size &&
	       k->inner->ops->lost(k->inner, &loss.rank, &loss.sure)) {
		k->losses[k->n_losses++] = loss;
		n++;
	}
	pthread_mutex_unlock(&k->lock);
	if (n)
		ring(k->lost_fd);
}

/* Whether the job has ended; told once. */
static int look(struct keeper *k)
{
	char why[sizeof k->why] = "";
	int code = k->inner->ops->ended(k->inner, why, sizeof why);

	note_losses(k);
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
	int outcome = go_apart(k->all, k->n_fds + 3);

	say_apart(k, outcome);
	while (outcome == 1) {
		poll(p, 2, -1);
		if (obey(k))
			break;
		note_losses(k); /* of which a round may have heard */
		if (p[1].fd >= 0 && look(k))
			p[1].fd = -1;
	}
	return NULL;
}

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
	k->wake_fd = k->news_fd = k->lost_fd = -1;
	k->fds = calloc(max, sizeof *k->fds);
	k->all = calloc(max + 3, sizeof *k->all);
	k->losses = calloc(2 * (size_t)inner->size, sizeof *k->losses);
	if (!k->fds || !k->all || !k->losses)
		goto err_free;
	k->n_fds = inner->ops->descriptors(inner, k->fds, max);
	if (k->n_fds == 0)
		goto err_free;
	k->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->lost_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->wake_fd < 0 || k->news_fd < 0 || k->lost_fd < 0)
		goto err_free;
	memcpy(k->all, k->fds, k->n_fds * sizeof *k->all);
	k->all[k->n_fds] = k->wake_fd;
	k->all[k->n_fds + 1] = k->news_fd;
	k->all[k->n_fds + 2] = k->lost_fd;
	qsort(k->all, k->n_fds + 3, sizeof *k->all, compare);
	if (keeper_start(k))
		goto err_free;
	give_away(k);
	return &k->base;

err_free:
	keeper_free(k);
	return inner;
}
