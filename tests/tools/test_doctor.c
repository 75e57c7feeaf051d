/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsmctl doctor, as different users and under limits: what it says agrees with the job that it
 * tries, its status with both, and whatever is bad comes with advice.
 */
#include "config.h"

#include <grp.h>
#include <jansson.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/suite.h"

#define TEXT_MAX (1 << 16)

static char text[TEXT_MAX]; /* what it printed last */
static json_t *answer;      /* the same, as JSON */

/* In the child, before it becomes dsmctl. */
typedef void (*prepare_fn)(void);

static const char *dsmctl = "tools/dsmctl";

/* The exit status of "dsmctl doctor" with an argument or two. */
static int doctor(prepare_fn prepare, const char *first, const char *second)
{
	size_t got = 0;
	ssize_t n;
	int fds[2], status;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0) {
		alarm(HANG_S);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		close(fds[0]);
		close(fds[1]);
		if (prepare)
			prepare();
		execl(dsmctl, "dsmctl", "doctor", first, second, NULL);
		_exit(99);
	}
	close(fds[1]);
	while ((n = read(fds[0], text + got, sizeof text - 1 - got)) > 0)
		got += (size_t)n;
	text[got] = '\0';
	close(fds[0]);
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_FATAL(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const char *member(const json_t *finding, const char *key)
{
	const char *value = json_string_value(json_object_get(finding, key));

	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value;
}

static const json_t *finding(const char *name)
{
	const json_t *f;
	size_t i;

	json_array_foreach(json_object_get(answer, "findings"), i, f)
		if (!strcmp(member(f, "name"), name))
			return f;
	return NULL;
}

static bool is(const char *name, const char *state)
{
	const json_t *f = finding(name);

	return f && !strcmp(member(f, "state"), state);
}

static bool advises(const char *name, const char *command)
{
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(finding(name), "advice"), i, line)
		if (strstr(json_string_value(line), command))
			return true;
	return false;
}

/* Whether it thinks that a job can run. The trial and the findings must think the same. */
static bool can_run(prepare_fn prepare)
{
	int status = doctor(prepare, "--json", NULL);
	bool can, bad = false;
	const json_t *f;
	size_t i;

	json_decref(answer);
	answer = json_loads(text, 0, NULL);
	if (!answer)
		fprintf(stderr, "no JSON: %s\n", text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
	can = json_is_true(json_object_get(answer, "can_run"));
	CU_ASSERT_EQUAL(status, can ? 0 : 1);
	json_array_foreach(json_object_get(answer, "findings"), i, f) {
		const char *name = member(f, "name"), *state = member(f, "state");
		size_t lines = json_array_size(json_object_get(f, "advice"));

		CU_ASSERT(strlen(member(f, "text")) > 0);
		if (!strcmp(name, "trial") || !strcmp(name, "settings"))
			continue;
		CU_ASSERT_EQUAL(lines > 0, strcmp(state, "ok") != 0);
		bad |= !strcmp(state, "bad");
	}
	bad |= finding("settings") != NULL;
	if (bad != is("trial", "bad") || bad == can)
		fprintf(stderr, "it contradicts itself: %s\n", text);
	CU_ASSERT_EQUAL(bad, is("trial", "bad"));
	CU_ASSERT_EQUAL(bad, !can);
	return can;
}

/* --------------------------------------------------------------------------- as it is -- */

static void test_plain(void)
{
	static const char *const names[] = { "kernel", "events", "signals", "rwp", "huge pages",
	                                     "memlock", "mappings", "/dev/shm", "providers", "rdma",
	                                     "trial" };

	CU_ASSERT(can_run(NULL));
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(answer, "version")),
	                       PACKAGE_VERSION);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!finding(names[i]))
			fprintf(stderr, "nothing is said of %s\n", names[i]);
		CU_ASSERT_PTR_NOT_NULL(finding(names[i]));
	}
	CU_ASSERT_EQUAL(doctor(NULL, NULL, NULL), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nok    trial "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nJobs can run here"));
}

static void test_usage(void)
{
	CU_ASSERT_EQUAL(doctor(NULL, "--help", NULL), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "usage: dsmctl doctor [OPTIONS]\n"));
	CU_ASSERT_EQUAL(doctor(NULL, "--nonsense", NULL), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "dsmctl doctor: unrecognized option"));
	CU_ASSERT_EQUAL(doctor(NULL, "--json", "a-job"), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "a-job"));
}

