/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl metrics --listen: the text of now for each GET of /metrics. */
#include "config.h"

#include "tools/ctl/ctl.h"
#include "tools/ctl/metrics.h"

#ifdef HAVE_MICROHTTPD

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define CONNECTIONS_MAX 32
#define CONNECTION_S 10u

struct source {
	const char *job;
	metrics_make_fn make;
};

/* ---------------------------------------------------------------------- answers -- */

static enum MHD_Result reply(struct MHD_Connection *c, unsigned status, const char *type,
                             char *text, size_t bytes, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(bytes, text, mode);
	enum MHD_Result rc;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *text)
{
	return reply(c, status, "text/plain; charset=utf-8", (char *)text, strlen(text),
	             MHD_RESPMEM_PERSISTENT);
}

/* An MHD_AccessHandlerCallback. What a request carries is not looked at. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **request)
{
	static int seen;
	const struct source *source = ctx;
	size_t bytes;
	char *text;

	if (!*request) { /* the head alone */
		*request = &seen;
		return MHD_YES;
	}
	if (*upload_bytes) {
		*upload_bytes = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (strcmp(url, "/metrics"))
		return refuse(c, MHD_HTTP_NOT_FOUND, "there is only /metrics\n");
	text = source->make(source->job, &bytes);
	if (!text)
		return refuse(c, MHD_HTTP_SERVICE_UNAVAILABLE, "there is no such job\n");
	return reply(c, MHD_HTTP_OK, CONTENT_TYPE, text, bytes, MHD_RESPMEM_MUST_FREE);
}

/* -------------------------------------------------------------------- listening -- */

/* HOST:PORT, or [HOST]:PORT where the host has colons. False: it is neither. */
static bool split(const char *where, char host[256], const char **port)
{
	const char *colon = strrchr(where, ':'), *first = where;
	size_t len;

	if (!colon || !colon[1])
		return false;
	len = (size_t)(colon - where);
	if (len >= 2 && where[0] == '[' && colon[-1] == ']') {
		first++;
		len -= 2;
	} else if (memchr(where, ':', len)) {
		return false;
	}
	if (len == 0 || len > 255)
		return false;
	memcpy(host, first, len);
	host[len] = '\0';
	*port = colon + 1;
	return true;
}

/* The socket, or a negative code with the reason told. */
static int listen_at(const char *where, const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *at;
	int rc = getaddrinfo(host, port, &hints, &list), fd = -1, err = EADDRNOTAVAIL, one = 1;

	if (rc) {
		ctl_error("cannot listen at %s: %s", where, gai_strerror(rc));
		return -1;
	}
	for (at = list; at && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
		                bind(fd, at->ai_addr, at->ai_addrlen) || listen(fd, SOMAXCONN))) {
			err = errno;
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	if (fd < 0)
		ctl_error("cannot listen at %s: %s", where, strerror(err));
	return fd;
}

/* Where it is now, for who has left the port to the system. */
static void tell(int fd)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof at;
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&at, &len) ||
	    getnameinfo((struct sockaddr *)&at, len, host, sizeof host, port, sizeof port,
	                NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	printf(strchr(host, ':') ? "http://[%s]:%s/metrics\n" : "http://%s:%s/metrics\n", host,
	       port);
	fflush(stdout);
}

int metrics_listen(const char *where, const char *job, metrics_make_fn make)
{
	struct source source = { .job = job, .make = make };
	struct MHD_Daemon *daemon;
	const char *port;
	char host[256];
	sigset_t ends;
	int fd, sig;

	if (!split(where, host, &port))
		return ctl_usage(&ctl_metrics, "--listen takes HOST:PORT, not '%s'", where);
	fd = listen_at(where, host, port);
	if (fd < 0)
		return CTL_FAILED;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL); /* its thread inherits that */
	daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL,
	                          on_request, &source, MHD_OPTION_LISTEN_SOCKET, fd,
	                          MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
	                          MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_S, MHD_OPTION_END);
	if (!daemon) {
		close(fd);
		ctl_error("cannot serve at %s", where);
		return CTL_FAILED;
	}
	tell(fd);
	sigwait(&ends, &sig);
	MHD_stop_daemon(daemon);
	return CTL_OK;
}

#else

int metrics_listen(const char *where, const char *job, metrics_make_fn make)
{
	ctl_error("this dsmctl was built without libmicrohttpd: it cannot listen at %s", where);
	return CTL_FAILED;
}

#endif
