/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl run: output, statuses, signals, and that nothing stays behind. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/tools/ctl.h"
#include "tests/suite.h"

#define TRAPPED "trap '' TERM; echo pid $$; sleep 1000 & echo pid $!; wait; wait; wait"

/* ----------------------------------------------------------------------- output -- */

static void test_prefix(void)
{
	struct ctl c;

	CU_ASSERT_EQUAL(ctl_run(&c, 0, "run", "-n", "3", "sh", "-c",
	                        "echo one $DSM_RANK; echo; echo bad >&2; printf end", NULL), 0);
	for (int rank = 0; rank < 3; rank++) {
		char line[40];

		snprintf(line, sizeof line, "[%d] one %d", rank, rank);
		CU_ASSERT(has_line(c.out_text, line));
		snprintf(line, sizeof line, "[%d] end", rank);
		CU_ASSERT(has_line(c.out_text, line));
		snprintf(line, sizeof line, "[%d] ", rank);
		CU_ASSERT(has_line(c.out_text, line));
		snprintf(line, sizeof line, "[%d] bad", rank);
		CU_ASSERT(has_line(c.err_text, line));
	}
	CU_ASSERT_EQUAL(count_text(c.out_text, "\n"), 9);
	CU_ASSERT_EQUAL(count_text(c.err_text, "\n"), 3);
	ctl_free(&c);

	CU_ASSERT_EQUAL(ctl_run(&c, 0, "run", "--no-prefix", "-n", "1", "--", "printf", "a\\nb", NULL),
	                0);
	CU_ASSERT_STRING_EQUAL(c.out_text, "a\nb");
	ctl_free(&c);
}

/* A question does not end its line; it must be seen all the same. */
static void test_prompt(void)
{
	struct ctl c;

	ctl_start(&c, "run", "-n", "1", "--no-prefix", "sh", "-c",
	          "printf 'name? '; read x; echo \"hello $x\"", NULL);
	ctl_expect_out(&c, "name? ", 1);
	CU_ASSERT_EQUAL(write(c.in, "you\n", 4), 4);
	ctl_finish(&c);
	CU_ASSERT_STRING_EQUAL(c.out_text, "name? hello you\n");
	ctl_free(&c);
}

/* Many lines of many ranks at once: each stays whole. */
static void test_whole_lines(void)
{
	static const char script[] =
		"i=0; while [ $i -lt 400 ]; do echo \"<$DSM_RANK $i"
		"----------------------------------------------------------------------"
		"$i $DSM_RANK>\"; i=$((i+1)); done";
	char *line, *save, want[200];
	int next[8] = { 0 }, rank, i;
	struct ctl c;

	CU_ASSERT_EQUAL(ctl_run(&c, 0, "run", "-n", "8", "sh", "-c", script, NULL), 0);
	for (line = strtok_r(c.out_text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		CU_ASSERT_EQUAL_FATAL(sscanf(line, "[%d] <", &rank), 1);
		CU_ASSERT_FATAL(rank >= 0 && rank < 8);
		i = next[rank]++;
		snprintf(want, sizeof want,
		         "[%d] <%d %d---------------------------------------------------------------"
		         "-------%d %d>", rank, rank, i, i, rank);
		CU_ASSERT_STRING_EQUAL(line, want);
	}
	for (rank = 0; rank < 8; rank++)
		CU_ASSERT_EQUAL(next[rank], 400);
	ctl_free(&c);
}

static void test_long_line(void)
{
	struct ctl c;

	CU_ASSERT_EQUAL(ctl_run(&c, 0, "run", "-n", "1", "--no-prefix", "sh", "-c",
	                        "head -c 300000 /dev/zero | tr '\\0' x", NULL), 0);
	CU_ASSERT_EQUAL(c.out_len, 300000);
	CU_ASSERT_EQUAL(strspn(c.out_text, "x"), 300000);
	ctl_free(&c);
}

static void test_reader_goes(void)
{
	struct ctl c;

	ctl_start(&c, "run", "-n", "2", "yes", NULL);
	ctl_expect_out(&c, "] y\n", 1); /* of either: the other may have to wait for its turn */
	close(c.out);
	c.out = -1;
	ctl_finish(&c);
	CU_ASSERT_EQUAL(c.status, 128 + SIGPIPE);
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&c);
}

