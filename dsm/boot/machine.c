/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the kernel where we are. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm/boot/machine.h"

/* Its device and number tell a file, or a namespace, from others. */
static uint64_t machine_file(const char *path, uint64_t *device)
{
	struct stat st;

	if (stat(path, &st))
		return 0;
	if (device)
		*device = st.st_dev;
	return st.st_ino;
}

void machine_get(struct machine *out)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	memset(out, 0, sizeof *out);
	if (fd >= 0) {
		n = read(fd, out->kernel, sizeof out->kernel);
		close(fd);
	}
	if (n < 36 && getrandom(out->kernel, sizeof out->kernel, 0) < 0)
		snprintf(out->kernel, sizeof out->kernel, "process %ld", (long)getpid());
	out->network = machine_file("/proc/self/ns/net", NULL);
	out->processes = machine_file("/proc/self/ns/pid", NULL);
	out->users = machine_file("/proc/self/ns/user", NULL);
	out->shm_file = machine_file("/dev/shm", &out->shm_device);
	out->tmp_file = machine_file("/tmp", &out->tmp_device);
	out->user = geteuid();
}

int machine_same_kernel(const struct machine *a, const struct machine *b)
{
	return memcmp(a->kernel, b->kernel, sizeof a->kernel) == 0;
}

int machine_same(const struct machine *a, const struct machine *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}
