/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of code that fault: where they are in the sources, and on which bytes of a page. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/ctl/code.h"
#include "tools/ctl/hot_pages.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void put_text(json_t *line, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(line, key, json_string(text));
}

/* "x.c:41 (function)", "function in module", or "module+0x1234". */
static json_t *text_of(const struct code_place *p, uint64_t pc)
{
	if (p->line && *p->function)
		return json_sprintf("%s:%d (%s)", base_name(p->file), p->line, p->function);
	if (p->line)
		return json_sprintf("%s:%d", base_name(p->file), p->line);
	if (*p->function)
		return json_sprintf("%s in %s", p->function, base_name(p->module));
	if (*p->module)
		return json_sprintf("%s+%#" PRIx64, base_name(p->module), p->offset);
	return json_sprintf("%#" PRIx64, pc);
}

static void line_resolve(struct code *code, json_t *line)
{
	const uint64_t pc = (uint64_t)member_int(line, "pc", 0);
	struct code_place place = { .line = 0 };

	if (code)
		code_find(code, pc, &place);
	json_object_set_new(line, "code", text_of(&place, pc));
	put_text(line, "function", place.function);
	put_text(line, "module", place.module);
	if (*place.module)
		json_object_set_new(line, "offset", json_integer((json_int_t)place.offset));
	if (place.line) {
		put_text(line, "file", place.file);
		json_object_set_new(line, "line", json_integer(place.line));
	}
	if (place.width)
		json_object_set_new(line, "width", json_integer(place.width));
}

/* Kept for the next look: debugging information takes long to read. */
static struct code *code_of(pid_t pid)
{
	static struct {
		pid_t pid;
		struct code *code;
	} kept[QUERY_NODES_MAX];
	size_t i;

	for (i = 0; i < QUERY_NODES_MAX && kept[i].pid; i++)
		if (kept[i].pid == pid)
			return kept[i].code;
	if (pid <= 0)
		return NULL;
	i = i < QUERY_NODES_MAX ? i : 0;
	code_close(kept[i].code);
	kept[i].pid = pid;
	return kept[i].code = code_open(pid);
}

void hot_resolve(const struct answers *answers)
{
	for (int n = 0; n < answers->count; n++) {
		json_t *lines = json_object_get(answers->list[n].json, "lines"), *line;
		struct code *code;
		size_t i;
		if (json_array_size(lines) == 0)
			continue;
		code = code_of(answers->list[n].pid);
		json_array_foreach(lines, i, line)
			line_resolve(code, line);
	}
}

static json_t *find_same(json_t *lines, const json_t *line)
{
	json_t *other;
	size_t i;

	json_array_foreach(lines, i, other)
		if (!strcmp(member_text(other, "code", ""), member_text(line, "code", "?")) &&
		    json_is_true(json_object_get(other, "write")) ==
			    json_is_true(json_object_get(line, "write")))
			return other;
	return NULL;
}

static void set_int(json_t *line, const char *key, json_int_t value)
{
	json_object_set_new(line, key, json_integer(value));
}

/* Two instructions of one place, such as those of an unrolled loop. */
static void widen(json_t *line, const json_t *other)
{
	const json_int_t first = member_int(other, "first", 0), last = member_int(other, "last", 0);
	const json_int_t width = member_int(other, "width", 0);

	set_int(line, "seen", member_int(line, "seen", 0) + member_int(other, "seen", 0));
	if (first < member_int(line, "first", 0))
		set_int(line, "first", first);
	if (last >= member_int(line, "last", 0)) {
		set_int(line, "last", last);
		set_int(line, "width", width);
	}
}

static void add(json_t *lines, const json_t *line)
{
	json_t *same = find_same(lines, line);

	if (same)
		widen(same, line);
	else
		json_array_append_new(lines, json_copy((json_t *)line));
}

json_t *hot_lines_of(const struct answer *answer, json_int_t page)
{
	json_t *list = json_array(), *line;
	size_t i;

	json_array_foreach(json_object_get(answer->json, "lines"), i, line)
		if (member_int(line, "page", -1) == page)
			add(list, line);
	return list;
}

void hot_lines_join(json_t *lines, const json_t *others)
{
	json_t *line;
	size_t i;

	json_array_foreach(others, i, line)
		add(lines, line);
}