/* Nobody reads, so nobody can print; the time is over all the same. */
static void test_reader_stuck(void)
{
	struct ctl c;
	int status;

	ctl_start(&c, "run", "-n", "2", "-t", "0.3", "yes", NULL);
	CU_ASSERT_EQUAL(waitpid(c.pid, &status, 0), c.pid);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 124);
	CU_ASSERT(ctl_nothing_left());
	close(c.in);
	close(c.out);
	close(c.err);
	ctl_free(&c);
}

/* ------------------------------------------------------------------------ input -- */

static void test_input(void)
{
	struct ctl c;

	ctl_start(&c, "run", "-n", "2", "sh", "-c", "read line; echo \"got <$line> $?\"", NULL);
	CU_ASSERT_EQUAL(write(c.in, "hello\n", 6), 6);
	ctl_finish(&c);
	CU_ASSERT_EQUAL(c.status, 0);
	CU_ASSERT(has_line(c.out_text, "[0] got <hello> 0"));
	CU_ASSERT(has_line(c.out_text, "[1] got <> 1"));
	ctl_free(&c);
}

/* What "dsmctl run" shows in a terminal where these keys are typed once both ranks are
 * ready, and the status. */
static int in_terminal(const char *keys, const char *script, char *text, size_t len)
{
	size_t got = 0;
	int master, status;
	bool typed = false;
	struct pollfd p = { .events = POLLIN };
	pid_t pid = forkpty(&master, NULL, NULL, NULL);
	ssize_t n;

	if (pid < 0)
		die("forkpty");
	if (pid == 0) {
		const char *path = getenv("DSMCTL");

		alarm(HANG_S);
		execl(path ? path : "tools/dsmctl", "dsmctl", "run", "-n", "2", "sh", "-c", script, NULL);
		_exit(99);
	}
	p.fd = master;
	while (got < len - 1 && poll(&p, 1, HANG_MS) == 1) {
		n = read(master, text + got, len - 1 - got);
		if (n <= 0)
			break;
		got += n;
		text[got] = '\0';
		if (!typed && count_text(text, "ready") == 2) {
			typed = true;
			if (write(master, keys, strlen(keys)) < 0)
				die("write");
		}
	}
	close(master);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_terminal(void)
{
	char text[4000];

	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	CU_ASSERT_EQUAL(in_terminal("typed\n", "echo ready; read line; echo \"got <$line>\"", text,
	                            sizeof text), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\033[31m[0]\033[0m got <typed>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\033[32m[1]\033[0m got <>"));
	setenv("NO_COLOR", "1", 1);
	/* ^D and ^C arrive, too. */
	CU_ASSERT_EQUAL(in_terminal("\004", "echo ready; cat; echo end", text, sizeof text), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "[0] end"));
	CU_ASSERT_PTR_NULL(strchr(text, '\033'));
	CU_ASSERT_EQUAL(in_terminal("\003", "echo ready; exec sleep 1000", text, sizeof text),
	                128 + SIGINT);
	unsetenv("NO_COLOR");
}

/* ------------------------------------------------------------------ environment -- */

static void test_environment(void)
{
	struct ctl c;

	setenv("FI_MR_CACHE_MONITOR", "userfaultfd", 1);
	setenv("DSM_RENDEZVOUS", "nowhere:7000", 1);
	unsetenv("IPATH_NO_BACKTRACE");
	unsetenv("DSM_LOG");
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "run", "-n", "2", "-p", "tcp", "--region=3G", "-f", "event", "env",
	                        NULL), 0);
	CU_ASSERT(has_line(c.out_text, "[1] DSM_RANK=1"));
	CU_ASSERT(has_line(c.out_text, "[0] DSM_SIZE=2"));
	CU_ASSERT(has_line(c.out_text, "[0] DSM_PROVIDER=tcp"));
	CU_ASSERT(has_line(c.out_text, "[0] DSM_REGION=3G"));
	CU_ASSERT(has_line(c.out_text, "[1] DSM_FAULTS=event"));
	CU_ASSERT_PTR_NULL(strstr(c.out_text, "DSM_LOG"));
	CU_ASSERT_PTR_NULL(strstr(c.out_text, "DSM_RENDEZVOUS")); /* that is another kind of job */
	unsetenv("DSM_RENDEZVOUS");
	CU_ASSERT(has_line(c.out_text, "[0] IPATH_NO_BACKTRACE=1"));
	CU_ASSERT(has_line(c.out_text, "[0] FI_MR_CACHE_MONITOR=userfaultfd"));
	CU_ASSERT_PTR_NOT_NULL(strstr(c.out_text, ctl_runtime));
	ctl_free(&c);
	unsetenv("FI_MR_CACHE_MONITOR");
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "run", "-n", "1", "-l", "info", "sh", "-c",
	                        "env; stat -c 'mode %a' $DSM_JOB", NULL), 0);
	CU_ASSERT(has_line(c.out_text, "[0] FI_MR_CACHE_MONITOR=disabled"));
	CU_ASSERT(has_line(c.out_text, "[0] DSM_LOG=info"));
	CU_ASSERT(has_line(c.out_text, "[0] mode 700"));
	ctl_free(&c);
}

/* As after su: XDG_RUNTIME_DIR is still that of who was there before. */
static void test_foreign_runtime(void)
{
	char foreign[] = "/tmp/test-foreign-XXXXXX", want[100];
	bool is_root = geteuid() == 0;
	struct ctl c;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(foreign));
	CU_ASSERT(!is_root || chown(foreign, 65534, 65534) == 0);
	setenv("XDG_RUNTIME_DIR", is_root ? foreign : "/usr", 1);
	setenv("TMPDIR", ctl_runtime, 1);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "run", "-n", "1", "sh", "-c", "echo $DSM_JOB", NULL), 0);
	snprintf(want, sizeof want, "[0] %s/dsm-", ctl_runtime);
	CU_ASSERT_PTR_NOT_NULL(strstr(c.out_text, want));
	ctl_free(&c);
	CU_ASSERT_EQUAL(rmdir(foreign), 0);
	setenv("XDG_RUNTIME_DIR", ctl_runtime, 1);
	CU_ASSERT(ctl_nothing_left());
}

