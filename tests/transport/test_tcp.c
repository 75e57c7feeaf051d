/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance suite over tcp, libfabric's net up to 1.17.
 */
#include "tests/transport/conformance.h"

int main(void)
{
	static const struct world_config base = {.ops = &tr_ofi_ops, .provider = "tcp"};

	return conformance_main(&base, conformance_breaks);
}
