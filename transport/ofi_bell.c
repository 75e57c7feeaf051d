/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doorbell's shared state and sockets (ofi_bell.h says how they are used).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "transport/ofi_bell.h"

#define BELL_MAGIC 0x6c6c6562u
#define BELL_AWAKES 16      /* the most times that a probe wakes */
#define BELL_DRAIN_MAX 1024 /* rings taken by one awake: more than a socket's queue holds */
/* A way to the kernel and back for a fault takes 4 us, to wake a thread 50 us or more. */
#define BELL_SOON_NS 5000

/* The shared file of one node. */
struct bell_page {
	uint32_t magic, nodes;
	_Atomic uint32_t asleep; /* by the owner the sleep's number, by the ringer 0 */
	_Atomic uint32_t needed; /* how many of need are set, at least */
	_Atomic uint8_t need[];  /* by peer: it sleeps and waits for the owner's progress */
};

struct bell_peer {
	struct bell_page *page;
	int fd;          /* connected to its socket, once there is a page */
	uint32_t due;    /* the number of the sleep that it is to be rung out of, 0: none */
	uint8_t needing; /* we may have set need in its page */
	uint8_t gone;
	uint8_t gone_due; /* ofi_bell_gone() has not said so yet */
};

struct ofi_bell {
	uint16_t self, nodes;
	uint8_t any_needing, any_gone;
	uint8_t sleeping; /* asleep was set since the last awake */
	uint32_t sleeps; /* the number of the last sleep */
	unsigned due;    /* how many peers are to be rung */
	uint64_t due_ns; /* since when the first is */
	unsigned awakes;
	unsigned coming; /* rings that are in the socket, or will be at once */
	size_t page_bytes;
	struct bell_page *page;
	struct bell_peer *peer;
	int fd;
	char dir[OFI_BELL_PATH_MAX]; /* ours to remove, or "" */
	char path[OFI_BELL_PATH_MAX];
};

static int bell_address(const char *path, struct sockaddr_un *out)
{
	int n;

	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	n = snprintf(out->sun_path, sizeof(out->sun_path), "%s.s", path);
	return n < 0 || (size_t)n >= sizeof(out->sun_path) ? -ENAMETOOLONG : 0;
}

/* Chooses path, in dir if its name is short enough. */
static int bell_place(struct ofi_bell *bell, const char *dir)
{
	struct sockaddr_un addr;
	int n;

	if (dir) {
		n = snprintf(bell->path, sizeof(bell->path), "%s/bell.%u", dir, bell->self);
		if (n > 0 && (size_t)n < sizeof(bell->path) && !bell_address(bell->path, &addr))
			return 0;
	}
	snprintf(bell->dir, sizeof(bell->dir), "/tmp/dsm-bell.%ld.XXXXXX", (long)getpid());
	if (!mkdtemp(bell->dir)) {
		bell->dir[0] = '\0';
		return -errno;
	}
	n = snprintf(bell->path, sizeof(bell->path), "%s/bell.%u", bell->dir, bell->self);
	return n < 0 || (size_t)n >= sizeof(bell->path) ? -ENAMETOOLONG : 0;
}

