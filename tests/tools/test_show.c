/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl status, stats, clean: for jobs that run, are dead, or somebody else's. */
#include "config.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dsm/admin/socket.h"
#include "dsm/boot/boot.h"
#include "tests/tools/ctl.h"
#include "tests/suite.h"

/* ------------------------------------------------------------------------ nodes --
 * This program is what the ranks run, too: nodes with an admin socket, and nothing else. */

static const char *const node_status[] = {
	"{\"job\":\"j\",\"rank\":0,\"size\":4,\"pid\":4711,\"version\":\"9.8.7\",\"provider\":\"tcp\","
	"\"trap\":\"wp\",\"faults\":\"event\",\"region_bytes\":68719476736,\"uptime_s\":12.3,"
	"\"waiting\":[{\"what\":\"read\",\"page\":77,\"state\":\"IS_D\",\"since_ms\":1500,"
	"\"thread\":31},{\"what\":\"dsm_barrier\",\"since_ms\":20000}],\"novelty\":[1,2]}",
	"{\"rank\":1,\"pid\":\"no number\",\"waiting\":3}",
	"this is no JSON",
};
static const char *const node_stats[] = {
	"{\"faults\":1000000000000,\"read_misses\":7,\"lock_waits\":2,\"sleeps\":3,\"text\":\"x\",\"novelty\":5}",
	"{\"faults\":234,\"read_misses\":35,\"evictions\":1,\"sleeps\":-1}",
	"[1,2,3]",
};
static const char *const node_audit[] = {
	"{\"compared\":4096,\"changing\":0,\"disagreements\":0,\"pages\":[]}",
	"{\"compared\":8192,\"changing\":2,\"disagreements\":3,\"pages\":[{\"page\":77,"
	"\"address\":4096,\"what\":\"page table against trap\",\"believed\":\"none\","
	"\"found\":\"mapped\"}]}",
	"{\"error\":\"no time\"}",
};

/* What comes between two of them: 98 faults of a microsecond, one of 64 and one of 2,000. */
static char *latency(void)
{
	static int times;
	char *text;

	times++;
	if (asprintf(&text,
	             "{\"read_miss\":{\"buckets\":[[1000,%d],[2000000,%d]]},"
	             "\"write_miss\":{\"buckets\":[[1000,%d],[64000,%d]]},"
	             "\"barrier\":{\"buckets\":[[9000000,%d]]}}",
	             1000 + 48 * times, times, 50 * times, times, 1000 * times) < 0)
		die("asprintf");
	return text;
}

static char *answer(void *ctx, const char *request)
{
	const int *rank = ctx;

	if (strcmp(request, "latency") == 0 && *rank == 0)
		return latency();
	const char *const *texts = strcmp(request, "stats") == 0   ? node_stats
	                           : strcmp(request, "audit") == 0 ? node_audit
	                                                           : node_status;

	return strdup(texts[*rank]);
}

/* Listens, and never answers. */
static void deaf_node(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) || listen(fd, 5))
		die("listen");
}

static int node(void)
{
	int rank = atoi(getenv("DSM_RANK"));
	struct ev_loop *loop = ev_loop_new(0);
	struct admin *admin;
	char path[108];

	alarm(HANG_S);
	snprintf(path, sizeof path, "%.90s/node-%d.sock", getenv("DSM_JOB"), rank);
	if (rank == 3)
		deaf_node(path);
	else if (admin_open(loop, path, answer, &rank, &admin))
		die("admin_open");
	printf("ready\n");
	fflush(stdout);
	if (rank == 3)
		pause();
	ev_run(loop, 0);
	return 0;
}

/* A real member of the job, for one exchange; or one that dies before. */
static int member(bool dies)
{
	char all[4 * 8], why[256];
	uint32_t lens[4];
	struct boot *boot;
	int err = boot_open(NULL, &boot, why, sizeof why);

	if (!err && dies)
		_exit(0);
	if (!err) {
		err = boot->ops->allgather(boot, "x", 1, all, 8, lens, HANG_MS, why, sizeof why);
		boot->ops->close(boot);
	}
	if (err)
		printf("%s\n", why);
	return err ? 5 : 0;
}

static char self[300];

static void job_start(struct ctl *job, const char *ranks)
{
	ctl_start(job, "run", "-n", ranks, self, "node", NULL);
	ctl_expect_out(job, "ready", atoi(ranks));
}

