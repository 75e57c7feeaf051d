/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writable data: the executable's, with what its linker has copied from libraries, and the libraries'.
 * But not of those that libdsm is made of, and libc, which each process has for itself (own.c).
 */
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "dsm/dsm_place.h"
#include "dsm/threads/threads.h"

#define UNSHARED_MAX 20

static const char *unshared[UNSHARED_MAX]; /* libraries that cannot be */
static unsigned n_unshared;

static uintptr_t down(uintptr_t value)
{
	return value & ~(uintptr_t)(PAGE - 1);
}

static uintptr_t up(uintptr_t value)
{
	return down(value + PAGE - 1);
}

bool is_variable(const void *at)
{
	for (unsigned i = 0; i < here.ranges; i++)
		if ((uintptr_t)at - here.range[i].start < here.range[i].bytes)
			return true;
	return false;
}

/* What is made read-only after relocation (RELRO) stays out: it is the same on all nodes, for they have
 * the same addresses. */
const char *globals_of(const struct dl_phdr_info *info, struct range *out)
{
	uintptr_t relro = 0, lo = 0, hi = 0, dynamic = 0;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const uintptr_t at = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_GNU_RELRO)
			relro = at + p->p_memsz;
		if (p->p_type == PT_DYNAMIC)
			dynamic = at;
		if (p->p_type == PT_LOAD && p->p_flags & PF_W) {
			if (hi)
				return "has writable data in more than one segment";
			lo = at;
			hi = at + p->p_memsz;
		}
	}
	lo = down(relro > lo ? relro : lo); /* as the loader rounds it */
	hi = up(hi);
	*out = (struct range){ lo, hi > lo ? hi - lo : 0 };
	if (dynamic - out->start < out->bytes) /* what the loader reads, for all threads */
		return "is linked without RELRO (-z norelro)";
	return NULL;
}

static int on_object(struct dl_phdr_info *info, size_t size, void *unused)
{
	const bool program = !info->dlpi_name[0]; /* only the executable has an empty name */
	struct range range = { 0, 0 };
	const char *wrong;

	if (!program && own_is(info))
		return 0;
	wrong = globals_of(info, &range);
	if (wrong && program)
		threads_die("the program %s", wrong);
	if (!wrong && range.bytes && here.ranges == RANGES_MAX)
		wrong = "is one of too many";
	if (!wrong && range.bytes)
		here.range[here.ranges++] = range;
	if (wrong && n_unshared < UNSHARED_MAX)
		unshared[n_unshared++] = info->dlpi_name;
	return 0;
}

void globals_find(void)
{
	dl_iterate_phdr(on_object, NULL);
}

/* Where a page is shared with what the kernel keeps for brk, that begins behind it. */
void globals_share(void)
{
	struct world *world = here.world;
	char line[200];

	for (unsigned i = 0; here.rank == 0 && i < here.ranges; i++) {
		threads_check(dsm_alloc(here.dsm, here.range[i].bytes, EXTENT, 0, &world->globals[i]),
		              "no shared memory for the program's variables");
		memcpy(world->globals[i], (void *)here.range[i].start, here.range[i].bytes);
	}
	threads_check(dsm_barrier(here.dsm), "start");
	for (unsigned i = 0; i < here.ranges; i++)
		threads_check(dsm_place(here.dsm, world->globals[i], here.range[i].bytes,
		                        (void *)here.range[i].start),
		              "the program's variables cannot be shared");
	for (unsigned i = 0; here.rank == 0 && here.size > 1 && i < n_unshared; i++) {
		snprintf(line, sizeof line, "the variables of %s are each node's own", unshared[i]);
		threads_say(line);
	}
}
