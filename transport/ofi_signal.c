/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the application's signal handlers: opening an endpoint of the shm provider
 * replaces some, and a library that Debian's libfabric pulls in takes several when it
 * is loaded, long before we run. The latter are told by where they lie: what the
 * application had before is unknown then, and the default is right.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "transport/ofi_impl.h"

static const int ofi_signal[OFI_SIGNALS] = {SIGINT, SIGTERM, SIGBUS, SIGSEGV, SIGABRT, SIGILL};
static const char *const ofi_signal_takers[] = {"libinfinipath", "libpsm", "libfabric"};

static int ofi_signal_is_foreign(const struct sigaction *action)
{
	void *handler;
	Dl_info where;
	size_t i;

	if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN)
		return 0;
	memcpy(&handler, &action->sa_handler, sizeof(handler));
	if (!dladdr(handler, &where) || !where.dli_fname)
		return 0;
	for (i = 0; i < sizeof(ofi_signal_takers) / sizeof(*ofi_signal_takers); i++)
		if (strstr(where.dli_fname, ofi_signal_takers[i]))
			return 1;
	return 0;
}

void ofi_signals_save(struct ofi_signals *out)
{
	size_t i;

	for (i = 0; i < OFI_SIGNALS; i++) {
		struct sigaction *action = &out->action[i];

		if (sigaction(ofi_signal[i], NULL, action) || ofi_signal_is_foreign(action)) {
			memset(action, 0, sizeof(*action));
			action->sa_handler = SIG_DFL;
		}
	}
}

void ofi_signals_restore(const struct ofi_signals *saved)
{
	size_t i;

	for (i = 0; i < OFI_SIGNALS; i++)
		sigaction(ofi_signal[i], &saved->action[i], NULL);
}
