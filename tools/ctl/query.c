/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the nodes of a job, all at once, over their admin sockets. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dsm/job/job.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/query.h"

#define ANSWER_MAX (1 << 20)
#define QUERY_MS 4000

/* A question under way. */
struct talk {
	int rank, fd;
	pid_t pid;
	char *text;
	size_t got, room;
	const char *error;
	bool is_gone;
	int done;
	int64_t asked_ns, came_ns;
};

int64_t query_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static long now_ms(void)
{
	return (long)(query_now_ns() / 1000000);
}

static void talk_end(struct talk *t, const char *error)
{
	t->error = error;
	t->done = 1;
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

static void talk_gone(struct talk *t, const char *error)
{
	t->is_gone = true;
	talk_end(t, error);
}

static void talk_start(struct talk *t, const char *dir, int rank, const char *request)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof peer;
	char line[QUERY_REQUEST_MAX + 1];
	int n = snprintf(line, sizeof line, "%s\n", request);

	memset(t, 0, sizeof *t);
	t->rank = rank;
	t->asked_ns = query_now_ns();
	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(addr.sun_path, sizeof addr.sun_path, "%.*s/node-%d.sock", BOOT_DIR_MAX, dir, rank);
	if (t->fd < 0)
		talk_end(t, "out of descriptors");
	else if (connect(t->fd, (struct sockaddr *)&addr, sizeof addr) == 0) {
		if (send(t->fd, line, n, MSG_NOSIGNAL) != n)
			talk_gone(t, "is gone");
		else if (getsockopt(t->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
			t->pid = peer.pid; /* of who listens */
	} else if (errno == EAGAIN)
		talk_end(t, "is busy with other questions");
	else
		talk_gone(t, "is gone");
}

static void talk_read(struct talk *t)
{
	ssize_t n;

	if (t->room - t->got < 4096) {
		char *text = t->room < ANSWER_MAX ? realloc(t->text, t->room + 65536) : NULL;

		if (!text) {
			talk_end(t, "answers at too great length");
			return;
		}
		t->text = text;
		t->room += 65536;
	}
	n = recv(t->fd, t->text + t->got, t->room - t->got, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (!t->got)
		t->came_ns = query_now_ns();
	if (n > 0)
		t->got += n;
	else if (t->got)
		talk_end(t, NULL);
	else
		talk_gone(t, "hung up");
}

static void talk_all(struct talk *talks, int count)
{
	struct pollfd fds[QUERY_NODES_MAX];
	struct talk *of[QUERY_NODES_MAX];
	long end = now_ms() + QUERY_MS, left;
	int n;

	for (;;) {
		n = 0;
		for (int i = 0; i < count; i++)
			if (!talks[i].done) {
				of[n] = &talks[i];
				fds[n++] = (struct pollfd){ .fd = talks[i].fd, .events = POLLIN };
			}
		left = end - now_ms();
		if (n == 0 || left <= 0)
			break;
		if (poll(fds, n, (int)left) < 0)
			continue; /* EINTR: revents are not set */
		for (int i = 0; i < n; i++)
			if (fds[i].revents)
				talk_read(of[i]);
	}
	for (int i = 0; i < n; i++)
		talk_end(of[i], "does not answer");
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int query_ranks(const char *dir, int ranks[QUERY_NODES_MAX])
{
	int fd = jobdir_open(dir), n = 0, rank, length;
	struct dirent *e;
	DIR *d;

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (n < QUERY_NODES_MAX && (e = readdir(d))) {
		length = 0;
		if (sscanf(e->d_name, "node-%2d.sock%n", &rank, &length) == 1 && length > 0 &&
		    e->d_name[length] == '\0' && rank >= 0)
			ranks[n++] = rank;
	}
	closedir(d);
	qsort(ranks, n, sizeof *ranks, by_number);
	return n;
}

static void answer_from(struct answer *a, struct talk *t)
{
	a->rank = t->rank;
	a->asked_ns = t->asked_ns;
	a->came_ns = t->came_ns;
	a->pid = t->pid;
	a->error = t->error;
	a->is_gone = t->is_gone;
	if (!a->error) {
		a->json = json_loadb(t->text, t->got, 0, NULL);
		if (!json_is_object(a->json)) {
			json_decref(a->json);
			a->json = NULL;
			a->error = "sent what is no answer";
		} else if (json_object_get(a->json, "error")) {
			a->refusal = a->json;
			a->json = NULL;
			a->error = member_text(a->refusal, "error", "refuses to answer");
		}
	}
	free(t->text);
}

int query_job(const char *dir, const char *request, struct answers *out)
{
	struct talk talks[QUERY_NODES_MAX];
	int ranks[QUERY_NODES_MAX];
	int n = query_ranks(dir, ranks);

	memset(out, 0, sizeof *out);
	if (n == -ENOENT)
		n = 0; /* the job has just ended */
	if (n < 0) {
		ctl_error("%s: %s", dir, strerror(-n));
		return CTL_FAILED;
	}
	out->list = calloc(n + 1, sizeof *out->list);
	if (!out->list) {
		ctl_error("out of memory");
		return CTL_FAILED;
	}
	for (int i = 0; i < n; i++)
		talk_start(&talks[i], dir, ranks[i], request);
	talk_all(talks, n);
	for (int i = 0; i < n; i++)
		answer_from(&out->list[i], &talks[i]);
	out->count = n;
	return 0;
}

bool query_is_over(const struct answers *answers)
{
	for (int i = 0; i < answers->count; i++)
		if (!answers->list[i].is_gone)
			return false;
	return true;
}

void query_free(struct answers *answers)
{
	for (int i = 0; i < answers->count; i++) {
		json_decref(answers->list[i].json);
		json_decref(answers->list[i].refusal);
	}
	free(answers->list);
}
