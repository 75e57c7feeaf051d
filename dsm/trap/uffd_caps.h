/* SPDX-License-Identifier: BSD-2-Clause */
/* userfaultfd: what this kernel offers and this process may use. */
#ifndef TRAP_UFFD_CAPS_H
#define TRAP_UFFD_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsm/trap/uffd_abi.h"

/* What an engine on shmem, and one on hugetlbfs, cannot do without. */
#define UFFD_NEED_SHMEM                                                                           \
	(UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MINOR_SHMEM | \
	 UFFD_FEATURE_WP_HUGETLBFS_SHMEM)
#define UFFD_NEED_HUGETLB (UFFD_FEATURE_MISSING_HUGETLBFS | UFFD_FEATURE_MINOR_HUGETLBFS)
/* What one with read-write protection needs beyond that. EVENT_REMAP: a mapping that is
 * moved keeps its registration. */
#define UFFD_NEED_RWP (UFFD_FEATURE_RWP | UFFD_FEATURE_EVENT_REMAP)
/* What is used where it is there. */
#define UFFD_WANT (UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_EXACT_ADDRESS)

/* What was found out about kernel and process. Codes are 0 or a positive errno. */
struct uffd_caps {
	int device_error;      /* of getting a descriptor from /dev/userfaultfd */
	int syscall_error;     /* of userfaultfd(2); 0 also when the device sufficed */
	bool has_ptrace;       /* CAP_SYS_PTRACE is effective */
	int unprivileged;      /* vm.unprivileged_userfaultfd; -1 unknown */
	long page_bytes;       /* of the system */
	uint64_t features;     /* of UFFDIO_API */
	int continue_wp_error; /* of CONTINUE with MODE_WP on a page of shmem */
	char release[65];      /* of the kernel */
};

/* Asks kernel and process, on descriptors that it throws away; user_mode: ones for faults
 * of user mode only suffice. */
void uffd_caps_read(struct uffd_caps *caps, bool user_mode);

/* Judges caps for an engine that needs these features: 0, or -EPERM, -ENOSYS,
 * -EOPNOTSUPP and a sentence in why that says what is missing and what would help. */
int uffd_caps_check(const struct uffd_caps *caps, uint64_t need, char *why, size_t len);

#endif
