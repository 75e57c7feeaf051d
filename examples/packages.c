/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the dependency graph of Debian packages. A dependency with alternatives leads to
 * the first one that exists; one on a virtual package leads to the first that provides it.
 * When several lists have a package, the first counts.
 */
#include "packages.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uthash.h>

#define APT_HELPER "/usr/lib/apt/apt-helper"
#define APT_LISTS "/var/lib/apt/lists/*_Packages*"
#define DPKG_STATUS "/var/lib/dpkg/status"
#define NOBODY UINT32_MAX

extern char **environ;

/* A name that is a package, or is provided by one, or both. */
struct entry {
	char *name;
	uint32_t package, provider; /* vertices, or NOBODY */
	UT_hash_handle hh;
};

struct edge {
	uint32_t from, to;
};

struct loader {
	struct entry *by_name;
	char **names, **depends; /* by vertex */
	uint64_t vertices, vertices_room;
	struct edge *edges;
	uint64_t n_edges, edges_room;
	/* the stanza being read; strings malloc'ed or NULL */
	char *package, *status, *needs, *provides;
	char **field; /* where continuation lines go */
};

static void *must_have(void *p)
{
	if (!p) {
		fputs("out of memory for the package lists\n", stderr);
		exit(1);
	}
	return p;
}

static struct entry *entry_get(struct loader *l, const char *name, size_t len)
{
	struct entry *e;

	HASH_FIND(hh, l->by_name, name, len, e);
	if (e)
		return e;
	e = must_have(calloc(1, sizeof *e));
	e->name = must_have(strndup(name, len));
	e->package = e->provider = NOBODY;
	HASH_ADD_KEYPTR(hh, l->by_name, e->name, len, e);
	return e;
}

/* The next name in a list of relations such as "a (>= 1) | b, c:any": *len bytes from the
 * start returned, NULL at the end. *rest moves behind it; *end is what ends its item:
 * ',', '|' or NUL. */
static const char *next_name(const char **rest, size_t *len, char *end)
{
	const char *name = *rest + strspn(*rest, " \t\n,|");

	*len = strcspn(name, " \t\n,|(:[<");
	*rest = name + strcspn(name, ",|");
	*end = **rest;
	return *len ? name : NULL;
}

/* ------------------------------------------------------------- the stanzas -- */

static void append(char **text, const char *more, const char *separator)
{
	size_t old = *text ? strlen(*text) : 0;

	*text = must_have(realloc(*text, old + strlen(separator) + strlen(more) + 1));
	strcpy(*text + old, old ? separator : "");
	strcat(*text, more);
}

static void stanza_clear(struct loader *l)
{
	free(l->package);
	free(l->status);
	free(l->needs);
	free(l->provides);
	l->package = l->status = l->needs = l->provides = NULL;
	l->field = NULL;
}

static void stanza_end(struct loader *l)
{
	const char *rest = l->provides ? l->provides : "", *name;
	struct entry *e;
	size_t len;
	char end;

	/* dpkg also lists what was removed but for its configuration */
	if (!l->package || (l->status && !strstr(l->status, " installed")))
		goto out;
	e = entry_get(l, l->package, strlen(l->package));
	if (e->package != NOBODY)
		goto out;
	e->package = (uint32_t)l->vertices;
	if (l->vertices == l->vertices_room) {
		l->vertices_room = l->vertices_room * 2 + 1024;
		l->names = must_have(realloc(l->names, l->vertices_room * sizeof *l->names));
		l->depends = must_have(realloc(l->depends, l->vertices_room * sizeof *l->depends));
	}
	l->names[l->vertices] = l->package;
	l->depends[l->vertices] = l->needs;
	l->package = l->needs = NULL;
	while ((name = next_name(&rest, &len, &end))) {
		struct entry *virtual = entry_get(l, name, len);

		if (virtual->provider == NOBODY)
			virtual->provider = (uint32_t)l->vertices;
	}
	l->vertices++;
out:
	stanza_clear(l);
}

