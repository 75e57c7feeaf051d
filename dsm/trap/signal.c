/* SPDX-License-Identifier: BSD-2-Clause */
/* The SIGBUS handler. */
#include "dsm/trap/signal.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "dsm/memory/memory.h"

/* Set while no page of the region can be trapped yet, or any more; so the handler reads
 * it without a lock. */
static struct {
	struct trap_config config;
	struct sigaction before;
	int taken;
} here;

/* 1: the access was a write; 0: it was not, or the machine does not tell, and a write
 * faults once more on the page that was given for reading. */
static int is_write(const ucontext_t *context)
{
#if defined(__x86_64__)
	return context->uc_mcontext.gregs[REG_ERR] >> 1 & 1; /* page-fault error code, W bit */
#else
	return 0;
#endif
}

/* Not ours: what the application had, with the signal mask it would have had. */
static void pass_on(int number, siginfo_t *info, void *context)
{
	const struct sigaction *before = &here.before;
	sigset_t mask = ((ucontext_t *)context)->uc_sigmask;

	if (before->sa_handler == SIG_DFL || before->sa_handler == SIG_IGN) {
		/* The access is tried again and ends the process, as it would have. */
		struct sigaction plain = {.sa_handler = SIG_DFL};
		if (info->si_code <= 0 && before->sa_handler == SIG_IGN)
			return;
		sigaction(number, &plain, NULL);
		if (info->si_code <= 0)
			raise(number); /* sent by a process: there is no access to try */
		return;
	}
	sigorset(&mask, &mask, &before->sa_mask);
	sigaddset(&mask, number);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (before->sa_flags & SA_SIGINFO)
		before->sa_sigaction(number, info, context);
	else
		before->sa_handler(number);
}

static uint64_t pc_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (uint64_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return context->uc_mcontext.pc;
#else
	return 0;
#endif
}

static uint32_t own_thread(void)
{
	static __thread uint32_t id;

	if (!id)
		id = (uint32_t)syscall(SYS_gettid);
	return id;
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	int64_t page = region_page_of(here.config.region, info->si_addr);
	const ucontext_t *uc = context;
	int saved = errno;
	struct trap_fault fault = {
	        .page = (uint64_t)page,
	        .address = (uintptr_t)info->si_addr,
	        .pc = pc_of(uc),
	        .thread = own_thread(),
	        .write = is_write(uc),
	};

	/* A signal that a process sent carries no address. */
	if (info->si_code <= 0 || page < 0 ||
	    here.config.on_fault(here.config.fault_ctx, &fault, &uc->uc_sigmask))
		pass_on(number, info, context);
	errno = saved;
}

/* All signals wait while the handler runs, which may hold the caller's lock. So does the one by
 * which threads are cancelled: sigfillset() leaves it out, and where it comes first the thread
 * would clean up with all others blocked. */
static void block_all(sigset_t *mask)
{
	sigfillset(mask);
	((unsigned char *)mask)[(__SIGRTMIN - 1) / 8] |= 1 << (__SIGRTMIN - 1) % 8;
}

int trap_signal_start(const struct trap_config *config)
{
	/* On the application's alternate stack if there is one: its own may be small, or be in
	 * the region. */
	struct sigaction ours = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	if (here.taken)
		return -EBUSY;
	here.config = *config;
	here.taken = 1;
	block_all(&ours.sa_mask);
	if (sigaction(SIGBUS, &ours, &here.before)) {
		here.taken = 0;
		return -errno;
	}
	return 0;
}

void trap_signal_stop(void)
{
	struct sigaction now;

	if (!here.taken)
		return;
	if (sigaction(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
	    now.sa_sigaction == on_sigbus)
		sigaction(SIGBUS, &here.before, NULL);
	here.taken = 0;
}
