/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job on one machine as its starter sees it: the directory that it has, where this user's
 * jobs are, the rendezvous at which its nodes meet and what is said there, and what is to be
 * swept up after nodes that were killed. For programs that start nodes or look for them, and
 * for the nodes' end of the same (boot/, admin/). Knows nothing of a node.
 *
 * What guards it: the directory's permissions, and that it is the user's own, keep others
 * out; nothing is believed of a directory, a socket or a packet before that was checked. A
 * rendezvous belongs to one thread; the rest keeps no state.
 */
#ifndef JOB_H
#define JOB_H

#include "dsm/job/bootmsg.h"
#include "dsm/job/jobdir.h"
#include "dsm/job/jobroot.h"
#include "dsm/job/rendezvous.h"
#include "dsm/job/sweep.h"

#endif
