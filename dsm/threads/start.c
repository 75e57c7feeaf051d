/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the program begins and ends. What __libc_start_main is called for, the constructors of the
 * executable, main and exit, happens on node 0, on a stack in the region; the other nodes do nothing
 * of it, and wait for threads.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/dsm_bind.h"
#include "dsm/dsm_coll.h"
#include "dsm/dsm_place.h"
#include "dsm/threads/calls.h"

typedef int (*start_fn)(int (*main)(int, char **, char **), int argc, char **argv,
                        void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                        void *stack_end);

struct begin {
	start_fn start;
	int (*main)(int, char **, char **);
	int argc;
	char **argv;
	void (*init)(void), (*fini)(void), (*rtld_fini)(void);
	void *stack_end;
};

/* --- the environment --- */

static const char *preload, *bind_now; /* what LD_PRELOAD and LD_BIND_NOW were before dsmctl run */

/* What is ours alone, before dsm_init() looks for variables that it does not know. */
static void take_own(void)
{
	place_read(getenv("DSM_THREADS_PLACE"));
	preload = getenv("DSM_THREADS_PRELOAD");
	bind_now = getenv("DSM_THREADS_BIND_NOW");
	unsetenv("DSM_THREADS_PLACE");
	unsetenv("DSM_THREADS_PRELOAD");
	unsetenv("DSM_THREADS_BIND_NOW");
	if (getenv("DSM_RESTORE") && *getenv("DSM_RESTORE"))
		threads_die("threads cannot be restored: DSM_RESTORE is not for --threads");
}

/* Programs that this one starts are none of the job's. */
static void forget(void)
{
	static const char *const names[] = { "LD_PRELOAD", "LD_BIND_NOW", "DSM_JOB", "DSM_RANK", "DSM_SIZE",
		                             "DSM_RENDEZVOUS", "DSM_SECRET" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	if (preload && *preload)
		setenv("LD_PRELOAD", preload, 1);
	if (bind_now && *bind_now)
		setenv("LD_BIND_NOW", bind_now, 1);
}

/* --- the end --- */

static long call_dsm_exit(void *status)
{
	dsm_exit(here.dsm, (int)(intptr_t)status);
}

/* On a private stack. The first thread of this node to do so leaves; others wait for the end. */
static _Noreturn void leave(int status)
{
	static _Alignas(PAGE) char stack[64 * PAGE];
	static uint32_t leaving;

	while (__atomic_exchange_n(&leaving, 1, __ATOMIC_ACQ_REL))
		pause();
	catch_off();
	call_on(stack + sizeof stack, call_dsm_exit, (void *)(intptr_t)status);
	__builtin_unreachable();
}

static _Noreturn void program_end_now(int status)
{
	__atomic_store_n(&here.world->ending, WORLD_ENDS, __ATOMIC_RELEASE);
	post_end();
	leave(status);
}

static long do_end_now(const long arg[6])
{
	program_end_now((int)arg[0]);
}

/* What the program has registered, and what is in its files, is not for this. Node 0 ends the job, for
 * its status is the program's. */
EXPORT void _exit(int status)
{
	if (is_program()) {
		if (here.rank)
			errand_call(0, do_end_now, status, 0, 0);
		program_end_now(status);
	}
	for (;;)
		NEXT(syscall)(SYS_exit_group, status);
}

EXPORT void _Exit(int status)
{
	_exit(status);
}

/* On another node than 0: that one is to call exit; this one is over when all leave. */
static _Noreturn void end_elsewhere(int status)
{
	struct world *world = here.world;
	uint32_t none = 0;

	fcloseall(); /* what is not written yet; it waits for no thread that has a file locked */
	if (__atomic_compare_exchange_n(&world->ending, &none, WORLD_CLAIMED, 0, __ATOMIC_ACQ_REL,
	                                __ATOMIC_RELAXED)) {
		world->status = status;
		__atomic_store_n(&world->ending, WORLD_TO_END, __ATOMIC_RELEASE);
		post_end();
		status = 0;
	}
	leave(status);
}

/* What libraries have registered is for node 0, as their variables are. */
EXPORT void exit(int status)
{
	if (mine && is_program())
		locals_end();
	if (here.rank && is_program())
		end_elsewhere(status);
	NEXT(exit)(status);
	__builtin_unreachable();
}

/* The last of what exit() calls. */
static void on_exit_of_program(int status, void *unused)
{
	fcloseall();
	program_end_now(status);
}

static long end_program(void *unused)
{
	catch_thread();
	catch_on();
	exit(here.world->status);
}

/* --- the beginning --- */

static void join_job(void)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	void *start, *world;

	config.faults = "event"; /* the program's system calls are on shared memory */
	if (dsm_init(&config, &here.dsm))
		threads_die("%s", dsm_init_error());
	here.rank = dsm_rank(here.dsm);
	here.size = dsm_size(here.dsm);
	if (here.size > NODES_MAX)
		threads_die("a program with threads runs on %d nodes at most", NODES_MAX);
	threads_check(dsm_region(here.dsm, &start, &here.region_bytes), "start");
	here.region = (uintptr_t)start;
	threads_check(dsm_shared(here.dsm, "dsm-threads", sizeof *here.world, 0, &world), "start");
	here.world = world;
}

