/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libev, kept to ourselves. It also exports the calls of libevent, which in a program would
 * take the place of the real ones: MPI and PMIx, which use libevent, would crash. So the
 * library does not link it, but loads it where nobody else sees its names, and these stand
 * for it inside.
 */
#include <dlfcn.h>
#include <ev.h>
#include <pthread.h>

#define CALLS(X) \
	X(void, ev_loop_destroy, (struct ev_loop *l), (l)) \
	X(int, ev_run, (struct ev_loop *l, int flags), (l, flags)) \
	X(void, ev_break, (struct ev_loop *l, int how), (l, how)) \
	X(void, ev_io_start, (struct ev_loop *l, ev_io *w), (l, w)) \
	X(void, ev_io_stop, (struct ev_loop *l, ev_io *w), (l, w)) \
	X(void, ev_timer_start, (struct ev_loop *l, ev_timer *w), (l, w)) \
	X(void, ev_timer_stop, (struct ev_loop *l, ev_timer *w), (l, w)) \
	X(void, ev_timer_again, (struct ev_loop *l, ev_timer *w), (l, w)) \
	X(void, ev_idle_start, (struct ev_loop *l, ev_idle *w), (l, w)) \
	X(void, ev_idle_stop, (struct ev_loop *l, ev_idle *w), (l, w)) \
	X(void, ev_prepare_start, (struct ev_loop *l, ev_prepare *w), (l, w)) \
	X(void, ev_check_start, (struct ev_loop *l, ev_check *w), (l, w))

#define MEMBER(type, name, params, args) type (*name) params;
static struct {
	struct ev_loop *(*ev_loop_new)(unsigned flags); /* NULL: libev is not here */
	CALLS(MEMBER)
} lib;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
	void *handle = dlopen("libev.so.4", RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return;
#define LOOK_UP(type, name, params, args) \
	*(void **)&lib.name = dlsym(handle, #name); \
	if (!lib.name) \
		return;
	CALLS(LOOK_UP)
	*(void **)&lib.ev_loop_new = dlsym(handle, "ev_loop_new");
}

/* Comes before all others. NULL also where libev does not load. */
struct ev_loop *ev_loop_new(unsigned flags)
{
	pthread_once(&once, load);
	return lib.ev_loop_new ? lib.ev_loop_new(flags) : NULL;
}

#define CALL(type, name, params, args) \
	type name params \
	{ \
		return lib.name args; \
	}
CALLS(CALL)
