/* SPDX-License-Identifier: BSD-2-Clause */
/* The directory of a user's jobs. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm/job/jobdir.h"
#include "dsm/job/jobroot.h"

/* A directory that can hold our root: there, and not too long for the sockets in it. */
static int is_base(const char *dir)
{
	struct stat st;

	return dir && dir[0] == '/' && strlen(dir) + sizeof "/dsm-4294967295.9" <= JOBROOT_MAX &&
	       stat(dir, &st) == 0 && S_ISDIR(st.st_mode);
}

/* After su or sudo without - it is still the other user's, where we can make nothing, or, as root,
 * should not. */
static int is_own(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && st.st_uid == geteuid();
}

int jobroot_path(int i, char root[JOBROOT_MAX + 1])
{
	const char *bases[2], *xdg = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");
	int n = 0;

	if (!is_base(tmp))
		tmp = "/tmp";
	if (is_base(xdg) && is_own(xdg) && strcmp(xdg, tmp) != 0)
		bases[n++] = xdg;
	bases[n++] = tmp;
	if (i >= n * JOBROOT_NAMES)
		return 0;
	n = snprintf(root, JOBROOT_MAX + 1, "%s/dsm-%u", bases[i / JOBROOT_NAMES],
	             (unsigned)geteuid());
	if (i % JOBROOT_NAMES)
		snprintf(root + n, (size_t)(JOBROOT_MAX + 1 - n), ".%d", i % JOBROOT_NAMES);
	return 1;
}

static int make_one(const char *root)
{
	int err = jobdir_make(root), fd;

	if (err && err != -EEXIST)
		return err;
	fd = jobdir_open(root);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* In /tmp others can be first to take a name: it must be a directory, and ours. */
int jobroot_make(char root[JOBROOT_MAX + 1])
{
	int first = 0, err;

	for (int i = 0; jobroot_path(i, root); i++) {
		err = make_one(root);
		if (err != -EACCES && err != -ENOTDIR)
			return err; /* nobody else's doing */
		if (!first)
			first = err;
	}
	jobroot_path(0, root);
	return first;
}

void jobroot_leave(const char *dir)
{
	char root[BOOT_DIR_MAX + 1];

	snprintf(root, sizeof root, "%.*s", (int)(strrchr(dir, '/') - dir), dir);
	rmdir(root); /* fails where others are in it */
}

void jobroot_label(const char *text, char label[JOB_LABEL_MAX + 1])
{
	size_t n = 0;

	for (; *text && n < JOB_LABEL_MAX; text++)
		label[n++] = isalnum((unsigned char)*text) || strchr("._+-", *text) ? *text : '_';
	label[n] = '\0';
	if (n == 0 || label[0] == '.')
		label[0] = '_';
}
