/* SPDX-License-Identifier: BSD-2-Clause */
/* <linux/userfaultfd.h>, and what that of an older system lacks. */
#ifndef TRAP_UFFD_ABI_H
#define TRAP_UFFD_ABI_H

#include <linux/userfaultfd.h>

#ifndef UFFDIO_CONTINUE_MODE_WP
#define UFFDIO_CONTINUE_MODE_WP ((__u64)1 << 1) /* Linux 6.4 */
#endif
#ifndef UFFDIO_POISON /* Linux 6.6 */
#define _UFFDIO_POISON (0x08)
struct uffdio_poison {
	struct uffdio_range range;
#define UFFDIO_POISON_MODE_DONTWAKE ((__u64)1 << 0)
	__u64 mode;
	__s64 updated;
};
#define UFFDIO_POISON _IOWR(UFFDIO, _UFFDIO_POISON, struct uffdio_poison)
#endif
#ifndef UFFD_FEATURE_RWP /* Linux 7.3 */
#define UFFD_FEATURE_RWP (1 << 17)
#define UFFD_PAGEFAULT_FLAG_RWP (1 << 3)
#define UFFDIO_REGISTER_MODE_RWP ((__u64)1 << 3)
#endif

#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00) /* Linux 6.1 */
#endif

#ifndef UFFDIO_RWPROTECT /* Linux 7.3 */
#define _UFFDIO_RWPROTECT (0x09)
struct uffdio_rwprotect {
	struct uffdio_range range;
#define UFFDIO_RWPROTECT_MODE_RWP ((__u64)1 << 0)
#define UFFDIO_RWPROTECT_MODE_DONTWAKE ((__u64)1 << 1)
	__u64 mode;
};
#define UFFDIO_RWPROTECT _IOWR(UFFDIO, _UFFDIO_RWPROTECT, struct uffdio_rwprotect)
#endif

#endif
