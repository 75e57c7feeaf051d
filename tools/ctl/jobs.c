/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding job directories. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dsm/job/job.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/query.h"

#define STARTING_S 10 /* a job whose socket is not there after that is dead */

const char *job_name(const char *dir)
{
	const char *slash = strrchr(dir, '/');

	return slash ? slash + 1 : dir;
}

/* 0 when somebody listens at this socket in dir, or has too much to do; or -errno. */
static int knock(const char *dir, const char *name, int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;

	snprintf(addr.sun_path, sizeof addr.sun_path, "%.*s/%.20s", BOOT_DIR_MAX, dir, name);
	if (connect(fd, (struct sockaddr *)&addr, sizeof addr) &&
	    (errno == ECONNREFUSED || errno == ENOENT))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/* How many nodes' sockets are in dir, and whether one of the nodes is there. */
static int nodes_in(const char *dir, int *alive)
{
	char name[24];
	int ranks[QUERY_NODES_MAX], n = query_ranks(dir, ranks);

	*alive = 0;
	for (int i = 0; i < n && !*alive; i++) {
		snprintf(name, sizeof name, "node-%d.sock", ranks[i]);
		*alive = knock(dir, name, SOCK_STREAM) == 0;
	}
	return n;
}

/* A job that no dsmctl started has no socket but its nodes'. */
static enum job_state job_state_of(const char *dir)
{
	struct stat st;
	int alive;

	switch (knock(dir, BOOT_SOCKET, SOCK_SEQPACKET)) {
	case 0: return JOB_RUNNING;
	case -ECONNREFUSED: return JOB_DEAD;
	}
	nodes_in(dir, &alive);
	if (alive)
		return JOB_RUNNING;
	return stat(dir, &st) == 0 && time(NULL) - st.st_mtime < STARTING_S ? JOB_STARTING
	                                                                      : JOB_DEAD;
}

static int list_add(struct job_list *list, const char *root, const char *name)
{
	struct job_entry *jobs = realloc(list->jobs, (list->count + 1) * sizeof *jobs);

	if (!jobs) {
		ctl_error("out of memory");
		return CTL_FAILED;
	}
	list->jobs = jobs;
	snprintf(jobs[list->count].dir, sizeof jobs->dir, "%s%s%s", root, *root ? "/" : "", name);
	jobs[list->count].state = job_state_of(jobs[list->count].dir);
	list->count++;
	return 0;
}

static int list_root(struct job_list *list, const char *root, const char *which)
{
	int fd = jobdir_open(root), err = 0;
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (fd < 0)
		return 0;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return 0;
	}
	while (!err && (e = readdir(d)))
		if (e->d_name[0] != '.' && strlen(e->d_name) <= JOB_NAME_MAX &&
		    (!which || strcmp(which, e->d_name) == 0) &&
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode) && st.st_uid == geteuid())
			err = list_add(list, root, e->d_name);
	closedir(d);
	return err;
}

static int find_directory(const char *dir, struct job_list *out)
{
	struct passwd *owner;
	struct stat st;
	int fd, is_job, alive;

	if (strlen(dir) > BOOT_DIR_MAX || (lstat(dir, &st) && errno != EACCES)) {
		ctl_error("there is no job %s", dir);
		return CTL_FAILED;
	}
	fd = jobdir_open(dir);
	if (fd >= 0) {
		is_job = (fstatat(fd, BOOT_SOCKET, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		          S_ISSOCK(st.st_mode)) || nodes_in(dir, &alive) > 0;
		close(fd);
		/* Any directory of the user's may be named here, and clean removes jobs. */
		if (is_job)
			return list_add(out, "", dir);
		ctl_error("%s is not a job's directory", dir);
		return CTL_FAILED;
	}
	owner = lstat(dir, &st) ? NULL : getpwuid(st.st_uid);
	if (owner && st.st_uid != geteuid())
		ctl_error("the job %s belongs to %s: only that user can look at it", dir, owner->pw_name);
	else if (fd == -EACCES)
		ctl_error("the job %s belongs to another user: only that user can look at it", dir);
	else
		ctl_error("%s: %s", dir, strerror(-fd));
	return CTL_FAILED;
}

static int by_dir(const void *a, const void *b)
{
	return strcmp(((const struct job_entry *)a)->dir, ((const struct job_entry *)b)->dir);
}

int jobs_find(const char *which, struct job_list *out)
{
	char root[JOBROOT_MAX + 1];
	int err = 0;

	memset(out, 0, sizeof *out);
	if (which && strchr(which, '/'))
		return find_directory(which, out);
	for (int i = 0; !err && jobroot_path(i, root); i++)
		err = list_root(out, root, which);
	if (!err && which && out->count == 0) {
		ctl_error("there is no job %s of yours", which);
		err = CTL_FAILED;
	}
	if (err)
		jobs_free(out);
	else if (out->count > 1)
		qsort(out->jobs, out->count, sizeof *out->jobs, by_dir);
	return err;
}

int jobs_of_args(const struct ctl_command *command, int argc, char **argv, struct job_list *out)
{
	if (argc - optind > 1)
		return ctl_usage(command, "one job at most, but there is '%s' too", argv[optind + 1]);
	return jobs_find(argv[optind], out);
}

int jobs_one_of_args(const struct ctl_command *command, int argc, char **argv,
                     char dir[BOOT_DIR_MAX + 1])
{
	const struct job_entry *running = NULL;
	struct job_list jobs;
	int status = jobs_of_args(command, argc, argv, &jobs);

	if (status)
		return status;
	for (size_t i = 0; i < jobs.count; i++) {
		if (jobs.jobs[i].state != JOB_RUNNING)
			continue;
		if (running)
			status = ctl_usage(command, "several of your jobs are running: which one?");
		running = &jobs.jobs[i];
	}
	if (!running) {
		ctl_error(jobs.count ? "the job is not running"
		                     : "none of your jobs is running on this machine");
		status = CTL_FAILED;
	} else {
		memcpy(dir, running->dir, sizeof running->dir);
	}
	jobs_free(&jobs);
	return status;
}

void jobs_free(struct job_list *list)
{
	free(list->jobs);
	memset(list, 0, sizeof *list);
}
