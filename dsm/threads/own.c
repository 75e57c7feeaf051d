/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The objects whose variables are each process's own: the loader, libdsm-threads.so and all that it
 * needs, libdsm and libc among them; and who unwinds stacks, for all threads.
 */
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "dsm/threads/threads.h"

#define NAMES_MAX 128

static const char *names[NAMES_MAX] = { "libdsm-threads.so", "libgcc_s.so.1" }; /* without directories */
static unsigned count = 2;
static struct range range[NAMES_MAX]; /* where they are */
static unsigned ranges;

static bool is_named(const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* An object's dynamic section, and its texts; NULL: it has none. The loader has made addresses of what is
 * in it, but for the kernel's object, which is not written to. */
static const ElfW(Dyn) *dynamic_of(const struct dl_phdr_info *info, const char **texts)
{
	const ElfW(Dyn) *dynamic = NULL;

	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	*texts = NULL;
	for (const ElfW(Dyn) *d = dynamic; d && d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_STRTAB)
			*texts = (const char *)d->d_un.d_ptr;
	return *texts ? dynamic : NULL;
}

static bool is_kernels(const struct dl_phdr_info *info)
{
	return info->dlpi_addr == getauxval(AT_SYSINFO_EHDR);
}

/* By the name that others need it by, or its file's. */
static bool is_own(const struct dl_phdr_info *info)
{
	const char *slash = strrchr(info->dlpi_name, '/'), *texts;

	if (is_named(slash ? slash + 1 : info->dlpi_name))
		return true;
	for (const ElfW(Dyn) *d = dynamic_of(info, &texts); d && d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_SONAME && is_named(texts + d->d_un.d_val))
			return true;
	return false;
}

static int on_object(struct dl_phdr_info *info, size_t size, void *unused)
{
	const char *texts;

	if (!info->dlpi_name[0] || is_kernels(info) || !is_own(info))
		return 0;
	for (const ElfW(Dyn) *d = dynamic_of(info, &texts); d && d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_NEEDED && count < NAMES_MAX && !is_named(texts + d->d_un.d_val))
			names[count++] = texts + d->d_un.d_val;
	return 0;
}

static int take_range(struct dl_phdr_info *info, size_t size, void *unused)
{
	uintptr_t end = info->dlpi_addr;

	if (!info->dlpi_name[0] || !own_is(info) || ranges == NAMES_MAX)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
	range[ranges++] = (struct range){ info->dlpi_addr, end - info->dlpi_addr };
	return 0;
}

void own_find(void)
{
	for (unsigned before = 0; before != count;) {
		before = count;
		dl_iterate_phdr(on_object, NULL);
	}
	if (!ranges)
		dl_iterate_phdr(take_range, NULL);
}

bool own_has(const void *code)
{
	if (!ranges)
		own_find();
	for (unsigned i = 0; i < ranges; i++)
		if ((uintptr_t)code - range[i].start < range[i].bytes)
			return true;
	return false;
}

bool own_is(const struct dl_phdr_info *info)
{
	return is_kernels(info) || info->dlpi_addr == getauxval(AT_BASE) || is_own(info);
}
