/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much memory do the nodes of a job take?
 *
 *	resident FRAMES OTHER COMMAND [ARGUMENT]...
 *
 * Runs COMMAND (dsmctl run) and looks at every node below it many times a second: frames are
 * what its memfds have allocated, each counted once however often it is mapped; other is the
 * rest of what smaps says is resident. No node may ever have more than FRAMES and OTHER KiB.
 * Once an example shows its statistics its work is done: what it takes to check the result
 * in plain memory is left out. Exits with COMMAND's status, or 1 and a sentence.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define INTERVAL_MS 20
#define NODES 64

static struct node {
	long pid;
	unsigned long frames, other; /* KiB, the most seen */
	unsigned looks;
} nodes[NODES];
static unsigned n_nodes;
static int working = 1;

/* KiB that this process's memfds of libdsm have allocated; -1: it has none. */
static long frames_of(long pid)
{
	char path[64], name[320], target[128];
	long kib = -1;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%ld/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		struct stat st;
		ssize_t len;
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		len = readlink(name, target, sizeof target - 1);
		if (len < 0 || (target[len] = 0, strncmp(target, "/memfd:dsm-p", 12)) ||
		    !strncmp(target, "/memfd:dsm-pool", 15) || stat(name, &st))
			continue;
		kib = (kib < 0 ? 0 : kib) + (long)(st.st_blocks / 2);
	}
	if (dir)
		closedir(dir);
	return kib;
}

/* KiB resident of all its mappings but those of the memfds. */
static unsigned long other_of(long pid)
{
	char path[64], line[512];
	unsigned long start, end, kib, sum = 0;
	int ours = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/smaps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2) /* a mapping begins */
			ours = strstr(line, "/memfd:dsm-p") != NULL;
		else if (sscanf(line, "Rss: %lu kB", &kib) == 1 && !ours)
			sum += kib;
	}
	if (f)
		fclose(f);
	return sum;
}

static struct node *node_of(long pid)
{
	for (unsigned i = 0; i < n_nodes; i++)
		if (nodes[i].pid == pid)
			return &nodes[i];
	if (n_nodes == NODES)
		return NULL;
	nodes[n_nodes].pid = pid;
	return &nodes[n_nodes++];
}

static void look_at(long pid)
{
	long frames = frames_of(pid);
	unsigned long other;
	struct node *n;

	if (frames < 0)
		return;
	other = other_of(pid);
	n = node_of(pid);
	if (!n)
		return;
	n->looks++;
	if ((unsigned long)frames > n->frames)
		n->frames = (unsigned long)frames;
	if (other > n->other)
		n->other = other;
}

/* All processes that have parent for theirs. */
static void look(long parent)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	while (dir && (entry = readdir(dir))) {
		char path[300], line[512], *at;
		long pid = strtol(entry->d_name, NULL, 10), its_parent = 0;
		FILE *f;
		if (pid <= 0)
			continue;
		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(line, sizeof line, f) && (at = strrchr(line, ')')))
			sscanf(at + 1, " %*c %ld", &its_parent);
		fclose(f);
		if (its_parent == parent) {
			look_at(pid);
			look(pid);
		}
	}
	if (dir)
		closedir(dir);
}

/* Passes the command's output on; 0 at its end. */
static int pass_on(int fd)
{
	char text[4096];
	ssize_t n = read(fd, text, sizeof text - 1);

	if (n <= 0)
		return 0;
	text[n] = 0;
	fputs(text, stdout);
	fflush(stdout);
	if (strstr(text, "node     faults"))
		working = 0;
	return 1;
}

static int judge(unsigned long frames, unsigned long other)
{
	int wrong = n_nodes < 2;

	for (unsigned i = 0; i < n_nodes; i++) {
		const struct node *n = &nodes[i];
		int over = n->frames > frames || n->other > other || n->looks < 10;
		wrong |= over;
		printf("resident: process %ld: at most %lu KiB of frames (limit %lu), %lu KiB other "
		       "(limit %lu), seen %u times%s\n", n->pid, n->frames, frames, n->other, other,
		       n->looks, over ? ": WRONG" : "");
	}
	if (n_nodes < 2)
		printf("resident: there were no nodes to look at\n");
	return wrong;
}

int main(int argc, char **argv)
{
	unsigned long frames, other;
	int out[2], status;
	pid_t child;

	if (argc < 4)
		return 2;
	frames = strtoul(argv[1], NULL, 10);
	other = strtoul(argv[2], NULL, 10);
	if (pipe(out))
		return 99;
	child = fork();
	if (child == 0) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		close(out[0]);
		close(out[1]);
		execv(argv[3], argv + 3);
		fprintf(stderr, "resident: %s: %s\n", argv[3], strerror(errno));
		_exit(99);
	}
	close(out[1]);
	for (int open = 1; open;) {
		struct pollfd p = { .fd = out[0], .events = POLLIN };
		if (poll(&p, 1, INTERVAL_MS) > 0)
			open = pass_on(out[0]);
		if (open && working)
			look(child);
	}
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return 99;
	return judge(frames, other) ? 1 : WEXITSTATUS(status);
}
