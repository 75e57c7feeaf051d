/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance suite over mem.
 */
#include "tests/transport/conformance.h"

int main(void)
{
	static const struct world_config base = {.ops = &tr_mem_ops, .provider = "mem"};

	return conformance_main(&base, NULL);
}
