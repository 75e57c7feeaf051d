/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's system calls, whoever makes them: its own code, stdio and the rest of libc, other
 * libraries. The kernel has each of its threads get SIGSYS for one (Syscall User Dispatch: a byte of
 * the thread's says whether). Then it is made here as it stands, or by what the program is made of on
 * all nodes: see on_call().
 *
 * A call that is made as it stands is made after the handler has returned, so that what it does to
 * signals, stacks and processes it does to the thread: the handler has it go on at again, which makes
 * the call and goes back. What that needs to know lies in the frame of the signal, where siginfo was.
 */
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "dsm/threads/calls.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif
#define RESTORER 0x04000000 /* the kernel's SA_RESTORER */

static TLS volatile unsigned char selector; /* 0: as ever; 1: the thread gets signals for calls */
static TLS bool caught;                     /* the kernel knows of it */

static uintptr_t loader, loader_end; /* what the dynamic loader does is of this process */
static uintptr_t libc, libc_end;
static void (*make)(struct call *); /* says what becomes of one */

#if defined(__x86_64__)
/* No signal comes for calls from here. again: to be entered with the stack at what call_native() has
 * laid out. twice: with where to go on in r9, which libc's ways to make a process leave free. back: how the handler returns; unwinders know it by its bytes. */
extern const char catch_begin[] __attribute__((visibility("hidden")));
extern const char catch_again[] __attribute__((visibility("hidden")));
extern const char catch_twice[] __attribute__((visibility("hidden")));
extern const char catch_back[] __attribute__((visibility("hidden")));
extern const char catch_end[] __attribute__((visibility("hidden")));
__asm__(".pushsection .text\n"
        ".balign 64\n"
        ".globl catch_begin, catch_again, catch_twice, catch_back, catch_end\n"
        ".hidden catch_begin, catch_again, catch_twice, catch_back, catch_end\n"
        "catch_begin:\n"
        ".type catch_again, @function\n"
        "catch_again:\n"
        "	.cfi_startproc\n"
        "	.cfi_signal_frame\n"
        "	.cfi_escape 0x0f, 3, 0x77, 8, 0x06\n" /* the caller's stack: *(rsp + 8) */
        "	.cfi_escape 0x10, 16, 2, 0x77, 0\n"   /* where it goes on: *rsp */
        "	syscall\n"
        "	popq %rcx\n"
        "	.cfi_escape 0x0f, 3, 0x77, 0, 0x06\n"
        "	.cfi_register %rip, %rcx\n"
        "	popq %rsp\n"
        "	.cfi_def_cfa %rsp, 0\n"
        "	jmpq *%rcx\n"
        "	.cfi_endproc\n"
        ".size catch_again, .-catch_again\n"
        "catch_twice:\n"
        "	syscall\n"
        "	jmpq *%r9\n"
        "	nop\n"
        "catch_back:\n"
        "	movq $15, %rax\n"
        "	syscall\n"
        "	nop\n"
        "catch_end:\n"
        ".popsection\n");
#else
#error "how system calls are caught on this processor has to be added here"
#endif

/* What the kernel takes for sigaction. */
struct action {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

/* --- what becomes of a call --- */

static long *reg(struct call *c, int name)
{
	return (long *)&((ucontext_t *)c->context)->uc_mcontext.gregs[name];
}

void call_returns(struct call *c, long result)
{
	*reg(c, REG_RAX) = result;
}

void *call_mask(struct call *c)
{
	return &((ucontext_t *)c->context)->uc_sigmask;
}

void *call_room(struct call *c)
{
	return c->frame + 2;
}

void call_native(struct call *c)
{
	static const int place[6] = { REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9 };

	for (int i = 0; i < 6; i++)
		*reg(c, place[i]) = c->arg[i];
	if (c->number != SYS_rt_sigreturn) { /* which finds its frame by the stack, and does not come back */
		c->frame[0] = (uint64_t)*reg(c, REG_RIP);
		c->frame[1] = (uint64_t)*reg(c, REG_RSP);
		*reg(c, REG_RSP) = (long)c->frame;
	}
	*reg(c, REG_RIP) = (long)catch_again;
}

void call_twice(struct call *c)
{
	*reg(c, REG_R9) = *reg(c, REG_RIP);
	*reg(c, REG_RIP) = (long)catch_twice;
}

static void on_call(int number, siginfo_t *info, void *context)
{
	struct call c = { .context = context, .frame = (uint64_t *)info };
	const int saved = errno;

	if (info->si_code != SYS_USER_DISPATCH) /* another one's filter refuses it */
		threads_die("system call %d is not permitted", info->si_syscall);
	c.number = info->si_syscall;
	c.arg[0] = *reg(&c, REG_RDI);
	c.arg[1] = *reg(&c, REG_RSI);
	c.arg[2] = *reg(&c, REG_RDX);
	c.arg[3] = *reg(&c, REG_R10);
	c.arg[4] = *reg(&c, REG_R8);
	c.arg[5] = *reg(&c, REG_R9);
	c.of_program = here.ready && private_depth == 0 && is_shared((void *)*reg(&c, REG_RSP)) &&
	               (uintptr_t)*reg(&c, REG_RIP) - loader >= loader_end - loader;
	make(&c);
	errno = saved;
}

/* --- threads --- */

static int on_object(struct dl_phdr_info *info, size_t size, void *unused)
{
	uintptr_t end = info->dlpi_addr;

	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
	if (info->dlpi_addr == getauxval(AT_BASE)) {
		loader = info->dlpi_addr;
		loader_end = end;
	} else if ((uintptr_t)NEXT(malloc) - info->dlpi_addr < end - info->dlpi_addr) {
		libc = info->dlpi_addr;
		libc_end = end;
	}
	return 0;
}

bool catch_is_libc(const void *code)
{
	return (uintptr_t)code - libc < libc_end - libc || (uintptr_t)code - loader < loader_end - loader;
}

void catch_open(void (*make_call)(struct call *))
{
	const struct action action = { on_call, SA_SIGINFO | SA_NODEFER | RESTORER,
		                       (void (*)(void))(uintptr_t)catch_back, 0 };

	if (here.size == 1)
		return;
	make = make_call;
	dl_iterate_phdr(on_object, NULL);
	if (syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, sizeof action.mask))
		threads_die("SIGSYS cannot be handled: %s", strerror(errno));
}

void catch_thread(void)
{
	sigset_t set;

	if (here.size == 1)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, (unsigned long)catch_begin,
	          (unsigned long)(catch_end - catch_begin), &selector))
		threads_die("the kernel does not say what system calls a program makes: Linux 5.11 "
		            "with CONFIG_GENERIC_ENTRY does");
	caught = true;
}

void catch_on(void)
{
	if (caught)
		selector = 1;
}

void catch_off(void)
{
	selector = 0;
}