/* --------------------------------------------------------------------- statuses -- */

static void status_of(int want, const char *script, const char *message)
{
	struct ctl c;

	CU_ASSERT_EQUAL(ctl_run(&c, want, "run", "-n", "3", "sh", "-c", script, NULL), want);
	if (!strstr(c.err_text, message))
		fprintf(stderr, "no \"%s\" in: %s", message, c.err_text);
	CU_ASSERT_PTR_NOT_NULL(strstr(c.err_text, message));
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&c);
}

static void test_statuses(void)
{
	status_of(0, "true", "");
	status_of(3, "test $DSM_RANK = 1 && exit 3; exec sleep 1000",
	          "dsmctl: rank 1 exited with status 3; ending the others\n");
	status_of(128 + SIGSEGV, "test $DSM_RANK = 2 && kill -SEGV $$; exec sleep 1000",
	          "dsmctl: rank 2 was ended by signal 11 (Segmentation fault); ending the others\n");
}

/* With --survive a rank that fails takes nobody with it. */
static void test_survive(void)
{
	struct ctl c;

	ctl_start(&c, "run", "-n", "3", "--survive", "sh", "-c",
	          "case $DSM_RANK in 1) exit 3;; 0) read go;; esac; echo on $DSM_ON_LOSS", NULL);
	ctl_expect_err(&c, "rank 1 exited with status 3; the others go on\n");
	CU_ASSERT_EQUAL(write(c.in, "go\n", 3), 3);
	ctl_finish(&c);
	CU_ASSERT_EQUAL(c.status, 123);
	CU_ASSERT_EQUAL(count_text(c.out_text, "on continue\n"), 2);
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "run", "-n", "2", "--survive", "true", NULL), 0);
	ctl_free(&c);
	/* Nobody has survived. */
	CU_ASSERT_EQUAL(ctl_run(&c, 5, "run", "-n", "2", "--survive", "sh", "-c", "exit 5", NULL), 5);
	ctl_free(&c);
}

