/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a test waits for what is to happen: so long that only a hang takes longer, on a
 * machine that is busy with other things too. No test passes or fails by less than that. */
#ifndef HANG_H
#define HANG_H

#define HANG_S 600
#define HANG_MS (HANG_S * 1000)
/* Suites and jobs that tell how long they take at most where nothing else runs: times this. */
#define HANG_TIMES 10
/* And with this, when they compute all the time. */
#ifdef __SANITIZE_THREAD__
#define HANG_SLOWER 10
#define HANG_ONE_THREAD 1 /* a test of minutes that has one has nothing to show there */
#else
#define HANG_SLOWER 1
#define HANG_ONE_THREAD 0
#endif

#endif
