/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that node 0 makes for a thread elsewhere, and that a signal to that thread interrupts.
 * Signals wait while one is made; after some milliseconds the thread sleeps for them as well as for the
 * call's end, which comes as a signal, too. Who has one that matters has node 0 interrupt what it is
 * doing, and takes the signal as it goes on after the call, which has returned EINTR by then, or is to
 * be made again, as signal(7) says.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "dsm/threads/calls.h"
#include "dsm/threads/errand.h"

#define QUICK_MS 5
#define BIT(number) (UINT64_C(1) << ((number) - 1))
#define LIBC_SETXID 33 /* for all threads of a process at once: it cannot wait */

/* Those that are of what the thread itself does. */
#define OWN (BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGABRT) | \
             BIT(SIGSYS) | BIT(LIBC_SETXID))
#define NOTHING_BY_DEFAULT (BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH) | BIT(SIGCONT))

/* What the kernel has of a signal. */
struct action {
	uint64_t handler, flags, restorer, mask;
};

struct wait {
	struct errand e, wake;
	int tid;
	uint64_t mask;       /* of the program: these are nothing to the call */
	bool cancellable;    /* by its state */
	bool interrupted, again; /* by a signal, whose handler says that the call is made again */
};

static long wake(const long arg[6])
{
	return NEXT(syscall)(SYS_tgkill, here.pid, arg[0], ERRAND_SIGNAL);
}

static uint64_t mask_change(int how, uint64_t mask)
{
	uint64_t was = 0;

	NEXT(syscall)(SYS_rt_sigprocmask, how, &mask, &was, sizeof mask);
	return was;
}

/* signal(7): these never are. */
static bool is_made_again(long number)
{
	switch (number) {
	case SYS_poll:
	case SYS_ppoll:
	case SYS_select:
	case SYS_pselect6:
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2: return false;
	default: return true;
	}
}

static void stop(struct wait *w, bool again)
{
	if (w->interrupted) {
		w->again &= again;
		return;
	}
	w->interrupted = true;
	w->again = again;
	errand_interrupt(0, &w->e);
}

/* A signal that has been taken, and is not lost: it comes again when the thread goes on. */
static void on_signal(struct wait *w, siginfo_t *info)
{
	const int number = info->si_signo;
	struct action action = { 0 };

	NEXT(syscall)(SYS_rt_sigaction, number, NULL, &action, sizeof action.mask);
	if (action.handler == (uintptr_t)SIG_IGN ||
	    (action.handler == (uintptr_t)SIG_DFL && BIT(number) & NOTHING_BY_DEFAULT))
		return;
	stop(w, action.handler == (uintptr_t)SIG_DFL || action.flags & SA_RESTART);
	NEXT(syscall)(SYS_rt_tgsigqueueinfo, here.pid, w->tid, number, info);
}

/* Whether the thread has been cancelled is asked after it has said that it waits; who cancels it says
 * so before it looks whether it does. Sequentially consistent, both. */
static void wait_slowly(struct wait *w)
{
	uint64_t set = ~(w->mask | OWN) | BIT(ERRAND_SIGNAL);
	uint32_t undone = 0;
	siginfo_t info;

	if (!__atomic_compare_exchange_n(&w->e.done, &undone, ERRAND_SLOW, 0, __ATOMIC_ACQ_REL,
	                                 __ATOMIC_ACQUIRE))
		return;
	__atomic_store_n(&mine->waits, w->tid, __ATOMIC_SEQ_CST);
	for (bool over = false; !over;) {
		if (w->cancellable && __atomic_load_n(&mine->cancelled, __ATOMIC_SEQ_CST))
			stop(w, false);
		if (NEXT(syscall)(SYS_rt_sigtimedwait, &set, &info, NULL, sizeof set) < 0)
			continue;
		if (info.si_signo == ERRAND_SIGNAL) { /* by a canceller, or wake() */
			over = __atomic_load_n(&w->e.done, __ATOMIC_ACQUIRE) == ERRAND_DONE;
		} else {
			on_signal(w, &info);
			set &= ~BIT(info.si_signo); /* once is enough */
		}
	}
	__atomic_store_n(&mine->waits, 0, __ATOMIC_SEQ_CST);
	errand_wait(&w->wake, -1);
}

long interrupt_make(long number, const long arg[6])
{
	struct wait w = { .e = { .number = number, .node = here.rank, .wake = &w.wake },
		          .wake = { .fn = wake } };
	int state;
	long result;

	memcpy(w.e.arg, arg, sizeof w.e.arg);
	if (!mine)
		return errand_make(0, number, arg);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	w.mask = mask_change(SIG_BLOCK, ~OWN);
	catch_off(); /* no handler of the program's can run now */
	w.tid = (int)NEXT(syscall)(SYS_gettid);
	w.wake.arg[0] = w.tid;
	w.cancellable = state == PTHREAD_CANCEL_ENABLE;
	errand_post(0, &w.e);
	if (!errand_wait(&w.e, QUICK_MS))
		wait_slowly(&w);
	result = w.e.result;
	catch_on();
	if (w.cancellable && __atomic_load_n(&mine->cancelled, __ATOMIC_RELAXED))
		mask_change(SIG_SETMASK, w.mask); /* for what it does at its end, which may be now */
	pthread_setcancelstate(state, NULL);
	return result == -EINTR && w.interrupted && w.again && is_made_again(number) ? CALL_AGAIN : result;
}

void interrupt_cancelled(struct thread *t)
{
	uint32_t tid;

	__atomic_store_n(&t->cancelled, 1, __ATOMIC_SEQ_CST);
	tid = __atomic_load_n(&t->waits, __ATOMIC_SEQ_CST);
	if (tid)
		NEXT(syscall)(SYS_tgkill, here.pid, tid, ERRAND_SIGNAL);
}
