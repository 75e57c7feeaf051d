/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dlopen: what node 0 loads all nodes load, at the same addresses, which the loader is given here when it
 * maps an object (calls.c); then its variables are shared as the others' are, with what node 0 has in
 * them. Constructors of the object run on all nodes, but what they have made elsewhere is not used.
 * Where that cannot be, it is said. Nothing is unloaded again.
 *
 * What the loader keeps of an object is each process's own, and so what it allocates.
 */
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/dsm_place.h"
#include "dsm/threads/threads.h"

#define FIRST ((uintptr_t)0x180000000000) /* above the stacks of carrier.c */
#define OBJECTS_MAX 64

struct loaded {
	uintptr_t address;
	struct range range;
	void *block; /* in the region */
};

/* On the program's stack. */
struct load {
	char path[PATH_MAX];
	int mode;
	uintptr_t at;
	unsigned n;
	struct loaded object[OBJECTS_MAX];
	int result;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of node 0: guards: */
static uintptr_t next = FIRST;

/* --- on each node --- */

struct look {
	uintptr_t address[512];
	unsigned n;
};

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct look *l = arg;

	if (l->n < sizeof l->address / sizeof *l->address)
		l->address[l->n++] = info->dlpi_addr;
	return 0;
}

static bool has(const struct look *l, uintptr_t address)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->address[i] == address)
			return true;
	return false;
}

/* A thread of its own, for its calls are seen. */
static void *load(void *arg)
{
	struct load *l = arg;
	struct look now = { .n = 0 };

	catch_thread();
	load_at = l->at;
	catch_on();
	l->result = NEXT(dlopen)(l->path, l->mode) ? 0 : -1;
	catch_off();
	dl_iterate_phdr(look, &now);
	for (unsigned i = 0; i < l->n; i++)
		if (!has(&now, l->object[i].address))
			l->result = -1;
	return NULL;
}

static long load_there(const long arg[6])
{
	struct load own = *(struct load *)arg[0];
	pthread_t thread;

	if (NEXT(pthread_create)(&thread, NULL, load, &own))
		return -1;
	NEXT(pthread_join)(thread, NULL);
	return own.result;
}

static long share(const long arg[6])
{
	const struct load *l = (const struct load *)arg[0];

	for (unsigned i = 0; i < l->n; i++) {
		const struct range *r = &l->object[i].range;

		if (!r->bytes)
			continue;
		if (dsm_place(here.dsm, l->object[i].block, r->bytes, (void *)r->start))
			return -1;
		here.range[here.ranges] = *r;
		/* Release: who counts it finds it. */
		__atomic_store_n(&here.ranges, here.ranges + 1, __ATOMIC_RELEASE);
	}
	return 0;
}

/* --- node 0 --- */

struct gather {
	const struct look *before;
	struct load *load;
	bool wrong;
};

static int gather(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct gather *g = arg;
	struct loaded *o = &g->load->object[g->load->n];

	if (has(g->before, info->dlpi_addr))
		return 0;
	if (g->load->n == OBJECTS_MAX) {
		g->wrong = true;
		return 1;
	}
	g->load->n++;
	*o = (struct loaded){ .address = info->dlpi_addr };
	if (globals_of(info, &o->range))
		o->range.bytes = 0;
	return 0;
}

/* With what is there now. */
static bool copy(struct load *l)
{
	unsigned ranges = here.ranges;

	for (unsigned i = 0; i < l->n; i++) {
		const struct range *r = &l->object[i].range;

		if (!r->bytes)
			continue;
		if (++ranges > RANGES_MAX || dsm_alloc(here.dsm, r->bytes, EXTENT, 0, &l->object[i].block))
			return false;
		memcpy(l->object[i].block, (void *)r->start, r->bytes);
	}
	return true;
}

static bool on_all(struct load *l)
{
	const long arg[6] = { (long)l };

	for (int node = 1; node < here.size; node++)
		if (errand_call(node, load_there, (long)l, 0, 0))
			return false;
	if (!copy(l))
		return false;
	for (int node = 1; node < here.size; node++)
		if (errand_call(node, share, (long)l, 0, 0))
			return false;
	return share(arg) == 0;
}

static void *load_here(const char *file, int mode)
{
	struct look before = { .n = 0 };
	struct load l = { .mode = mode, .at = next };
	struct gather g = { &before, &l, false };
	struct link_map *object;
	char line[200];

	dl_iterate_phdr(look, &before);
	load_at = next;
	loading = true;
	object = NEXT(dlopen)(file, mode);
	loading = false;
	next = load_at;
	load_at = 0;
	if (!object)
		return NULL;
	dl_iterate_phdr(gather, &g);
	if (g.wrong || !realpath(object->l_name, l.path) || !on_all(&l)) {
		snprintf(line, sizeof line, "dlopen: %s is there for threads of this node only: one "
		                            "elsewhere that calls it fails", file);
		threads_say(line);
	}
	return object;
}

EXPORT void *dlopen(const char *file, int mode)
{
	void *object;

	if (here.size > 1 && is_program() && here.rank) {
		threads_say("dlopen by a thread elsewhere is refused");
		return NULL;
	}
	if (here.size > 1 && is_program() && file && !loading) {
		pthread_mutex_lock(&lock);
		loading = true;
		object = NEXT(dlopen)(file, (mode & ~RTLD_GLOBAL) | RTLD_NOLOAD);
		loading = false;
		if (!object && !(mode & RTLD_NOLOAD))
			object = load_here(file, mode);
		else if (object && mode & RTLD_GLOBAL)
			object = NEXT(dlopen)(file, mode);
		pthread_mutex_unlock(&lock);
		return object;
	}
	private_depth++;
	object = NEXT(dlopen)(file, mode);
	private_depth--;
	return object;
}

EXPORT int dlclose(void *object)
{
	return here.size > 1 && is_program() ? 0 : NEXT(dlclose)(object);
}