static void job_stop(struct ctl *job)
{
	kill(job->pid, SIGTERM);
	ctl_finish(job);
	CU_ASSERT_EQUAL(job->status, 128 + SIGTERM);
	CU_ASSERT(ctl_nothing_left());
	ctl_free(job);
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fprintf(stderr, "no \"%s\" in:\n%s", part, text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, part));
}

/* ---------------------------------------------------------------------- running -- */

static void test_status(void)
{
	struct ctl job, c;
	char name[40];

	job_start(&job, "2");
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "status", NULL), 0);
	expect(c.out_text, "2 of 4 nodes answer\n");
	expect(c.out_text,
	       "RANK   PID  VERSION  PROVIDER  TRAP  FAULTS  REGION      UP  WAITING\n"
	       "   0  4711  9.8.7    tcp       wp    event   64 GiB  12.3 s        2\n"
	       "   1     -  -        -         -     -            -       -        0\n"
	       "rank 0 waits 1.500 s: read, page 77, state IS_D, thread 31\n"
	       "rank 0 waits 20 s: dsm_barrier\n");
	CU_ASSERT_EQUAL(c.err_len, 0);
	ctl_free(&c);
	snprintf(name, sizeof name, "test_show-%d", (int)job.pid);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "status", name, NULL), 0);
	expect(c.out_text, name);
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "status", "other", NULL), 1);
	CU_ASSERT_STRING_EQUAL(c.err_text, "dsmctl: there is no job other of yours\n");
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "clean", name, NULL), 1);
	expect(c.err_text, "is not dead");
	ctl_free(&c);
	job_stop(&job);
}

/* One node sends nonsense and one says nothing: the others are shown all the same. */
static void test_bad_nodes(void)
{
	struct ctl job, c;

	job_start(&job, "4");
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "status", NULL), 1);
	expect(c.out_text, "2 of 4 nodes answer\n");
	expect(c.err_text, "dsmctl: rank 2 sent what is no answer\n");
	expect(c.err_text, "dsmctl: rank 3 does not answer\n");
	ctl_free(&c);
	job_stop(&job);
}

static void test_stats(void)
{
	struct ctl job, c;

	job_start(&job, "2");
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "stats", NULL), 0);
	expect(c.out_text,
	       " RANK  R-MISSES  W-MISSES  UPGRADES  INVALS  PAGES-IN  PAGES-OUT  EVICTS  LOCKS\n"
	       "    0         7         -         -       -         -          -       -      2\n"
	       "    1        35         -         -       -         -          -       1      -\n"
	       "total        42         -         -       -         -          -       1      2\n");
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "stats", "--all", NULL), 0);
	expect(c.out_text, " RANK         faults  read_misses  lock_waits  sleeps  novelty  evictions\n"
	                   "    0  1000000000000            7           2       3        5          -\n"
	                   "    1            234           35           -      -1        -          1\n"
	                   "total  1000000000234           42           2       2        5          1\n");
	ctl_free(&c);
	/* In a narrow window the columns go below each other. */
	setenv("COLUMNS", "24", 1);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "stats", "--all", NULL), 0);
	expect(c.out_text, "total  1000000000234\n\n RANK  read_misses\n");
	ctl_free(&c);
	unsetenv("COLUMNS");
	job_stop(&job);
}

/* Times of faults, of the last look alone. */
static void test_top(void)
{
	struct ctl job, c;
	char *head, *row;
	int status;

	job_start(&job, "1");
	status = ctl_run(&c, 0, "top", "--batch", "--count", "2", "--every", "0.1", NULL);
	CU_ASSERT_EQUAL_FATAL(status, 0);
	head = strstr(c.out_text, " RANK ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(head);
	row = strstr(head, "\n    0 ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	*strchr(row + 1, '\n') = '\0';
	expect(row, "      1    64    2    -");
	*row = '\0';
	expect(head, " P50us P99us WAIT MEM%");
	CU_ASSERT_PTR_NULL(strstr(head, "MEANus"));
	ctl_free(&c);
	job_stop(&job);
}

static void test_audit(void)
{
	struct ctl job, c;

	job_start(&job, "1");
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "audit", NULL), 0);
	expect(c.out_text, "rank 0: 4096 pages compared, 0 wrong\n");
	ctl_free(&c);
	job_stop(&job);
	job_start(&job, "3");
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "audit", NULL), 1);
	expect(c.out_text,
	       "rank 1: 8192 pages compared (2 of them just changing), 3 wrong\n"
	       "rank 1: page 77 at 0x1000: page table against trap: should be none, is mapped\n"
	       "rank 1: and 2 more\n");
	expect(c.err_text, "dsmctl: rank 2: no time\n");
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "audit", "--json", NULL), 1);
	expect(c.out_text, "\"error\": \"no time\"");
	expect(c.out_text, "\"disagreements\": 3");
	ctl_free(&c);
	job_stop(&job);
}

