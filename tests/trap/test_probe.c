/* SPDX-License-Identifier: BSD-2-Clause */
/* The probe: its codes, and that its sentences name what is missing and what helps. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsm/memory/region.h"
#include "dsm/trap/trap.h"
#include "dsm/trap/uffd.h"
#include "tests/trap/support.h"

#define NEED (UFFD_NEED_SHMEM | UFFD_NEED_HUGETLB)
#define DEVICE "permission on /dev/userfaultfd"
#define PTRACE "or CAP_SYS_PTRACE"
#define SYSCTL "or vm.unprivileged_userfaultfd=1"

/* A kernel and a process that have all. */
static const struct uffd_caps good = {
	.page_bytes = 4096,
	.features = NEED | UFFD_WANT,
	.release = "6.12.3-generic",
};

static void check_need(const struct uffd_caps *caps, uint64_t need, int code,
                       const char *const *with, const char *const *without)
{
	char why[512] = "?";

	CU_ASSERT(uffd_caps_check(caps, need, why, sizeof why) == code);
	for (; *with; with++) {
		if (!strstr(why, *with))
			printf("     \"%s\" is not in: %s\n", *with, why);
		CU_ASSERT(strstr(why, *with) != NULL);
	}
	for (; *without; without++) {
		if (strstr(why, *without))
			printf("     \"%s\" is in: %s\n", *without, why);
		CU_ASSERT(strstr(why, *without) == NULL);
	}
}

static void check(const struct uffd_caps *caps, int code, const char *const *with,
                  const char *const *without)
{
	check_need(caps, NEED, code, with, without);
}

#define LIST(...)                 \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}
#define NOTHING               \
	(const char *const[]) \
	{                     \
		NULL          \
	}

static void test_good(void)
{
	struct uffd_caps caps = good;
	char why[8] = "x";

	check(&caps, 0, NOTHING, NOTHING);
	CU_ASSERT(uffd_caps_check(&caps, NEED, why, sizeof why) == 0);
	CU_ASSERT(why[0] == '\0');
	caps.device_error = EACCES; /* the system call sufficed */
	check(&caps, 0, NOTHING, NOTHING);
}

static void test_permission(void)
{
	struct uffd_caps caps = good;

	caps.device_error = EACCES;
	caps.syscall_error = EPERM;
	check(&caps, -EPERM, LIST(DEVICE, PTRACE, SYSCTL, "Permission denied"), LIST("seccomp"));

	/* Before Linux 6.1 there is no device. */
	caps.device_error = ENOENT;
	check(&caps, -EPERM, LIST("a /dev/userfaultfd (Linux 6.1 or later)", PTRACE, SYSCTL),
	      LIST("seccomp"));

	/* A container: the call is forbidden whatever the process may. */
	caps.has_ptrace = true;
	check(&caps, -EPERM, LIST("/dev/userfaultfd", "CAP_SYS_PTRACE does not help", "seccomp"),
	      LIST(PTRACE, SYSCTL));
	caps.has_ptrace = false;
	caps.unprivileged = 1;
	check(&caps, -EPERM, LIST("vm.unprivileged_userfaultfd=1 does not help", "seccomp"),
	      LIST(PTRACE, SYSCTL));
}

static void test_kernel(void)
{
	struct uffd_caps caps = good;

	caps.device_error = ENOENT;
	caps.syscall_error = ENOSYS;
	check(&caps, -ENOSYS, LIST("6.12.3-generic", "CONFIG_USERFAULTFD", "Linux 6.4"), NOTHING);
	caps.syscall_error = EMFILE;
	check(&caps, -EMFILE, LIST(strerror(EMFILE)), LIST("Linux 6.4"));

	caps = good;
	caps.continue_wp_error = EINVAL;
	strcpy(caps.release, "6.1.0-18-amd64");
	check(&caps, -ENOSYS, LIST("6.1.0-18-amd64", "UFFDIO_CONTINUE_MODE_WP", "Linux 6.4"),
	      NOTHING);
	caps.continue_wp_error = ENOMEM;
	check(&caps, -ENOMEM, LIST(strerror(ENOMEM)), LIST("Linux 6.4"));

	caps = good;
	caps.page_bytes = 65536;
	check(&caps, -EOPNOTSUPP, LIST("65536", "4096"), NOTHING);
}

static void test_features(void)
{
	struct uffd_caps caps = good;

	caps.features &= ~UFFD_FEATURE_WP_HUGETLBFS_SHMEM;
	check(&caps, -EOPNOTSUPP, LIST("6.12.3-generic", " WP_HUGETLBFS_SHMEM", "CONFIG_"),
	      LIST("Linux 6.4", "MINOR_SHMEM"));
	caps.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM;
	strcpy(caps.release, "5.10.0-28");
	check(&caps, -ENOSYS, LIST("5.10.0-28", " MINOR_SHMEM", "MINOR_HUGETLBFS", "Linux 6.4"),
	      LIST("CONFIG_", " PAGEFAULT_FLAG_WP"));
	strcpy(caps.release, "6.4.0");
	check(&caps, -EOPNOTSUPP, LIST("6.4.0", " MINOR_SHMEM"), LIST("Linux 6.4 "));
}