static void test_cannot_run(void)
{
	struct ctl c;

	CU_ASSERT_EQUAL(ctl_run(&c, 127, "run", "-n", "4", "./no-such-program", NULL), 127);
	CU_ASSERT_STRING_EQUAL(c.err_text,
	                       "dsmctl: cannot run './no-such-program': No such file or directory\n");
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 126, "run", "-n", "4", "/", NULL), 126);
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&c);
}

/* Those who do not listen to SIGTERM, and their children, are ended too. */
static void test_others_end(void)
{
	struct ctl c;

	ctl_start(&c, "run", "-n", "3", "sh", "-c",
	          "if [ $DSM_RANK = 0 ]; then read go; exit 9; fi; " TRAPPED, NULL);
	ctl_expect_out(&c, "pid ", 4);
	CU_ASSERT_EQUAL(write(c.in, "go\n", 3), 3);
	ctl_finish(&c);
	CU_ASSERT_EQUAL(c.status, 9);
	CU_ASSERT(processes_ended(c.out_text));
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&c);
}

static void test_limit(void)
{
	struct ctl c;

	CU_ASSERT_EQUAL(ctl_run(&c, 124, "run", "-t", "0.5", "-n", "2", "sh", "-c", TRAPPED, NULL), 124);
	CU_ASSERT(c.seconds > 0.4);
	CU_ASSERT_PTR_NOT_NULL(strstr(c.err_text, "the time is over: ending the job after 0.5 s"));
	CU_ASSERT(processes_ended(c.out_text));
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "run", "-t", "20", "-n", "2", "true", NULL), 0);
	ctl_free(&c);
}

/* ---------------------------------------------------------------------- signals -- */

static void test_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct ctl c;

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		ctl_start(&c, "run", "-n", "3", "sh", "-c",
		          "for s in INT TERM HUP QUIT USR1 USR2; do trap \"echo took $s; exit 0\" $s; done; "
		          "sleep 1000 & echo ready; wait", NULL);
		ctl_expect_out(&c, "ready", 3);
		kill(c.pid, signals[i]);
		ctl_finish(&c);
		CU_ASSERT_EQUAL(c.status, 0);
		CU_ASSERT_EQUAL(count_text(c.out_text, "took "), 3);
		CU_ASSERT_EQUAL(count_text(c.out_text, sigabbrev_np(signals[i])), 3);
		ctl_free(&c);
	}
	/* And when they do nothing about it: */
	ctl_start(&c, "run", "-n", "3", "sh", "-c", "echo ready; exec sleep 1000", NULL);
	ctl_expect_out(&c, "ready", 3);
	kill(c.pid, SIGINT);
	ctl_finish(&c);
	CU_ASSERT_EQUAL(c.status, 128 + SIGINT);
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&c);
}

/* All processes that the lines "pid N" name come to be stopped, or to be not. */
static bool all_are_stopped(const char *text, bool stopped)
{
	double end = now_s() + HANG_S;
	char path[40], stat[300], *state;
	FILE *f;

	for (text = strstr(text, "pid "); text; text = strstr(text + 1, "pid ")) {
		snprintf(path, sizeof path, "/proc/%d/stat", atoi(text + 4));
		do {
			f = fopen(path, "re");
			state = f && fgets(stat, sizeof stat, f) ? strrchr(stat, ')') : NULL;
			if (f)
				fclose(f);
			if (!state || now_s() > end)
				return false;
		} while ((state[2] == 'T') != stopped);
	}
	return true;
}

