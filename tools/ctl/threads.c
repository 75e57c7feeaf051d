/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl run --threads: finding libdsm-threads.so, and programs that it cannot be loaded into. */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/threads.h"

#define LIBRARY "libdsm-threads.so"
#define INSTALLED PKGLIBDIR "/" LIBRARY

bool threads_is_place(const char *text, int nodes)
{
	if (strcmp(text, "pack") == 0 || strcmp(text, "round-robin") == 0)
		return true;
	for (;;) {
		const size_t digits = strspn(text, "0123456789");

		if (digits == 0 || digits > 3 || (nodes && atoi(text) >= nodes))
			return false;
		text += digits;
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

/* Where nothing is installed, the libraries are beside the directory that dsmctl is in. */
static bool in_build(char preload[THREADS_PRELOAD_MAX])
{
	char self[THREADS_PRELOAD_MAX / 2 - 64];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	if (n <= 0)
		return false;
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return false;
	*slash = '\0';
	snprintf(preload, THREADS_PRELOAD_MAX, "%s/.libs/" LIBRARY, self);
	if (access(preload, R_OK))
		return false;
	snprintf(preload, THREADS_PRELOAD_MAX, "%s/.libs/libdsm.so %s/.libs/" LIBRARY, self, self);
	return true;
}

/* What execvp() would take, or NULL. */
static const char *find(const char *command, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");
	size_t len;

	if (strchr(command, '/'))
		return command;
	for (dirs = dirs ? dirs : "/bin:/usr/bin"; *dirs; dirs += len + (dirs[len] == ':')) {
		len = strcspn(dirs, ":");
		snprintf(path, PATH_MAX, "%.*s/%s", (int)len, dirs, command);
		if (access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}

static bool has_interpreter(int fd, const Elf64_Ehdr *head)
{
	Elf64_Phdr p;

	for (int i = 0; i < head->e_phnum; i++) {
		const off_t at = (off_t)(head->e_phoff + (Elf64_Off)i * head->e_phentsize);

		if (pread(fd, &p, sizeof p, at) == sizeof p && p.p_type == PT_INTERP)
			return true;
	}
	return false;
}

/* What is wrong with the file, or NULL. What is none at all exec says. */
static const char *objection(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *wrong = NULL;
	Elf64_Ehdr head;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_mode & (S_ISUID | S_ISGID))
		wrong = "it runs as another user, and so without libraries that are preloaded";
	else if (pread(fd, &head, sizeof head, 0) == sizeof head &&
	         memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && !has_interpreter(fd, &head))
		wrong = "it is linked statically, and no library can be preloaded";
	close(fd);
	return wrong;
}

int threads_prepare(const char *command, char preload[THREADS_PRELOAD_MAX])
{
	char buffer[PATH_MAX];
	const char *path = find(command, buffer), *wrong = path ? objection(path) : NULL;

	if (wrong) {
		ctl_error("cannot run '%s' with --threads: %s", command, wrong);
		return -1;
	}
	if (in_build(preload))
		return 0;
	strcpy(preload, INSTALLED);
	if (access(INSTALLED, R_OK) == 0)
		return 0;
	ctl_error("--threads needs %s: %s", INSTALLED, strerror(errno));
	return -1;
}

/* All nodes alike: what is mapped, and where. */
void threads_environment(const char *preload, const char *place)
{
	const char *before = getenv("LD_PRELOAD"), *bind_now = getenv("LD_BIND_NOW");
	char text[2 * THREADS_PRELOAD_MAX];

	setenv("DSM_THREADS_PRELOAD", before ? before : "", 1);
	snprintf(text, sizeof text, "%s%s%s", preload, before && *before ? " " : "", before ? before : "");
	setenv("LD_PRELOAD", text, 1);
	setenv("DSM_THREADS_BIND_NOW", bind_now ? bind_now : "", 1);
	setenv("LD_BIND_NOW", "1", 1); /* see dsm/threads/stubs.c */
	if (place)
		setenv("DSM_THREADS_PLACE", place, 1);
	personality(personality(0xffffffff) | ADDR_NO_RANDOMIZE);
}