static void test_json(void)
{
	struct ctl job, c;
	json_t *json, *one;

	job_start(&job, "3");
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "stats", "--json", NULL), 1);
	json = json_loads(c.out_text, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	one = json_array_get(json_object_get(json, "jobs"), 0);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "state")), "running");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(one, "nodes")), 3);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_object_get(one, "total"), "faults")),
	                1000000000234);
	one = json_array_get(json_object_get(one, "nodes"), 2);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(one, "rank")), 2);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "error")),
	                       "sent what is no answer");
	json_decref(json);
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "status", "--json", NULL), 1);
	json = json_loads(c.out_text, 0, NULL);
	one = json_array_get(json_object_get(json, "jobs"), 0);
	one = json_array_get(json_object_get(one, "nodes"), 0);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(one, "pid")), 4711);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(one, "novelty")), 2);
	json_decref(json);
	ctl_free(&c);
	job_stop(&job);
}

static void test_no_nodes(void)
{
	struct ctl job, c;

	ctl_start(&job, "run", "-n", "2", "sh", "-c", "echo ready; exec sleep 1000", NULL);
	ctl_expect_out(&job, "ready", 2);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "status", NULL), 0);
	expect(c.out_text, "no node has joined it yet\n");
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "stats", NULL), 0);
	ctl_free(&c);
	job_stop(&job);
}

static void test_nothing(void)
{
	static const char *const commands[] = { "status", "stats", "audit" };
	struct ctl c;

	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(ctl_run(&c, 1, commands[i], NULL), 1);
		CU_ASSERT_STRING_EQUAL(c.err_text,
		                       "dsmctl: none of your jobs is running on this machine\n");
		CU_ASSERT_EQUAL(c.out_len, 0);
		ctl_free(&c);
	}
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "clean", NULL), 0);
	CU_ASSERT_EQUAL(c.err_len, 0); /* it may have found what other tests left */
	CU_ASSERT(c.out_len == 0 || strncmp(c.out_text, "removed ", 8) == 0);
	CU_ASSERT_PTR_NULL(c.out_len ? strstr(c.out_text, "job") : NULL);
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "stats", "--json", NULL), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(c.out_text, "\"jobs\": []"));
	ctl_free(&c);
}

/* ------------------------------------------------------------------------- dead -- */

/* Kills a job with its keeper, so that nobody clears up. */
static void job_murder(struct ctl *job)
{
	char path[80], name[32];
	int children[80], count = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)job->pid, (int)job->pid);
	f = fopen(path, "r");
	while (f && count < 80 && fscanf(f, "%d", &children[count]) == 1)
		count++;
	if (!f || count == 0)
		die(path);
	fclose(f);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "/proc/%d/comm", children[i]);
		f = fopen(path, "r");
		if (f && fgets(name, sizeof name, f) && strcmp(name, "dsmctl-keeper\n") == 0)
			kill(children[i], SIGKILL);
		if (f)
			fclose(f);
	}
	kill(job->pid, SIGKILL);
	ctl_finish(job);
}

static void test_dead(void)
{
	char path[200], left[64], *pid_text;
	struct stat st;
	struct ctl job, c;
	int pid = 0;

	ctl_start(&job, "run", "-n", "1", "sh", "-c",
	          "echo $$ >> $DSM_JOB/pids; exec 9>/dev/shm/$$.1badcafe:$(id -u):0; echo pid $$ ready; "
	          "exec sleep 1000", NULL);
	ctl_expect_out(&job, "ready", 1);
	pid_text = strstr(job.out_text, "pid ");
	pid = atoi(pid_text + 4);
	snprintf(left, sizeof left, "/dev/shm/%d.1badcafe:%u:0", pid, (unsigned)geteuid());
	job_murder(&job);
	CU_ASSERT(processes_end(job.out_text)); /* by PR_SET_PDEATHSIG alone */
	snprintf(path, sizeof path, "%s/dsm-%u/sh-%d", ctl_runtime, (unsigned)geteuid(), (int)job.pid);
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	CU_ASSERT_EQUAL(lstat(left, &st), 0);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "status", NULL), 0);
	expect(c.out_text, ": dead, 'dsmctl clean' removes what it left\n");
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "clean", NULL), 0);
	expect(c.out_text, " and 1 file in /dev/shm\n");
	ctl_free(&c);
	CU_ASSERT_NOT_EQUAL(lstat(left, &st), 0);
	CU_ASSERT(ctl_nothing_left());
	ctl_free(&job);
}