/* ^Z, and fg; dsmctl is in a group of its own, as with a shell. */
static void test_stop(void)
{
	struct ctl c;
	int status = 0;

	ctl_own_group = true;
	ctl_start(&c, "run", "-n", "3", "sh", "-c", "echo pid $$ ready; exec sleep 1000", NULL);
	ctl_own_group = false;
	ctl_expect_out(&c, "ready", 3);
	for (int i = 0; i < 2; i++) {
		kill(c.pid, SIGTSTP);
		CU_ASSERT_EQUAL(waitpid(c.pid, &status, WUNTRACED), c.pid);
		CU_ASSERT(WIFSTOPPED(status));
		CU_ASSERT(all_are_stopped(c.out_text, true));
		kill(c.pid, SIGCONT);
		CU_ASSERT(all_are_stopped(c.out_text, false));
	}
	kill(c.pid, SIGTERM);
	ctl_finish(&c);
	CU_ASSERT_EQUAL(c.status, 128 + SIGTERM);
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&c);
}

/* ^C ends the job at the third time, whatever the nodes make of it. */
static void test_insisting(void)
{
	struct ctl c;

	/* A signal that comes while the shell starts its child may be lost to that: the trap is taken
	 * when the child has ended. */
	ctl_start(&c, "run", "-n", "2", "sh", "-c",
	          "trap 'echo never' INT TERM; echo ready; while :; do sleep 0.1; done", NULL);
	ctl_expect_out(&c, "ready", 2);
	for (int i = 1; i <= 3; i++) {
		kill(c.pid, SIGINT);
		if (i < 3)
			ctl_expect_out(&c, "never", 2 * i);
	}
	ctl_finish(&c);
	CU_ASSERT_EQUAL(c.status, 128 + SIGINT);
	CU_ASSERT_PTR_NOT_NULL(strstr(c.err_text, "interrupted 3 times"));
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&c);
}

/* nohup dsmctl run ... */
static void test_ignored_signal(void)
{
	struct ctl c;

	signal(SIGHUP, SIG_IGN);
	ctl_start(&c, "run", "-n", "2", "sh", "-c", "echo ready; kill -HUP $$; read x; echo lives", NULL);
	signal(SIGHUP, SIG_DFL);
	ctl_expect_out(&c, "ready", 2);
	kill(c.pid, SIGHUP);
	ctl_finish(&c);
	CU_ASSERT_EQUAL(c.status, 0);
	CU_ASSERT_EQUAL(count_text(c.out_text, "lives"), 2);
	ctl_free(&c);
}

/* dsmctl cannot do anything any more; still nothing stays. */
static void test_killed(void)
{
	struct ctl c;
	double end = now_s() + HANG_S;
	struct stat st;

	ctl_start(&c, "run", "-n", "3", "sh", "-c", TRAPPED, NULL);
	ctl_expect_out(&c, "pid ", 6);
	CU_ASSERT(stat(ctl_runtime, &st) == 0 && st.st_nlink > 2);
	kill(c.pid, SIGKILL);
	ctl_finish(&c);
	CU_ASSERT_EQUAL(c.status, 1000 + SIGKILL);
	CU_ASSERT(processes_end(c.out_text));
	while (stat(ctl_runtime, &st) == 0 && st.st_nlink > 2 && now_s() < end)
		usleep(5000); /* a directory is in it still */
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&c);
}

/* --------------------------------------------------------------------- leftovers -- */

/* Files that the shm provider would leave, children, and one that has got away. A file of the
 * user's own stays, though a process's number is in its name. */