/* A directory with a dsmctl that doctor() runs until move_back; beside it is what COMMAND puts at
 * the path that it prints to. */
static char dir[] = "/tmp/doctor-XXXXXX", copy[64], beside[64];

static void move_away(const char *command)
{
	char line[256];

	strcpy(dir + sizeof dir - sizeof "XXXXXX", "XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(copy, sizeof copy, "%s/dsmctl", dir);
	snprintf(beside, sizeof beside, "%s/dsm-doctor", dir);
	snprintf(line, sizeof line, "cp tools/dsmctl %s && %s %s", copy, command, beside);
	CU_ASSERT_EQUAL(system(line), 0);
	dsmctl = copy;
}

static void move_back(void)
{
	char line[64];

	dsmctl = "tools/dsmctl";
	snprintf(line, sizeof line, "rm -r %s", dir);
	CU_ASSERT_EQUAL(system(line), 0);
}

/* Beside dsmctl is a dsm-doctor that cannot be started, then none. */
static void test_no_doctor(void)
{
	move_away("touch");
	CU_ASSERT_EQUAL(doctor(NULL, NULL, NULL), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, beside));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "Permission denied"));
	CU_ASSERT_EQUAL(unlink(beside), 0);
	if (access(PKGLIBEXECDIR "/dsm-doctor", F_OK) != 0) {
		CU_ASSERT_EQUAL(doctor(NULL, NULL, NULL), 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, beside));
		CU_ASSERT_PTR_NOT_NULL(strstr(text, PKGLIBEXECDIR "/dsm-doctor"));
	}
	move_back();
}

/* ------------------------------------------------------------------------------ users -- */

/* Leaves this process, and what it starts, none of root's capabilities but the one to pass
 * through directories that are closed to it. */
static void keep_passing(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { 0 } };

	caps[0].permitted = caps[0].effective = caps[0].inheritable = 1 << CAP_DAC_READ_SEARCH;
	if (syscall(SYS_capset, &header, caps) ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0))
		_exit(96);
}

/* The build may be in a home that nobody else can enter. */
static void become_nobody(void)
{
	char here[PATH_MAX];

	if (getuid() != 0)
		return;
	if (!getcwd(here, sizeof here) || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) ||
	    setgroups(0, NULL) || setgid(65534) || setuid(65534))
		_exit(98);
	if (access(here, X_OK) != 0) /* not by capabilities, of which none is effective now */
		keep_passing();
}

static void become_nobody_with_events(void)
{
	setenv("DSM_FAULTS", "event", 1);
	become_nobody();
}

static bool all_may_trap(void)
{
	FILE *f = fopen("/proc/sys/vm/unprivileged_userfaultfd", "r");
	int value = 0;

	if (f && fscanf(f, "%d", &value) != 1)
		value = 0;
	if (f)
		fclose(f);
	return value == 1 || (getuid() != 0 && access("/dev/userfaultfd", R_OK | W_OK) == 0);
}

