/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Destructors of thread-local objects of C++. They are the program's, so they are called on its stack,
 * where its calls are seen; libc would call them on the thread's private one.
 */
#include <stdlib.h>

#include "dsm/threads/threads.h"

struct local {
	struct local *next;
	void (*destroy)(void *);
	void *object;
};

static TLS struct local *locals; /* the last one first */

int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *dso);

EXPORT int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *dso)
{
	struct local *l;

	if (!mine || mine == here.world->main || !is_program())
		return NEXT(__cxa_thread_atexit_impl)(destroy, object, dso);
	l = malloc(sizeof *l);
	if (!l)
		threads_die("no memory for a thread-local object");
	*l = (struct local){ locals, destroy, object };
	locals = l;
	return 0;
}

void locals_end(void)
{
	while (locals) {
		struct local *l = locals;

		locals = l->next;
		l->destroy(l->object);
		free(l);
	}
}
