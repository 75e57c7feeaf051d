/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls that node 0 makes for threads elsewhere, as calls.h says: descriptors, paths, and what
 * else belongs to a process. Sorted by what they are about. */
#include <stddef.h>
#include <sys/syscall.h>

#include "dsm/threads/calls.h"

#define WAY(name, arguments) { SYS_##name, #name, arguments }

static const struct way ways[] = {
	/* descriptors */
	WAY(read, "fo."), WAY(write, "fi."), WAY(pread64, "fo.."), WAY(pwrite64, "fi.."),
	WAY(readv, "fO."), WAY(writev, "fI."), WAY(preadv, "fO..."), WAY(pwritev, "fI..."),
	WAY(preadv2, "fO...."), WAY(pwritev2, "fI...."), WAY(lseek, "f.."), WAY(close, "f"),
	WAY(close_range, "ff."), WAY(dup, "f"), WAY(dup2, "ff"), WAY(dup3, "ff."), WAY(fcntl, "f.a"),
	WAY(ioctl, "f.a"), WAY(flock, "f."), WAY(fsync, "f"), WAY(fdatasync, "f"), WAY(syncfs, "f"),
	WAY(sync_file_range, "f..."), WAY(ftruncate, "f."), WAY(fallocate, "f..."),
	WAY(fadvise64, "f..."), WAY(readahead, "f.."), WAY(fstat, "fp"), WAY(fstatfs, "fp"),
	WAY(fchmod, "f."), WAY(fchown, "f.."), WAY(fchdir, "f"), WAY(getdents, "fo."),
	WAY(getdents64, "fo."), WAY(fgetxattr, "fso."), WAY(fsetxattr, "fsi.."),
	WAY(flistxattr, "fo."), WAY(fremovexattr, "fs"), WAY(sendfile, "ffp."),
	WAY(splice, "fpfp.."), WAY(tee, "ff.."), WAY(copy_file_range, "fpfp.."), WAY(vmsplice, "X"),

	/* waiting for them */
	WAY(poll, "p.."), WAY(ppoll, "p.pn."), WAY(select, ".pppp"), WAY(pselect6, ".ppppn"),
	WAY(epoll_create, "."), WAY(epoll_create1, "."), WAY(epoll_ctl, "f.fp"),
	WAY(epoll_wait, "fp.."), WAY(epoll_pwait, "fp..n."), WAY(epoll_pwait2, "fp.pn."),
	WAY(eventfd, "."), WAY(eventfd2, ".."), WAY(timerfd_create, ".."),
	WAY(timerfd_settime, "f.pp"), WAY(timerfd_gettime, "fp"), WAY(inotify_init, ""),
	WAY(inotify_init1, "."), WAY(inotify_add_watch, "fs."), WAY(inotify_rm_watch, "f."),
	WAY(signalfd, "X"), WAY(signalfd4, "X"), WAY(io_uring_setup, "X"), WAY(io_setup, "X"),
	WAY(memfd_create, "s."), WAY(pipe, "p"), WAY(pipe2, "p."), WAY(userfaultfd, "X"),
	WAY(pidfd_open, ".."), WAY(perf_event_open, "X"),

	/* sockets */
	WAY(socket, "..."), WAY(socketpair, "...p"), WAY(bind, "fi."), WAY(connect, "fi."),
	WAY(listen, "f."), WAY(accept, "fpp"), WAY(accept4, "fpp."), WAY(shutdown, "f."),
	WAY(getsockname, "fpp"), WAY(getpeername, "fpp"), WAY(sendto, "fi..i."),
	WAY(recvfrom, "fo..pp"), WAY(sendmsg, "fm."), WAY(recvmsg, "fm."), WAY(sendmmsg, "X"),
	WAY(recvmmsg, "X"), WAY(setsockopt, "f..i."), WAY(getsockopt, "f..pp"),

	/* paths */
	WAY(open, "s.."), WAY(creat, "s."), WAY(openat, "fs.."), WAY(openat2, "fsp."),
	WAY(stat, "sp"), WAY(lstat, "sp"), WAY(newfstatat, "fsp."), WAY(statx, "fs..p"),
	WAY(statfs, "sp"), WAY(access, "s."), WAY(faccessat, "fs."), WAY(faccessat2, "fs.."),
	WAY(readlink, "so."), WAY(readlinkat, "fso."), WAY(mkdir, "s."), WAY(mkdirat, "fs."),
	WAY(rmdir, "s"), WAY(unlink, "s"), WAY(unlinkat, "fs."), WAY(rename, "ss"),
	WAY(renameat, "fsfs"), WAY(renameat2, "fsfs."), WAY(link, "ss"), WAY(linkat, "fsfs."),
	WAY(symlink, "ss"), WAY(symlinkat, "sfs"), WAY(chmod, "s."), WAY(fchmodat, "fs."),
	WAY(chown, "s.."), WAY(lchown, "s.."), WAY(fchownat, "fs..."), WAY(truncate, "s."),
	WAY(utime, "sp"), WAY(utimes, "sp"), WAY(utimensat, "fsp."), WAY(futimesat, "fsp"),
	WAY(mknod, "s.."), WAY(mknodat, "fs.."), WAY(getxattr, "sso."), WAY(lgetxattr, "sso."),
	WAY(setxattr, "ssi.."), WAY(lsetxattr, "ssi.."), WAY(listxattr, "so."),
	WAY(llistxattr, "so."), WAY(chdir, "s"), WAY(getcwd, "o."), WAY(umask, "."),

	/* the process */
	WAY(getppid, ""), WAY(kill, ".."), WAY(wait4, ".p.p"), WAY(waitid, "..p.p"),
	WAY(setitimer, ".pp"), WAY(getitimer, ".p"), WAY(alarm, "."), WAY(timer_create, "X"),
};

const struct way *way_of(long number)
{
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (ways[i].number == number)
			return &ways[i];
	return NULL;
}
