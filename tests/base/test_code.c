/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects of code: found again by what they were built of, and only where they are. */
#include "dsm/base/code.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

static void test_program(void)
{
	struct code_place place, other;
	uintptr_t base = 1;

	CU_ASSERT_EQUAL_FATAL(code_place_of((const void *)test_program, &place), 0);
	CU_ASSERT_NOT_EQUAL(place.object, 0);
	CU_ASSERT_EQUAL(place.base + place.offset, (uintptr_t)test_program);
	CU_ASSERT_EQUAL(code_find(place.object, place.offset, &base), 0);
	CU_ASSERT_EQUAL(base, place.base);
	CU_ASSERT_EQUAL_FATAL(code_place_of((const void *)suite_run, &other), 0);
	CU_ASSERT_EQUAL(other.object, place.object);
	CU_ASSERT_EQUAL(code_find(place.object ^ 2, place.offset, &base), -ENOENT);
	CU_ASSERT_EQUAL(code_find(place.object, UINT64_C(1) << 40, &base), -ENOENT);
}

static void test_library(void)
{
	/* Its own: a sanitizer has one of this name, too. */
	void *library = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	const void *fn = library ? dlsym(library, "qsort") : NULL;
	struct code_place place, mine;
	char name[200];

	CU_ASSERT_PTR_NOT_NULL_FATAL(fn);
	CU_ASSERT_EQUAL_FATAL(code_place_of(fn, &place), 0);
	CU_ASSERT_EQUAL_FATAL(code_place_of((const void *)test_library, &mine), 0);
	CU_ASSERT_NOT_EQUAL(place.object, mine.object);
	code_name(fn, name, sizeof name);
	CU_ASSERT_PTR_NOT_NULL(strstr(name, "libc"));
	dlclose(library);
}

/* What was loaded later, and is gone again. */
static void test_comes_and_goes(void)
{
	void *library = dlopen("libmvec.so.1", RTLD_NOW | RTLD_LOCAL), *fn;
	struct code_place place;
	uintptr_t base;

	if (!library) {
		puts("no libmvec here: what comes and goes is not tried");
		return;
	}
	fn = dlsym(library, "_ZGVbN2v_sin");
	CU_ASSERT_PTR_NOT_NULL_FATAL(fn);
	CU_ASSERT_EQUAL_FATAL(code_place_of(fn, &place), 0);
	CU_ASSERT_EQUAL(code_find(place.object, place.offset, &base), 0);
	dlclose(library);
	if (!dlopen("libmvec.so.1", RTLD_NOW | RTLD_NOLOAD))
		CU_ASSERT_EQUAL(code_find(place.object, place.offset, &base), -ENOENT);
}

static void test_no_code(void)
{
	static int data;
	struct code_place place;
	void *block = malloc(16);
	char name[20] = "x";

	CU_ASSERT_EQUAL(code_place_of(&data, &place), -ENOENT);
	CU_ASSERT_EQUAL(code_place_of(block, &place), -ENOENT);
	CU_ASSERT_EQUAL(code_place_of(NULL, &place), -ENOENT);
	code_name(block, name, sizeof name);
	CU_ASSERT_STRING_EQUAL(name, "");
	free(block);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "a function of the program", test_program },
		{ "a function of a library", test_library },
		{ "a library comes and goes", test_comes_and_goes },
		{ "what is no code", test_no_code },
		CU_TEST_INFO_NULL,
	};

	return suite_run("code", NULL, NULL, tests, 10);
}
