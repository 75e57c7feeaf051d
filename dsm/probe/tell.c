/* SPDX-License-Identifier: BSD-2-Clause */
/* Telling findings. */
#include "dsm/probe/probe.h"

#include <stdarg.h>
#include <stdio.h>

static void tell(struct probe *p, const char *name, enum dsm_probe_state state,
                 const char *advice, const char *format, va_list args)
{
	char text[512];
	struct dsm_finding finding = {.name = name, .state = state, .text = text, .advice = advice};

	vsnprintf(text, sizeof text, format, args);
	p->fn(p->ctx, &finding);
}

void probe_ok(struct probe *p, const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(p, name, DSM_PROBE_OK, "", format, args);
	va_end(args);
}

void probe_less(struct probe *p, const char *name, const char *advice, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(p, name, DSM_PROBE_LESS, advice, format, args);
	va_end(args);
}

void probe_bad(struct probe *p, int code, const char *name, const char *advice,
               const char *format, ...)
{
	va_list args;

	if (!p->code)
		p->code = code;
	va_start(args, format);
	tell(p, name, DSM_PROBE_BAD, advice, format, args);
	va_end(args);
}
