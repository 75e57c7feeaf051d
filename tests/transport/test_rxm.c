/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance suite over tcp;ofi_rxm.
 */
#include "tests/transport/conformance.h"

int main(void)
{
	static const struct world_config base = {.ops = &tr_ofi_ops, .provider = "tcp;ofi_rxm"};

	return conformance_main(&base, conformance_breaks);
}
