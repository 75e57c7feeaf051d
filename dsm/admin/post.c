/* SPDX-License-Identifier: BSD-2-Clause */
/* The directory for the admin sockets of a job that no dsmctl started. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dsm/admin/post.h"
#include "dsm/base/base.h"
#include "dsm/job/job.h"

#define TRIES 100 /* each lost to a node that left and took the directory with it */

void post_name_new(struct post_name *out)
{
	jobroot_label(program_invocation_short_name, out->label);
	out->id = randombytes_random();
}

/* For those who clean up after nodes that were killed. Nothing depends on it. */
static void note_pid(int dir_fd)
{
	int fd = openat(dir_fd, BOOT_PIDS, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	                0600);

	if (fd < 0)
		return;
	dprintf(fd, "%d\n", (int)getpid());
	close(fd);
}

static int try_open(struct ev_loop *loop, const char *dir, int rank, admin_answer_fn answer,
                    void *ctx, struct admin **out)
{
	char path[BOOT_DIR_MAX + 24];
	int rc = jobdir_make(dir), fd;

	if (rc && rc != -EEXIST)
		return rc;
	fd = jobdir_open(dir);
	if (fd < 0)
		return fd;
	note_pid(fd);
	close(fd);
	snprintf(path, sizeof path, "%s/node-%d.sock", dir, rank);
	return admin_open(loop, path, answer, ctx, out);
}

int post_open(struct ev_loop *loop, const struct post_name *name, int rank, admin_answer_fn answer,
              void *ctx, struct admin **out, char dir[BOOT_DIR_MAX + 1])
{
	char root[JOBROOT_MAX + 1];
	int rc = -ENOENT;

	for (int i = 0; i < TRIES && rc == -ENOENT; i++) {
		rc = jobroot_make(root);
		if (rc)
			continue;
		/* The label came from another node. */
		snprintf(dir, BOOT_DIR_MAX + 1, "%s/%.15s-%08x", root, name->label, name->id);
		rc = strchr(dir + strlen(root) + 1, '/') ? -EINVAL
		                                         : try_open(loop, dir, rank, answer, ctx, out);
	}
	if (rc && *dir)
		post_leave(dir);
	if (rc)
		*dir = 0;
	return rc;
}

/* Whether the process that listens at the other end is about to end: ours may have been the first
 * descriptor that was closed. */
static int is_ending(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) && process_is_ending(peer.pid);
}

/* Removes the socket of a node that was killed. Returns 1 when it was. */
static int bury(const char *dir, const char *name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, dead;

	if (snprintf(to.sun_path, sizeof to.sun_path, "%s/%s", dir, name) >= (int)sizeof to.sun_path)
		return 0;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to))
		dead = errno == ECONNREFUSED;
	else
		dead = fd >= 0 && is_ending(fd);
	if (fd >= 0)
		close(fd);
	return dead && !unlink(to.sun_path);
}

/* Whether dir has nothing but the list of process ids, or what killed nodes left. */
static int is_left(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int left = 1;

	while (d && left && (e = readdir(d)))
		left = e->d_name[0] == '.' || !strcmp(e->d_name, BOOT_PIDS) ||
		       bury(dir, e->d_name);
	if (d)
		closedir(d);
	return d && left;
}

void post_leave(const char *dir)
{
	char pids[BOOT_DIR_MAX + sizeof "/" BOOT_PIDS];

	if (is_left(dir)) {
		snprintf(pids, sizeof pids, "%s/" BOOT_PIDS, dir);
		unlink(pids);
	}
	rmdir(dir); /* fails where others are still in it */
	jobroot_leave(dir);
}
