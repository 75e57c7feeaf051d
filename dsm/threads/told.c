/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the program tells libc, which has variables of its own on each node: all nodes are told. The
 * environment is node 0's, in shared memory; others look there.
 */
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/threads/threads.h"

/* --- the environment --- */

static void look(void)
{
	if (here.rank && is_program() && here.world->environment)
		environ = here.world->environment;
}

static int changed(int result)
{
	if (here.ready)
		here.world->environment = environ;
	return result;
}

struct change {
	const char *name, *value;
	int overwrite;
	int result;
};

static long do_set(void *arg)
{
	struct change *c = arg;

	c->result = changed(NEXT(setenv)(c->name, c->value, c->overwrite));
	return 0;
}

static long do_unset(void *arg)
{
	struct change *c = arg;

	c->result = changed(NEXT(unsetenv)(c->name));
	return 0;
}

static long do_put(void *arg)
{
	struct change *c = arg;

	c->result = changed(NEXT(putenv)((char *)c->name));
	return 0;
}

/* By node 0, on a stack of the program's. Texts are copied on this one where they are not shared. */
static int change(long (*fn)(void *), const char *name, const char *value, int overwrite)
{
	struct change c = { name, value, overwrite, 0 };
	char room[2][PATH_MAX];

	if (!here.rank || !is_program()) {
		fn(&c);
		return c.result;
	}
	if (!is_shared(name) && strlen(name) < PATH_MAX)
		c.name = strcpy(room[0], name);
	if (value && !is_shared(value) && strlen(value) < PATH_MAX)
		c.value = strcpy(room[1], value);
	errand_on_stack(0, fn, &c);
	return c.result;
}

EXPORT char *getenv(const char *name)
{
	look();
	return NEXT(getenv)(name);
}

EXPORT char *secure_getenv(const char *name)
{
	look();
	return NEXT(secure_getenv)(name);
}

EXPORT int setenv(const char *name, const char *value, int overwrite)
{
	return change(do_set, name, value, overwrite);
}

EXPORT int unsetenv(const char *name)
{
	return change(do_unset, name, NULL, 0);
}

EXPORT int putenv(char *text)
{
	return change(do_put, text, NULL, 0);
}

/* --- what is told to all --- */

static void tell(long (*fn)(const long arg[6]), long a, long b)
{
	if (here.size > 1 && is_program())
		for (int node = 0; node < here.size; node++)
			if (node != here.rank)
				errand_call(node, fn, a, b, 0);
}

static long do_locale(const long arg[6])
{
	return (long)NEXT(setlocale)((int)arg[0], (const char *)arg[1]);
}

EXPORT char *setlocale(int category, const char *name)
{
	char *got = NEXT(setlocale)(category, name), text[PATH_MAX];

	if (got && name && strlen(got) < sizeof text)
		tell(do_locale, category, (long)strcpy(text, got));
	return got;
}

static long do_srand(const long arg[6])
{
	NEXT(srandom)((unsigned)arg[0]);
	return 0;
}

EXPORT void srandom(unsigned seed)
{
	NEXT(srandom)(seed);
	tell(do_srand, seed, 0);
}

EXPORT void srand(unsigned seed)
{
	srandom(seed);
}