static void test_ordinary_user(void)
{
	CU_ASSERT(can_run(become_nobody));
	if (all_may_trap()) {
		CU_ASSERT(is("events", "ok"));
		return;
	}
	CU_ASSERT(is("events", "less"));
	CU_ASSERT(is("signals", "ok"));
	CU_ASSERT(advises("events", "vm.unprivileged_userfaultfd=1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(member(finding("trial"), "text"), "not here fail"));
	CU_ASSERT(!can_run(become_nobody_with_events));
	CU_ASSERT(is("events", "bad"));
}

/* ----------------------------------------------------------------------------- limits -- */

static void set_limit(int which, rlim_t to)
{
	struct rlimit limit = { to, to };

	if (setrlimit(which, &limit))
		_exit(97);
}

/* Four are left. */
static void few_files(void)
{
	char libs[PATH_MAX + sizeof "/.libs"];

	if (!getcwd(libs, PATH_MAX))
		_exit(97);
	setenv("LD_LIBRARY_PATH", strcat(libs, "/.libs"), 1);
	close_range(3, ~0U, 0);
	set_limit(RLIMIT_NOFILE, 7);
}

/* libtool's wrapper is a shell, and that wants some, too: the program itself runs. */
static void test_few_files(void)
{
	bool wrapped = access("tools/.libs/dsm-doctor", X_OK) == 0;

	move_away(wrapped ? "ln -s \"$PWD\"/tools/.libs/dsm-doctor"
			  : "ln -s \"$PWD\"/tools/dsm-doctor");
	CU_ASSERT(!can_run(few_files));
	CU_ASSERT(is("files", "less"));
	CU_ASSERT(advises("files", "ulimit -n"));
	CU_ASSERT(advises("providers", "ulimit -n"));
	move_back();
}

static void small_files(void)
{
	set_limit(RLIMIT_FSIZE, 100 << 20);
}

static void few_addresses(void)
{
	set_limit(RLIMIT_AS, 1 << 30);
}

static void few_addresses_small_region(void)
{
	set_limit(RLIMIT_AS, 1 << 30);
	setenv("DSM_REGION", "100M", 1);
}

static void test_limits(void)
{
	CU_ASSERT(!can_run(small_files));
	CU_ASSERT(is("size of files", "bad"));
	CU_ASSERT(advises("size of files", "ulimit -f unlimited"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	CU_ASSERT(!can_run(few_addresses));
	CU_ASSERT(is("address space", "bad"));
	CU_ASSERT(advises("address space", "ulimit -v unlimited"));
	CU_ASSERT(can_run(few_addresses_small_region));
#endif
}

/* --------------------------------------------------------------------------- settings -- */

static void huge(void)
{
	setenv("DSM_HUGE", "20T", 1);
}

static void huge_if_possible(void)
{
	huge();
	setenv("DSM_HUGE_OPTIONAL", "1", 1);
}

static void no_such_provider(void)
{
	setenv("DSM_PROVIDER", "nonesuch", 1);
}

static void stand_in_provider(void)
{
	setenv("DSM_PROVIDER", "tcp", 1);
}

static void bad_region(void)
{
	setenv("DSM_REGION", "many", 1);
}

static void rwp(void)
{
	setenv("DSM_TRAP", "rwp", 1);
}

static void within_a_job(void)
{
	setenv("DSM_JOB", "/no/such/job", 1);
	setenv("DSM_RANK", "0", 1);
	setenv("DSM_SIZE", "2", 1);
	setenv("DSM_RENDEZVOUS", "nowhere:1", 1);
	setenv("DSM_SECRET", "short", 1);
}

static void test_settings(void)
{
	bool has_rwp;

	CU_ASSERT(!can_run(huge));
	CU_ASSERT(is("huge pages", "bad"));
	CU_ASSERT(!finding("huge pages") || advises("huge pages", "sysctl vm.nr_hugepages=") ||
	          advises("huge pages", "unset DSM_HUGE"));
	CU_ASSERT(can_run(huge_if_possible));
	CU_ASSERT(is("huge pages", "less"));
	CU_ASSERT(!can_run(no_such_provider));
	CU_ASSERT(is("providers", "bad"));
	CU_ASSERT(advises("providers", "unset DSM_PROVIDER"));
	CU_ASSERT(can_run(stand_in_provider));
	CU_ASSERT(!can_run(bad_region));
	CU_ASSERT_PTR_NOT_NULL(strstr(member(finding("settings"), "text"), "DSM_REGION"));
	CU_ASSERT(can_run(within_a_job));
	has_rwp = is("rwp", "ok");
	CU_ASSERT_EQUAL(can_run(rwp), has_rwp);
	CU_ASSERT(is("rwp", has_rwp ? "ok" : "bad"));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "as it is", test_plain },
		{ "usage", test_usage },
		{ "no dsm-doctor", test_no_doctor },
		{ "an ordinary user", test_ordinary_user },
		{ "few files", test_few_files },
		{ "limits", test_limits },
		{ "settings", test_settings },
		CU_TEST_INFO_NULL,
	};
	int status;

	alarm(HANG_S);
	if (WEXITSTATUS(system("tools/dsmctl doctor")) == 1)
		return 77; /* it has said why */
	status = suite_run("dsmctl doctor", NULL, NULL, tests, 300);
	json_decref(answer);
	return status;
}
