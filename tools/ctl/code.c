/* SPDX-License-Identifier: BSD-2-Clause */
/* Where an instruction of another process is in its sources, by elfutils' libdwfl. */
#include "config.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/code.h"

struct code {
	Dwfl *dwfl;
};

static char *debuginfo_path; /* the default: beside the file, and below /usr/lib/debug */

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_linux_proc_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.debuginfo_path = &debuginfo_path,
};

struct code *code_open(pid_t pid)
{
	struct code *code = calloc(1, sizeof *code);

	if (!code)
		return NULL;
	code->dwfl = dwfl_begin(&callbacks);
	if (code->dwfl && dwfl_linux_proc_report(code->dwfl, pid) == 0 &&
	    dwfl_report_end(code->dwfl, NULL, NULL) == 0)
		return code;
	code_close(code);
	return NULL;
}

void code_close(struct code *code)
{
	if (!code)
		return;
	if (code->dwfl)
		dwfl_end(code->dwfl);
	free(code);
}

static void set(char *to, size_t len, const char *text)
{
	snprintf(to, len, "%s", text ? text : "");
}

static void find_line(Dwfl_Module *module, uint64_t pc, struct code_place *out)
{
	Dwfl_Line *at = dwfl_module_getsrc(module, pc);
	const char *file;
	int line = 0;

	if (!at)
		return;
	file = dwfl_lineinfo(at, NULL, &line, NULL, NULL, NULL);
	if (!file || line <= 0)
		return;
	set(out->file, sizeof out->file, file);
	out->line = line;
}

/* The innermost function there, be it inlined. */
static void find_function(Dwfl_Module *module, uint64_t pc, struct code_place *out)
{
	Dwarf_Addr bias = 0;
	Dwarf_Die *unit = dwfl_module_addrdie(module, pc, &bias), *scope = NULL;
	const int n = unit ? dwarf_getscopes(unit, pc - bias, &scope) : 0;

	for (int i = 0; i < n; i++) {
		const int tag = dwarf_tag(&scope[i]);
		if (tag != DW_TAG_subprogram && tag != DW_TAG_inlined_subroutine)
			continue;
		set(out->function, sizeof out->function, dwarf_diename(&scope[i]));
		break;
	}
	free(scope);
}

/* A symbol that ends before the instruction says nothing of it: those between are stripped. */
static void find_symbol(Dwfl_Module *module, uint64_t pc, struct code_place *out)
{
	GElf_Off offset = 0;
	GElf_Sym symbol;
	const char *name = dwfl_module_addrinfo(module, pc, &offset, &symbol, NULL, NULL, NULL);

	if (name && offset < symbol.st_size)
		set(out->function, sizeof out->function, name);
}

static void find_width(Dwfl_Module *module, uint64_t pc, struct code_place *out)
{
	Dwarf_Addr at = pc, bias;
	Elf_Scn *section = dwfl_module_address_section(module, &at, &bias);
	const Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;

	if (data && data->d_buf && at < data->d_size)
		out->width = code_width((const char *)data->d_buf + at, data->d_size - at);
}

int code_find(struct code *code, uint64_t pc, struct code_place *out)
{
	Dwfl_Module *module = dwfl_addrmodule(code->dwfl, pc);
	const char *name, *path = NULL;
	Dwarf_Addr start, bias = 0;

	memset(out, 0, sizeof *out);
	if (!module)
		return -1;
	name = dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, &path, NULL);
	if (!dwfl_module_getelf(module, &bias))
		bias = start;
	dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, &path, NULL);
	set(out->module, sizeof out->module, path ? path : name);
	out->offset = pc - bias;
	find_line(module, pc, out);
	find_function(module, pc, out);
	if (!*out->function)
		find_symbol(module, pc, out);
	find_width(module, pc, out);
	return 0;
}
