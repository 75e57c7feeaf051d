/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes wrong when a node starts, and on a node alone: each mistake has its code and a
 * sentence that names what is wrong. Every case is a process of its own, since a node
 * that failed to start must not spoil the next try, and limits cannot be taken back.
 */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsm/dsm.h"
#include "tests/boot/job.h"
#include "tests/hang.h"


struct mistake {
	const char *env;  /* NAME=VALUE, several separated by spaces */
	int code;         /* of dsm_init */
	const char *says; /* words that its sentence has, separated by spaces */
};

static const struct mistake mistakes[] = {
	{ "DSM_REGION=0", DSM_ERR_CONFIG, "DSM_REGION" },
	{ "DSM_REGION=many", DSM_ERR_CONFIG, "DSM_REGION many" },
	{ "DSM_REGION=4Gb!", DSM_ERR_CONFIG, "DSM_REGION 4Gb!" },
	{ "DSM_REGION=-4096", DSM_ERR_CONFIG, "DSM_REGION" },
	{ "DSM_REGION=99999999999999999999", DSM_ERR_CONFIG, "region larger address space" },
	{ "DSM_REGION=99999999T", DSM_ERR_CONFIG, "region larger address space" },
	{ "DSM_REGION=200T", DSM_ERR_CONFIG, "region larger address space" },
	{ "DSM_REGION=9T", DSM_ERR_CONFIG, "9216 8192 each node DSM_REGION more nodes" },
	{ "DSM_REGION=4MiB", DSM_ERR_CONFIG, "DSM_REGION 4MiB 512M" },
	{ "DSM_HUGE=lots", DSM_ERR_CONFIG, "DSM_HUGE lots 512M" },
	{ "DSM_HUGE=65T", DSM_ERR_CONFIG, "DSM_HUGE 64 TiB" },
	{ "DSM_HUGE=200G", DSM_ERR_LIMIT, "DSM_HUGE vm.nr_hugepages=102400" },
	{ "DSM_HUGE=20T DSM_HUGE_OPTIONAL=maybe", DSM_ERR_CONFIG, "DSM_HUGE_OPTIONAL maybe 1" },
	{ "DSM_PROVIDER=nonesuch", DSM_ERR_PROVIDER, "nonesuch usable:" },
	{ "DSM_FAULTS=pigeon", DSM_ERR_CONFIG, "DSM_FAULTS pigeon" },
	{ "DSM_TRAP=mouse", DSM_ERR_CONFIG, "DSM_TRAP mouse" },
	{ "DSM_LOG=loud", DSM_ERR_CONFIG, "DSM_LOG loud" },
	{ "DSM_TENURE_US=long", DSM_ERR_CONFIG, "DSM_TENURE_US long 100000" },
	{ "DSM_SPIN_US=-1", DSM_ERR_CONFIG, "DSM_SPIN_US -1 10000" },
	{ "DSM_TENURE_US=100001", DSM_ERR_CONFIG, "DSM_TENURE_US" },
	{ "DSM_JOB=/tmp DSM_SIZE=2", DSM_ERR_CONFIG, "DSM_RANK" },
	{ "DSM_JOB=/tmp DSM_RANK=0", DSM_ERR_CONFIG, "DSM_SIZE" },
	{ "DSM_RANK=0 DSM_SIZE=2", DSM_ERR_CONFIG, "DSM_JOB" },
	{ "DSM_JOB=/tmp DSM_RANK=2 DSM_SIZE=2", DSM_ERR_CONFIG, "DSM_RANK 2" },
	{ "DSM_JOB=/tmp DSM_RANK=-1 DSM_SIZE=2", DSM_ERR_CONFIG, "DSM_RANK" },
	{ "DSM_JOB=/tmp DSM_RANK=one DSM_SIZE=2", DSM_ERR_CONFIG, "DSM_RANK one" },
	{ "DSM_JOB=/tmp DSM_RANK=0 DSM_SIZE=0", DSM_ERR_CONFIG, "DSM_SIZE" },
	{ "DSM_JOB=/tmp DSM_RANK=0 DSM_SIZE=65", DSM_ERR_CONFIG, "DSM_SIZE 64" },
	{ "DSM_JOB=/no/such/job DSM_RANK=0 DSM_SIZE=2", DSM_ERR_BOOT, "/no/such/job" },
};

/* Calls fn for each of the words in text. */
static int each_word(const char *text, int (*fn)(char *word))
{
	char copy[256], *rest = copy, *word;
	int sum = 0;

	snprintf(copy, sizeof copy, "%s", text);
	while ((word = strsep(&rest, " ")))
		sum += *word ? fn(word) : 0;
	return sum;
}

static int set(char *word)
{
	char *value = strchr(word, '=');

	*value++ = '\0';
	return setenv(word, value, 1);
}

