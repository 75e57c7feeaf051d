/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of a node: the region's mappings, which of its frames are allocated and how that
 * stands to the budget, how the transport knows them, and which cached page goes next. Knows
 * neither faults nor messages: who gives a page up, and when, is decided in node/.
 *
 * All of it is under the node's lock; region and budgets do not change after the start.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "dsm/memory/budget.h"
#include "dsm/memory/chunks.h"
#include "dsm/memory/frames.h"
#include "dsm/memory/landings.h"
#include "dsm/memory/mm.h"
#include "dsm/memory/region.h"
#include "dsm/memory/stages.h"

struct memory {
	struct region region;
	struct chunks chunks;
	struct frames frames;
	struct budget *budgets; /* by node */
};

#endif