static void *serve(void *unused)
{
	struct stack stack;

	post_serve();
	if (__atomic_load_n(&here.world->ending, __ATOMIC_ACQUIRE) == WORLD_TO_END) {
		threads_check(stack_make(stack_usual(), &stack), "exit");
		call_on(stack.hi, end_program, NULL);
	}
	return unused;
}

/* Node 0 has threads made for others, too. */
static void serve_beside(void)
{
	pthread_t thread;
	sigset_t was;

	signals_away(&was);
	if (NEXT(pthread_create)(&thread, NULL, serve, NULL))
		threads_die("no thread can be made");
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	NEXT(pthread_detach)(thread);
}

static _Noreturn void be_a_node(void)
{
	here.ready = true;
	while (__atomic_load_n(&here.world->ending, __ATOMIC_ACQUIRE) != WORLD_ENDS)
		post_serve();
	fcloseall();
	leave(0);
}

/* Copies arguments, environment and auxiliary vector to the end of a stack, as the kernel lays them
 * out, and returns where they begin. */
static char **copy_arguments(const struct begin *b, char *end, int *envc)
{
	size_t bytes = 0, vectors;
	const ElfW(auxv_t) *aux;
	int n = 0, auxc = 0;
	char *strings, **out;

	while (environ[n])
		n++;
	for (aux = (const void *)(b->argv + b->argc + 1); *(char *const *)aux; )
		aux = (const void *)((char *const *)aux + 1);
	aux = (const void *)((char *const *)aux + 1); /* behind what the kernel gave as environment */
	while (aux[auxc++].a_type != AT_NULL)
		;
	for (int i = 0; i < b->argc; i++)
		bytes += strlen(b->argv[i]) + 1;
	for (int i = 0; i < n; i++)
		bytes += strlen(environ[i]) + 1;
	strings = end - bytes;
	vectors = (b->argc + n + 2) * sizeof *out + auxc * sizeof *aux;
	out = (char **)(((uintptr_t)strings - vectors) & ~(uintptr_t)15);
	for (int i = 0; i < b->argc + 1 + n; i++) {
		const char *from = i < b->argc ? b->argv[i] : i == b->argc ? NULL : environ[i - b->argc - 1];

		out[i] = from ? strings : NULL;
		if (from)
			strings = stpcpy(strings, from) + 1;
	}
	out[b->argc + 1 + n] = NULL;
	memcpy(out + b->argc + n + 2, aux, auxc * sizeof *aux);
	*envc = n;
	return out;
}

/* What threads of several nodes print is at least not mixed within lines. */
static void print_lines(void)
{
	static char lines[16 * PAGE];

	if (here.size > 1)
		setvbuf(stdout, lines, _IOLBF, sizeof lines);
}

static long begin_program(void *arg)
{
	const struct begin *b = arg;

	catch_on();
	return b->start(b->main, b->argc, b->argv, b->init, b->fini, b->rtld_fini, b->stack_end);
}

static long begin_main(struct begin *b)
{
	static char faults[FAULT_BYTES];
	struct stack stack;
	struct thread *t;
	int envc;

	threads_check(stack_make(stack_usual() + sizeof *t, &stack), "main's stack");
	t = thread_make(&stack);
	b->argv = copy_arguments(b, (char *)t, &envc);
	environ = b->argv + b->argc + 1;
	t->libc = NEXT(pthread_self)();
	t->node = 0;
	here.world->main = mine = t;
	here.ready = true;
	fault_thread(faults, sizeof faults);
	stack_guard(&stack, true);
	catch_thread();
	return call_on(b->argv, begin_program, b);
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                      void *stack_end);

EXPORT int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
                             void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                             void *stack_end)
{
	struct begin b = { next_symbol("__libc_start_main"), main, argc, argv, init, fini, rtld_fini,
		           stack_end };

	own_find();
	early_end();
	globals_find();
	stubs_change();
	take_own();
	dlopen("libgcc_s.so.1", RTLD_NOW); /* which libc would load when a thread is left */
	identity_take();
	join_job();
	identity_check();
	place_open();
	if (thread_open())
		threads_die("no key for threads");
	heap_open();
	forget();
	if (on_exit(on_exit_of_program, NULL)) /* the last to be called */
		threads_die("no memory");
	print_lines();
	here.pid = getpid();
	if (here.rank == 0)
		here.world->pid = here.pid;
	here.end_now = _exit;
	catch_open(call_make);
	fault_open();
	errand_serve();
	if (here.rank == 0)
		serve_beside();
	globals_share();
	if (here.rank)
		be_a_node();
	return (int)begin_main(&b);
}