static int unset(char *word)
{
	*strchr(word, '=') = '\0';
	return unsetenv(word);
}

static int not_said(char *word)
{
	if (strstr(dsm_init_error(), word))
		return 0;
	printf("  the sentence does not say '%s'\n", word);
	return 1;
}

static int init_says(int code, const char *says)
{
	dsm_t *dsm = NULL;
	int rc = dsm_init(NULL, &dsm), failed;

	printf("  %d: \"%s\"\n", rc, dsm_init_error());
	failed = each_word(says, not_said);
	if (rc != code) {
		printf("  should be %d (%s)\n", code, dsm_strerror(code));
		failed = 1;
	}
	if (dsm || !strlen(dsm_init_error())) {
		printf("  the output was set, or there is no sentence\n");
		failed = 1;
	}
	return failed;
}

/* Makes the mistake, and then none: a node that failed to start leaves nothing behind. */
static int make(const struct mistake *m)
{
	dsm_t *dsm = NULL;
	int rc;

	each_word(m->env, set);
	if (init_says(m->code, m->says))
		return 1;
	each_word(m->env, unset);
	rc = dsm_init(NULL, &dsm);
	if (rc || strcmp(dsm_init_error(), "")) {
		printf("  after that, a right dsm_init is %d: \"%s\"\n", rc, dsm_init_error());
		return 1;
	}
	return dsm_fini(dsm) != 0;
}

/* -------------------------------------------------------------- other mistakes -- */

#define WANT(condition)                                                                \
	do {                                                                           \
		if (!(condition)) {                                                    \
			printf("  line %d: %s does not hold\n", __LINE__, #condition); \
			return 1;                                                      \
		}                                                                      \
	} while (0)

static int too_few_files(void)
{
	struct rlimit limit = { 6, 6 };

	WANT(!setrlimit(RLIMIT_NOFILE, &limit));
	return init_says(DSM_ERR_LIMIT, "RLIMIT_NOFILE");
}

static int too_little_space(void)
{
	struct rlimit limit = { 1u << 30, 1u << 30 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	printf("  skipped: the sanitizer itself needs more address space than that\n");
	return 0;
#endif
	WANT(!setrlimit(RLIMIT_AS, &limit));
	return init_says(DSM_ERR_LIMIT, "RLIMIT_AS");
}

static int unprivileged_is_enough(void)
{
	FILE *sysctl = fopen("/proc/sys/vm/unprivileged_userfaultfd", "r");
	int value = 0;

	if (sysctl) {
		if (fscanf(sysctl, "%d", &value) != 1)
			value = 0;
		fclose(sysctl);
	}
	return value;
}

/* An ordinary user is told all ways out, and is served without the permission too. */
static int no_permission(void)
{
	dsm_t *dsm;
	char *block;

	if (getuid() == 0)
		WANT(!setgroups(0, NULL) && !setgid(65534) && !setuid(65534));
	if (!unprivileged_is_enough()) {
		setenv("DSM_FAULTS", "event", 1);
		if (init_says(DSM_ERR_TRAP_PERM,
		              "/dev/userfaultfd CAP_SYS_PTRACE vm.unprivileged_userfaultfd"))
			return 1;
	}
	setenv("DSM_FAULTS", "auto", 1);
	WANT(dsm_init(NULL, &dsm) == 0);
	WANT(dsm_alloc(dsm, 100000, 0, 0, (void **)&block) == 0);
	block[70000] = 5;
	WANT(block[70000] == 5 && block[0] == 0);
	return dsm_fini(dsm) != 0;
}

/* Members of the configuration that no environment variable covers up. */
static int bad_config(void)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	dsm_t *dsm = NULL;

	WANT(dsm_init(&config, NULL) == DSM_ERR_INVAL);
	config.size = 3;
	WANT(dsm_init(&config, &dsm) == DSM_ERR_INVAL);
	config.size = sizeof config;
	config.tenure_us = 100001;
	WANT(dsm_init(&config, &dsm) == DSM_ERR_CONFIG);
	config.tenure_us = 0;
	config.faults = "pigeon";
	WANT(dsm_init(&config, &dsm) == DSM_ERR_CONFIG);
	WANT(strstr(dsm_init_error(), "pigeon"));
	config.faults = NULL;
	config.provider = "nonesuch";
	WANT(dsm_init(&config, &dsm) == DSM_ERR_PROVIDER);
	WANT(!dsm);
	config.provider = NULL;
	WANT(dsm_init(&config, &dsm) == 0);
	return dsm_fini(dsm) != 0;
}

/* A region that is full says so, and is whole again when all was freed. */
static int full_region(void)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	void *block[1024] = { 0 }, *all;
	dsm_t *dsm;
	int n = 0, rc;

	config.region_bytes = 1 << 20;
	WANT(dsm_init(&config, &dsm) == 0);
	WANT(dsm_alloc(dsm, (1 << 20) + 1, 0, 0, &all) == DSM_ERR_NOMEM);
	WANT(dsm_alloc(dsm, 1 << 20, 0, 0, &all) == 0);
	WANT(dsm_alloc(dsm, 1, 0, 0, &block[0]) == DSM_ERR_NOMEM);
	memset(all, 1, 1 << 20);
	WANT(dsm_free(dsm, all) == 0);
	while (n < 1024 && !(rc = dsm_alloc(dsm, 4096, 0, 0, &block[n])))
		n++;
	WANT(n == 256 && rc == DSM_ERR_NOMEM);
	while (n)
		WANT(dsm_free(dsm, block[--n]) == 0);
	WANT(dsm_alloc(dsm, 1 << 20, 0, 0, &all) == 0);
	for (int i = 0; i < 1 << 20; i++)
		WANT(((char *)all)[i] == 0);
	return dsm_fini(dsm) != 0;
}

