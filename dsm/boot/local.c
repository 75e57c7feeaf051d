/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local way of starting: the node's end of the connection to the rendezvous in the
 * job's directory. It stays open as long as the job lives.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "coherence/coh.h"
#include "coherence/wire.h"
#include "dsm/boot/ways.h"

#define WELCOME_MS 10000 /* the starter may be busy starting 63 other nodes */
#define MISSING_MS 2000

struct boot_local {
	struct boot base; /* first */
	int fd;
	pthread_mutex_t lock; /* held during a round; guards all below */
	uint32_t round;
	int broken;                  /* 0, or the code that all further calls return */
	char why[2 * BOOT_TEXT_MAX]; /* with broken */
	struct boot_msg msg;         /* the last packet received */
};

static struct boot_local *local_of(const struct boot *boot)
{
	return (struct boot_local *)boot;
}

static int local_break(struct boot_local *l, int code, const char *text)
{
	l->broken = code;
	snprintf(l->why, sizeof l->why, "%s", text);
	return code;
}

/* 0 when fd is ready, -ETIMEDOUT when the deadline comes first. */
static int local_wait(const struct boot_local *l, short events, int64_t deadline)
{
	struct pollfd p = { .fd = l->fd, .events = events };
	int64_t left;
	int n;

	do {
		left = deadline - boot_now_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n ? 0 : -ETIMEDOUT;
}

static int local_send(struct boot_local *l, const struct boot_msg *msg, int64_t deadline)
{
	int err;

	while ((err = boot_msg_send(l->fd, msg)) == -EAGAIN) {
		err = local_wait(l, POLLOUT, deadline);
		if (err)
			break;
	}
	/* A rendezvous that has closed may have said why: receiving tells. */
	return err == -EPIPE || err == -ECONNRESET ? 0 : err;
}

/* Takes a packet that is there: 0 it is in l->msg, -EAGAIN, or l is broken. */
static int local_take(struct boot_local *l)
{
	char text[BOOT_TEXT_MAX];
	int n = boot_msg_receive(l->fd, &l->msg);

	if (n == -EAGAIN)
		return n;
	if (n == 0)
		return local_break(l, -ECONNRESET, "the job has ended: its starter is gone");
	if (n < 0 && n != -EBADMSG)
		return local_break(l, n, strerror(-n));
	if (n == 1 && l->msg.type == BOOT_END && l->msg.code < 0) {
		boot_msg_text(&l->msg, text, sizeof text);
		return local_break(l, l->msg.code, text);
	}
	if (n == -EBADMSG || l->msg.type == BOOT_END)
		return local_break(l, -EPROTO, "the job's starter is of another version");
	return 0;
}

static int local_receive(struct boot_local *l, int64_t deadline)
{
	int err;

	while ((err = local_take(l)) == -EAGAIN) {
		err = local_wait(l, POLLIN, deadline);
		if (err)
			break;
	}
	return err;
}

static int local_strange(struct boot_local *l)
{
	return local_break(l, -EPROTO, "the job's starter sent what was not expected");
}

/* ---------------------------------------------------------------- allgather -- */

struct gather {
	void *all;
	size_t stride;
	uint32_t *lens;
	uint64_t have; /* a bit for each rank whose blob is here */
	uint64_t want;
};

static int gather_blob(struct boot_local *l, struct gather *g)
{
	const struct boot_msg *m = &l->msg;

	if (m->type != BOOT_BLOB || m->round != l->round || m->rank >= l->base.size)
		return local_strange(l);
	if (g->have >> m->rank & 1)
		return local_strange(l);
	if (m->len > g->stride)
		return local_break(l, -EMSGSIZE, "a node's blob is too long");
	memcpy((char *)g->all + m->rank * g->stride, m->data, m->len);
	g->lens[m->rank] = m->len;
	g->have |= 1ULL << m->rank;
	return 0;
}

static void missing_text(uint64_t missing, char *text, size_t text_len)
{
	size_t n = 0;

	for (int rank = 0; rank < BOOT_LOCAL_MAX && n < text_len; rank++)
		if (missing >> rank & 1)
			n += snprintf(text + n, text_len - n, "%s%d", n ? ", " : "", rank);
}

/* The time is over: asks who is missing. Blobs that come ahead of the answer count. */
static int gather_overdue(struct boot_local *l, struct gather *g, int timeout_ms)
{
	int64_t deadline = boot_now_ms() + MISSING_MS;
	char ranks[BOOT_TEXT_MAX], text[2 * BOOT_TEXT_MAX];
	struct boot_msg ask;
	uint64_t missing;
	int err;

	boot_msg_set(&ask, BOOT_ASK, NULL, 0);
	ask.round = l->round;
	err = local_send(l, &ask, deadline);
	while (!err) {
		err = local_receive(l, deadline);
		if (err)
			break;
		if (l->msg.type == BOOT_MISSING) {
			if (l->msg.len != sizeof missing)
				return local_strange(l);
			if (g->have == g->want)
				return 0;
			memcpy(&missing, l->msg.data, sizeof missing);
			if (!missing)
				continue; /* all have given, the rest is on its way */
			missing_text(missing, ranks, sizeof ranks);
			snprintf(text, sizeof text, "waited %d ms for the nodes with rank %s", timeout_ms,
			         ranks);
			return local_break(l, -ETIMEDOUT, text);
		}
		err = gather_blob(l, g);
	}
	if (err == -ETIMEDOUT)
		return local_break(l, err, "the job's starter does not answer");
	return l->broken ? l->broken : local_break(l, err, strerror(-err));
}

static int gather(struct boot_local *l, const struct boot_msg *give, struct gather *g,
                  int timeout_ms)
{
	int64_t deadline = boot_now_ms() + timeout_ms;
	int err = local_send(l, give, deadline);

	while (!err && g->have != g->want) {
		err = local_receive(l, deadline);
		if (!err)
			err = gather_blob(l, g);
	}
	if (err == -ETIMEDOUT)
		return gather_overdue(l, g, timeout_ms);
	if (err && !l->broken)
		return local_break(l, err, strerror(-err));
	return err;
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
	err = l->broken ? l->broken : gather(l, &give, &g, timeout_ms);
	if (err)
		boot_why(why, why_len, err, "%s", l->why);
	else
		l->round++;
	pthread_mutex_unlock(&l->lock);
	return err;
}

/* ------------------------------------------------------------- open and close -- */

static int local_fd(const struct boot *boot)
{
	return local_of(boot)->fd;
}

static int local_ended(struct boot *boot, char *why, size_t why_len)
{
	struct boot_local *l = local_of(boot);
	int err;

	if (pthread_mutex_trylock(&l->lock))
		return 0; /* what is there belongs to a round, which will see an end too */
	err = l->broken ? l->broken : local_take(l);
	if (!err)
		err = local_strange(l); /* between rounds only END can come */
	if (err == -EAGAIN)
		err = 0;
	else
		boot_why(why, why_len, err, "%s", l->why);
	pthread_mutex_unlock(&l->lock);
	return err;
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
	if (!err && l->msg.type != BOOT_WELCOME)
		err = local_strange(l);
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
