/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is alive: as long as nobody is lost, all are. */
#include "dsm/members/members.h"

#include <stdio.h>

#include "dsm/boot/boot.h"
#include "dsm/dsm.h"

void members_open(struct members *m, struct boot *boot)
{
	*m = (struct members){.boot = boot};
}

int members_fd(const struct members *m)
{
	return m->boot->ops->fd(m->boot);
}

int members_look(struct members *m, char *why, size_t len)
{
	return m->boot->ops->ended(m->boot, why, len);
}

void members_tell(struct members *m, const char *why)
{
	m->boot->ops->fail(m->boot, why, 1);
}

int members_tell_now(struct members *m)
{
	return m->boot->ops->fail(m->boot, m->why, 0) == 0;
}

int members_declare_lost(struct members *m, const struct log *log, const char *why)
{
	if (m->lost)
		return 0;
	m->lost = DSM_ERR_LOST;
	snprintf(m->why, sizeof m->why, "%s", why);
	log_line(log, DSM_LOG_ERROR, "the job cannot go on: %s", why);
	return 1;
}