/* Alignments are of addresses: such a block is aligned, or there is none. */
static int alignments(void)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	uint64_t region = UINT64_C(48) << 30; /* no power of two: at the end there is room */
	void *block;
	dsm_t *dsm;
	int rc;

	config.region_bytes = region;
	WANT(dsm_init(&config, &dsm) == 0);
	for (uint64_t align = 4096; align <= region; align *= 2) {
		rc = dsm_alloc(dsm, 4096, align, 0, &block);
		WANT(rc == 0 || (rc == DSM_ERR_NOMEM && align > region / 2));
		WANT(rc || (uintptr_t)block % align == 0);
		WANT(rc || dsm_free(dsm, block) == 0);
	}
	WANT(dsm_alloc(dsm, 4096, UINT64_C(64) << 30, 0, &block) == DSM_ERR_INVAL);
	WANT(dsm_alloc(dsm, 4096, 4096, DSM_HUGE, &block) == DSM_ERR_NOMEM);
	WANT(dsm_alloc(dsm, 4096, 4096, DSM_HUGE_PREFERRED, &block) == 0);
	return dsm_fini(dsm) != 0;
}

/* The zone of huge pages begins where larger alignments would not. */
static int huge_alignments(void)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	char *block;
	dsm_t *dsm;

	config.region_bytes = 18 << 20;
	config.huge_bytes = 10 << 20;
	WANT(dsm_init(&config, &dsm) == 0);
	for (uint64_t align = 4096; align <= 8 << 20; align *= 2) {
		WANT(dsm_alloc(dsm, 4096, align, DSM_HUGE, (void **)&block) == 0);
		WANT((uintptr_t)block % align == 0);
		*block = 1;
		WANT(dsm_free(dsm, block) == 0);
	}
	WANT(dsm_alloc(dsm, 4096, 16 << 20, DSM_HUGE, (void **)&block) == DSM_ERR_INVAL);
	WANT(dsm_alloc(dsm, 4096, 16 << 20, DSM_HUGE_PREFERRED, (void **)&block) == 0);
	WANT((uintptr_t)block % (16 << 20) == 0);
	return dsm_fini(dsm) != 0;
}

static void count_findings(void *ctx, const struct dsm_finding *f)
{
	int *counts = ctx;

	counts[f->state]++;
	counts[3] += !*f->name || !*f->text || (f->state == DSM_PROBE_OK) != !*f->advice;
}

/* Probing tells what there is, before and after a process is a node. */
static int probing(void)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	int counts[4] = { 0 }, wrong[4] = { 0 }, none[4] = { 0 };
	dsm_t *dsm;

	WANT(dsm_probe(NULL, NULL, NULL) == DSM_ERR_INVAL);
	WANT(dsm_probe(NULL, count_findings, counts) == 0);
	WANT(counts[DSM_PROBE_OK] > 3 && counts[DSM_PROBE_BAD] == 0 && counts[3] == 0);
	config.provider = "nonesuch";
	WANT(dsm_probe(&config, count_findings, wrong) == DSM_ERR_PROVIDER);
	WANT(wrong[DSM_PROBE_BAD] == 1 && wrong[3] == 0);
	config.trap = "mouse";
	WANT(dsm_probe(&config, count_findings, none) == DSM_ERR_CONFIG);
	WANT(strstr(dsm_init_error(), "mouse"));
	WANT(dsm_init(NULL, &dsm) == 0);
	WANT(dsm_probe(NULL, count_findings, none) == DSM_ERR_ACTIVE);
	WANT(none[0] + none[1] + none[2] == 0);
	WANT(dsm_fini(dsm) == 0);
	return dsm_probe(NULL, count_findings, counts);
}

