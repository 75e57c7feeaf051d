/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding and making job directories. */
#include "config.h"

#include <ctype.h>
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

#include "dsm/boot/jobdir.h"
#include "dsm/boot/rendezvous.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/jobs.h"

#define ROOT_MAX (BOOT_DIR_MAX - 1 - JOB_NAME_MAX)
#define LABEL_MAX 15
#define STARTING_S 10 /* a job whose socket is not there after that is dead */

const char *job_name(const char *dir)
{
	const char *slash = strrchr(dir, '/');

	return slash ? slash + 1 : dir;
}

/* A directory that can hold our root: there, and not too long for the sockets in it. */
static int is_base(const char *dir)
{
	struct stat st;

	return dir && dir[0] == '/' && strlen(dir) + sizeof "/dsm-4294967295" <= ROOT_MAX &&
	       stat(dir, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Root number i, or 0 when there is none (any more). The first is where jobs are made. */
static int root_path(int i, char root[ROOT_MAX + 1])
{
	const char *bases[2], *xdg = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");
	int n = 0;

	if (!is_base(tmp))
		tmp = "/tmp";
	if (is_base(xdg) && strcmp(xdg, tmp) != 0)
		bases[n++] = xdg;
	bases[n++] = tmp;
	if (i >= n)
		return 0;
	snprintf(root, ROOT_MAX + 1, "%s/dsm-%u", bases[i], (unsigned)geteuid());
	return 1;
}

/* ----------------------------------------------------------------------- making -- */

/* In /tmp others can be first to take the name: it must be a directory, and ours. */
static int root_make(char root[ROOT_MAX + 1])
{
	int err, fd;

	root_path(0, root);
	err = jobdir_make(root);
	if (err && err != -EEXIST) {
		ctl_error("cannot make %s: %s", root, strerror(-err));
		return err;
	}
	fd = jobdir_open(root);
	if (fd == -ENOENT)
		return fd; /* the last job has just taken it away */
	if (fd < 0) {
		ctl_error("%s: %s", root,
		          fd == -EACCES ? "belongs to somebody else, or others can write to it"
		                        : strerror(-fd));
		return fd;
	}
	close(fd);
	return 0;
}

static void label_clean(const char *label, char out[LABEL_MAX + 1])
{
	size_t n = 0;

	for (; *label && n < LABEL_MAX; label++)
		out[n++] = isalnum((unsigned char)*label) || strchr("._+-", *label) ? *label : '_';
	out[n] = '\0';
	if (n == 0 || out[0] == '.')
		out[0] = '_';
}

int jobs_create(const char *label, int nodes, char dir[BOOT_DIR_MAX + 1], struct rendezvous **out)
{
	char root[ROOT_MAX + 1], clean[LABEL_MAX + 1];
	int err = 0;

	label_clean(label, clean);
	/* The number tells jobs apart whose process ids are the same: in other containers
	 * with the same /tmp, or of one that was killed. */
	for (int i = 0; i < 100; i++) {
		err = root_make(root);
		if (err && err != -ENOENT)
			return CTL_FAILED;
		if (!err) {
			if (i == 0)
				snprintf(dir, BOOT_DIR_MAX + 1, "%s/%s-%d", root, clean, (int)getpid());
			else
				snprintf(dir, BOOT_DIR_MAX + 1, "%s/%s-%d.%d", root, clean, (int)getpid(), i);
			err = rendezvous_open(dir, nodes, out);
		}
		if (err != -EEXIST && err != -ENOENT)
			break;
	}
	if (!err)
		return 0;
	ctl_error("cannot make the job's directory in %s: %s", root, strerror(-err));
	return CTL_FAILED;
}

void jobs_remove_root(const char *dir)
{
	char root[BOOT_DIR_MAX + 1];

	snprintf(root, sizeof root, "%.*s", (int)(job_name(dir) - dir - 1), dir);
	rmdir(root); /* unless other jobs are in it */
}

/* ---------------------------------------------------------------------- finding -- */

static enum job_state job_state_of(const char *dir)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	enum job_state state = JOB_RUNNING;
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof addr.sun_path, "%.*s/" BOOT_SOCKET, BOOT_DIR_MAX, dir);
	if (connect(fd, (struct sockaddr *)&addr, sizeof addr)) {
		if (errno == ECONNREFUSED)
			state = JOB_DEAD;
		else if (errno == ENOENT)
			state = stat(dir, &st) == 0 && time(NULL) - st.st_mtime < STARTING_S
			            ? JOB_STARTING
			            : JOB_DEAD;
	}
	if (fd >= 0)
		close(fd);
	return state;
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
	int fd, is_job;

	if (strlen(dir) > BOOT_DIR_MAX || (lstat(dir, &st) && errno != EACCES)) {
		ctl_error("there is no job %s", dir);
		return CTL_FAILED;
	}
	fd = jobdir_open(dir);
	if (fd >= 0) {
		is_job = fstatat(fd, BOOT_SOCKET, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode);
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
	char root[ROOT_MAX + 1];
	int err = 0;

	memset(out, 0, sizeof *out);
	if (which && strchr(which, '/'))
		return find_directory(which, out);
	for (int i = 0; !err && root_path(i, root); i++)
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

void jobs_free(struct job_list *list)
{
	free(list->jobs);
	memset(list, 0, sizeof *list);
}
