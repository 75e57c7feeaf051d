/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of 2 MiB, which this version of the library does not hand out. */
#include "tools/bench/shared.h"

void pmd_fetch(struct result *out)
{
	out->unit = "us";
	out->missing = LIBRARY_LACKS_PMD;
}