static int count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static int count_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int c, n = 0;

	while (maps && (c = getc(maps)) != EOF)
		n += c == '\n';
	if (maps)
		fclose(maps);
	return n;
}

/* A process may join and leave again and again; nothing of it stays behind. */
static int again_and_again(void)
{
	int files = 0, maps = 0;

	for (int i = 0; i < 12; i++) {
		dsm_t *dsm;
		char *block;

		WANT(dsm_init(NULL, &dsm) == 0);
		WANT(dsm_size(dsm) == 1 && dsm_rank(dsm) == 0);
		WANT(dsm_alloc(dsm, 100000, 0, 0, (void **)&block) == 0);
		WANT(block[50000] == 0);
		memset(block, i + 1, 100000);
		WANT(dsm_barrier(dsm) == 0);
		WANT(dsm_fini(dsm) == 0);
		/* The first times, libraries below may set themselves up. */
		if (i == 3) {
			files = count_files();
			maps = count_maps();
		}
	}
	printf("  %d descriptors and %d mappings, then %d and %d\n", files, maps, count_files(),
	       count_maps());
	WANT(files > 0 && count_files() <= files);
#ifndef __SANITIZE_THREAD__ /* which maps more and more for itself */
	WANT(maps > 0 && count_maps() <= maps + 4);
#endif
	return 0;
}

static void join_and_report(struct job *job, int rank, struct job_report *report)
{
	dsm_t *dsm = NULL;

	report->code = dsm_init(NULL, &dsm);
	snprintf(report->why, sizeof report->why, "%s", dsm_init_error());
	report->done = 1;
}

/* A peer of another version: played on the socket by this process. */
static int other_version(const char *version, unsigned protocol)
{
	struct job job;
	int fd, i, ok;

	job_open(&job, 2);
	fd = raw_connect(&job);
	raw_hello(fd, 1, 2, version, protocol);
	job_serve(&job, 200);
	i = job_start(&job, 0, join_and_report);
	job_wait(&job, i);
	printf("  %d: \"%s\"\n", job.reports[i].code, job.reports[i].why);
	ok = job.reports[i].done && job.reports[i].code == DSM_ERR_VERSION &&
	     strstr(job.reports[i].why, "version") && strstr(job.reports[i].why, "rank 1");
	close(fd);
	job_close(&job);
	return !ok;
}

static int other_library(void)
{
	return other_version("0.0.7", 1);
}

static int other_protocol(void)
{
	return other_version("0.1.0", 77);
}

static const struct {
	const char *what;
	int (*run)(void);
} others[] = {
	{ "too few descriptors", too_few_files },
	{ "too little address space", too_little_space },
	{ "trapping kernel accesses not permitted", no_permission },
	{ "mistakes in the configuration", bad_config },
	{ "a full region", full_region },
	{ "alignments", alignments },
	{ "joining again and again", again_and_again },
	{ "probing", probing },
	{ "a peer of another library version", other_library },
	{ "a peer of another protocol version", other_protocol },
};

/* Runs one case in a child; 0 when it passed. */
static int in_child(const char *what, const struct mistake *m, int (*run)(void))
{
	int status;
	pid_t pid;

	printf("%s\n", what);
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		setvbuf(stdout, NULL, _IOLBF, 0);
		alarm(HANG_S);
		exit(m ? make(m) : run());
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	if (!status)
		return 0;
	printf("  FAILED: status %#x\n", (unsigned)status);
	return 1;
}

static int may_run(void)
{
	dsm_t *dsm;
	int rc = dsm_init(NULL, &dsm);

	if (!rc)
		return dsm_fini(dsm);
	printf("%s\n", dsm_init_error());
	return 77;
}

/* With --huge, where there are huge pages: what needs them. */
int main(int argc, char **argv)
{
	unsigned failed = 0, cases = 0;
	int status;
	pid_t pid;

	alarm(HANG_S * HANG_TIMES);
	/* In a child, so that this process stays as it is. */
	pid = fork();
	if (pid == 0)
		exit(may_run());
	if (waitpid(pid, &status, 0) != pid || status)
		return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	if (argc > 1 && !strcmp(argv[1], "--huge"))
		return in_child("alignments in huge pages", NULL, huge_alignments);

	for (unsigned i = 0; i < sizeof mistakes / sizeof *mistakes; i++, cases++)
		failed += (unsigned)in_child(mistakes[i].env, &mistakes[i], NULL);
	for (unsigned i = 0; i < sizeof others / sizeof *others; i++, cases++)
		failed += (unsigned)in_child(others[i].what, NULL, others[i].run);
	printf("errors: %u cases, %u failed\n", cases, failed);
	return failed != 0;
}
