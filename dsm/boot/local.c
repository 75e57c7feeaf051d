/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local way of starting: the node's end of the connection to the rendezvous in the
 * job's directory. It stays open as long as the job lives.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "coherence/wire.h"
#include "dsm/boot/local_state.h"

#define WELCOME_MS 10000 /* the starter may be busy starting 63 other nodes */

static struct boot_local *local_of(const struct boot *boot)
{
	return (struct boot_local *)boot;
}

static int local_allgather(struct boot *boot, const void *mine, size_t len, void *all,
                           size_t stride, uint32_t *lens, int timeout_ms, char *why,
                           size_t why_len)
{
	struct boot_local *l = local_of(boot);
	struct gather g = { .all = all, .stride = stride, .lens = lens };
	struct boot_msg give;
	int err;

	if (len > BOOT_BLOB_MAX || len > stride)
		return boot_why(why, why_len, -EMSGSIZE, "a blob of %zu bytes is too long", len);
	g.want = ~0ULL >> (64 - boot->size);
	boot_msg_set(&give, BOOT_GIVE, mine, len);
	pthread_mutex_lock(&l->lock);
	give.round = l->round;
	err = l->broken ? l->broken : l->lost ? -ECONNRESET : local_gather(l, &give, &g, timeout_ms);
	if (err)
		boot_why(why, why_len, err, "%s", l->broken ? l->why : "a node is lost");
	else
		l->round++;
	pthread_mutex_unlock(&l->lock);
	return err;
}

static int local_fd(const struct boot *boot)
{
	return local_of(boot)->fd;
}

static int local_ended(struct boot *boot, char *why, size_t why_len)
{
	struct boot_local *l = local_of(boot);
	int err;

	if (pthread_mutex_trylock(&l->lock))
		return 1;
	err = l->broken ? l->broken : local_take(l);
	if (!err) /* between rounds only END can come; or what is left of one that a loss ended */
		err = l->lost ? 0 : local_strange(l);
	if (err == -EAGAIN)
		err = 0;
	else
		boot_why(why, why_len, err, "%s", l->why);
	pthread_mutex_unlock(&l->lock);
	return err;
}

static int local_fail(struct boot *boot, const char *why, int wait)
{
	struct boot_local *l = local_of(boot);
	struct boot_msg end;

	if (!boot_turn(&l->lock, wait))
		return 1;
	if (!l->broken) {
		boot_msg_set(&end, BOOT_END, why, strnlen(why, BOOT_TEXT_MAX - 1));
		end.code = -ECONNRESET;
		boot_msg_send(l->fd, &end); /* where that fails, no BYE says as much */
		local_break(l, -ECONNRESET, why);
	}
	pthread_mutex_unlock(&l->lock);
	return 0;
}

/* The starter has been told so, too: it says what happens to a node. */
static void local_survive(struct boot *boot)
{
}

static int local_lost(struct boot *boot, int *rank, int *sure)
{
	struct boot_local *l = local_of(boot);
	uint64_t left;

	if (pthread_mutex_trylock(&l->lock))
		return 0;
	left = l->lost & ~l->lost_told;
	if (left) {
		*rank = __builtin_ctzll(left);
		*sure = 1;
		l->lost_told |= left & -left;
	}
	pthread_mutex_unlock(&l->lock);
	return left != 0;
}

static int local_stop(struct boot *boot, int rank)
{
	struct boot_local *l = local_of(boot);
	struct boot_msg stop;
	int err;

	boot_msg_set(&stop, BOOT_STOP, NULL, 0);
	stop.rank = (uint16_t)rank;
	pthread_mutex_lock(&l->lock);
	err = l->broken ? -ECONNRESET : boot_msg_send(l->fd, &stop);
	pthread_mutex_unlock(&l->lock);
	return err;
}

static int local_descriptors(const struct boot *boot, int *fds, int max)
{
	fds[0] = local_of(boot)->fd;
	return 1;
}

