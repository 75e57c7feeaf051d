/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a thread does between two looks at what it waits for. Where all threads that look fit
 * on the processors, nothing. Otherwise it gives way now and then, so that whoever is to
 * bring the answer can run.
 *
 * Two threads on one processor that give way to each other stay there for long, with another
 * processor idle: the kernel does not move threads that have just run, and both always have.
 * Each answer then costs two changes of threads. So whoever keeps finding that others have run
 * sleeps for a moment: waking up, a thread is put on a processor that is idle, if one is.
 */
#include "dsm/node/progress.h"

#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dsm/base/base.h"

#define ALONE_NS 5000      /* between two times of giving way, while nobody wants it */
#define ALONE_MAX_NS 1000  /* giving way in vain does not take longer */
#define SHARED_MAX 3       /* times in a row that others ran, before a nap */
#define NAP_NS 1000        /* in practice the kernel's timer slack, 50 us */
#define NAP_PERIOD_NS 4000000

static __thread struct {
	unsigned shared;
	uint64_t gave_ns;  /* when it last gave way */
	uint64_t alone_ns; /* the shortest time that giving way took */
	uint64_t nap_ns;   /* when the last nap ended */
} my;

static void nap(void)
{
	clock_nap(NAP_NS);
	my.nap_ns = clock_now_ns();
	my.shared = 0;
}

void progress_relax(const struct progress *progress, uint64_t now_ns)
{
	uint64_t took;

	if (!progress->crowded || (!my.shared && now_ns - my.gave_ns < ALONE_NS)) {
		__builtin_ia32_pause();
		return;
	}
	sched_yield();
	my.gave_ns = clock_now_ns();
	took = my.gave_ns - now_ns;
	if (!my.alone_ns)
		my.alone_ns = ALONE_MAX_NS;
	if (took < my.alone_ns)
		my.alone_ns = took;
	my.shared = took > 2 * my.alone_ns ? my.shared + 1 : 0;
	if (my.shared >= SHARED_MAX && now_ns - my.nap_ns > NAP_PERIOD_NS)
		nap();
}

/* --- the service thread --- */

void progress_init(struct progress *progress)
{
	*progress = (struct progress){.kick_fd = -1};
}

int progress_open(struct progress *progress)
{
	progress->kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return progress->kick_fd < 0 ? -errno : 0;
}

void progress_close(struct progress *progress)
{
	if (progress->kick_fd >= 0)
		close(progress->kick_fd);
	progress->kick_fd = -1;
}

void progress_kick(struct progress *progress)
{
	uint64_t one = 1;

	/* Fails only when it has been kicked more often than it can count, or nobody is there
	 * to be kicked. */
	if (write(progress->kick_fd, &one, sizeof one) < 0)
		return;
}
