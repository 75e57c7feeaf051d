/* SPDX-License-Identifier: BSD-2-Clause */
/* Which engine a node gets. */
#include <errno.h>
#include <string.h>

#include "dsm/trap/trap.h"

/* The better first. */
static const struct trap_ops *const engines[] = { &trap_rwp_ops, &trap_wp_ops };

const struct trap_ops *trap_choose(const char *name, enum trap_delivery delivery, char *why,
                                   size_t len, int *rc)
{
	*rc = -EINVAL;
	for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
		if (strcmp(name, "auto") && strcmp(name, engines[i]->name))
			continue;
		*rc = engines[i]->probe(delivery, why, len);
		if (!*rc)
			return engines[i];
	}
	return NULL;
}