static void local_close(struct boot *boot)
{
	struct boot_local *l = local_of(boot);
	struct boot_msg bye;

	if (l->fd >= 0 && !l->broken) {
		boot_msg_set(&bye, BOOT_BYE, NULL, 0);
		boot_msg_send(l->fd, &bye);
	}
	if (l->fd >= 0)
		close(l->fd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static const struct boot_ops boot_local_ops = {
	.name = "local",
	.allgather = local_allgather,
	.fd = local_fd,
	.ended = local_ended,
	.fail = local_fail,
	.survive = local_survive,
	.lost_fd = local_fd,
	.lost = local_lost,
	.stop = local_stop,
	.descriptors = local_descriptors,
	.close = local_close,
};

/* The directory and whoever listens there must be ours: what comes from it is believed. */
static int local_check_dir(const char *dir, char *why, size_t why_len)
{
	struct stat st;

	if (lstat(dir, &st))
		return errno == ENOENT
		           ? boot_why(why, why_len, -ECONNREFUSED, "there is no job %s", dir)
		           : boot_why(why, why_len, -errno, "DSM_JOB %s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return boot_why(why, why_len, -EINVAL, "DSM_JOB %s is not a directory", dir);
	if (st.st_uid != geteuid())
		return boot_why(why, why_len, -EACCES, "the job %s belongs to user %u", dir,
		                (unsigned)st.st_uid);
	return 0;
}

static int local_connect(struct boot_local *l, char *why, size_t why_len)
{
	const struct timeval limit = { .tv_sec = WELCOME_MS / 1000 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ucred cred;
	socklen_t cred_len = sizeof cred;
	int err;

	l->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return boot_why(why, why_len, -errno, "socket: %s", strerror(errno));
	/* Bounds connect() when the rendezvous does not accept. */
	setsockopt(l->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	snprintf(addr.sun_path, sizeof addr.sun_path, "%.*s/%s", BOOT_DIR_MAX,
	         l->base.runtime_dir, BOOT_SOCKET);
	while (connect(l->fd, (struct sockaddr *)&addr, sizeof addr)) {
		err = errno;
		if (err == EINTR)
			continue;
		if (err == EAGAIN)
			return boot_why(why, why_len, -ETIMEDOUT, "the job's starter does not answer");
		return boot_why(why, why_len, -ECONNREFUSED, "the job %s has ended: %s",
		                l->base.runtime_dir, strerror(err));
	}
	if (getsockopt(l->fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len))
		return boot_why(why, why_len, -errno, "SO_PEERCRED: %s", strerror(errno));
	if (cred.uid != geteuid())
		return boot_why(why, why_len, -EACCES, "the job's starter runs as user %u",
		                (unsigned)cred.uid);
	return 0;
}

static int local_hello(struct boot_local *l, char *why, size_t why_len)
{
	struct boot_hello hello = {
		.protocol = COH_WIRE_VERSION,
		.size = l->base.size,
		.version = PACKAGE_VERSION,
	};
	int64_t deadline = boot_now_ms() + WELCOME_MS;
	struct boot_msg msg;
	int err;

	boot_msg_set(&msg, BOOT_HELLO, &hello, sizeof hello);
	msg.rank = l->base.rank;
	err = local_send(l, &msg, deadline);
	if (!err)
		err = local_receive(l, deadline);
	if (!err && (l->msg.type != BOOT_WELCOME || l->msg.len != sizeof l->base.secret))
		err = local_strange(l);
	if (!err)
		memcpy(l->base.secret, l->msg.data, sizeof l->base.secret);
	if (l->broken)
		return boot_why(why, why_len, err, "%s", l->why);
	if (err == -ETIMEDOUT)
		return boot_why(why, why_len, err, "the job's starter does not answer");
	return err ? boot_why(why, why_len, err, "%s", strerror(-err)) : 0;
}

int boot_local_open(const char *dir, int rank, int size, struct boot **out, char *why,
                    size_t why_len)
{
	struct boot_local *l = calloc(1, sizeof *l);
	const char *name = strrchr(dir, '/');
	int err;

	if (!l)
		return boot_why(why, why_len, -ENOMEM, "out of memory");
	assert(strlen(dir) <= BOOT_DIR_MAX && name);
	l->fd = -1;
	pthread_mutex_init(&l->lock, NULL);
	l->base.ops = &boot_local_ops;
	l->base.rank = rank;
	l->base.size = size;
	l->base.has_starter = 1;
	l->base.one_machine = 1;
	l->base.nodes_here = size;
	snprintf(l->base.runtime_dir, sizeof l->base.runtime_dir, "%s", dir);
	snprintf(l->base.job, sizeof l->base.job, "%.31s", name + 1);
	err = local_check_dir(dir, why, why_len);
	if (!err)
		err = local_connect(l, why, why_len);
	if (!err)
		err = local_hello(l, why, why_len);
	if (err) {
		local_close(&l->base);
		return err;
	}
	*out = &l->base;
	return 0;
}
