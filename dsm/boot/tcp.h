/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bootstrap over TCP: rank 0 is the hub, to which every other node, a member, keeps one
 * connection as long as the job lives. What a way of starting has to tell each node is its
 * rank, where the hub is, and the job's secret.
 *
 *	member               hub
 *	CHALLENGE <--------> CHALLENGE   at once, of both (link.h)
 *	HELLO  ------------>             who I am, which version
 *	       <------------ WELCOME     or END
 *	GIVE, BLOB, ASK, MISSING, BYE, END as on one machine (bootmsg.h), but that MISSING
 *	has the ranks as text, and that the hub says BYE too when it leaves in good order.
 */
#ifndef TCP_H
#define TCP_H

#include <netdb.h>
#include <netinet/in.h>

#include "dsm/boot/link.h"

#define TCP_NODES_MAX 1024
#define TCP_HOSTS 8

/* The data of HELLO. */
struct tcp_hello {
	struct boot_hello hello;
	int32_t pid;
};

/* Where the hub is: hosts are tried one after the other. */
struct tcp_place {
	char host[TCP_HOSTS][NI_MAXHOST];
	int hosts;
	char port[6];
};

struct tcp_start {
	int rank, size;
	int timeout_ms; /* for all nodes to come */
	uint8_t secret[LINK_SECRET];
	struct tcp_place place;
	int listener; /* rank 0: taken over; -1 with size 1 */
};

/* Blocks until all nodes are there. Codes as of boot_open(). */
int boot_tcp_open(const struct tcp_start *start, struct boot **out, char *why, size_t why_len);

/* A socket that listens at host (NULL: at every address) and port ("0": any). Returns the
 * descriptor, and the port in *port, or a negative code. */
int tcp_listen(const char *host, const char *port, int *port_out);
int tcp_is_loopback(const char *address);

/* --- the hub's end (hub.c). All but hub_fd: one thread at a time --- */

struct hub;

int hub_open(const struct tcp_start *start, struct hub **out);
/* Waits for all members: 0, or the code and the sentence that all of them get. */
int hub_join(struct hub *hub, int timeout_ms, char *why, size_t why_len);
int hub_round(struct hub *hub, uint32_t round, const void *mine, size_t len, void *all,
              size_t stride, uint32_t *lens, int timeout_ms, char *why, size_t why_len);
/* Takes what is there: 0, or why the job has ended. Does not block. */
int hub_look(struct hub *hub, char *why, size_t why_len);
int hub_fd(const struct hub *hub);
/* Our address as the first member sees it that is not on this machine; any member's
 * otherwise, "" without one. */
void hub_address(const struct hub *hub, char *text, size_t len);
/* orderly: says goodbye first. */
void hub_close(struct hub *hub, bool orderly);

/* --- a member's end (member.c) --- */

struct member;

int member_open(const struct tcp_start *start, struct member **out, char *why, size_t why_len);
int member_round(struct member *m, uint32_t round, const void *mine, size_t len, void *all,
                 size_t stride, uint32_t *lens, int timeout_ms, char *why, size_t why_len);
int member_look(struct member *m, char *why, size_t why_len);
int member_fd(const struct member *m);
void member_address(const struct member *m, char *text, size_t len);
void member_close(struct member *m, bool orderly);

#endif
