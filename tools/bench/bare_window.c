/* SPDX-License-Identifier: BSD-2-Clause */
/* The window of the floors. */
#include "tools/bench/bare_window.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/bench/bench.h"

#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26) /* the page's size as a power of two, in <linux/memfd.h> */
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef UFFDIO_CONTINUE_MODE_WP
#define UFFDIO_CONTINUE_MODE_WP ((uint64_t)1 << 1) /* Linux 6.4 */
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* For the signal handler. */
static struct bare_window *current;

static void check(int rc, const char *what)
{
	if (rc)
		bench_fail("%s: %s", what, strerror(errno));
}

/* ------------------------------------------------------------ open and close -- */

static bool map_memory(struct bare_window *w)
{
	const size_t bytes = w->pages * w->page_bytes;
	const unsigned huge = w->page_bytes > BENCH_PAGE ? MFD_HUGETLB | MFD_HUGE_2MB : 0;

	w->memfd = memfd_create("dsm-bench", MFD_CLOEXEC | huge);
	if (w->memfd < 0 && huge)
		return false;
	check(w->memfd < 0, "memfd_create");
	check(ftruncate(w->memfd, (off_t)bytes), "ftruncate");
	if (fallocate(w->memfd, 0, 0, (off_t)bytes)) {
		if (!huge)
			bench_fail("%zu bytes of memory: %s", bytes, strerror(errno));
		close(w->memfd);
		return false;
	}
	w->alias =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, w->memfd, 0);
	w->at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, w->memfd, 0);
	check(w->alias == MAP_FAILED || w->at == MAP_FAILED, "mmap");
	check(madvise(w->at, bytes, MADV_DONTFORK), "madvise");
	return true;
}

static void trap_memory(struct bare_window *w)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
		            (w->page_bytes > BENCH_PAGE ? UFFD_FEATURE_MINOR_HUGETLBFS : 0) |
		            (w->signal ? UFFD_FEATURE_SIGBUS : 0),
	};
	struct uffdio_register reg = {
		.range = { (uintptr_t)w->at, w->pages * w->page_bytes },
		.mode = UFFDIO_REGISTER_MODE_MINOR | UFFDIO_REGISTER_MODE_WP,
	};

	/* No system call touches this window: any user may trap it so. */
	w->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	check(w->uffd < 0, "userfaultfd");
	check(ioctl(w->uffd, UFFDIO_API, &api), "UFFDIO_API");
	check(ioctl(w->uffd, UFFDIO_REGISTER, &reg), "UFFDIO_REGISTER");
}

bool bare_window_open(struct bare_window *w, size_t page_bytes, size_t pages, bool by_signal)
{
	*w = (struct bare_window){ .page_bytes = page_bytes,
		                   .pages = pages,
		                   .memfd = -1,
		                   .uffd = -1,
		                   .signal = by_signal };
	if (!map_memory(w))
		return false;
	trap_memory(w);
	bare_window_zap(w, 0, pages);
	return true;
}

void bare_window_close(struct bare_window *w)
{
	const size_t bytes = w->pages * w->page_bytes;

	munmap(w->at, bytes);
	munmap(w->alias, bytes);
	close(w->uffd);
	close(w->memfd);
}

/* ------------------------------------------------------------------ delivery -- */

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	struct bare_window *w = current;
	const uint8_t *addr = info->si_addr;

	if (addr < w->at || addr >= w->at + w->pages * w->page_bytes)
		bench_fail("SIGBUS at %p, which is not in the window", (const void *)addr);
	w->fault(w->ctx, (uint64_t)(addr - w->at) / w->page_bytes);
}

static void *deliver(void *arg)
{
	struct bare_window *w = arg;
	struct uffd_msg msg;

	/* Relaxed would do: no fault is under way when it is told to stop. */
	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		if (read(w->uffd, &msg, sizeof msg) != sizeof msg) {
			if (errno != EAGAIN)
				bench_fail("reading a fault: %s", strerror(errno));
			continue;
		}
		uint64_t offset = msg.arg.pagefault.address - (uintptr_t)w->at;

		bare_window_order(w);
		w->fault(w->ctx, offset / w->page_bytes);
	}
	return NULL;
}

void bare_window_start(struct bare_window *w, bare_fault_fn fault, void *ctx)
{
	struct sigaction ours = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_NODEFER };

	w->fault = fault;
	w->ctx = ctx;
	w->stop = 0;
	current = w;
	if (w->signal)
		check(sigaction(SIGBUS, &ours, &w->before), "sigaction");
	else if (pthread_create(&w->thread, NULL, deliver, w))
		bench_fail("cannot start a thread");
}

void bare_window_stop(struct bare_window *w)
{
	if (w->signal) {
		sigaction(SIGBUS, &w->before, NULL);
	} else {
		__atomic_store_n(&w->stop, 1, __ATOMIC_RELEASE);
		pthread_join(w->thread, NULL);
	}
	current = NULL;
}

/* -------------------------------------------------------------------- access -- */

static struct uffdio_range range_of(const struct bare_window *w, uint64_t page)
{
	return (struct uffdio_range){ (uintptr_t)w->at + page * w->page_bytes, w->page_bytes };
}

void bare_window_map(struct bare_window *w, uint64_t page, bool write)
{
	struct uffdio_continue arg = { .range = range_of(w, page),
		                       .mode = write ? 0 : UFFDIO_CONTINUE_MODE_WP };

	bare_window_order(w); /* before anybody is woken */
	check(ioctl(w->uffd, UFFDIO_CONTINUE, &arg), "UFFDIO_CONTINUE");
}

static void set_protection(struct bare_window *w, uint64_t page, uint64_t mode)
{
	struct uffdio_writeprotect arg = { .range = range_of(w, page), .mode = mode };

	check(ioctl(w->uffd, UFFDIO_WRITEPROTECT, &arg), "UFFDIO_WRITEPROTECT");
}

void bare_window_unprotect(struct bare_window *w, uint64_t page)
{
	set_protection(w, page, 0);
}

void bare_window_protect(struct bare_window *w, uint64_t page)
{
	set_protection(w, page, UFFDIO_WRITEPROTECT_MODE_WP);
}

void bare_window_zap(struct bare_window *w, uint64_t first, uint64_t n)
{
	check(madvise(w->at + first * w->page_bytes, n * w->page_bytes, MADV_DONTNEED_LOCKED),
	      "madvise");
}
