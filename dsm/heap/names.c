/* SPDX-License-Identifier: BSD-2-Clause */
/* The names that nodes published, and who waits for one that nobody has published yet. */
#include "dsm/heap/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Out of memory is an error to report, not a reason to exit. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define NAME_BYTES 64 /* with its NUL */

struct waiting {
	struct names_waiter who;
	struct waiting *next;
};

/* A name that is there, or that somebody waits for, or has claimed. */
struct entry {
	char name[NAME_BYTES];
	uint64_t value;
	int present, claimed;
	uint16_t claimant; /* who has */
	struct waiting *first, **last; /* in the order of arrival */
	UT_hash_handle hh;
};

struct names {
	struct entry *by_name;
	unsigned present; /* entries that are there, NAMES_MAX at most */
};

static int name_is_valid(const char *name)
{
	size_t len = strnlen(name, NAME_BYTES);

	return len > 0 && len < NAME_BYTES;
}

static struct entry *entry_find(const struct names *n, const char *name)
{
	struct entry *e;

	HASH_FIND(hh, n->by_name, name, strnlen(name, NAME_BYTES), e);
	return e;
}

/* The entry of a name, made when there is none. NULL: out of memory. */
static struct entry *entry_get(struct names *n, const char *name)
{
	struct entry *e = entry_find(n, name);

	if (e)
		return e;
	e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	strcpy(e->name, name);
	e->last = &e->first;
	HASH_ADD_STR(n->by_name, name, e);
	if (!e->hh.tbl) {
		free(e);
		return NULL;
	}
	return e;
}

static void entry_drop_if_idle(struct names *n, struct entry *e)
{
	if (e->present || e->claimed || e->first)
		return;
	HASH_DEL(n->by_name, e);
	free(e);
}

static void entry_pop(struct entry *e, struct waiting **link)
{
	struct waiting *w = *link;

	*link = w->next;
	if (!*link)
		e->last = link;
	free(w);
}

int names_open(struct names **out)
{
	struct names *n = calloc(1, sizeof *n);

	if (!n)
		return -ENOMEM;
	*out = n;
	return 0;
}

void names_close(struct names *n)
{
	struct entry *e, *next;

	if (!n)
		return;
	HASH_ITER(hh, n->by_name, e, next) {
		while (e->first)
			entry_pop(e, &e->first);
		HASH_DEL(n->by_name, e);
		free(e);
	}
	free(n);
}

int names_add(struct names *n, const char *name, uint64_t value)
{
	struct entry *e;

	if (!name_is_valid(name))
		return -EINVAL;
	e = entry_find(n, name);
	if (e && e->present)
		return -EEXIST;
	if (n->present == NAMES_MAX)
		return -ENOMEM;
	e = entry_get(n, name);
	if (!e)
		return -ENOMEM;
	e->present = 1;
	e->claimed = 0;
	e->value = value;
	n->present++;
	return 0;
}

int names_remove(struct names *n, const char *name)
{
	struct entry *e = entry_find(n, name);

	if (!e || !e->present)
		return -ENOENT;
	e->present = 0;
	n->present--;
	entry_drop_if_idle(n, e);
	return 0;
}

int names_find(const struct names *n, const char *name, uint64_t *value)
{
	const struct entry *e = entry_find(n, name);

	if (!e || !e->present)
		return -ENOENT;
	*value = e->value;
	return 0;
}

void names_each(const struct names *n, void (*fn)(void *ctx, const char *name, uint64_t value),
                void *ctx)
{
	for (const struct entry *e = n->by_name; e; e = e->hh.next)
		if (e->present)
			fn(ctx, e->name, e->value);
}

int names_next(const struct names *n, const void **cursor, struct names_saved *out)
{
	const struct entry *e = *cursor;

	e = e ? e->hh.next : n->by_name;
	while (e && !e->present && !e->claimed)
		e = e->hh.next;
	if (!e)
		return 0;
	*out = (struct names_saved){e->name, e->value, e->claimed, e->claimant};
	*cursor = e;
	return 1;
}

int names_wait(struct names *n, const char *name, struct names_waiter who)
{
	struct waiting *w;
	struct entry *e;

	if (!name_is_valid(name))
		return -EINVAL;
	w = malloc(sizeof *w);
	if (!w)
		return -ENOMEM;
	e = entry_get(n, name);
	if (!e) {
		free(w);
		return -ENOMEM;
	}
	*w = (struct waiting){ .who = who };
	*e->last = w;
	e->last = &w->next;
	return 0;
}

int names_unwait(struct names *n, const char *name, struct names_waiter who)
{
	struct entry *e = entry_find(n, name);
	struct waiting **link;

	if (!e)
		return -ENOENT;
	for (link = &e->first; *link; link = &(*link)->next) {
		if ((*link)->who.node == who.node && (*link)->who.slot == who.slot) {
			entry_pop(e, link);
			entry_drop_if_idle(n, e);
			return 0;
		}
	}
	return -ENOENT;
}

int names_next_waiter(struct names *n, const char *name, struct names_waiter *who)
{
	struct entry *e = entry_find(n, name);

	if (!e || !e->present || !e->first)
		return 0;
	*who = e->first->who;
	entry_pop(e, &e->first);
	return 1;
}

int names_claim(struct names *n, const char *name, uint16_t node)
{
	struct entry *e;

	if (!name_is_valid(name))
		return -EINVAL;
	e = entry_get(n, name);
	if (!e)
		return -ENOMEM;
	if (e->claimed)
		return -EBUSY;
	e->claimed = 1;
	e->claimant = node;
	return 0;
}

int names_claim_for(struct names *n, const char *name, uint16_t node)
{
	struct entry *e = entry_find(n, name);

	if (!e || !e->claimed)
		return names_claim(n, name, node);
	e->claimant = node;
	return 0;
}

/* The claim goes to the first who waits for it: 1 and *who, or 0, and nobody has it. */
static int claim_on(struct entry *e, struct names_waiter *who)
{
	struct waiting **link;

	for (link = &e->first; *link && !(*link)->who.bytes; link = &(*link)->next)
		;
	e->claimed = *link != NULL;
	if (!*link)
		return 0;
	*who = (*link)->who;
	e->claimant = who->node;
	entry_pop(e, link);
	return 1;
}

int names_unclaim(struct names *n, const char *name, struct names_waiter *who)
{
	struct entry *e = entry_find(n, name);

	if (!e || !e->claimed)
		return 0;
	if (claim_on(e, who))
		return 1;
	entry_drop_if_idle(n, e);
	return 0;
}

static void forget_waiters(struct entry *e, uint64_t living)
{
	struct waiting **link = &e->first;

	while (*link)
		if (living >> (*link)->who.node & 1)
			link = &(*link)->next;
		else
			entry_pop(e, link);
}

int names_bury(struct names *n, uint64_t living, struct names_waiter *who, const char **name)
{
	struct entry *e, *next;

	HASH_ITER(hh, n->by_name, e, next) {
		forget_waiters(e, living);
		if (e->claimed && !(living >> e->claimant & 1) && claim_on(e, who)) {
			*name = e->name;
			return 1;
		}
		entry_drop_if_idle(n, e);
	}
	return 0;
}