static int bell_make_page(struct ofi_bell *bell)
{
	int fd, rc = 0;

	/* A node that was started again finds its predecessor's. */
	unlink(bell->path);
	fd = open(bell->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = -posix_fallocate(fd, 0, (off_t)bell->page_bytes);
	if (!rc) {
		bell->page = mmap(NULL, bell->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (bell->page == MAP_FAILED) {
			bell->page = NULL;
			rc = -errno;
		}
	}
	close(fd);
	if (rc)
		return rc;
	bell->page->nodes = bell->nodes;
	bell->page->magic = BELL_MAGIC;
	return 0;
}

static int bell_make_socket(struct ofi_bell *bell)
{
	struct sockaddr_un addr;
	int rc = bell_address(bell->path, &addr);

	if (rc)
		return rc;
	bell->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bell->fd < 0)
		return -errno;
	unlink(addr.sun_path);
	return bind(bell->fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
}

int ofi_bell_open(const char *dir, uint16_t self, uint16_t nodes, struct ofi_bell **out)
{
	struct ofi_bell *bell = calloc(1, sizeof(*bell));
	int rc = -ENOMEM;

	if (!bell)
		return rc;
	bell->self = self;
	bell->nodes = nodes;
	bell->fd = -1;
	bell->page_bytes = sizeof(struct bell_page) + nodes;
	bell->peer = calloc(nodes, sizeof(*bell->peer));
	if (bell->peer)
		rc = bell_place(bell, dir);
	if (!rc)
		rc = bell_make_page(bell);
	if (!rc)
		rc = bell_make_socket(bell);
	if (rc) {
		ofi_bell_close(bell);
		return rc;
	}
	*out = bell;
	return 0;
}

void ofi_bell_close(struct ofi_bell *bell)
{
	struct sockaddr_un addr;
	uint16_t i;

	if (!bell)
		return;
	if (bell->page) {
		ofi_bell_awake(bell);
		ofi_bell_ring_now(bell);
	}
	for (i = 0; bell->peer && i < bell->nodes; i++) {
		if (!bell->peer[i].page)
			continue;
		munmap(bell->peer[i].page, bell->page_bytes);
		close(bell->peer[i].fd);
	}
	if (bell->page)
		munmap(bell->page, bell->page_bytes);
	if (bell->fd >= 0) {
		close(bell->fd);
		if (!bell_address(bell->path, &addr))
			unlink(addr.sun_path);
	}
	if (bell->path[0])
		unlink(bell->path);
	if (bell->dir[0])
		rmdir(bell->dir);
	free(bell->peer);
	free(bell);
}

const char *ofi_bell_path(const struct ofi_bell *bell)
{
	return bell->path;
}

int ofi_bell_fd(const struct ofi_bell *bell)
{
	return bell->fd;
}

static int bell_map_page(const struct ofi_bell *bell, const char *path, struct bell_page **out)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC), rc = -EINVAL;
	struct bell_page *page;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_size < (off_t)bell->page_bytes)
		goto out;
	page = mmap(NULL, bell->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		rc = -errno;
		goto out;
	}
	if (page->magic != BELL_MAGIC || page->nodes != bell->nodes) {
		munmap(page, bell->page_bytes);
		goto out;
	}
	*out = page;
	rc = 0;
out:
	close(fd);
	return rc;
}

