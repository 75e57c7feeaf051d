/* SPDX-License-Identifier: BSD-2-Clause */
/* How many bytes of memory an instruction accesses, by capstone. */
#include "config.h"

#include "tools/ctl/code.h"

#if defined(HAVE_CAPSTONE) && defined(__x86_64__)

#include <capstone/capstone.h>

static unsigned width_of(const cs_insn *instruction)
{
	const cs_x86 *x86 = &instruction->detail->x86;

	for (unsigned i = 0; i < x86->op_count; i++)
		if (x86->operands[i].type == X86_OP_MEM)
			return x86->operands[i].size;
	return 0;
}

unsigned code_width(const void *bytes, size_t len)
{
	cs_insn *instruction;
	unsigned width = 0;
	csh capstone;

	if (cs_open(CS_ARCH_X86, CS_MODE_64, &capstone))
		return 0;
	cs_option(capstone, CS_OPT_DETAIL, CS_OPT_ON);
	if (cs_disasm(capstone, bytes, len < 16 ? len : 16, 0, 1, &instruction) == 1) {
		width = width_of(instruction);
		cs_free(instruction, 1);
	}
	cs_close(&capstone);
	return width;
}

#else

unsigned code_width(const void *bytes, size_t len)
{
	(void)bytes;
	(void)len;
	return 0;
}

#endif
