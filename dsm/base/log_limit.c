/* SPDX-License-Identifier: BSD-2-Clause */
/* Repeated lines, and how many lines there may be (log_limit.h). */
#include "dsm/base/log_limit.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* FNV-1a. A line that is taken for another is counted with it. */
static uint64_t hash_add(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)c) * UINT64_C(0x100000001b3);
}

static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = hash_add(hash, *text);
	return hash;
}

uint64_t limit_key_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		if (!isdigit((unsigned char)*text))
			hash = hash_add(hash, *text);
	return hash;
}

static int is_over(uint64_t since_ns, uint64_t now_ns)
{
	return now_ns >= since_ns + LIMIT_NS;
}

/* Whether there may be one more. */
static int spend(struct limit *limit, uint64_t now_ns)
{
	if (now_ns == LIMIT_NEVER)
		return 1;
	if (is_over(limit->since_ns, now_ns)) {
		limit->since_ns = now_ns;
		limit->said = 0;
	}
	if (limit->said == LIMIT_LINES)
		return 0;
	limit->said++;
	return 1;
}

/* The kind, or a place for it: one that was not said for longest, of those that nothing is
 * counted with. NULL: there is none. */
static struct limit_kind *find(struct limit *limit, uint64_t key)
{
	struct limit_kind *place = NULL;

	for (unsigned i = 0; i < LIMIT_KINDS; i++) {
		struct limit_kind *k = &limit->kind[i];

		if (k->key == key && k->said)
			return k;
		if (!k->more && (!place || k->since_ns < place->since_ns))
			place = k;
	}
	if (place) {
		place->key = key;
		place->said = 0;
	}
	return place;
}

static int was_said(const struct limit_kind *k, uint64_t hash)
{
	for (unsigned i = 0; i < k->said; i++)
		if (k->hash[i] == hash)
			return 1;
	return 0;
}

static void count(struct limit_kind *k, int level, const char *text)
{
	if (k->more && strcmp(k->last.text, text))
		k->differ = 1;
	k->more++;
	k->last.level = level;
	snprintf(k->last.text, sizeof k->last.text, "%s", text);
}

void limit_lose(struct limit *limit, uint64_t now_ns, int level)
{
	if (!limit->lost++) {
		limit->lost_ns = now_ns;
		limit->lost_level = level;
	}
	if (level < limit->lost_level)
		limit->lost_level = level;
}

int limit_take(struct limit *limit, uint64_t now_ns, uint64_t key, unsigned different, int level,
               const char *text)
{
	const uint64_t hash = hash_of(text);
	struct limit_kind *k = find(limit, key);

	if (k && k->said && (is_over(k->since_ns, now_ns)
	                     ? k->more > 0 /* which are due, and come first */
	                     : k->said >= different || was_said(k, hash))) {
		count(k, level, text);
		return 0;
	}
	if (!k || !spend(limit, now_ns)) {
		limit_lose(limit, now_ns, level);
		return 0;
	}
	if (!k->said || is_over(k->since_ns, now_ns)) {
		k->since_ns = now_ns;
		k->said = 0;
	}
	k->hash[k->said++] = hash;
	return 1;
}

/* The last of them, and how many there were. */
static void sum_up(struct limit_kind *k, uint64_t now_ns, struct limit_line *out)
{
	char more[64] = "";
	int room;

	if (!k->differ)
		snprintf(more, sizeof more, " (%" PRIu64 " more time%s)", k->more, k->more > 1 ? "s" : "");
	else
		snprintf(more, sizeof more, " (and %" PRIu64 " more like it)", k->more - 1);
	room = (int)(sizeof out->text - strlen(more)) - 1;
	out->level = k->last.level;
	snprintf(out->text, sizeof out->text, "%.*s%s", room, k->last.text, more);
	if (now_ns != LIMIT_NEVER)
		k->since_ns = now_ns;
	k->said = 1;
	k->hash[0] = hash_of(k->last.text);
	k->more = 0;
	k->differ = 0;
}

int limit_next(struct limit *limit, uint64_t now_ns, struct limit_line *out)
{
	for (unsigned i = 0; i < LIMIT_KINDS; i++) {
		struct limit_kind *k = &limit->kind[i];

		if (!k->more || !is_over(k->since_ns, now_ns))
			continue;
		if (!spend(limit, now_ns))
			return 0;
		sum_up(k, now_ns, out);
		return 1;
	}
	if (!limit->lost || !is_over(limit->lost_ns, now_ns) || !spend(limit, now_ns))
		return 0;
	out->level = limit->lost_level;
	snprintf(out->text, sizeof out->text, "%" PRIu64 " line%s of the log left out here: there were "
	         "more than could be written", limit->lost, limit->lost > 1 ? "s" : "");
	limit->lost = 0;
	return 1;
}

uint64_t limit_due(const struct limit *limit)
{
	uint64_t due = limit->lost ? limit->lost_ns + LIMIT_NS : LIMIT_NEVER;

	for (unsigned i = 0; i < LIMIT_KINDS; i++) {
		const struct limit_kind *k = &limit->kind[i];

		if (k->more && k->since_ns + LIMIT_NS < due)
			due = k->since_ns + LIMIT_NS;
	}
	if (limit->said >= LIMIT_LINES && due < limit->since_ns + LIMIT_NS)
		due = limit->since_ns + LIMIT_NS;
	return due;
}