static void test_leftovers(void)
{
	char self[300], script[600], name[64], mine[64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	struct ctl c;
	int pid;

	self[n > 0 ? n : 0] = '\0';
	snprintf(script, sizeof script,
	         "echo pid $$; : >/dev/shm/$$.1badcafe:%u:0; : >/dev/shm/$$.mine; "
	         "sleep 1000 & echo pid $!; %s escape; "
	         "touch $DSM_JOB/some-file; kill -KILL $$", (unsigned)geteuid(), self);
	CU_ASSERT_EQUAL(ctl_run(&c, 137, "run", "-n", "1", "sh", "-c", script, NULL), 137);
	CU_ASSERT_EQUAL(count_text(c.out_text, "pid "), 3);
	CU_ASSERT(processes_ended(c.out_text));
	CU_ASSERT_EQUAL_FATAL(sscanf(c.out_text, "[0] pid %d", &pid), 1);
	snprintf(name, sizeof name, "/dev/shm/%d.1badcafe:%u:0", pid, (unsigned)geteuid());
	CU_ASSERT_NOT_EQUAL(access(name, F_OK), 0);
	snprintf(mine, sizeof mine, "/dev/shm/%d.mine", pid);
	CU_ASSERT_EQUAL(unlink(mine), 0);
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&c);
}

/* A process in a session of its own, which holds standard output open. Returns once it is
 * there and has said so. */
static int escape(void)
{
	int fds[2];
	char byte;

	if (pipe2(fds, O_CLOEXEC))
		return 1;
	if (fork() == 0) {
		setsid();
		printf("pid %d\n", (int)getpid());
		fflush(stdout);
		if (write(fds[1], "", 1) != 1)
			_exit(1);
		alarm(HANG_S);
		pause();
		_exit(0);
	}
	return read(fds[0], &byte, 1) == 1 ? 0 : 1;
}

/* -------------------------------------------------------------------- arguments -- */

static void test_arguments(void)
{
	static const char *const bad[][8] = {
		{ "run" }, { "run", "true" }, { "run", "-n", "2" }, { "run", "-n" },
		{ "run", "-n", "0", "true" }, { "run", "-n", "65", "true" }, { "run", "-n", "-1", "true" },
		{ "run", "-n", "2x", "true" }, { "run", "-n", "", "true" },
		{ "run", "-n", "99999999999", "true" }, { "run", "-n", "2", "-t", "0", "true" },
		{ "run", "-n", "2", "-t", "soon", "true" }, { "run", "-n", "2", "-t", "-1", "true" },
		{ "run", "-n", "2", "-t", "nan", "true" }, { "run", "-n", "2", "-t", "1s", "true" },
		{ "run", "-n", "2", "--region", "big", "true" }, { "run", "-n", "2", "-r", "0", "true" },
		{ "run", "-n", "2", "-r", "1GB", "true" }, { "run", "-n", "2", "-r", "1g", "true" },
		{ "run", "-n", "2", "-r", "99999999T", "true" },
		{ "run", "-n", "2", "-f", "evnt", "true" }, { "run", "-n", "2", "-l", "loud", "true" },
		{ "run", "-n", "2", "-p", "", "true" }, { "run", "--unknown", "-n", "2", "true" },
		{ "status", "a", "b" }, { "status", "-x" }, { "stats", "a", "b" }, { "clean", "a", "b" },
		{ "stats", "--every", "0" }, { "stats", "--every", "often" },
		{ "stats", "--latency", "--all" }, { "stats", "--latency", "--every", "1" },
		{ "metrics", "a", "b" }, { "metrics", "--json" },
		{ "clean", "--force" }, { "nonsense" }, { "--nonsense" }, { NULL },
	};
	struct ctl c;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *const *a = bad[i];

		CU_ASSERT_EQUAL(ctl_run(&c, 2, a[0], a[1], a[2], a[3], a[4], a[5], a[6], NULL), 2);
		CU_ASSERT_EQUAL(c.out_len, 0);
		CU_ASSERT_EQUAL(strncmp(c.err_text, "dsmctl", 6), 0);
		CU_ASSERT_EQUAL(count_text(c.err_text, "\n"), 2);
		CU_ASSERT_PTR_NOT_NULL(strstr(c.err_text, "--help'.\n"));
		ctl_free(&c);
	}
}

