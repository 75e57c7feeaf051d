/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ground floor: what every room of the library stands on. The log and the sentence about
 * a failed start, errors of the system in codes of ours, the clock, histograms of waits, the
 * processors that there are, threads of ours, objects of
 * code, the descriptors that are the program's, stacks that are not, what tells a child of fork, who is
 * about to end, and cancellation. Nothing here knows a node.
 *
 * Nothing needs to be guarded: a log does not change once it is set up, its lines wait for its
 * thread under a lock inside, the sentence is the calling thread's own, who holds descriptors
 * counts under a lock inside, and stacks are taken without one.
 */
#ifndef BASE_H
#define BASE_H

#include "dsm/base/cancel.h"
#include "dsm/base/clock.h"
#include "dsm/base/code.h"
#include "dsm/base/descriptors.h"
#include "dsm/base/ending.h"
#include "dsm/base/error.h"
#include "dsm/base/latency.h"
#include "dsm/base/log.h"
#include "dsm/base/process.h"
#include "dsm/base/processors.h"
#include "dsm/base/stack.h"
#include "dsm/base/thread.h"

#endif
