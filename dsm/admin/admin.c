/* SPDX-License-Identifier: BSD-2-Clause */
/* A node's admin socket, from its start to its end. */
#include "dsm/admin/admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/admin/answers.h"
#include "dsm/node/node.h"

struct admin_room {
	struct admin *socket;
	char dir[BOOT_DIR_MAX + 1];
};

int admin_start(struct dsm *d, const struct post_name *post)
{
	const char *dir = d->boot->runtime_dir;
	struct admin_room *a = calloc(1, sizeof *a);
	char path[160];
	int rc;

	d->admin = a;
	if (!a)
		return -ENOMEM;
	if (dir[0]) {
		snprintf(a->dir, sizeof a->dir, "%.*s", BOOT_DIR_MAX, dir);
		snprintf(path, sizeof path, "%s/node-%d.sock", dir, d->boot->rank);
		return admin_open(loop_events(d), path, report_answer, d, &a->socket);
	}
	/* Nobody started this job who looks at it; a node does without where it must. */
	rc = post_open(loop_events(d), post, d->boot->rank, report_answer, d, &a->socket, a->dir);
	if (rc)
		log_line(&d->log, DSM_LOG_INFO, "no admin socket, dsmctl will not see this node: %s",
		         strerror(-rc));
	return 0;
}

void admin_stop(struct dsm *d, char left[BOOT_DIR_MAX + 1])
{
	struct admin_room *a = d->admin;

	left[0] = 0;
	pthread_mutex_lock(&d->lock);
	trace_end(&d->trace);
	trace_ring_free(d->trace.ring, d->trace.records);
	d->trace.ring = NULL;
	pthread_mutex_unlock(&d->lock);
	if (!a)
		return;
	admin_close(a->socket);
	if (!d->boot->runtime_dir[0])
		memcpy(left, a->dir, sizeof a->dir);
	d->admin = NULL;
	free(a);
}

void admin_leave(const char *left)
{
	if (*left)
		post_leave(left);
}

const char *admin_dir(const struct dsm *d)
{
	return d->admin->dir;
}
