/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds, kills and reaps processes that have lost their parent. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/ctl/leftovers.h"

int leftovers_kill(pid_t keeper)
{
	char path[64];
	FILE *f;
	int pid, count = 0;

	snprintf(path, sizeof path, "/proc/self/task/%ld/children", syscall(SYS_gettid));
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fscanf(f, "%d", &pid) == 1)
		if (pid != keeper) {
			kill(pid, SIGKILL);
			count++;
		}
	fclose(f);
	return count;
}

void leftovers_reap(pid_t keeper)
{
	const struct timespec pause = { 0, 5000000 };
	siginfo_t info;

	for (int i = 0; i < 200 && leftovers_kill(keeper) > 0; i++) {
		for (;;) {
			info.si_pid = 0;
			if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid == 0 ||
			    info.si_pid == keeper)
				break;
			waitpid(info.si_pid, NULL, 0);
		}
		nanosleep(&pause, NULL);
	}
}
