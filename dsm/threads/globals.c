/* SPDX-License-Identifier: BSD-2-Clause */
/* The executable's writable data: .data, .bss and what its linker has copied from libraries. */
#include <link.h>
#include <string.h>

#include "dsm/dsm_place.h"
#include "dsm/threads/threads.h"

static uintptr_t up(uintptr_t value)
{
	return (value + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
}

/* What is made read-only after relocation (RELRO) stays out: it is the same on all nodes, for they have
 * the same addresses. */
static int on_object(struct dl_phdr_info *info, size_t size, void *found)
{
	uintptr_t relro = 0, lo = 0, hi = 0, dynamic = 0;

	if (info->dlpi_name[0])
		return 0; /* only the executable has an empty name */
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const uintptr_t at = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_GNU_RELRO)
			relro = at + p->p_memsz;
		if (p->p_type == PT_DYNAMIC)
			dynamic = at;
		if (p->p_type == PT_LOAD && p->p_flags & PF_W) {
			if (hi)
				*(const char **)found = "has writable data in more than one segment";
			lo = at;
			hi = at + p->p_memsz;
		}
	}
	lo = (relro > lo ? relro : lo) & ~(uintptr_t)(PAGE - 1); /* as the loader rounds it */
	hi = up(hi);
	here.globals = lo;
	here.globals_bytes = hi > lo ? hi - lo : 0;
	if (is_shared((void *)dynamic)) /* what the loader reads, for all threads */
		*(const char **)found = "is linked without RELRO (-z norelro)";
	return 1;
}

void globals_find(void)
{
	const char *wrong = NULL;

	dl_iterate_phdr(on_object, &wrong);
	if (wrong)
		threads_die("the program %s", wrong);
}

/* Where a page is shared with what the kernel keeps for brk, that begins behind it. */
void globals_share(void)
{
	struct world *world = here.world;
	const size_t bytes = here.globals_bytes;

	if (here.rank == 0 && bytes) {
		threads_check(dsm_alloc(here.dsm, bytes, EXTENT, 0, &world->globals),
		              "no shared memory for the program's variables");
		memcpy(world->globals, (void *)here.globals, bytes);
	}
	threads_check(dsm_barrier(here.dsm), "start");
	if (bytes)
		threads_check(dsm_place(here.dsm, world->globals, bytes, (void *)here.globals),
		              "the program's variables cannot be shared");
}