static void test_help(void)
{
	static const char *const commands[] = { "run", "status", "stats", "metrics", "clean" };
	struct ctl c;

	CU_ASSERT_EQUAL(ctl_run(&c, 0, "--version", NULL), 0);
	CU_ASSERT_STRING_EQUAL(c.out_text, "dsmctl " PACKAGE_VERSION "\n");
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "--help", NULL), 0);
	for (int i = 0; i < 5; i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(c.out_text, commands[i]));
	ctl_free(&c);
	for (int i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(ctl_run(&c, 0, commands[i], "--help", NULL), 0);
		CU_ASSERT_EQUAL(strncmp(c.out_text, "usage: dsmctl ", 14), 0);
		CU_ASSERT_EQUAL(c.err_len, 0);
		ctl_free(&c);
	}
}

/* In a directory where all may write, others can be first to take our name: then we have another.
 * dsmctl.sh takes them all. */
static void test_unsafe_directory(void)
{
	char root[100], victim[100];
	struct ctl c;

	snprintf(root, sizeof root, "%s/dsm-%u", ctl_runtime, (unsigned)geteuid());
	snprintf(victim, sizeof victim, "%s.victim", ctl_runtime);
	CU_ASSERT_EQUAL(mkdir(victim, 0700), 0);
	CU_ASSERT_EQUAL(symlink(victim, root), 0);
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "run", "-n", "1", "sh", "-c", "echo \"$DSM_JOB\"", NULL), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(c.out_text, ctl_runtime));
	CU_ASSERT_PTR_NOT_NULL(strstr(c.out_text, ".1/"));
	CU_ASSERT_EQUAL(rmdir(victim), 0); /* it is empty still */
	unlink(root);
	ctl_free(&c);
	CU_ASSERT_EQUAL(mkdir(root, 0700), 0);
	CU_ASSERT_EQUAL(chmod(root, 0777), 0);
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "run", "-n", "1", "sh", "-c", "echo \"$DSM_JOB\"", NULL), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(c.out_text, ".1/"));
	ctl_free(&c);
	CU_ASSERT_EQUAL(rmdir(root), 0);
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
		{ "lines with the rank in front", test_prefix },
		{ "a line that waits", test_prompt },
		{ "lines stay whole", test_whole_lines },
		{ "a line without end", test_long_line },
		{ "a reader that goes", test_reader_goes },
		{ "a reader that is stuck", test_reader_stuck },
		{ "standard input", test_input },
		{ "a terminal", test_terminal },
		{ "the environment", test_environment },
		{ "statuses", test_statuses },
		{ "a job that survives", test_survive },
		{ "commands that cannot run", test_cannot_run },
		{ "one fails, the others end", test_others_end },
		{ "the time limit", test_limit },
		{ "signals are passed on", test_signals },
		{ "stopped and continued", test_stop },
		{ "interrupted three times", test_insisting },
		{ "another user's directory", test_foreign_runtime },
		{ "a signal that is ignored", test_ignored_signal },
		{ "dsmctl is killed", test_killed },
		{ "leftovers", test_leftovers },
		{ "wrong arguments", test_arguments },
		{ "help and version", test_help },
		{ "an unsafe directory", test_unsafe_directory },
		CU_TEST_INFO_NULL,
	};
	int status;

	signal(SIGINT, SIG_DFL); /* ignored in a shell's background job, and that is inherited */
	signal(SIGQUIT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	if (argc > 1 && strcmp(argv[1], "escape") == 0)
		return escape();
	ctl_setup();
	status = suite_run("dsmctl run", NULL, NULL, tests, 150);
	return !ctl_teardown() || status ? 1 : 0;
}