static void test_rwp(void)
{
	const uint64_t need = UFFD_NEED_SHMEM | UFFD_NEED_RWP;
	struct uffd_caps caps = good;

	caps.features |= UFFD_FEATURE_EVENT_REMAP;
	check_need(&caps, need, -ENOSYS,
	           LIST("6.12.3-generic", " RWP;", "Linux 7.3", "CONFIG_USERFAULTFD_RWP"),
	           LIST("Linux 6.4", "EVENT_REMAP"));
	strcpy(caps.release, "7.10.0");
	check_need(&caps, need, -EOPNOTSUPP, LIST("7.10.0", " RWP;", "CONFIG_USERFAULTFD_RWP"),
	           NOTHING);
	strcpy(caps.release, "5.10.0");
	caps.features = 0;
	check_need(&caps, need, -ENOSYS, LIST(" MINOR_SHMEM", " RWP"), LIST("CONFIG_"));
	caps = good;
	caps.features |= UFFD_NEED_RWP;
	check_need(&caps, need, 0, LIST(""), NOTHING);
	check(&good, 0, LIST(""), NOTHING); /* which wp needs none of */
}

static void test_choose(void)
{
	char why[512] = "", rwp_why[512] = "";
	int rc, rwp = trap_rwp_ops.probe(TRAP_EVENT, rwp_why, sizeof rwp_why);
	int wp = trap_wp_ops.probe(TRAP_EVENT, why, sizeof why);
	const struct trap_ops *best = !rwp ? &trap_rwp_ops : !wp ? &trap_wp_ops : NULL;

	CU_ASSERT(trap_choose("auto", TRAP_EVENT, why, sizeof why, &rc) == best);
	CU_ASSERT(rc == (best ? 0 : wp));
	CU_ASSERT(trap_choose("wp", TRAP_EVENT, why, sizeof why, &rc) ==
	          (wp ? NULL : &trap_wp_ops));
	CU_ASSERT(rc == wp);
	CU_ASSERT(trap_choose("rwp", TRAP_EVENT, why, sizeof why, &rc) ==
	          (rwp ? NULL : &trap_rwp_ops));
	CU_ASSERT(rc == rwp && (!rwp || !strcmp(why, rwp_why)));
	CU_ASSERT(trap_choose("xwp", TRAP_EVENT, why, sizeof why, &rc) == NULL);
	CU_ASSERT(rc == -EINVAL);
}

static void test_short_text(void)
{
	struct uffd_caps caps = good;
	char why[12];

	caps.continue_wp_error = EINVAL;
	memset(why, 'x', sizeof why);
	CU_ASSERT(uffd_caps_check(&caps, NEED, why, 10) == -ENOSYS);
	CU_ASSERT(strlen(why) == 9 && why[10] == 'x');
	CU_ASSERT(uffd_caps_check(&caps, NEED, why, 0) == -ENOSYS);
	CU_ASSERT(strlen(why) == 9);
}

/* ------------------------------------------------------------ this machine -- */

static void test_here(void)
{
	struct uffd_caps caps;
	char why[512] = "";
	int r = trap_wp_ops.probe(TRAP_EVENT, why, sizeof why);

	uffd_caps_read(&caps, false);
	if (r) {
		printf("     %s\n", why);
		CU_ASSERT(why[0] != '\0');
		return;
	}
	CU_ASSERT(caps.continue_wp_error == 0);
	CU_ASSERT((caps.features & UFFD_NEED_SHMEM) == UFFD_NEED_SHMEM);
	CU_ASSERT(caps.release[0] != '\0');
}

static void on_log(void *ctx, int level, const char *text)
{
	snprintf(ctx, 512, "%s", text);
}

/* As a user without any right: 0 when told so, by probe and attach alike. */
static int as_nobody(void)
{
	char why[512] = "", log[512] = "";
	struct region region = { .pages = 0 };
	struct trap *trap;

	if (setgid(65534) || setuid(65534))
		return EXIT_SKIPPED;
	if (trap_wp_ops.probe(TRAP_EVENT, why, sizeof why) != -EPERM)
		return 1;
	printf("     %s\n", why);
	fflush(stdout);
	if (trap_wp_ops.attach(
		    &(struct trap_config){ .region = &region, .log = on_log, .log_ctx = log },
		    &trap) != -EPERM)
		return 2;
	if (strncmp(log, why, 100))
		return 3;
	return strstr(why, DEVICE) && strstr(why, PTRACE) && strstr(why, SYSCTL) ? 0 : 4;
}

static void test_as_nobody(void)
{
	struct uffd_caps caps;
	struct stat st;
	int status;
	pid_t pid;

	uffd_caps_read(&caps, false);
	if (geteuid() || caps.unprivileged != 0 || stat("/dev/userfaultfd", &st) ||
	    (st.st_mode & 0006)) {
		skip("needs root, a private /dev/userfaultfd, and vm.unprivileged_userfaultfd=0");
		return;
	}
	fflush(stdout);
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0)
		_exit(as_nobody());
	CU_ASSERT(waitpid(pid, &status, 0) == pid);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{ "all there", test_good },
		{ "permission", test_permission },
		{ "kernel", test_kernel },
		{ "features", test_features },
		{ "read-write protection", test_rwp },
		{ "choice", test_choose },
		{ "short text", test_short_text },
		{ "this machine", test_here },
		{ "an ordinary user", test_as_nobody },
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = { { "probe", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };

	watchdog_start(30);
	return run_suites("", suites) != 0;
}
