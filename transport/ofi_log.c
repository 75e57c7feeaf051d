/* SPDX-License-Identifier: BSD-2-Clause */
/* The log of the transport, and libfabric's errors as ours. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "transport/ofi_impl.h"

void ofi_log(const struct ofi *ofi, int level, const char *format, ...)
{
	char text[320];
	va_list args;

	if (!ofi->log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ofi->log(ofi->log_ctx, level, text);
}

int ofi_errno(ssize_t rc)
{
	/* libfabric's own codes start at 256; below they are errno's. */
	if (rc <= -FI_ERRNO_OFFSET)
		return -EIO;
	return rc < 0 ? (int)rc : 0;
}
