/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks of the library's own: who has one, what is called on it, and what is below it. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include "dsm/base/stack.h"
#include "tests/suite.h"

static struct stacks pool;

static uint64_t six(uint64_t a, int b, const char *c, uint32_t d, uint64_t e, uint64_t f)
{
	CU_ASSERT_EQUAL(a, UINT64_MAX);
	CU_ASSERT_EQUAL(b, -1);
	CU_ASSERT_STRING_EQUAL(c, "three");
	CU_ASSERT_EQUAL(d, 4);
	CU_ASSERT_EQUAL(e, 5);
	/* It is below the top, and not by much. */
	return f - (uintptr_t)__builtin_frame_address(0);
}

static void test_call(void)
{
	struct stack *stack = stacks_take(&pool);
	const uint64_t word[STACK_WORDS] = { UINT64_MAX, (uint64_t)-1, (uintptr_t)"three", 4, 5,
		                             (uintptr_t)stack };

	CU_ASSERT_FATAL(stack != NULL);
	CU_ASSERT_EQUAL((uintptr_t)stack % 16, 0);
	CU_ASSERT(stack_call(stack, (void (*)(void))six, word) < 4096);
	stacks_give(&pool, stack);
}

static _Unwind_Reason_Code is_here(struct _Unwind_Context *context, void *found)
{
	void **function = found;

	if (_Unwind_FindEnclosingFunction((void *)(_Unwind_GetIP(context) - 1)) == *function)
		*function = NULL;
	return _URC_NO_REASON;
}

static void test_unwind(void);

static void unwind(void **function)
{
	_Unwind_Backtrace(is_here, function);
}

/* Exceptions and cancellation find the caller's frames. */
static void test_unwind(void)
{
	struct stack *stack = stacks_take(&pool);
	void *function = (void *)test_unwind;
	const uint64_t word[STACK_WORDS] = { (uintptr_t)&function };

	CU_ASSERT_FATAL(stack != NULL);
	stack_call(stack, (void (*)(void))unwind, word);
	CU_ASSERT(function == NULL);
	stacks_give(&pool, stack);
}

static uint64_t deeper(uint64_t bytes)
{
	volatile unsigned char some[1024];

	memset((void *)some, 1, sizeof some);
	return bytes < sizeof some ? some[0] : deeper(bytes - sizeof some) + some[1];
}

/* All of it may be used, and what comes then ends the process. */
static void test_guard(void)
{
	struct stack *stack = stacks_take(&pool);
	uint64_t word[STACK_WORDS] = { STACK_BYTES / 2 };
	int status = 0;
	pid_t child;

	CU_ASSERT_FATAL(stack != NULL);
	CU_ASSERT(stack_call(stack, (void (*)(void))deeper, word) > 0);
	child = fork();
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		word[0] = 2 * STACK_BYTES;
		stack_call(stack, (void (*)(void))deeper, word);
		_exit(0);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	stacks_give(&pool, stack);
}

static void test_same_again(void)
{
	struct stack *first = stacks_take(&pool), *second = stacks_take(&pool);

	CU_ASSERT(first && second && first != second);
	stacks_give(&pool, first);
	stacks_give(&pool, second);
	CU_ASSERT(stacks_take(&pool) == second); /* the one that is in the cache */
	CU_ASSERT(stacks_take(&pool) == first);
	stacks_give(&pool, second);
	stacks_give(&pool, first);
}

#define THREADS 4
#define TIMES 50000

/* Nobody else has what one has. */
static void *take_and_give(void *arg)
{
	uint64_t wrong = 0;

	for (unsigned i = 0; i < TIMES; i++) {
		struct stack *stack = stacks_take(&pool);
		volatile uint64_t *mine = (uint64_t *)stack - 1;
		*mine = (uintptr_t)&wrong;
		if (i % 16 == 0)
			sched_yield();
		wrong += *mine != (uintptr_t)&wrong;
		stacks_give(&pool, stack);
	}
	return (void *)(uintptr_t)wrong;
}

static void test_threads(void)
{
	pthread_t thread[THREADS];
	void *wrong;

	for (unsigned i = 0; i < THREADS; i++)
		CU_ASSERT_FATAL(!pthread_create(&thread[i], NULL, take_and_give, NULL));
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &wrong);
		CU_ASSERT(wrong == NULL);
	}
}

static int end(void)
{
	stacks_close(&pool);
	return 0;
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "a call on a stack gets six words", test_call },
		{ "frames of the caller are found", test_unwind },
		{ "there is a guard below", test_guard },
		{ "the last one given is the next", test_same_again },
		{ "threads have different ones", test_threads },
		CU_TEST_INFO_NULL,
	};

	return suite_run("stack", NULL, end, tests, 60);
}