static void stanza_line(struct loader *l, char *line)
{
	static const char *const keys[] = { "Package:", "Status:", "Depends:", "Pre-Depends:",
		                                "Provides:" };
	char **fields[] = { &l->package, &l->status, &l->needs, &l->needs, &l->provides };

	line[strcspn(line, "\r\n")] = 0;
	if (!*line) {
		stanza_end(l);
		return;
	}
	if (*line == ' ' || *line == '\t') {
		if (l->field)
			append(l->field, line, "");
		return;
	}
	l->field = NULL;
	for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
		size_t len = strlen(keys[i]);

		if (strncasecmp(line, keys[i], len))
			continue;
		l->field = fields[i];
		append(l->field, line + len + strspn(line + len, " \t"), ", ");
	}
}

/* --------------------------------------------------------------- the files -- */

static int is_compressed(const char *path)
{
	static const char *const suffix[] = { ".lz4", ".xz", ".gz", ".bz2", ".zst", ".lzma" };
	size_t len = strlen(path);

	for (unsigned i = 0; i < sizeof suffix / sizeof *suffix; i++)
		if (len > strlen(suffix[i]) && !strcmp(path + len - strlen(suffix[i]), suffix[i]))
			return 1;
	return 0;
}

/* Starts apt's helper on a file: a stream of the plain text, and the process in *pid. */
static FILE *unpack(const char *path, pid_t *pid)
{
	char *argv[] = { (char *)APT_HELPER, (char *)"cat-file", (char *)path, NULL };
	posix_spawn_file_actions_t actions;
	FILE *stream = NULL;
	int fd[2], err;

	if (pipe(fd))
		return NULL;
	fcntl(fd[0], F_SETFD, FD_CLOEXEC);
	fcntl(fd[1], F_SETFD, FD_CLOEXEC);
	err = posix_spawn_file_actions_init(&actions);
	if (!err) {
		err = posix_spawn_file_actions_adddup2(&actions, fd[1], STDOUT_FILENO);
		if (!err)
			err = posix_spawn(pid, APT_HELPER, &actions, NULL, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(fd[1]);
	if (!err)
		stream = fdopen(fd[0], "r");
	if (!stream) {
		close(fd[0]);
		errno = err ? err : errno;
	}
	return stream;
}

static int read_file(struct loader *l, const char *path, char *why, unsigned why_len)
{
	FILE *stream = NULL;
	char *line = NULL;
	size_t room = 0;
	pid_t pid = -1;
	int status = 0;

	if (!access(path, R_OK))
		stream = is_compressed(path) ? unpack(path, &pid) : fopen(path, "r");
	if (!stream) {
		snprintf(why, why_len, "%s: %s", path, strerror(errno));
		return -1;
	}
	while (getline(&line, &room, stream) >= 0)
		stanza_line(l, line);
	status = ferror(stream);
	stanza_end(l);
	free(line);
	fclose(stream);
	if (pid > 0 && waitpid(pid, &status, 0) < 0)
		status = 1;
	if (status)
		snprintf(why, why_len, "%s: cannot be read%s", path,
		         pid > 0 ? " by " APT_HELPER " cat-file" : "");
	return status ? -1 : 0;
}

/* What apt knows, or else dpkg. */
static int read_defaults(struct loader *l, struct packages *p, char *why, unsigned why_len)
{
	int can_unpack = !access(APT_HELPER, X_OK), err = 0;
	glob_t found;

	if (!glob(APT_LISTS, 0, NULL, &found)) {
		for (size_t i = 0; !err && i < found.gl_pathc; i++) {
			const char *path = found.gl_pathv[i];

			if (access(path, R_OK) || (is_compressed(path) && !can_unpack))
				continue;
			if (!p->files++)
				snprintf(p->source, sizeof p->source, "%s", path);
			err = read_file(l, path, why, why_len);
		}
		globfree(&found);
	}
	if (err || l->vertices)
		return err;
	p->files = 1;
	strcpy(p->source, DPKG_STATUS);
	return read_file(l, DPKG_STATUS, why, why_len);
}

/* --------------------------------------------------------------- the graph -- */

static void edge_add(struct loader *l, uint32_t from, uint32_t to)
{
	if (l->n_edges == l->edges_room) {
		l->edges_room = l->edges_room * 2 + 4096;
		l->edges = must_have(realloc(l->edges, l->edges_room * sizeof *l->edges));
	}
	l->edges[l->n_edges++] = (struct edge){ from, to };
}

/* Resolves one package's dependencies. last_from[v]: whose edge to v was added last. */
static void resolve(struct loader *l, uint32_t from, uint32_t *last_from)
{
	const char *rest = l->depends[from] ? l->depends[from] : "", *name;
	int satisfied = 0;
	struct entry *e;
	size_t len;
	char end;

	while ((name = next_name(&rest, &len, &end))) {
		HASH_FIND(hh, l->by_name, name, len, e);
		if (e && !satisfied) {
			uint32_t to = e->package != NOBODY ? e->package : e->provider;

			satisfied = to != NOBODY;
			if (satisfied && to != from && last_from[to] != from) {
				last_from[to] = from;
				edge_add(l, from, to);
			}
		}
		if (end != '|')
			satisfied = 0;
	}
}

/* Lists the edges by where they lead to; those to one vertex stay in order. */
static void build(struct loader *l, struct graph *g)
{
	uint32_t *last_from = must_have(malloc(l->vertices * sizeof *last_from));
	uint64_t *fill;

	memset(last_from, 0xff, l->vertices * sizeof *last_from);
	for (uint64_t v = 0; v < l->vertices; v++)
		resolve(l, (uint32_t)v, last_from);
	free(last_from);
	g->vertices = l->vertices;
	g->edges = l->n_edges;
	g->in_start = must_have(calloc(g->vertices + 1, sizeof *g->in_start));
	g->in_from = must_have(malloc((g->edges + 1) * sizeof *g->in_from));
	g->out_degree = must_have(calloc(g->vertices, sizeof *g->out_degree));
	for (uint64_t i = 0; i < g->edges; i++) {
		g->in_start[l->edges[i].to + 1]++;
		g->out_degree[l->edges[i].from]++;
	}
	for (uint64_t v = 0; v < g->vertices; v++)
		g->in_start[v + 1] += g->in_start[v];
	fill = must_have(malloc(g->vertices * sizeof *fill));
	memcpy(fill, g->in_start, g->vertices * sizeof *fill);
	for (uint64_t i = 0; i < g->edges; i++)
		g->in_from[fill[l->edges[i].to]++] = l->edges[i].from;
	free(fill);
}

static void loader_close(struct loader *l)
{
	struct entry *e, *next;

	stanza_clear(l);
	HASH_ITER(hh, l->by_name, e, next) {
		HASH_DEL(l->by_name, e);
		free(e->name);
		free(e);
	}
	for (uint64_t v = 0; v < l->vertices; v++) {
		if (l->names)
			free(l->names[v]);
		free(l->depends[v]);
	}
	free(l->names);
	free(l->depends);
	free(l->edges);
}

int packages_load(char *const *files, int count, struct packages *out, char *why,
                  unsigned why_len)
{
	struct loader l = { 0 };
	int err = 0;

	memset(out, 0, sizeof *out);
	if (!count)
		err = read_defaults(&l, out, why, why_len);
	for (int i = 0; !err && i < count; i++) {
		err = read_file(&l, files[i], why, why_len);
		out->files++;
	}
	if (count)
		snprintf(out->source, sizeof out->source, "%s", files[0]);
	if (!err && !l.vertices) {
		snprintf(why, why_len, "%s: no packages in it", out->source);
		err = -1;
	}
	if (!err) {
		build(&l, &out->graph);
		out->names = l.names;
		l.names = NULL;
	}
	loader_close(&l);
	return err;
}

void packages_free(struct packages *p)
{
	for (uint64_t v = 0; v < p->graph.vertices; v++)
		free(p->names[v]);
	free(p->names);
	free(p->graph.in_start);
	free(p->graph.in_from);
	free(p->graph.out_degree);
	memset(p, 0, sizeof *p);
}
