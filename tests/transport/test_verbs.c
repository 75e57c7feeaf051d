/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance suite over verbs;ofi_rxm, where there is an RDMA device.
 */
#include "tests/transport/conformance.h"

int main(void)
{
	static const struct world_config base = {.ops = &tr_ofi_ops, .provider = "verbs"};

	return conformance_main(&base, NULL);
}