/* Connected once, for later the path may be gone, or this process another user's. */
static int bell_reach(const char *path)
{
	struct sockaddr_un addr;
	int rc = bell_address(path, &addr), fd;

	if (rc)
		return rc;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int ofi_bell_connect(struct ofi_bell *bell, uint16_t peer, const char *path)
{
	struct bell_peer *p = &bell->peer[peer];
	struct bell_page *page = NULL;
	int rc;

	if (p->page)
		return -EINVAL;
	rc = bell_map_page(bell, path, &page);
	if (rc)
		return rc;
	p->fd = bell_reach(path);
	if (p->fd < 0) {
		munmap(page, bell->page_bytes);
		return p->fd;
	}
	p->page = page;
	return 0;
}

void ofi_bell_need(struct ofi_bell *bell, uint16_t peer)
{
	if (!bell->peer[peer].page)
		return;
	bell->peer[peer].needing = 1;
	bell->any_needing = 1;
}

void ofi_bell_sleep(struct ofi_bell *bell)
{
	uint16_t i;

	bell->sleeping = 1;
	bell->sleeps += 1 + (bell->sleeps == UINT32_MAX); /* not 0 */
	atomic_store_explicit(&bell->page->asleep, bell->sleeps, memory_order_relaxed);
	for (i = 0; bell->any_needing && i < bell->nodes; i++) {
		struct bell_page *page = bell->peer[i].page;

		if (!bell->peer[i].needing)
			continue;
		/* needed first: it must never be less than the number of need. */
		atomic_fetch_add_explicit(&page->needed, 1, memory_order_relaxed);
		/* Release: a peer that takes need (acquire) sees asleep too. Else it would
		 * take need without ringing, and not ring after its next progress. */
		if (atomic_exchange_explicit(&page->need[bell->self], 1, memory_order_release))
			atomic_fetch_sub_explicit(&page->needed, 1, memory_order_relaxed);
	}
	/* asleep and need before the look for completions; pairs with the fences in
	 * ofi_bell_want() and ofi_bell_serve(). */
	atomic_thread_fence(memory_order_seq_cst);
}

/* Clears need[who] in page. Returns whether it was set: whoever cleared it accounts
 * for it, once. */
static int bell_need_take(struct bell_page *page, uint16_t who)
{
	/* Acquire: pairs with the release in ofi_bell_sleep(). */
	if (!atomic_exchange_explicit(&page->need[who], 0, memory_order_acquire))
		return 0;
	atomic_fetch_sub_explicit(&page->needed, 1, memory_order_relaxed);
	return 1;
}

void ofi_bell_awake(struct ofi_bell *bell)
{
	char byte;
	uint16_t i;
	int n;

	/* Who takes asleep rings after that, perhaps a little later. Nothing is ordered after
	 * it: a ring that comes late is a wake-up too many. */
	if (bell->sleeping)
		bell->coming += !atomic_exchange_explicit(&bell->page->asleep, 0,
		                                          memory_order_relaxed);
	bell->sleeping = 0;
	for (i = 0; bell->any_needing && i < bell->nodes; i++) {
		if (!bell->peer[i].needing)
			continue;
		bell->peer[i].needing = 0;
		bell_need_take(bell->peer[i].page, bell->self);
	}
	bell->any_needing = 0;
	/* Only probes come unannounced: they are looked for now and then, which is soon where they
	 * keep waking. So is a ring that never came, since the ringer died. */
	if (++bell->awakes % BELL_AWAKES == 0)
		bell->coming = 1;
	if (!bell->coming)
		return;
	for (n = 0; n < BELL_DRAIN_MAX && recv(bell->fd, &byte, 1, MSG_DONTWAIT) >= 0; n++)
		bell->coming -= bell->coming > 0;
	if (bell->awakes % BELL_AWAKES == 0)
		bell->coming = 0;
}

int ofi_bell_probe(struct ofi_bell *bell, uint16_t peer)
{
	struct bell_peer *p = &bell->peer[peer];

	if (p->gone || !p->page)
		return -ENOTCONN;
	if (send(p->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	/* A full queue wakes as well. Without a listener nobody is there any more. */
	if (errno != ECONNREFUSED && errno != ENOTCONN)
		return 0;
	p->gone = p->gone_due = 1;
	bell->any_gone = 1;
	return -ENOTCONN;
}

static uint64_t bell_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The fence was made: a later sleep than the one that is seen here begins with a look that
 * finds what was posted. */
static void bell_note(struct ofi_bell *bell, uint16_t peer)
{
	struct bell_peer *p = &bell->peer[peer];
	uint32_t asleep;

	if (!p->page)
		return;
	asleep = atomic_load_explicit(&p->page->asleep, memory_order_relaxed);
	if (!asleep)
		return;
	if (!p->due && bell->due++ == 0)
		bell->due_ns = bell_now_ns();
	p->due = asleep;
}

void ofi_bell_want(struct ofi_bell *bell, uint16_t peer)
{
	/* What was posted to the provider before the load of asleep; pairs with
	 * ofi_bell_sleep(). */
	atomic_thread_fence(memory_order_seq_cst);
	bell_note(bell, peer);
}

void ofi_bell_serve(struct ofi_bell *bell)
{
	uint16_t i;

	/* The progress just made before the load of needed; pairs with ofi_bell_sleep(). */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&bell->page->needed, memory_order_relaxed))
		return;
	for (i = 0; i < bell->nodes; i++) {
		if (!atomic_load_explicit(&bell->page->need[i], memory_order_relaxed))
			continue;
		if (bell_need_take(bell->page, i))
			bell_note(bell, i);
	}
}

unsigned ofi_bell_ring_now(struct ofi_bell *bell)
{
	unsigned rung = 0;
	uint16_t i;

	for (i = 0; bell->due && i < bell->nodes; i++) {
		struct bell_peer *p = &bell->peer[i];
		uint32_t asleep = p->due;

		if (!asleep)
			continue;
		p->due = 0;
		bell->due--;
		/* One ringer of many wins; the datagram carries no data to be ordered. */
		if (atomic_compare_exchange_strong_explicit(&p->page->asleep, &asleep, 0,
		                                            memory_order_relaxed,
		                                            memory_order_relaxed))
			rung += ofi_bell_probe(bell, i) == 0;
	}
	return rung;
}

unsigned ofi_bell_ring_soon(struct ofi_bell *bell)
{
	if (!bell->due || bell_now_ns() - bell->due_ns < BELL_SOON_NS)
		return 0;
	return ofi_bell_ring_now(bell);
}

int ofi_bell_gone(struct ofi_bell *bell)
{
	uint16_t i;

	for (i = 0; bell->any_gone && i < bell->nodes; i++) {
		if (!bell->peer[i].gone_due)
			continue;
		bell->peer[i].gone_due = 0;
		return i;
	}
	bell->any_gone = 0;
	return -1;
}
