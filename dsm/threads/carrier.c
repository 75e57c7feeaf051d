/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libc's threads that the program's run on, and their private stacks. These lie where no other node
 * has any: libc knows threads by the address of what is at the end of their stack, and writes it into
 * what they have locked, FILEs say, which are shared.
 *
 * One is used again when its last thread has ended, which pthread_join tells.
 */
#include <errno.h>
#include <sys/mman.h>

#include "dsm/threads/threads.h"

#define BYTES ((size_t)256 << 10)
#define FIRST ((uintptr_t)0x100000000000) /* of node 0; see dsm/memory/region_address.c for what else is where */
#define NODE_BYTES ((uintptr_t)1 << 36)

struct carrier {
	struct carrier *next; /* in ended */
	pthread_t thread;
	void *(*fn)(void *);
	void *arg;
	char *stack;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards: */
static struct carrier *ended;
static uintptr_t used; /* bytes from this node's first */

static TLS struct carrier *self;

/* Its descriptor is at the low end, above the page that nobody may touch. */
static struct carrier *make(void)
{
	struct carrier *c;
	uintptr_t at;
	char *got;

	pthread_mutex_lock(&lock);
	at = FIRST + here.rank * NODE_BYTES + used;
	used += BYTES;
	pthread_mutex_unlock(&lock);
	got = NEXT(mmap)((void *)at, BYTES, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | MAP_FIXED_NOREPLACE, -1, 0);
	if (got == MAP_FAILED)
		return NULL;
	if ((uintptr_t)got != at)
		threads_die("there is something else where stacks go, at %#lx", (unsigned long)at);
	NEXT(mprotect)(got, PAGE, PROT_NONE);
	c = (struct carrier *)(got + PAGE);
	c->stack = got + 2 * PAGE;
	return c;
}

static struct carrier *take(void)
{
	struct carrier *c;

	pthread_mutex_lock(&lock);
	c = ended;
	if (c)
		ended = c->next;
	pthread_mutex_unlock(&lock);
	if (!c)
		return make();
	NEXT(pthread_join)(c->thread, NULL); /* it is about to end */
	return c;
}

static void give(struct carrier *c)
{
	pthread_mutex_lock(&lock);
	c->next = ended;
	ended = c;
	pthread_mutex_unlock(&lock);
}

static void *carry(void *arg)
{
	self = arg;
	self->thread = NEXT(pthread_self)();
	return self->fn(self->arg);
}

int carrier_start(void *(*fn)(void *), void *arg)
{
	struct carrier *c = take();
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	if (!c)
		return EAGAIN;
	c->fn = fn;
	c->arg = arg;
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, c->stack, BYTES - 2 * PAGE);
	rc = NEXT(pthread_create)(&thread, &attr, carry, c);
	pthread_attr_destroy(&attr);
	return rc; /* c stays unused then, which is rare enough */
}

void carrier_ends(void)
{
	give(self);
}
