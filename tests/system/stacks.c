/* SPDX-License-Identifier: BSD-2-Clause */
/* Small alternate stacks: faults by signals need little of them. */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "tests/system/node.h"

#define PAGE 4096
#define PAGES 16
#define TIMES 200
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NEED 32768 /* the sanitizer's */
#else
#define NEED 2048 /* bytes of an alternate stack beside the kernel's frame; dsm.7 says so */
#endif

static _Atomic uint64_t (*block)[PAGE / 8];

/* --- an alternate stack --- */

/* Of so many bytes, above a page that nobody may touch. */
static unsigned char *set_alternate(size_t bytes)
{
	size_t whole = (bytes + PAGE - 1) / PAGE * PAGE;
	unsigned char *at = mmap(NULL, PAGE + whole, PROT_READ | PROT_WRITE,
	                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = { .ss_sp = at + PAGE + whole - bytes, .ss_size = bytes };

	CHECK(at != MAP_FAILED);
	memset(at + PAGE, 0xa5, whole);
	CHECK(!mprotect(at, PAGE, PROT_NONE));
	CHECK(!sigaltstack(&stack, NULL));
	return at + PAGE;
}

static void alternate(void)
{
	unsigned long frame = getauxval(AT_MINSIGSTKSZ);
	size_t bytes = (frame ? frame : 2048) + NEED, whole = (bytes + PAGE - 1) / PAGE * PAGE, clean = 0;
	const unsigned char *at = set_alternate(whole);

	node_barrier();
	for (unsigned i = 0; i < TIMES; i++)
		atomic_fetch_add(&block[i % PAGES][node.rank], 1);
	node_barrier();
	for (unsigned i = 0; i < PAGES; i++)
		for (int rank = 0; rank < node.size; rank++)
			CHECK(atomic_load(&block[i][rank]) == (i < TIMES % PAGES) + TIMES / PAGES);
	while (clean < whole && at[clean] == 0xa5)
		clean++;
	if (node.rank == 0)
		node_say("an alternate stack is used for %zu bytes, the kernel's frame takes %lu",
		         whole - clean, frame);
	if (whole - clean > bytes)
		node_fail("an alternate stack needs %zu bytes, more than %zu", whole - clean, bytes);
}

int main(void)
{
	node_join("stacks", 60);
	CHECK(node.size >= 2);
	block = node_shared("block", PAGES * PAGE, PAGE);
	alternate();
	node_unshare("block", block);
	node_leave();
	return 0;
}
