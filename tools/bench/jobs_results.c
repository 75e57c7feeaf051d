/* SPDX-License-Identifier: BSD-2-Clause */
/* What rank 0 of a job tells through a pipe: a result in each line. */
#include "tools/bench/jobs_impl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void take_line(struct job *j, const char *text, size_t len)
{
	json_t *line = json_loadb(text, len, 0, NULL);

	if (!line)
		return;
	report_take(j->report, line);
	json_decref(line);
}

void job_take_results(struct job *j)
{
	ssize_t n = read(j->results, j->line + j->line_len, sizeof j->line - j->line_len);
	char *start = j->line, *end;

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		close(j->results);
		j->results = -1; /* rank 0 has said all */
		return;
	}
	j->line_len += (size_t)n;
	while ((end = memchr(start, '\n', j->line_len))) {
		take_line(j, start, (size_t)(end - start));
		j->line_len -= (size_t)(end + 1 - start);
		start = end + 1;
	}
	memmove(j->line, start, j->line_len);
	if (j->line_len == sizeof j->line)
		j->line_len = 0; /* not one of ours */
}
