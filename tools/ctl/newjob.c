/* SPDX-License-Identifier: BSD-2-Clause */
/* Making a job's directory. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dsm/job/job.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/jobs.h"

static int root_make(char root[JOBROOT_MAX + 1])
{
	int err = jobroot_make(root);

	if (err && err != -ENOENT)
		ctl_error(err == -EACCES
		                  ? "%s belongs to somebody else, or others can write to it, and so "
		                    "with its other names: name another directory by TMPDIR"
		                  : "cannot make %s: %s", root, strerror(-err));
	return err;
}

int jobs_create(const char *label, int nodes, char dir[BOOT_DIR_MAX + 1], struct rendezvous **out)
{
	char root[JOBROOT_MAX + 1], clean[JOB_LABEL_MAX + 1];
	int err = 0;

	jobroot_label(label, clean);
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