/* Clean is for jobs. */
static void test_clean_spares(void)
{
	char dir[100], file[120];
	struct stat st;
	struct ctl c;

	snprintf(dir, sizeof dir, "%s.precious", ctl_runtime);
	snprintf(file, sizeof file, "%s/file", dir);
	CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "clean", dir, NULL), 1);
	expect(c.err_text, "is not a job's directory");
	CU_ASSERT_EQUAL(lstat(file, &st), 0);
	unlink(file);
	rmdir(dir);
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "clean", dir, NULL), 1);
	expect(c.err_text, "there is no job");
	ctl_free(&c);
}

static void test_foreign(void)
{
	char dir[100];
	struct ctl c;

	if (geteuid() != 0) {
		printf("(needs root) ");
		return;
	}
	snprintf(dir, sizeof dir, "%s.foreign", ctl_runtime);
	CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
	CU_ASSERT_EQUAL(chown(dir, 65534, 65534), 0);
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "status", dir, NULL), 1);
	expect(c.err_text, " belongs to ");
	expect(c.err_text, "only that user can look at it\n");
	ctl_free(&c);
	CU_ASSERT_EQUAL(ctl_run(&c, 1, "clean", dir, NULL), 1);
	ctl_free(&c);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

/* --------------------------------------------------------------------- members -- */

static void test_members(void)
{
	char script[1000];
	struct ctl c;

	CU_ASSERT_EQUAL(ctl_run(&c, 0, "run", "-n", "4", self, "member", NULL), 0);
	ctl_free(&c);
	/* Two programs, one after the other, in one job. */
	snprintf(script, sizeof script, "%s member && %s member", self, self);
	CU_ASSERT_EQUAL(ctl_run(&c, 0, "run", "-n", "4", "sh", "-c", script, NULL), 0);
	ctl_free(&c);
	/* A rank that never joins is noticed, long before the others' time is over. */
	snprintf(script, sizeof script, "test $DSM_RANK = 2 || exec %s member", self);
	CU_ASSERT_EQUAL(ctl_run(&c, 5, "run", "-n", "4", "sh", "-c", script, NULL), 5);
	expect(c.err_text, "dsmctl: rank 2 has ended without joining the job\n");
	expect(c.out_text, "rank 2 has ended without joining the job\n");
	ctl_free(&c);
	/* The one that is to blame is told, even where others have failed before it ends. */
	snprintf(script, sizeof script,
	         "if test $DSM_RANK = 2; then %s dies; until test -e $DSM_JOB/failed; do sleep 0.02; done; exit 9; "
	         "fi; %s member || { touch $DSM_JOB/failed; exit 5; }", self, self);
	CU_ASSERT_EQUAL(ctl_run(&c, 9, "run", "-n", "4", "sh", "-c", script, NULL), 9);
	expect(c.err_text, ") ended without leaving the job\n");
	expect(c.err_text, "dsmctl: rank 2 exited with status 9");
	CU_ASSERT_PTR_NULL(strstr(c.err_text, "exited with status 5"));
	ctl_free(&c);
	CU_ASSERT(ctl_nothing_left());
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
		{ "status", test_status },
		{ "nodes that do not answer", test_bad_nodes },
		{ "statistics", test_stats },
		{ "top", test_top },
		{ "audit", test_audit },
		{ "JSON", test_json },
		{ "a job without nodes", test_no_nodes },
		{ "no job", test_nothing },
		{ "a dead job", test_dead },
		{ "clean spares what is no job", test_clean_spares },
		{ "another user's job", test_foreign },
		{ "jobs with members", test_members },
		CU_TEST_INFO_NULL,
	};
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	int status;

	self[n > 0 ? n : 0] = '\0';
	if (argc > 1)
		return strcmp(argv[1], "node") == 0 ? node() : member(strcmp(argv[1], "dies") == 0);
	ctl_setup();
	status = suite_run("dsmctl status, stats, clean", NULL, NULL, tests, 150);
	return !ctl_teardown() || status ? 1 : 0;
}
