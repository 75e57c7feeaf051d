/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects of code, and how to know them again (code.h). */
#include "dsm/base/code.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)
#define NAME_BYTES 256
#define MYSELF "/proc/self/exe"

/* A run of code, of an object that may have several. */
struct code {
	uintptr_t from, to, base;
	uint64_t object;       /* 0: not known yet */
	char name[NAME_BYTES]; /* of its file */
};

/* All there are. They are looked up anew when objects have come or gone since. */
static struct {
	pthread_mutex_t lock;
	struct code *code;
	size_t n, room;
	unsigned long long adds, subs;
	int is_full; /* there was no memory for more */
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- what an object was built of --- */

static uint64_t hash(uint64_t h, const uint8_t *at, size_t n)
{
	while (n--)
		h = (h ^ *at++) * FNV_PRIME;
	return h;
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Of the build id among notes; 0: there is none. */
static uint64_t hash_of_notes(const uint8_t *at, size_t len)
{
	ElfW(Nhdr) note;

	while (len >= sizeof note) {
		const uint8_t *name = at + sizeof note;
		size_t all;

		memcpy(&note, at, sizeof note);
		all = sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
		if (all > len)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && !memcmp(name, "GNU", 4))
			return hash(FNV_START, name + 4, note.n_descsz) | 1;
		at += all;
		len -= all;
	}
	return 0;
}

static uint64_t hash_of_headers(const struct dl_phdr_info *info)
{
	uint64_t h = 0;

	for (unsigned i = 0; i < info->dlpi_phnum && !h; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type == PT_NOTE)
			h = hash_of_notes((const uint8_t *)(info->dlpi_addr + p->p_vaddr),
			                  p->p_memsz);
	}
	return h;
}

/* 0: it cannot be read. */
static uint64_t hash_of_file(const char *name)
{
	uint8_t part[1 << 14];
	uint64_t h = FNV_START;
	ssize_t n;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	while ((n = read(fd, part, sizeof part)) > 0)
		h = hash(h, part, (size_t)n);
	close(fd);
	return n < 0 ? 0 : h | 1;
}

static void identify(struct code *c)
{
	if (!c->object)
		c->object = hash_of_file(c->name);
}

/* --- which there are --- */

static struct code *next_code(void)
{
	size_t room = known.room ? 2 * known.room : 64;
	struct code *more;

	if (known.n < known.room)
		return &known.code[known.n++];
	more = realloc(known.code, room * sizeof *more);
	if (!more) {
		known.is_full = 1;
		return NULL;
	}
	known.code = more;
	known.room = room;
	return &known.code[known.n++];
}

static int note_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	const uint64_t object = hash_of_headers(info);

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		struct code *c;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		c = next_code();
		if (!c)
			return 1;
		c->base = info->dlpi_addr;
		c->from = info->dlpi_addr + p->p_vaddr;
		c->to = c->from + p->p_memsz;
		c->object = object;
		snprintf(c->name, sizeof c->name, "%s",
		         *info->dlpi_name ? info->dlpi_name : MYSELF);
	}
	return 0;
}

/* Whether objects have come or gone. Of the first object, which tells that of all. */
static int see_change(struct dl_phdr_info *info, size_t size, void *ctx)
{
	int *changed = ctx;

	*changed = !known.n || known.is_full || info->dlpi_adds != known.adds ||
	           info->dlpi_subs != known.subs;
	known.adds = info->dlpi_adds;
	known.subs = info->dlpi_subs;
	return 1;
}

/* Lock held. */
static int look(void)
{
	int changed = 1;

	dl_iterate_phdr(see_change, &changed);
	if (!changed)
		return 0;
	known.n = 0;
	known.is_full = 0;
	dl_iterate_phdr(note_object, NULL);
	return known.is_full ? -ENOMEM : 0;
}

static struct code *code_around(uintptr_t at)
{
	for (size_t i = 0; i < known.n; i++)
		if (at >= known.code[i].from && at < known.code[i].to)
			return &known.code[i];
	return NULL;
}

/* --- what others ask --- */

int code_place_of(const void *fn, struct code_place *out)
{
	struct code *c;
	int rc;

	pthread_mutex_lock(&known.lock);
	rc = look();
	c = code_around((uintptr_t)fn);
	if (c)
		identify(c);
	if (rc == 0 && (!c || !c->object))
		rc = -ENOENT;
	if (rc == 0)
		*out = (struct code_place){c->object, (uintptr_t)fn - c->base, c->base};
	pthread_mutex_unlock(&known.lock);
	return rc;
}

/* Those without a build id are read last: mostly nobody asks for one. */
static const struct code *code_with(uint64_t object, uint64_t offset)
{
	for (int files = 0; files < 2; files++)
		for (size_t i = 0; i < known.n; i++) {
			struct code *c = &known.code[i];
			if (files)
				identify(c);
			if (c->object == object && c->base + offset >= c->from &&
			    c->base + offset < c->to)
				return c;
		}
	return NULL;
}

int code_find(uint64_t object, uint64_t offset, uintptr_t *base)
{
	const struct code *c;
	int rc;

	pthread_mutex_lock(&known.lock);
	rc = look();
	c = rc ? NULL : code_with(object, offset);
	if (c)
		*base = c->base;
	else if (rc == 0)
		rc = -ENOENT;
	pthread_mutex_unlock(&known.lock);
	return rc;
}

void code_name(const void *fn, char *name, unsigned bytes)
{
	const struct code *c;
	ssize_t n;

	pthread_mutex_lock(&known.lock);
	c = code_around((uintptr_t)fn);
	snprintf(name, bytes, "%s", c ? c->name : "");
	pthread_mutex_unlock(&known.lock);
	if (strcmp(name, MYSELF))
		return;
	n = readlink(MYSELF, name, bytes - 1);
	if (n > 0)
		name[n] = 0;
}
