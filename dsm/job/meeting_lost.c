/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that survives: its starter's word on who is dead. Only what the kernel says of a process
 * counts, by a descriptor that means this process and no later one of its number.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/job/meeting.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

/* Without SO_PEERPIDFD by its number, which it has still: it has just spoken. */
static int process_open(const struct conn *c)
{
	int fd;
	socklen_t len = sizeof fd;

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &len) == 0)
		return fd;
	return (int)syscall(SYS_pidfd_open, c->pid, 0);
}

void meeting_process_watch(struct rendezvous *r, struct conn *c)
{
	struct epoll_event e = { .events = EPOLLIN,
		                 .data.u32 = MEETING_KEY_PROCESS + (uint32_t)c->rank };
	int fd = process_open(c);

	if (fd > 0 && epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e) == 0) {
		r->seats[c->rank].process = fd;
		return;
	}
	meeting_end(r, c->rank, -ECONNRESET, "rank %d (process %d) cannot be watched, without which "
	            "the job cannot survive its loss", c->rank, (int)c->pid);
	if (fd > 0)
		close(fd);
}

void meeting_process_forget(struct rendezvous *r, int rank)
{
	if (r->seats[rank].process)
		close(r->seats[rank].process); /* and so out of the epoll set */
	r->seats[rank].process = 0;
}

void meeting_process_stop(struct rendezvous *r, int rank)
{
	if (r->seats[rank].process)
		syscall(SYS_pidfd_send_signal, r->seats[rank].process, SIGKILL, NULL, 0);
}

void meeting_process_ended(struct rendezvous *r, int rank)
{
	struct seat *s = &r->seats[rank];

	if (!s->process)
		return;
	meeting_process_forget(r, rank);
	if (s->left)
		return;
	r->lost |= UINT64_C(1) << rank;
	for (int i = 0; i < CONNS_MAX; i++)
		if (r->conns[i].state == CONN_SEATED)
			meeting_conn_flush(r, &r->conns[i]);
}
