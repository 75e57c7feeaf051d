/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader of Debian's package lists: what it takes for a dependency, and bad input. */
#include "examples/packages.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[2][64];
static struct packages p;
static char why[256];

static int setup(void)
{
	const char *dir = getenv("TMPDIR");

	if (!dir || strlen(dir) > 30)
		dir = "/tmp";
	for (int i = 0; i < 2; i++) {
		int fd;

		snprintf(path[i], sizeof path[i], "%s/dsm-test-packages-XXXXXX", dir);
		fd = mkstemp(path[i]);
		if (fd < 0)
			return 1;
		close(fd);
	}
	return 0;
}

static int cleanup(void)
{
	unlink(path[0]);
	unlink(path[1]);
	return 0;
}

static void write_file(int i, const char *text)
{
	FILE *f = fopen(path[i], "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_FATAL(fputs(text, f) >= 0);
	CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
}

static int load(int files)
{
	char *list[2] = { path[0], path[1] };

	return packages_load(list, files, &p, why, sizeof why);
}

static uint32_t vertex(const char *name)
{
	for (uint32_t v = 0; v < p.graph.vertices; v++)
		if (!strcmp(p.names[v], name))
			return v;
	return UINT32_MAX;
}

/* How many edges lead from one package to another. */
static unsigned edges(const char *from, const char *to)
{
	uint32_t v = vertex(to), u = vertex(from);
	unsigned n = 0;

	CU_ASSERT_FATAL(u != UINT32_MAX && v != UINT32_MAX);
	for (uint64_t e = p.graph.in_start[v]; e < p.graph.in_start[v + 1]; e++)
		n += p.graph.in_from[e] == u;
	return n;
}

static void test_dependencies(void)
{
	write_file(0, "Package: a\nDepends: b (>= 1.0), c:any | b\nPre-Depends: d [amd64], b\n\n"
	              "Package: b\nDescription: not a field of ours\n Depends: a\n\n"
	              "Package: c\nDepends: c, missing, missing | also-missing | d | a,\n a\n\n\n"
	              "package: d\nDEPENDS:b<!nocheck>,\n c,d\n");
	CU_ASSERT_EQUAL_FATAL(load(1), 0);
	CU_ASSERT_EQUAL(p.graph.vertices, 4);
	CU_ASSERT_EQUAL(edges("a", "b"), 1); /* once, though named thrice */
	CU_ASSERT_EQUAL(edges("a", "c"), 1); /* the first alternative that exists */
	CU_ASSERT_EQUAL(edges("a", "d"), 1);
	CU_ASSERT_EQUAL(edges("b", "a"), 0); /* text of a description */
	CU_ASSERT_EQUAL(edges("c", "d"), 1); /* the third alternative */
	CU_ASSERT_EQUAL(edges("c", "a"), 1); /* on a continuation line */
	CU_ASSERT_EQUAL(edges("c", "c"), 0); /* not on itself */
	CU_ASSERT_EQUAL(edges("d", "b"), 1);
	CU_ASSERT_EQUAL(edges("d", "c"), 1);
	CU_ASSERT_EQUAL(p.graph.edges, 7);
	CU_ASSERT_EQUAL(p.graph.in_start[4], 7);
	CU_ASSERT_EQUAL(p.graph.out_degree[vertex("a")], 3);
	CU_ASSERT_EQUAL(p.graph.out_degree[vertex("b")], 0);
	packages_free(&p);
}

static void test_virtual_packages(void)
{
	write_file(0, "Package: exim\nProvides: mail-agent (= 4), smtp\n\n"
	              "Package: postfix\nProvides: mail-agent\n\n"
	              "Package: mutt\nDepends: mail-agent\n\n"
	              "Package: real\nProvides: exim\n\n"
	              "Package: cron\nDepends: nothing | smtp | postfix, exim\n");
	CU_ASSERT_EQUAL_FATAL(load(1), 0);
	CU_ASSERT_EQUAL(edges("mutt", "exim"), 1); /* the first that provides it */
	CU_ASSERT_EQUAL(edges("mutt", "postfix"), 0);
	CU_ASSERT_EQUAL(edges("cron", "exim"), 1);
	CU_ASSERT_EQUAL(edges("cron", "real"), 0); /* a package goes before who provides it */
	CU_ASSERT_EQUAL(p.graph.edges, 2);
	packages_free(&p);
}

static void test_several_files(void)
{
	write_file(0, "Package: a\nDepends: b\n"); /* no empty line at the end */
	write_file(1, "Package: a\nDepends: c\n\nPackage: b\n\nPackage: c\n\n");
	CU_ASSERT_EQUAL_FATAL(load(2), 0);
	CU_ASSERT_EQUAL(p.graph.vertices, 3);
	CU_ASSERT_EQUAL(edges("a", "b"), 1);
	CU_ASSERT_EQUAL(edges("a", "c"), 0); /* the first list counts */
	CU_ASSERT_EQUAL(p.files, 2);
	packages_free(&p);
}

static void test_removed_packages(void)
{
	write_file(0, "Package: here\nStatus: install ok installed\nDepends: gone | here2\n\n"
	              "Package: gone\nStatus: deinstall ok config-files\n\n"
	              "Package: here2\nStatus: hold ok installed\n\n");
	CU_ASSERT_EQUAL_FATAL(load(1), 0);
	CU_ASSERT_EQUAL(p.graph.vertices, 2);
	CU_ASSERT_EQUAL(edges("here", "here2"), 1);
	packages_free(&p);
}

static void test_bad_input(void)
{
	char *missing[] = { (char *)"/nonexistent/Packages" };

	CU_ASSERT_EQUAL(packages_load(missing, 1, &p, why, sizeof why), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "/nonexistent/Packages: No such file"));
	write_file(0, "");
	CU_ASSERT_EQUAL(load(1), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no packages"));
	write_file(0, "Depends: x\n\n: y\n,,|\n Package: z\n\n");
	CU_ASSERT_EQUAL(load(1), -1);
	write_file(0, "Package: a\nDepends: ,, | (>= 1), (, |,[\nProvides: ,,(\n");
	CU_ASSERT_EQUAL_FATAL(load(1), 0);
	CU_ASSERT_EQUAL(p.graph.edges, 0);
	packages_free(&p);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{ "dependencies", test_dependencies },
		{ "virtual packages", test_virtual_packages },
		{ "several files", test_several_files },
		{ "removed packages", test_removed_packages },
		{ "bad input", test_bad_input },
		CU_TEST_INFO_NULL,
	};

	return suite_run("packages", setup, cleanup, tests, 60);
}
