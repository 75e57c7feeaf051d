/* SPDX-License-Identifier: BSD-2-Clause */
/* Pointers to functions, to libraries' data and to vtables go from node to node as they are: so all
 * nodes must have loaded the same files at the same addresses. */
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "dsm/dsm_coll.h"
#include "dsm/threads/threads.h"

#define OBJECTS_MAX 128
#define NAME_BYTES 72

struct object {
	char name[NAME_BYTES]; /* the end of its path */
	uint64_t address;
	unsigned char id[24]; /* build id, or as much as there is; zero: none */
};

struct identity {
	uint32_t count;
	struct object object[OBJECTS_MAX];
};

static struct identity own;

static void take_build_id(const struct dl_phdr_info *info, const ElfW(Phdr) *p, struct object *o)
{
	const char *at = (const char *)info->dlpi_addr + p->p_vaddr, *end = at + p->p_memsz;

	while (at + sizeof(ElfW(Nhdr)) < end) {
		const ElfW(Nhdr) *note = (const void *)at;
		const char *name = at + sizeof *note, *desc = name + (note->n_namesz + 3) / 4 * 4;

		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && !memcmp(name, "GNU", 4))
			memcpy(o->id, desc,
			       note->n_descsz < sizeof o->id ? note->n_descsz : sizeof o->id);
		at = desc + (note->n_descsz + 3) / 4 * 4;
	}
}

static int on_object(struct dl_phdr_info *info, size_t size, void *unused)
{
	const size_t len = strlen(info->dlpi_name);
	const char *name = len < NAME_BYTES ? info->dlpi_name : info->dlpi_name + len - NAME_BYTES + 1;
	struct object *o = &own.object[own.count];

	if (own.count == OBJECTS_MAX)
		return 1;
	own.count++;
	strcpy(o->name, len ? name : "the program");
	o->address = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			take_build_id(info, &info->dlpi_phdr[i], o);
	return 0;
}

static void compare(const struct identity *first)
{
	for (uint32_t i = 0; i < own.count || i < first->count; i++) {
		const struct object *a = &first->object[i], *b = &own.object[i];

		if (i >= own.count || i >= first->count || strcmp(a->name, b->name))
			threads_die("node %d has not loaded what node 0 has: %s there, %s here", here.rank,
			            i < first->count ? a->name : "nothing more",
			            i < own.count ? b->name : "nothing more");
		if (memcmp(a->id, b->id, sizeof a->id))
			threads_die("node %d has another build of %s than node 0", here.rank, a->name);
		if (a->address != b->address)
			threads_die("node %d has %s at %#llx, node 0 at %#llx: address randomization "
			            "has to be off, as under dsmctl run --threads, and limits alike",
			            here.rank, a->name, (unsigned long long)b->address,
			            (unsigned long long)a->address);
	}
}

void identity_take(void)
{
	dl_iterate_phdr(on_object, NULL);
}

void identity_check(void)
{
	struct identity *first;
	void *at;

	threads_check(dsm_shared(here.dsm, "dsm-threads-objects", sizeof own, 0, &at), "start");
	first = at;
	if (here.rank == 0)
		memcpy(first, &own, sizeof own);
	threads_check(dsm_barrier(here.dsm), "start");
	if (here.rank)
		compare(first);
}
