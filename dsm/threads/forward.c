/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A system call that node 0 makes for a thread elsewhere. What it reads or writes must be in shared
 * memory: where it is not, as text in the program's constants or what libc has of its own, by a copy,
 * where its size is known; else the call is refused. The heap is only for what is large: the thread may
 * be in a signal handler.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "dsm/threads/calls.h"

#define COPY_MAX ((size_t)1 << 20)
#define ROOM ((size_t)8 << 10)

/* Copies of one call's memory. */
struct copies {
	char *large;       /* of the heap, or NULL */
	char *to, *out;    /* what is to be copied back after it, and from where; or NULL */
	size_t used, bytes;
	char room[ROOM]; /* on the program's stack, so shared */
};

static char *copies_take(struct copies *c, size_t bytes)
{
	char *at = c->room + c->used;

	if (bytes <= ROOM - c->used) {
		c->used += bytes;
		return at;
	}
	if (c->large)
		return NULL;
	return c->large = heap_take(bytes, 0, false);
}

/* --- one argument after the other: 0, or a negative error --- */

static long text(struct copies *c, long *arg)
{
	const char *from = (const char *)*arg;
	size_t bytes;
	char *at;

	if (!from || is_shared(from))
		return 0;
	bytes = strlen(from) + 1;
	at = copies_take(c, bytes);
	if (!at)
		return -ENAMETOOLONG;
	memcpy(at, from, bytes);
	*arg = (long)at;
	return 0;
}

/* Less of it than was asked for, where it is much: calls may always do less. */
static long memory(struct copies *c, long *arg, long *size, bool out)
{
	char *from = (char *)*arg, *at;

	if (!from || *size <= 0 || is_shared(from))
		return 0;
	if ((size_t)*size > COPY_MAX)
		*size = COPY_MAX;
	at = copies_take(c, (size_t)*size);
	if (!at)
		return -ENOMEM;
	if (out) {
		c->to = from;
		c->out = at;
		c->bytes = (size_t)*size;
	} else {
		memcpy(at, from, (size_t)*size);
	}
	*arg = (long)at;
	return 0;
}

static bool is_reachable(const void *at)
{
	return !at || is_shared(at);
}

static bool are_reachable(const struct iovec *iov, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (iov[i].iov_len && !is_shared(iov[i].iov_base))
			return false;
	return is_reachable(iov);
}

static bool is_reachable_message(const struct msghdr *m)
{
	return is_reachable(m) && is_reachable(m->msg_name) && is_reachable(m->msg_control) &&
	       are_reachable(m->msg_iov, m->msg_iovlen);
}

static long refuse(const struct way *way, const char *why)
{
	char line[160];

	snprintf(line, sizeof line, "%s by a thread elsewhere is refused: %s", way->name, why);
	threads_say(line);
	return -EOPNOTSUPP;
}

static long argument(struct copies *c, const struct way *way, unsigned i, long *arg)
{
	static const char *const why = "what it is about is not in shared memory";

	switch (way->arguments[i]) {
	case 's': return text(c, &arg[i]);
	case 'i': return memory(c, &arg[i], &arg[i + 1], false);
	case 'o': return memory(c, &arg[i], &arg[i + 1], true);
	case 'p': return is_reachable((void *)arg[i]) ? 0 : refuse(way, why);
	case 'a': /* a number, or memory */
		return (unsigned long)arg[i] < PAGE || (long)(int)arg[i] == arg[i] ||
		                       is_shared((void *)arg[i])
		               ? 0
		               : refuse(way, why);
	case 'm':
		return is_reachable_message((struct msghdr *)arg[i]) ? 0 : refuse(way, why);
	case 'n': arg[i] = 0; return 0;
	case 'X': return refuse(way, "it is a node's own");
	default: return 0;
	}
}

/* --- readv, writev --- */

/* What is in several pieces that are not all in shared memory is written in one, and read into the first
 * only. */
static long vector(const struct way *way, const long arg[6], bool out)
{
	const struct iovec *iov = (const struct iovec *)arg[1];
	const bool at = way->arguments[2] && way->arguments[3];
	const long n = arg[2];
	size_t bytes = 0;
	long got, one[6] = { arg[0], 0, 0, arg[3] };
	char *copy;

	for (long i = 0; i < n && bytes < COPY_MAX; i++)
		if (out) {
			if (!iov[i].iov_len)
				continue;
			one[1] = (long)iov[i].iov_base;
			one[2] = (long)iov[i].iov_len;
			return forward(way_of(at && arg[3] != -1 ? SYS_pread64 : SYS_read), one);
		} else {
			bytes += iov[i].iov_len;
		}
	if (out)
		return 0;
	if (bytes > COPY_MAX)
		bytes = COPY_MAX;
	copy = bytes ? heap_take(bytes, 0, false) : NULL;
	if (bytes && !copy)
		return -ENOMEM;
	for (size_t i = 0, done = 0; done < bytes; i++) {
		const size_t left = bytes - done;
		const size_t part = iov[i].iov_len < left ? iov[i].iov_len : left;

		memcpy(copy + done, iov[i].iov_base, part);
		done += part;
	}
	one[1] = (long)copy;
	one[2] = (long)bytes;
	got = forward(way_of(at && arg[3] != -1 ? SYS_pwrite64 : SYS_write), one);
	if (copy)
		heap_give(copy);
	return got;
}

/* --- all of it --- */

long forward(const struct way *way, const long arg[6])
{
	const char *kinds = way->arguments, *v = strpbrk(kinds, "IO");
	struct copies c;
	long own[6], result = 0;

	if (v && arg[2] > 0 && arg[2] <= 1024 && !are_reachable((const struct iovec *)arg[1], arg[2]))
		return vector(way, arg, *v == 'O');
	c.large = c.to = NULL;
	c.used = 0;
	memcpy(own, arg, sizeof own);
	for (unsigned i = 0; kinds[i] && result == 0; i++)
		result = argument(&c, way, i, own);
	if (result == 0)
		result = errand_make(0, way->number, own);
	if (c.to && result > 0)
		memcpy(c.to, c.out, (size_t)result < c.bytes ? (size_t)result : c.bytes);
	if (c.large)
		heap_give(c.large);
	return result;
}
