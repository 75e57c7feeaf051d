/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors 0 to 2, which programs, and the C library for them, read and write without a
 * look at what is there; and how many there may be.
 */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

/*
 * Until the matching release none of the three that this process has not open is given to a
 * socket or file of ours, or of the libraries below: it is taken by an O_PATH descriptor, which
 * fails reads and writes with EBADF, as one that is not open does, and is closed by exec. Calls
 * nest. Any thread.
 */
void descriptors_hold(void);
void descriptors_release(void);

/*
 * Sees to it that n more can be opened, and raises the soft limit of RLIMIT_NOFILE where it is too
 * low for that. Returns 0; or, where the hard limit is, how high it would have to be. Any thread.
 */
unsigned descriptors_want(unsigned n);
/* Begins the sentence that says so; "a node: raise it to %u" ends it. */
#define DESCRIPTORS_TOO_FEW \
	"RLIMIT_NOFILE (ulimit -n) may be no more than its hard limit here, and that is too low for "
/* The limit as it is now. */
unsigned long long descriptors_limit(void);
/* Whether not one more can be opened. */
int descriptors_used_up(void);

#endif
