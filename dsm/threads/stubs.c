/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An executable that has a fixed address, and takes that of a function of a library's, free say, is for
 * the libraries where the function is: they call it by a stub of the executable's, which reads where it
 * goes from the executable's variables. Those are shared now, and libdsm's threads must not wait for a
 * page of them. So the stubs are changed to go there at once; the loader has been told to fill in all
 * addresses at the start (LD_BIND_NOW).
 */
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "dsm/threads/threads.h"

#if defined(__x86_64__)
#define SLOT R_X86_64_JUMP_SLOT
#define STUB_BYTES 16

/* Whether a stub is one that reads that slot: jmp *slot(%rip), behind endbr64 or bnd perhaps. */
static bool reads(const unsigned char *stub, const void *slot)
{
	for (int i = 0; i + 6 <= STUB_BYTES; i++) {
		int32_t distance;

		if (stub[i] != 0xff || stub[i + 1] != 0x25)
			continue;
		memcpy(&distance, stub + i + 2, sizeof distance);
		return stub + i + 6 + distance == (const unsigned char *)slot;
	}
	return false;
}

/* movabs $to, %r11; jmp *%r11 */
static void write_jump(unsigned char *stub, uintptr_t to)
{
	memcpy(stub, "\x49\xbb", 2);
	memcpy(stub + 2, &to, sizeof to);
	memcpy(stub + 10, "\x41\xff\xe3", 3);
}
#else
#error "how the linker makes stubs on this processor has to be added here"
#endif

static void change(unsigned char *stub, uintptr_t to)
{
	char *page = (char *)((uintptr_t)stub & ~(uintptr_t)(PAGE - 1));
	const size_t bytes = (size_t)((char *)stub + STUB_BYTES - page);

	if (mprotect(page, bytes, PROT_READ | PROT_WRITE | PROT_EXEC))
		threads_die("the program's code cannot be changed, and libraries would read its variables");
	write_jump(stub, to);
	mprotect(page, bytes, PROT_READ | PROT_EXEC);
}

static void change_all(uintptr_t base, const ElfW(Dyn) *dynamic)
{
	const ElfW(Sym) *symbols = NULL;
	const ElfW(Rela) *slots = NULL;
	size_t bytes = 0;

	for (; dynamic->d_tag != DT_NULL; dynamic++)
		switch (dynamic->d_tag) {
		case DT_SYMTAB: symbols = (const void *)dynamic->d_un.d_ptr; break;
		case DT_JMPREL: slots = (const void *)dynamic->d_un.d_ptr; break;
		case DT_PLTRELSZ: bytes = dynamic->d_un.d_val; break;
		default: break;
		}
	for (size_t i = 0; symbols && slots && i < bytes / sizeof *slots; i++) {
		const ElfW(Sym) *s = &symbols[ELF64_R_SYM(slots[i].r_info)];
		const uintptr_t *slot = (const uintptr_t *)(base + slots[i].r_offset);
		unsigned char *stub = (unsigned char *)(base + s->st_value);

		if (ELF64_R_TYPE(slots[i].r_info) == SLOT && s->st_shndx == SHN_UNDEF && s->st_value &&
		    is_shared(slot) && reads(stub, slot) &&
		    *slot - (uintptr_t)stub >= STUB_BYTES) /* and not what fills it in later */
			change(stub, *slot);
	}
}

static int on_object(struct dl_phdr_info *info, size_t size, void *unused)
{
	if (info->dlpi_name[0])
		return 0; /* only the executable has an empty name */
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			change_all(info->dlpi_addr,
			           (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr));
	return 1;
}

void stubs_change(void)
{
	dl_iterate_phdr(on_object, NULL);
}
