/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance suite over shm.
 */
#include "tests/transport/conformance.h"

int main(void)
{
	static const struct world_config base = {.ops = &tr_ofi_ops, .provider = "shm"};

	return conformance_main(&base, NULL);
}
