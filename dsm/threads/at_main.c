/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions of libc that node 0 calls for threads elsewhere, as part of the program: libc keeps lists of
 * FILEs, of what exit calls, and other programs are children of a process.
 */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/threads/threads.h"

struct main_call {
	void *fn;
	long arg[6], result;
	int error;
	sigset_t mask; /* the caller's, which other programs get */
};

static long make(void *arg)
{
	struct main_call *c = arg;
	long (*fn)(long, long, long, long, long, long) = (__typeof__(fn))c->fn;

	errno = 0;
	c->result = fn(c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
	c->error = errno;
	return 0;
}

static long make_with_mask(void *arg)
{
	struct main_call *c = arg;
	sigset_t was;

	pthread_sigmask(SIG_SETMASK, &c->mask, &was);
	make(c);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return 0;
}

#define AT_MAIN(libcs, ...) at_main((struct main_call){ .fn = (void *)(libcs), .arg = { __VA_ARGS__ } })

static long at_main(struct main_call c)
{
	pthread_sigmask(SIG_SETMASK, NULL, &c.mask);
	errand_on_stack(0, make_with_mask, &c);
	if (c.error)
		errno = c.error;
	return c.result;
}

static bool is_elsewhere(void)
{
	return here.rank && is_program();
}

/* In memory that node 0 has, too. */
static long text(const char *from, char room[PATH_MAX])
{
	if (!from || is_shared(from) || strlen(from) >= PATH_MAX)
		return (long)from;
	return (long)strcpy(room, from);
}

/* --- FILEs --- */

EXPORT FILE *fopen(const char *path, const char *mode)
{
	char room[2][PATH_MAX];

	if (!is_elsewhere())
		return NEXT(fopen)(path, mode);
	return (FILE *)AT_MAIN(NEXT(fopen), text(path, room[0]), text(mode, room[1]));
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
	return fopen(path, mode);
}

EXPORT FILE *freopen(const char *path, const char *mode, FILE *file)
{
	char room[2][PATH_MAX];

	if (!is_elsewhere())
		return NEXT(freopen)(path, mode, file);
	return (FILE *)AT_MAIN(NEXT(freopen), text(path, room[0]), text(mode, room[1]), (long)file);
}

EXPORT FILE *freopen64(const char *path, const char *mode, FILE *file)
{
	return freopen(path, mode, file);
}

EXPORT FILE *fdopen(int fd, const char *mode)
{
	char room[PATH_MAX];

	return is_elsewhere() ? (FILE *)AT_MAIN(NEXT(fdopen), fd, text(mode, room)) : NEXT(fdopen)(fd, mode);
}

EXPORT FILE *tmpfile(void)
{
	return is_elsewhere() ? (FILE *)AT_MAIN(NEXT(tmpfile), 0) : NEXT(tmpfile)();
}

EXPORT FILE *tmpfile64(void)
{
	return tmpfile();
}

EXPORT FILE *fmemopen(void *at, size_t bytes, const char *mode)
{
	char room[PATH_MAX];

	return is_elsewhere() ? (FILE *)AT_MAIN(NEXT(fmemopen), (long)at, (long)bytes, text(mode, room))
	                      : NEXT(fmemopen)(at, bytes, mode);
}

EXPORT FILE *open_memstream(char **at, size_t *bytes)
{
	return is_elsewhere() ? (FILE *)AT_MAIN(NEXT(open_memstream), (long)at, (long)bytes)
	                      : NEXT(open_memstream)(at, bytes);
}

EXPORT int fclose(FILE *file)
{
	return is_elsewhere() ? (int)AT_MAIN(NEXT(fclose), (long)file) : NEXT(fclose)(file);
}

EXPORT int fflush(FILE *file)
{
	if (!file && is_elsewhere())
		AT_MAIN(NEXT(fflush), 0);
	return NEXT(fflush)(file);
}

/* --- other programs --- */

EXPORT FILE *popen(const char *command, const char *mode)
{
	char room[2][PATH_MAX];

	if (!is_elsewhere())
		return NEXT(popen)(command, mode);
	return (FILE *)AT_MAIN(NEXT(popen), text(command, room[0]), text(mode, room[1]));
}

EXPORT int pclose(FILE *file)
{
	return is_elsewhere() ? (int)AT_MAIN(NEXT(pclose), (long)file) : NEXT(pclose)(file);
}

EXPORT int system(const char *command)
{
	char room[PATH_MAX];

	return is_elsewhere() ? (int)AT_MAIN(NEXT(system), text(command, room)) : NEXT(system)(command);
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	pid_t child = 0;
	int rc;

	if (!is_elsewhere())
		return NEXT(posix_spawn)(pid, path, actions, attr, argv, envp);
	rc = (int)AT_MAIN(NEXT(posix_spawn), (long)&child, (long)path, (long)actions, (long)attr,
	                  (long)argv, (long)envp);
	if (!rc && pid)
		*pid = child;
	return rc;
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	pid_t child = 0;
	int rc;

	if (!is_elsewhere())
		return NEXT(posix_spawnp)(pid, file, actions, attr, argv, envp);
	rc = (int)AT_MAIN(NEXT(posix_spawnp), (long)&child, (long)file, (long)actions, (long)attr,
	                  (long)argv, (long)envp);
	if (!rc && pid)
		*pid = child;
	return rc;
}

/* --- what exit calls --- */

int __cxa_atexit(void (*fn)(void *), void *arg, void *dso);

EXPORT int __cxa_atexit(void (*fn)(void *), void *arg, void *dso)
{
	return is_elsewhere() ? (int)AT_MAIN(NEXT(__cxa_atexit), (long)fn, (long)arg, (long)dso)
	                      : NEXT(__cxa_atexit)(fn, arg, dso);
}

EXPORT int on_exit(void (*fn)(int status, void *arg), void *arg)
{
	return is_elsewhere() ? (int)AT_MAIN(NEXT(on_exit), (long)fn, (long)arg) : NEXT(on_exit)(fn, arg);
}
